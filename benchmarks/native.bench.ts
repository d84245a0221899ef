// The native part against the same locks without it, and against those of C and Rust in the same program in Rust: mutexes,
// read-write locks, waking all, handing over, and how soon survivors learn that the holder of a lock was killed.
//
// Its repetitions are short, so that all of it takes little more than a minute.

import { Worker } from "node:worker_threads";
import { nativePart } from "../src/cells/native.ts";
import { Event, Mutex, Region } from "../src/index.ts";
import { type Case, contest } from "./contest.ts";
import { nativeCalls } from "./native-calls.ts";
import { type DeathData, DIED, HELD, TOLD, WAITING } from "./native-death.ts";
import { duration } from "./report.ts";
import { type Effort, median, quantile, type Run, type Suite, spreadOf } from "./result.ts";
import { entry, rust } from "./rivals/entries.ts";

const JS = "holdfast";
const NATIVE = "holdfast-native";
const MOST_ROUNDS = 5;
const MOST_MS = 120;
const DEATHS = 15;

interface Plan {
  readonly name: string;
  readonly workers: number;
  readonly cases: readonly Case[];
  /** Those of C and Rust that have such a thing. */
  readonly rivals: readonly string[];
}

/** How many times as fast as each of the others the native form is. */
function ratios(suite: string, runs: readonly Run[]): string {
  const lines = runs.flatMap((run) => {
    if (run.subject !== NATIVE || run.failed !== undefined) return [];
    const others = runs.filter((other) => other.case === run.case && other !== run && other.failed === undefined);
    const parts = others.map(({ subject, nsPerOp }) => `${(nsPerOp / run.nsPerOp).toFixed(2)} × ${subject}`);
    return [`  ${run.case}: ${parts.join(", ")}\n`];
  });
  return `${suite}: ${NATIVE} is so many times as fast as\n${lines.join("")}`;
}

function shortened(effort: Effort): Effort {
  const [rounds, milliseconds] = [Math.min(effort.rounds, MOST_ROUNDS), Math.min(effort.milliseconds, MOST_MS)];
  return { ...effort, rounds, milliseconds };
}

function suiteOf({ name, workers, cases, rivals }: Plan): Suite {
  const run = async (effort: Effort): Promise<Run[]> => {
    if (nativePart() === undefined) return absent(name);
    const others = effort.quick ? [] : rust().filter(({ subject }) => rivals.includes(subject));
    const entries = [...[JS, NATIVE].map(entry), ...others];
    const runs = await contest(name, effort.quick ? cases.slice(0, 1) : cases, entries, workers, shortened(effort));
    process.stdout.write(ratios(name, runs));
    return runs;
  };
  return { name, yardstick: JS, run };
}

function absent(name: string): Run[] {
  process.stdout.write(`${name}: the native part is not built (npm run build:native)\n`);
  return [];
}

const SECTIONS = [0, 50, 200, 2000].map((steps): Case => {
  return { name: `mutex ${steps} steps`, task: "mutex", params: { steps, think: steps } };
});
const MIXES = [99, 90, 50].map((percent): Case => {
  return { name: `${percent}:${100 - percent}, 50 steps`, task: "rw", params: { percent, steps: 50, roles: 0 } };
});
const ALL_LOCKS = ["pthread", "std", "parking_lot"];
const ALL_MONITORS = ["std", "parking_lot"];

/** How the main thread and the holder fare when the holder is killed. */
const SCENES = [
  { name: "the holder computes, the main thread runs", blocked: false, asleep: false },
  { name: "the holder computes, the main thread is blocked", blocked: true, asleep: false },
  { name: "the holder sleeps, the main thread is blocked", blocked: true, asleep: true },
] as const;
type Scene = (typeof SCENES)[number];

