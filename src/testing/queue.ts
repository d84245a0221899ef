// The part of a state that says who waits: sync and async waiters of cells, timers, and settled promises that an idle
// event loop has yet to deliver. Entries are {cell, who, due}, sorted by cell and, within a cell, first in first out:
// V8 keeps one FIFO for each cell, for sync and async waiters together.
// Invariant: unused entries are zero, so that equal queues are equal in every word.
import { QUEUED } from "./layout.ts";

export const ENTRY = 3;

/** `due` of entries that no clock ends, and of slices; any other is the time on the clock at which they end. */
export const NEVER = -1;
export const SLICE = -2;

/** Cells that are no memory: timers of thread t, and what its event loop has to deliver. */
export const TIMERS = 0x7ffe_0000;
export const READY = 0x7fff_0000;

/** What an entry is. The last two are settled waits: "ok" and "timed-out". */
export const SYNC = 0;
export const ASYNC = 1;
export const TIMER = 2;
export const INTERVAL = 3;
export const SETTLED_OK = 4;
export const SETTLED_LATE = 5;

// who = thread | what << 5 | token << 8
export const threadOf = (who: number): number => who & 31;
export const whatOf = (who: number): number => (who >> 5) & 7;
export const tokenOf = (who: number): number => who >>> 8;
export const whoIs = (thread: number, what: number, token: number): number => thread | (what << 5) | (token << 8);

export class Queue {
  /** Where the entries begin in a state. */
  readonly at: number;
  readonly room: number;
  readonly end: number;

  constructor(at: number, room: number) {
    this.at = at;
    this.room = room;
    this.end = at + room * ENTRY;
  }

  push(vec: Int32Array, cell: number, who: number, due: number): void {
    const length = vec[QUEUED];
    if (length === this.room) throw new RangeError(`more than ${this.room} waits and timers are pending at once`);
    let i = length;
    for (; i > 0 && vec[this.at + (i - 1) * ENTRY] > cell; i--) {
      const at = this.at + i * ENTRY;
      vec.copyWithin(at, at - ENTRY, at);
    }
    const at = this.at + i * ENTRY;
    vec[at] = cell;
    vec[at + 1] = who;
    vec[at + 2] = due;
    vec[QUEUED] = length + 1;
  }

  /** Removes entry i. */
  remove(vec: Int32Array, i: number): void {
    const at = this.at + i * ENTRY;
    const end = this.at + vec[QUEUED] * ENTRY;
    vec.copyWithin(at, at + ENTRY, end);
    vec.fill(0, end - ENTRY, end);
    vec[QUEUED]--;
  }

  /** Index of the entry, or -1. */
  find(vec: Int32Array, cell: number, t: number, token: number): number {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.at + i * ENTRY;
      if (vec[at] === cell && threadOf(vec[at + 1]) === t && tokenOf(vec[at + 1]) === token) return i;
    }
    return -1;
  }

  /** True if anything of the thread is in the queue. */
  has(vec: Int32Array, t: number): boolean {
    for (let i = 0; i < vec[QUEUED]; i++) if (threadOf(vec[this.at + i * ENTRY + 1]) === t) return true;
    return false;
  }

  /** Removes everything of a thread that died. */
  forget(vec: Int32Array, t: number): void {
    for (let i = vec[QUEUED] - 1; i >= 0; i--) if (threadOf(vec[this.at + i * ENTRY + 1]) === t) this.remove(vec, i);
  }

  /** Where a blocked or idle thread waits: the cell (none for a timer), and what ends the wait beside a wake. */
  waits(vec: Int32Array, t: number): { addr: number | undefined; due: number }[] {
    const found = [];
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.at + i * ENTRY;
      const what = whatOf(vec[at + 1]);
      if (threadOf(vec[at + 1]) !== t || what >= SETTLED_OK) continue;
      found.push({ addr: what <= ASYNC ? vec[at] : undefined, due: vec[at + 2] });
    }
    return found;
  }
}
