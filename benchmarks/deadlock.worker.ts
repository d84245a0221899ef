// One thread of a circle: holds its lock, waits until all others hold theirs, then wants the next one's.

import { parentPort, workerData } from "node:worker_threads";
import { DeadlockError, Mutex, type MutexHandle, RwLock, type RwLockHandle } from "../src/index.ts";

export interface CircleData {
  readonly kind: "mutex" | "rw" | "mixed";
  /** The threads' locks: each holds that of its seat and wants the next one. */
  readonly locks: readonly { readonly mutex?: MutexHandle; readonly rw?: RwLockHandle }[];
  readonly seat: number;
  /** Threads that hold their lock. */
  readonly ready: Int32Array;
}

/** When a thread began to wait, and when it was told of the deadlock, if it was. Milliseconds of one clock. */
export interface Told {
  readonly begun: number;
  readonly deadlock?: number;
}

const { locks, seat, ready } = workerData as CircleData;
const now = (): number => performance.timeOrigin + performance.now();

/** Holds a lock while `work` runs: a read-write lock to read, or to write. */
function holder(at: number, write: boolean): (work: () => void) => void {
  const { mutex, rw } = locks[at % locks.length];
  if (mutex !== undefined) {
    const opened = Mutex.from(mutex);
    return (work) => opened.withLock(work);
  }
  const opened = RwLock.from(rw as RwLockHandle);
  return (work) => (write ? opened.withWrite(work) : opened.withRead(work));
}

const mine = holder(seat, false);
const wanted = holder(seat + 1, true);

function round(): Told {
  let begun = 0;
  let deadlock: number | undefined;
  mine(() => {
    Atomics.add(ready, 0, 1);
    Atomics.notify(ready, 0);
    for (let seen = Atomics.load(ready, 0); seen < locks.length; seen = Atomics.load(ready, 0)) {
      Atomics.wait(ready, 0, seen);
    }
    begun = now();
    try {
      wanted(() => {});
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      deadlock = now();
    }
  });
  return deadlock === undefined ? { begun } : { begun, deadlock };
}

parentPort?.on("message", () => parentPort?.postMessage(round()));
