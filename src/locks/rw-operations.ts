// The fast operations of a read-write lock, bound to a region: WebAssembly where it serves, else the JavaScript of the
// same protocol. One object a region, so that calls through it stay monomorphic and are inlined.

import { endWrite, enterRead, leaveRead, NOT_TRIED, tryWrite } from "../protocols/rw-lock.ts";
import { isVersion, optimisticStamp } from "../protocols/stamped.ts";
import type { Region } from "../region/region.ts";

export interface RwOperations {
  /** As the protocol's enterRead; NOT_TRIED in a thread that may not block, which must then say so. */
  readFast(index: number, cell: number, me: number): number;
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
  }
  return operations;
}

function make(region: Region, mayBlock: boolean): RwOperations {
  const { core, memory } = region;
  const bound: RwOperations =
    core === undefined
      ? {
          readFast: (index, cell, me) => enterRead(memory.words, index, cell, me),
          leaveRead: (index, cell) => leaveRead(memory.words, index, cell),
          writeFast: (index, cell, me) => tryWrite(memory.words, index, cell, me),
          endWrite: (index, me, ticket) => endWrite(memory.words, index, me, ticket),
          optimisticStamp: (index) => optimisticStamp(memory.words, index),
          isVersion: (index, stamp) => isVersion(memory.words, index, stamp),
        }
      : {
          readFast: core.enterRead,
          leaveRead: core.leaveRead,
          writeFast: core.tryWrite,
          endWrite: core.endWrite,
          optimisticStamp: core.optimisticStamp,
          isVersion: core.isVersion,
        };
  return mayBlock ? bound : { ...bound, readFast: () => NOT_TRIED, writeFast: () => 0 };
}
