// How soon a deadlock is told: from the moment at which the last thread of a circle begins to wait until one of them has its
// ERR_DEADLOCK. No peer finds one, so there is no rival: the limit is 250 ms.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Mutex, Region, RwLock } from "../src/index.ts";
import type { CircleData, Told } from "./deadlock.worker.ts";
import { type Effort, median, type Run, type Suite, spreadOf } from "./result.ts";

const GONE_MS = 30_000;

interface Circle {
  readonly name: string;
  readonly threads: number;
  readonly kind: CircleData["kind"];
}

const CIRCLES: readonly Circle[] = [
  { name: "2 threads, mutexes", threads: 2, kind: "mutex" },
  { name: "3 threads, read-write locks with a reader", threads: 3, kind: "rw" },
  { name: "8 threads, mutexes and read-write locks", threads: 8, kind: "mixed" },
];

/** Each thread's lock, which it holds when the next one's is closed to it. */
function locksOf({ threads, kind }: Circle, region: Region): CircleData["locks"] {
  return Array.from({ length: threads }, (_, k) =>
    kind === "mutex" || (kind === "mixed" && k % 2 === 0)
      ? { mutex: new Mutex({ region }).share() }
      : { rw: new RwLock({ region }).share() },
  );
}

/** Milliseconds until the deadlock was told, in each round. */
async function tell(circle: Circle, rounds: number): Promise<number[]> {
  const locks = locksOf(circle, Region.create());
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const workers = locks.map((_, seat): Worker => {
    const workerData: CircleData = { kind: circle.kind, locks, seat, ready };
    return new Worker(new URL("./deadlock.worker.js", import.meta.url), { workerData });
  });
  const times: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      Atomics.store(ready, 0, 0);
      const signal = AbortSignal.timeout(GONE_MS);
      const answers = workers.map((worker) => once(worker, "message", { signal }));
      for (const worker of workers) worker.postMessage("go");
      const told = (await Promise.all(answers)).map(([answer]) => answer as Told);
      const deadlocks = told.filter(({ deadlock }) => deadlock !== undefined);
      if (deadlocks.length !== 1) throw new Error(`${deadlocks.length} threads were told of one deadlock`);
      times.push((deadlocks[0].deadlock as number) - Math.max(...told.map(({ begun }) => begun)));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return times;
}

async function measure({ quick, rounds }: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const circle of quick ? CIRCLES.slice(0, 1) : CIRCLES) {
    const times = (await tell(circle, quick ? 1 : rounds * 10)).map((milliseconds) => milliseconds * 1e6);
    const nsPerOp = median(times);
    runs.push({
      suite: "deadlock",
      case: circle.name,
      subject: "holdfast",
      workers: circle.threads,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: nsPerOp,
      p99: Math.max(...times),
      max: Math.max(...times),
      spread: spreadOf(times),
    });
  }
  return runs;
}

export const suites: Suite[] = [{ name: "deadlock", yardstick: "holdfast", run: measure }];
