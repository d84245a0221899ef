// The session store's times as its document claims them: an operation alone and among 10, 16 or 100 threads, each
// operation timed by itself; and by how much a time-out comes late. Here "an operation" of 100 threads is what one caller
// sees: most of p99 is the wait for the others.

import { Worker } from "node:worker_threads";
import { TimeoutError } from "../src/cells/errors.ts";
import { Region } from "../src/region/region.ts";
import { SessionStore } from "../src/systems/session-store.ts";
import { type Effort, median, quantile, type Run, type Suite, spreadOf } from "./result.ts";
import type { SessionWork } from "./session.worker.ts";

const SUITE = "session store";

interface Crowd {
  readonly name: string;
  readonly operation: SessionWork["operation"];
  readonly workers: number;
  /** Operations of each thread. */
  readonly count: number;
}

/** What the document measured, and the same operations alone and at 16 threads. */
const CROWDS: readonly Crowd[] = [
  ...(["get", "set", "exists", "update"] as const).flatMap((operation) =>
    [1, 16].map(
      (workers): Crowd => ({
        name: `${operation}, ${workers === 1 ? "1 thread" : `${workers} threads`}`,
        operation,
        workers,
        count: 8000 / workers,
      }),
    ),
  ),
  { name: "10 threads, 100 operations each", operation: "update", workers: 10, count: 100 },
  { name: "100 writers, once each", operation: "set", workers: 100, count: 1 },
  { name: "200 reads by 100 threads", operation: "get", workers: 100, count: 2 },
];

function start(
  store: SessionStore,
  control: Int32Array,
  work: Pick<SessionWork, "operation" | "count" | "seat">,
): Worker {
  const workerData: SessionWork = {
    ...work,
    store: store.share(),
    control,
    warmUp: Math.min(500, Math.max(20, work.count)),
  };
  return new Worker(new URL("./session.worker.js", import.meta.url), { workerData });
}

interface Outcome {
  readonly times: Float64Array;
  readonly ended: number;
}

/** All threads from one start: milliseconds of every operation, and from the start to the end of the last. */
async function together({ operation, workers, count }: Crowd): Promise<{ times: number[]; total: number }> {
  const store = new SessionStore({ region: Region.create(), lockTimeout: 60_000 });
  const control = new Int32Array(new SharedArrayBuffer(8));
  const outcomes = Array.from({ length: workers }, (_, seat) => {
    const worker = start(store, control, { operation, count, seat });
    return new Promise<Outcome>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
  });
  // Threads need the event loop of this one to start.
  while (Atomics.load(control, 1) < workers) await new Promise((resolve) => setTimeout(resolve, 5));
  const begun = performance.timeOrigin + performance.now();
  Atomics.store(control, 0, 1);
  Atomics.notify(control, 0);
  const done = await Promise.all(outcomes);
  return {
    times: done.flatMap(({ times }) => [...times]),
    total: Math.max(...done.map(({ ended }) => ended)) - begun,
  };
}

function runOf(name: string, workers: number, rounds: readonly { times: readonly number[]; total: number }[]): Run {
  const perOp = rounds.map(({ times, total }) => (total * 1e6) / times.length);
  const percentile = (part: number): number => median(rounds.map(({ times }) => quantile(times, part) * 1e6));
  return {
    suite: SUITE,
    case: name,
    subject: "holdfast",
    workers,
    nsPerOp: median(perOp),
    opsPerSecond: 1e9 / median(perOp),
    p50: percentile(0.5),
    p99: percentile(0.99),
    spread: spreadOf(perOp),
    max: Math.max(...rounds.map(({ times }) => times.reduce((most, time) => Math.max(most, time), 0))) * 1e6,
  };
}

/** How much later than asked an operation gives up while another thread holds the lock. */
async function lateness(name: string, timeout: number, tries: number): Promise<Run> {
  const region = Region.create();
  const store = new SessionStore({ region, lockTimeout: timeout });
  const control = new Int32Array(new SharedArrayBuffer(8));
  const holder = start(store, control, { operation: "hold", count: 0, seat: 0 });
  const gone = new Promise((resolve) => holder.once("exit", resolve));
  while (Atomics.load(control, 1) < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const late: number[] = [];
  for (let k = 0; k < tries; k++) {
    const before = performance.now();
    try {
      store.set("key", k);
      throw new Error("the lock was free");
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    late.push(Math.max(0, performance.now() - before - timeout));
  }
  const { failed_acquisitions: counted } = store.getStats();
  if (counted !== tries) throw new Error(`${tries} operations timed out, ${counted} were counted`);
  Atomics.store(control, 0, 2);
  Atomics.notify(control, 0);
  await gone;
  return runOf(name, 2, [{ times: late, total: late.reduce((sum, time) => sum + time, 0) }]);
}

async function run(effort: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const crowd of CROWDS) {
    const size = effort.quick
      ? { ...crowd, workers: Math.min(crowd.workers, 4), count: Math.min(crowd.count, 50) }
      : crowd;
    const rounds: Awaited<ReturnType<typeof together>>[] = [];
    for (let round = 0; round < effort.rounds; round++) rounds.push(await together(size));
    runs.push(runOf(crowd.name, size.workers, rounds));
  }
  runs.push(await lateness("beyond a time-out of 100 ms", effort.quick ? 10 : 100, effort.quick ? 2 : 20));
  if (!effort.quick) runs.push(await lateness("beyond a time-out of 5 s", 5000, 2));
  return runs;
}

export const suites: readonly Suite[] = [{ name: SUITE, yardstick: "holdfast", run }];
