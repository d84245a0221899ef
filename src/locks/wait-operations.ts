// The usual course of waits that end by another thread's act, bound to a region: WebAssembly where it serves, else the
// JavaScript of the same protocols. WebAssembly is compiled once for all threads of a process, where each thread compiles
// its JavaScript for itself, which a thread that mostly sleeps is long in doing.

import { arriveUsual, sleepForOthers } from "../protocols/barrier.ts";
import { beginWait, chooseFor, sleepWait } from "../protocols/condition.ts";
import type { Region } from "../region/region.ts";
import { sleepMovable } from "../region/wait-queue.ts";

export interface WaitOperations {
  /** Of a condition (protocols/condition.ts) over a lock whose hold is nothing but its ticket. */
  beginWait(table: number, lock: number, me: number, seatAt: number): number;
  sleepWait(table: number, lock: number, me: number, seatAt: number, index: number, ms: number): number;
  chooseFor(table: number, lock: number, me: number): number;
  /** Of a barrier (protocols/barrier.ts). */
  arriveUsual(index: number, me: number, seatAt: number): number;
  sleepForOthers(index: number, seatAt: number, ms: number): number;
}

const known = new WeakMap<Region, WaitOperations>();

/** Only for threads that may block. */
export function waitOperations(region: Region): WaitOperations {
  let operations = known.get(region);
  if (operations === undefined) {
    operations = make(region);
    known.set(region, operations);
  }
  return operations;
}

function make(region: Region): WaitOperations {
  const { core, memory, parking } = region;
  if (core !== undefined && parking === "atomics") return core;
  const operations: WaitOperations = {
    beginWait: (table, lock, me, seatAt) => beginWait(memory.words, table, lock, me, seatAt),
    sleepWait: (table, lock, me, seatAt, index, ms) => sleepWait(memory.words, table, lock, me, seatAt, index, ms),
    chooseFor: (table, lock, me) => chooseFor(memory.words, table, lock, me),
    arriveUsual: (index, me, seatAt) => arriveUsual(memory.words, index, me, seatAt),
    sleepForOthers: (index, seatAt, ms) => sleepForOthers(memory.words, index, seatAt, ms),
  };
  if (parking === "atomics") return operations;
  operations.sleepWait = (table, lock, _me, _seatAt, index, ms) => sleepMovable(region, table, lock, index, ms);
  if (core === undefined) return operations;
  // WebAssembly can neither sleep nor wake natively; these do neither.
  const { beginWait: begin, chooseFor: choose } = core;
  return { ...operations, beginWait: begin, chooseFor: choose };
}
