// The fast operations of a read-write lock, bound to a region: WebAssembly where it serves, else the JavaScript of the
// same protocol. One object a region, so that calls through it stay monomorphic and are inlined.

import { ACQUIRED } from "../protocols/mutex.ts";
import { endWrite, enterRead, leaveRead, NOT_TRIED, tryWrite } from "../protocols/rw-lock.ts";
import { isVersion, optimisticStamp } from "../protocols/stamped.ts";
import { countRead, endReadHold } from "../region/record-holds.ts";
import { Recorder } from "../region/recorder.ts";
import type { Region } from "../region/region.ts";

export interface RwOperations {
  readonly region: WeakRef<Region>;
  /** As the protocol's enterRead; NOT_TRIED in a thread that may not block, which must then say so. */
  readFast(index: number, cell: number): number;
  leaveRead(index: number, cell: number): number;
  /** As the protocol's tryWrite; 0 in a thread that may not block. */
  writeFast(index: number, cell: number, me: number): number;
  endWrite(index: number, me: number, ticket: number): number;
  optimisticStamp(index: number): number;
  /** Truthy or not. */
  isVersion(index: number, stamp: number): number | boolean;
}

const byRegion = new WeakMap<Region, RwOperations>();

export function rwOperations(region: Region, mayBlock: boolean): RwOperations {
  let operations = byRegion.get(region);
  if (operations === undefined) {
    operations = make(region, mayBlock);
    byRegion.set(region, operations);
    Recorder.whenRecording(operations, countReads);
  }
  return operations;
}

/** From now on the fast path counts reads while a recording is on, and times some: the lock itself counts writes only. */
function countReads(operations: RwOperations): void {
  const { readFast, leaveRead } = operations;
  const memory = operations.region.deref()?.memory;
  if (memory === undefined) return;
  operations.readFast = (index, cell) => {
    const result = readFast(index, cell);
    if (result === ACQUIRED) countRead(memory, index);
    return result;
  };
  operations.leaveRead = (index, cell) => {
    endReadHold(memory, index);
    return leaveRead(index, cell);
  };
}

function make(of: Region, mayBlock: boolean): RwOperations {
  const { core, memory } = of;
  const region = new WeakRef(of);
  const bound: RwOperations =
    core === undefined
      ? {
          region,
          readFast: (index, cell) => enterRead(memory.words, index, cell),
          leaveRead: (index, cell) => leaveRead(memory.words, index, cell),
          writeFast: (index, cell, me) => tryWrite(memory.words, index, cell, me),
          endWrite: (index, me, ticket) => endWrite(memory.words, index, me, ticket),
          optimisticStamp: (index) => optimisticStamp(memory.words, index),
          isVersion: (index, stamp) => isVersion(memory.words, index, stamp),
        }
      : {
          region,
          readFast: core.enterRead,
          leaveRead: core.leaveRead,
          writeFast: core.tryWrite,
          endWrite: core.endWrite,
          optimisticStamp: core.optimisticStamp,
          isVersion: core.isVersion,
        };
  return mayBlock ? bound : { ...bound, readFast: () => NOT_TRIED, writeFast: () => 0 };
}
