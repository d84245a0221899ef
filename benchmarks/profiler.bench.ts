// What a recording of the contention profiler costs: the same work with none and with one, in turn, round by round. The
// ratio is the median of the rounds' own ratios (a machine that is slow for a while is so for both), the spread theirs.
// The documents' targets: less than 5 % on the uncontended pair, less than 3 % on the Takeout run.
//
// What the profiler costs when it is off can't be taken away for a comparison: `node dist/benchmarks/instructions.js mutex`
// counts what an uncontended pair executes, with a recording (2 % more, for the holds that are timed) and without.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTakeout } from "../examples/takeout/run.ts";
import { Mutex, Region, RwLock } from "../src/index.ts";
import { profile } from "../src/profile/index.ts";
import { looped, type Subject } from "./one-thread.ts";
import { type Effort, median, type Run, type Suite, spreadOf } from "./result.ts";
import { WORKERS, withTakeout } from "./takeout.bench.ts";

const SUITE = "profiler";
/** Operations of one measurement, some 10 ms of them: about as often as the profiler times a hold that nobody waits for. */
const BATCH = 800_000;
/** Rounds for each that the other suites make: these are short. */
const ROUNDS_A_ROUND = 20;

/** So many that the rounds take a minute. */
const PAGES = 3000;

type Measure = (on: boolean) => Promise<number> | number;

/** Nanoseconds without and with a recording, of each round. */
async function inTurn(rounds: number, measure: Measure): Promise<readonly [number[], number[]]> {
  const times: readonly [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const k of round % 2 === 0 ? [0, 1] : [1, 0]) {
      if (k === 1) profile.start();
      times[k].push(await measure(k === 1));
      if (k === 1) profile.stop();
      // Others of this thread have their turn: timers, and the collector.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return times;
}

function runsOf(name: string, workers: number, [off, on]: readonly [number[], number[]], operations: number): Run[] {
  const ratios = on.map((time, round) => time / off[round]);
  const base = median(off) / operations;
  return [
    { subject: "holdfast", nsPerOp: base, spread: spreadOf(off) },
    { subject: "recording", nsPerOp: base * median(ratios), spread: spreadOf(ratios) },
  ].map(({ subject, nsPerOp, spread }) => {
    return {
      suite: SUITE,
      case: name,
      subject,
      workers,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: nsPerOp,
      p99: nsPerOp,
      spread,
    };
  });
}

async function uncontended(name: string, { batch }: Subject, effort: Effort): Promise<Run[]> {
  const operations = effort.quick ? 1000 : BATCH;
  const measure = (): number => {
    const begun = performance.now();
    void batch(operations);
    return (performance.now() - begun) * 1e6;
  };
  for (let k = 0; k < (effort.quick ? 1 : 5); k++) await inTurn(1, measure);
  const rounds = effort.quick ? 2 : ROUNDS_A_ROUND * effort.rounds;
  return runsOf(name, 1, await inTurn(rounds, measure), operations);
}

/** The whole job: read, converse, write. */
async function takeout(effort: Effort): Promise<Run[]> {
  const pages = effort.quick ? 100 : PAGES;
  const processor: readonly [number[], number[]] = [[], []];
  const times = await withTakeout(pages, async (input) => {
    const measure = async (on: boolean): Promise<number> => {
      const out = mkdtempSync(join(tmpdir(), "holdfast-out-"));
      const [used, begun] = [process.cpuUsage(), performance.now()];
      await runTakeout({ input, out, workers: WORKERS });
      const [elapsed, { user, system }] = [performance.now() - begun, process.cpuUsage(used)];
      rmSync(out, { recursive: true });
      processor[on ? 1 : 0].push((user + system) * 1e3);
      return elapsed * 1e6;
    };
    await measure(false);
    processor[0].length = 0;
    return await inTurn(effort.quick ? 1 : effort.rounds, measure);
  });
  return [
    ...runsOf("Takeout, a page", WORKERS, times, pages),
    ...runsOf("Takeout, a page: processor time", WORKERS, processor, pages),
  ];
}

async function run(effort: Effort): Promise<Run[]> {
  const region = Region.create();
  const pair = looped("", { lock: new Mutex({ region }) }, "lock.lock(); lock.unlock();");
  const read = looped("", { lock: new RwLock({ region }) }, "lock.read().release();");
  return [
    ...(await uncontended("mutex: lock + unlock, nobody waits", pair, effort)),
    ...(await takeout(effort)),
    // Last: from the first recording on reads are counted.
    ...(await uncontended("rw lock: read + release, nobody waits", read, effort)),
  ];
}

export const suites: Suite[] = [{ name: SUITE, yardstick: "holdfast", run }];
