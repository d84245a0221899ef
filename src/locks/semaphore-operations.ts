// The fast operations of a semaphore: WebAssembly where it serves, else the JavaScript of the same protocol. One object a
// region and kind, so that calls through it stay monomorphic and are inlined.

import { acquireFast, beginAcquire, OVER_BOUND, releaseAndWake, sleepForPermits } from "../protocols/semaphore.ts";
import { Recorder } from "../region/recorder.ts";
import { countFree } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import type { SemaphorePlace } from "./semaphore-place.ts";

export interface SemaphoreOperations {
  readonly region: WeakRef<Region> | undefined;
  /** 1 if it took `n` permits; 0 if the slow path must see (always, for a kind that has no fast path). */
  acquireFast(index: number, n: number): number;
  /** The wakes that the caller still owes; OVER_BOUND, with nothing changed, if the slow path must see. */
  release(index: number, n: number): number;
  /** The usual course of a wait (protocols/semaphore.ts); not of a kind that has no fast path. */
  beginAcquire(index: number, n: number, me: number): number;
  sleepForPermits(
    index: number,
    n: number,
    me: number,
    seatAt: number,
    expected: number,
    ms: number,
    serialAt: number,
    serial: number,
  ): number;
}

const NONE: SemaphoreOperations = {
  region: undefined,
  acquireFast: () => 0,
  release: () => OVER_BOUND,
  beginAcquire: () => 0,
  sleepForPermits: () => 0,
};
const byRegion = new WeakMap<Region, SemaphoreOperations>();

/** An owned semaphore has no fast path; a fair one must look at its queue; a thread that may not block must say so. */
export function semaphoreOperations(place: SemaphorePlace, mayBlock: boolean): SemaphoreOperations {
  if (place.owned || place.fair || !mayBlock) return NONE;
  let operations = byRegion.get(place.region);
  if (operations === undefined) {
    operations = make(place.region);
    byRegion.set(place.region, operations);
    Recorder.whenRecording(operations, countAcquisitions);
  }
  return operations;
}

/** From now on the fast path counts while a recording is on: a semaphore keeps no numbers itself. */
function countAcquisitions(operations: SemaphoreOperations): void {
  const { acquireFast } = operations;
  const memory = operations.region?.deref()?.memory;
  if (memory === undefined) return;
  operations.acquireFast = (index, n) => {
    const taken = acquireFast(index, n);
    if (taken !== 0) countFree(memory, index);
    return taken;
  };
}

function make(of: Region): SemaphoreOperations {
  const { core, memory, parking } = of;
  const operations: SemaphoreOperations = {
    region: new WeakRef(of),
    acquireFast: (index, n) => acquireFast(memory.words, index, n),
    release: (index, n) => releaseAndWake(memory.words, index, n),
    beginAcquire: (index, n, me) => beginAcquire(memory.words, index, n, me),
    sleepForPermits: (index, n, me, seatAt, expected, ms, serialAt, serial) =>
      sleepForPermits(memory.words, index, n, me, seatAt, expected, ms, serialAt, serial),
  };
  if (core === undefined) return operations;
  // WebAssembly can neither sleep natively nor wake those who do.
  if (parking !== "atomics") return { ...operations, acquireFast: core.acquirePermits, release: core.releasePermits };
  const { acquirePermits, releaseAndWake: release, beginAcquire: begin, sleepForPermits: sleep } = core;
  return {
    region: operations.region,
    acquireFast: acquirePermits,
    release,
    beginAcquire: begin,
    sleepForPermits: sleep,
  };
}
