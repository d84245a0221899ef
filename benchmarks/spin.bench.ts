// How long to spin before sleeping: the mutex, which learns it, against plain locks with a fixed count, over sections of
// different lengths and numbers of workers. Then how evenly 16 workers are served.
//
// All subjects of a row run in the same workers, in turn within each round; every operation counts in a plain counter under
// the lock, so a lock that lets two in is found out.

import { nativePart } from "../src/cells/native.ts";
import { Mutex, Region } from "../src/index.ts";
import { type Effort, median, type Run, type Suite, spreadOf } from "./result.ts";
import { compileSpinningLock } from "./rivals/spinning-lock.ts";
import { LOOKS, type OwnSubject, Row } from "./spin-row.ts";

const PEER = "multithreading";
const ROWS = [
  [2, 0],
  [2, 20],
  [2, 200],
  [2, 2000],
  [4, 0],
  [4, 200],
  [16, 0],
  [16, 200],
  [16, 2000],
] as const;
/** A smoke test is one row. */
const QUICK = [[2, 0]] as const;
const NATIVE = nativePart() !== undefined;

/** What a subject came to in the rounds. */
interface Served {
  readonly subject: string;
  /** Nanoseconds an operation, over all workers; one a round. */
  readonly times: number[];
  /** The least-served worker's operations in parts of the mean; one a round. */
  readonly least: number[];
}

/** The mutex that learns, and the same with fixed numbers of looks. */
function ownSubjects(fair: boolean): OwnSubject[] {
  const make = (name: string, parking: "atomics" | "native", looks?: number): OwnSubject => {
    const region = Region.create({ byteLength: 1 << 17, maxByteLength: 1 << 20, parking });
    return { name, handle: new Mutex({ region, fair }).share(), ...(looks === undefined ? {} : { looks }) };
  };
  const learning = [make("holdfast", "atomics"), ...(NATIVE ? [make("holdfast-native", "native")] : [])];
  if (fair) return learning;
  return [...learning, ...LOOKS.map((looks) => make(`holdfast, spin ${looks}`, "atomics", looks))];
}

async function measureRow(workers: number, steps: number, effort: Effort, only?: boolean): Promise<Served[]> {
  const own = ownSubjects(only === true).filter(({ looks }) => only === undefined || looks === undefined);
  const module = await compileSpinningLock();
  const rivals = only === undefined ? [...LOOKS.map((looks) => `wasm, spin ${looks}`), "js, no spin", PEER] : [];
  const rows = own.map((subject) => new Row(workers, steps, module, subject));
  const crowd = rivals.length === 0 ? undefined : new Row(workers, steps, module, undefined);
  const subjects = [
    ...own.map(({ name }, at) => ({ name, row: rows[at], number: 0 })),
    ...rivals.map((name, number) => ({ name, row: crowd as Row, number })),
  ];
  const served = subjects.map(({ name }): Served => ({ subject: name, times: [], least: [] }));
  const all = crowd === undefined ? rows : [...rows, crowd];
  try {
    for (const row of all) await row.ready();
    // Each worker compiles its own loops, and the compilers want the cores too.
    for (const { row, number } of subjects) await row.run(number, 50 + 10 * workers);
    for (let round = 0; round < effort.rounds; round++) {
      for (let k = 0; k < subjects.length; k++) {
        const at = (k + round) % subjects.length;
        const { time, least } = await subjects[at].row.run(subjects[at].number, effort.milliseconds);
        served[at].times.push(time);
        served[at].least.push(least);
      }
    }
  } finally {
    for (const row of all) await row.end();
  }
  return served;
}

function runOf(suite: string, name: string, workers: number, { subject, times, least }: Served): Run {
  const nsPerOp = median(times);
  const opsPerSecond = 1e9 / nsPerOp;
  const [spread, fairness] = [spreadOf(times), median(least)];
  return { suite, case: name, subject, workers, nsPerOp, opsPerSecond, p50: nsPerOp, p99: nsPerOp, spread, fairness };
}

async function spinning(effort: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const [workers, steps] of effort.quick ? QUICK : ROWS) {
    const served = await measureRow(workers, steps, effort);
    const rate = (one: Served): number => 1e3 / median(one.times);
    const best = (prefix: string): number => {
      return Math.max(...served.filter(({ subject }) => subject.startsWith(prefix)).map(rate));
    };
    const own = served.find(({ subject }) => subject === "holdfast") as Served;
    const part = (others: string): string => `${Math.round((100 * rate(own)) / best(others))} %`;
    process.stdout.write(
      `${workers} × ${steps}, million pairs a second: ${served.map((one) => `${one.subject}: ${rate(one).toFixed(2)}`).join("; ")}\n` +
        `  holdfast reaches ${part("holdfast, spin")} of its best fixed count, ${part("wasm")} of the best plain lock's, ` +
        `${part(PEER)} of ${PEER}\n`,
    );
    runs.push(...served.map((one) => runOf("mutex spinning", `${workers} workers × ${steps} steps`, workers, one)));
  }
  return runs;
}

async function fairness(effort: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const fair of [false, true]) {
    const workers = effort.quick ? 2 : 16;
    const name = `${workers} workers, ${fair ? "fair" : "default"}`;
    const longer = { ...effort, milliseconds: 5 * effort.milliseconds };
    for (const one of await measureRow(workers, 0, longer, fair)) {
      const least = `${Math.round(100 * median(one.least))} %`;
      process.stdout.write(`${name}: ${one.subject} served the least-served worker ${least} of the mean\n`);
      runs.push(runOf("mutex fairness", name, workers, one));
    }
  }
  return runs;
}

export const suites: Suite[] = [
  { name: "mutex spinning", yardstick: "wasm, spin 0", run: spinning },
  { name: "mutex fairness", yardstick: "holdfast", run: fairness },
];
