// What threads counted of locks, a row each, in the memory that all threads read; and how the stacks that holders left
// there are found by those who waited for them.

import { load, peek, store } from "../cells/atomics.ts";
import * as layout from "./record-layout.ts";
import { controlWords } from "./record-memory.ts";

/** Tickets go from 1 to 2^30 and begin again. */
const TICKETS = 0x3fffffff;

/** What one thread counted of one lock. */
export class Row {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  /** The row's word in the recording memory. */
  readonly at: number;

  constructor(buffer: SharedArrayBuffer, at: number) {
    this.at = at;
    this.#words = new Int32Array(buffer, at * 4, layout.ROW_WORDS);
    this.#floats = new Float64Array(buffer, at * 4, layout.ROW_WORDS >> 1);
  }

  add(field: number, count: number): void {
    if (count !== 0) this.#words[field] += count;
  }

  set(field: number, value: number): void {
    store(this.#words, field, value);
  }

  get(field: number): number {
    return this.#words[field];
  }

  atLeast(field: number, value: number): void {
    if (this.#words[field] < value) this.#words[field] = value;
  }

  /** Counts an acquisition that found the lock free, of a kind that does not count them itself. */
  count(): void {
    this.#floats[layout.R_COUNTED >> 1]++;
  }

  sum(field: number, nanoseconds: number): void {
    this.#floats[field >> 1] += nanoseconds;
  }

  /** Adds a time to its sum, its maximum and its histogram. */
  time(sum: number, most: number, histogram: number, nanoseconds: number): void {
    this.#floats[sum >> 1] += nanoseconds;
    if (this.#floats[most >> 1] < nanoseconds) this.#floats[most >> 1] = nanoseconds;
    this.#words[histogram + layout.bucketOf(nanoseconds)]++;
  }
}

/** Which holds of a lock stood in a waiter's way: those with tickets from `ticket` on and before `until`. */
export interface HoldsSought {
  readonly row: Row;
  readonly ticket: number;
  readonly until: number;
  /** Whether one hold at a time stands in the way. */
  readonly exclusive: boolean;
}

/** The stack that the lock's last hold left, if that was during the wait; for one that came when the lock was kept for another. */
export function lastSite({ row, ticket, until, exclusive }: HoldsSought): number {
  const control = controlWords();
  const at = layout.lastAt(row.get(layout.R_REGION), row.get(layout.R_LOCK));
  if (!exclusive || load(control, at + layout.L_LOCK) !== row.get(layout.R_LOCK)) return 0;
  return siteDuring(control, at + layout.L_SITE, at + layout.L_TICKET, ticket, until);
}

/** The site if its hold's ticket is one from `from` on and before `until`. */
export function siteDuring(words: Int32Array, siteAt: number, ticketAt: number, from: number, until: number): number {
  const left = load(words, ticketAt);
  const site = load(words, siteAt);
  const later = (left - from) & TICKETS;
  const during = left !== 0 && (later === 0 || later < ((until - from) & TICKETS));
  return during && load(words, ticketAt) === left ? site : 0;
}

/** The words of all rows of an area, the newest chunk first. */
export function rowsOf(words: Int32Array, area: number): number[] {
  const found: number[] = [];
  for (let chunk = load(words, area + layout.A_CHUNK); chunk !== 0; chunk = peek(words, chunk)) {
    for (let k = 0; k < layout.CHUNK_ROWS; k++) {
      const row = chunk + layout.CHUNK_HEADER + k * layout.ROW_WORDS;
      // A row that is not whole yet, or not in use, has no region.
      if (load(words, row + layout.R_REGION) !== 0) found.push(row);
    }
  }
  return found;
}

export function findRow(words: Int32Array, area: number, like: Row): number {
  if (area === 0) return 0;
  const same = (row: number): boolean =>
    [layout.R_REGION, layout.R_LOCK, layout.R_SERIAL].every((field) => peek(words, row + field) === like.get(field));
  return rowsOf(words, area).find(same) ?? 0;
}
