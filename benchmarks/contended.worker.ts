// One worker of a contended run.

import { parentPort, workerData } from "node:worker_threads";
import { Mutex } from "../src/index.ts";
import type { ContendedData, WorkerCount } from "./contended.ts";
import { type Rival, threeStateFutexLock, twoStateSpinLock } from "./rivals/hand-written.ts";

const { subject, steps, control, shared, mutex } = workerData as ContendedData;

function open(): Rival {
  if (mutex !== undefined) return Mutex.from(mutex);
  const words = shared.subarray(16);
  return subject === "two-state spin" ? twoStateSpinLock(words) : threeStateFutexLock(words);
}

let sink = 0;
function work(): void {
  let value = sink;
  for (let k = 0; k < steps; k++) value = (Math.imul(value, 31) + k) | 0;
  sink = value;
}

/** Every 64th wait is timed: a clock read costs as much as a lock. */
function run(lock: Rival): WorkerCount {
  const waits: number[] = [];
  let operations = 0;
  while (Atomics.load(control, 0) === 1) {
    for (let k = 0; k < 64; k++) {
      const begun = k === 0 ? performance.now() : 0;
      lock.lock();
      if (k === 0) waits.push(performance.now() - begun);
      work();
      shared[0] += 1;
      lock.unlock();
      work();
      operations++;
      if (steps > 500 && Atomics.load(control, 0) !== 1) break;
    }
  }
  waits.sort((a, b) => a - b);
  const at = (part: number): number => (waits[Math.floor((waits.length - 1) * part)] ?? 0) * 1e6;
  return { operations, p50: at(0.5), p99: at(0.99) };
}

const lock = open();
// Warm before the start line: each worker's own calls are compiled when the time begins to count.
for (let k = 0; k < 3000; k++) {
  lock.lock();
  work();
  lock.unlock();
}
Atomics.add(control, 1, 1);
Atomics.wait(control, 0, 0);
parentPort?.postMessage(run(lock));
