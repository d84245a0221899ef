// The usual course of a condition's wait and notify over a lock whose hold is nothing but its ticket (a Mutex), bound to a
// region: WebAssembly where it serves, else the JavaScript of the same protocol. WebAssembly is compiled once for all
// threads of a process, where each thread compiles its JavaScript for itself, which a thread that mostly sleeps is long in doing.

import { beginWait, chooseFor, sleepWait } from "../protocols/condition.ts";
import type { Region } from "../region/region.ts";

export interface ConditionOperations {
  beginWait(table: number, lock: number, me: number, seatAt: number): number;
  sleepWait(table: number, lock: number, me: number, seatAt: number, index: number, ms: number): number;
  chooseFor(table: number, lock: number, me: number): number;
}

const known = new WeakMap<Region, ConditionOperations>();

export function conditionOperations(region: Region): ConditionOperations {
  let operations = known.get(region);
  if (operations === undefined) {
    operations = make(region);
    known.set(region, operations);
  }
  return operations;
}

function make({ core, memory, parking }: Region): ConditionOperations {
  // WebAssembly can't sleep natively.
  if (core !== undefined && parking === "atomics") {
    return { beginWait: core.beginWait, sleepWait: core.sleepWait, chooseFor: core.chooseFor };
  }
  return {
    beginWait: (table, lock, me, seatAt) => beginWait(memory.words, table, lock, me, seatAt),
    sleepWait: (table, lock, me, seatAt, index, ms) => sleepWait(memory.words, table, lock, me, seatAt, index, ms),
    chooseFor: (table, lock, me) => chooseFor(memory.words, table, lock, me),
  };
}