/** Nanoseconds from terminate() until a thread that sleeps for the lock has it; NaN: it was not told of the death. */
async function killHolder(parking: "native" | "atomics", { blocked, asleep }: Scene): Promise<number> {
  const region = Region.create({ byteLength: 1 << 17, maxByteLength: 1 << 20, maxThreads: 16, parking });
  const control = new Int32Array(new SharedArrayBuffer(64));
  const time = new Float64Array(new SharedArrayBuffer(8));
  const mutex = new Mutex({ region });
  const event = new Event({ region });
  const data: DeathData = { handle: mutex.share(), event: event.share(), asleep, control, time };
  const start = (): Worker => new Worker(new URL("./native-death.worker.js", import.meta.url), { workerData: data });
  const until = async (cell: number): Promise<void> => {
    while (Atomics.load(control, cell) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const holder = start();
  await until(HELD);
  const survivor = start();
  await until(WAITING);
  while (mutex.waiters === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  // Asleep for a while.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const ended = new Promise((resolve) => holder.once("exit", resolve));
  const begun = performance.timeOrigin + performance.now();
  void holder.terminate();
  if (blocked) Atomics.wait(control, TOLD, 0, 10_000);
  else await until(TOLD);
  await ended;
  await survivor.terminate();
  return control[DIED] === 1 ? 1e6 * (time[0] - begun) : Number.NaN;
}

function deathRun(suite: string, name: string, subject: string, times: readonly number[]): Run {
  const nsPerOp = median(times);
  const failed = times.some(Number.isNaN) ? { failed: "a survivor was not told" } : {};
  const [p99, max] = [quantile(times, 0.99), Math.max(...times)];
  const run = { suite, case: name, subject, workers: 2, nsPerOp, opsPerSecond: 1e9 / nsPerOp };
  return { ...run, p50: nsPerOp, p99, max, spread: spreadOf(times), ...failed };
}

async function deaths(effort: Effort): Promise<Run[]> {
  const suite = "native death of a holder";
  if (nativePart() === undefined) return absent(suite);
  const runs: Run[] = [];
  for (const scene of SCENES) {
    const { name } = scene;
    for (const [subject, parking] of [
      [JS, "atomics"],
      [NATIVE, "native"],
    ] as const) {
      const times: number[] = [];
      for (let k = 0; k < (effort.quick ? 1 : DEATHS); k++) times.push(await killHolder(parking, scene));
      const run = deathRun(suite, name, subject, times);
      runs.push(run);
      const spread = `${duration(Math.min(...times))} to ${duration(Math.max(...times))}`;
      process.stdout.write(`${suite}, ${name}, ${subject}: told in ${duration(run.p50)} (${spread})\n`);
    }
  }
  return runs;
}

export const suites: Suite[] = [
  // How long the work itself takes, in JavaScript and in Rust: what two workers can gain is told by it.
  suiteOf({ name: "native mutex, 1 worker", workers: 1, cases: SECTIONS, rivals: ["parking_lot"] }),
  suiteOf({ name: "native mutex, 2 workers", workers: 2, cases: SECTIONS, rivals: ALL_LOCKS }),
  suiteOf({ name: "native mutex, 16 workers", workers: 16, cases: SECTIONS, rivals: ALL_LOCKS }),
  suiteOf({ name: "native rw lock, 2 workers", workers: 2, cases: MIXES, rivals: ALL_LOCKS }),
  suiteOf({
    name: "native notifyAll of 15",
    workers: 16,
    cases: [{ name: "wake all, and wait for them", task: "wake all", params: {}, warm: 4000 }],
    rivals: ALL_MONITORS,
  }),
  suiteOf({
    name: "native handoff",
    workers: 2,
    cases: [{ name: "semaphore, there and back", task: "handoff", params: {} }],
    rivals: ALL_MONITORS,
  }),
  { name: "native death of a holder", yardstick: JS, run: deaths },
  { name: "native call, or WebAssembly", yardstick: "native call", run: (effort) => nativeCalls(shortened(effort)) },
];
