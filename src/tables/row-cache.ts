// What a thread read last, by key: decoded rows, each with the version of its shard under which it was read. An entry is right for as long as that version is the shard's, and beyond it for as long as the row's own version
// stays (protocols/table-read.ts).
//
// A table of entries in private memory, each in one of two places, the later one in the first; one whose row changes stays
// where it is. It starts small and grows
// while keys displace each other, up to MAX_ENTRIES. Entries stand side by side in two arrays: as objects, they would
// cost a read more lines of the processor's cache than all the rest of it.

import type { Kept } from "./schema.ts";
import type { TableKey } from "./types.ts";

const FIRST_ENTRIES = 64;
const MAX_ENTRIES = 8192;
/** Words of all rows that are kept: some megabytes. A cache that holds more forgets everything. */
export const CACHED_WORDS = 1 << 20;

const host = globalThis as { process?: { versions?: { v8?: string; bun?: string } } };

/**
 * V8 makes slices and ropes of strings from 13 characters on; a shorter one holds nothing but itself, so it may be kept as
 * the caller gave it: the same object is found again without comparing. Any other may be a slice that keeps a whole page
 * alive, and is decoded anew.
 */
const KEPT_AS_GIVEN: number =
  host.process?.versions?.v8 === undefined || host.process.versions.bun !== undefined ? 0 : 12;

/** Whether a cache may keep this key as it was given. */
export function mayKeep(key: TableKey): boolean {
  return typeof key !== "string" || key.length <= KEPT_AS_GIVEN;
}

/** What is kept of a row. */
export interface CachedRow {
  readonly key: TableKey;
  /** The row; of a table with one column its value. Never given to users, who may change it. */
  readonly kept: Kept;
  /** The key's shard, and its version when the row was read. */
  readonly shard: number;
  readonly version: number;
  /** The row's word in the region and its version, and the shard's epoch. */
  readonly row: number;
  readonly rowVersion: number;
  readonly epoch: number;
  /** The row's length. */
  readonly words: number;
}

// A place of the first array: what every read looks at stands in one line of the processor's cache.
export const KEY = 0;
export const KEPT = 1;
export const SHARD = 2;
export const VERSION = 3;
const PLACE_SHIFT = 2;
/** A place's neighbour. */
const OTHER = 1 << PLACE_SHIFT;
// The same place of the second array.
export const ROW = 0;
export const ROW_VERSION = 1;
export const EPOCH = 2;
const WORDS = 3;

const SPREAD = 0x9e3779b1 | 0;
const SPREAD_SHIFT = 15;

/**
 * A hash of the last three characters: more would cost as much as the rest of a cached read. A cache whose keys it does
 * not tell apart turns to {@link thoroughHash}.
 */
function quickHash(key: string): number {
  const n = key.length;
  if (n < 4) return thoroughHash(key);
  const h = key.charCodeAt(n - 1) + 37 * key.charCodeAt(n - 2) + 1369 * key.charCodeAt(n - 3);
  return Math.imul(h, SPREAD) >>> SPREAD_SHIFT;
}

function thoroughHash(key: string): number {
  let h = key.length;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), SPREAD);
  return h >>> SPREAD_SHIFT;
}

/** Of a key that is none, anything: the reader refuses it. */
function integerOf(key: unknown): number {
  if (typeof key === "number") return key | 0;
  return typeof key === "bigint" ? Number(BigInt.asIntN(32, key)) : 0;
}

export class RowCache {
  /** Places of key, kept, shard, version; a place is empty while nothing is kept there. */
  slots: (TableKey | Kept | undefined)[] = [];
  /** Places of row, row version, epoch, words. */
  details: Int32Array = new Int32Array(0);
  readonly #texts: boolean;
  #mask = 0;
  #thorough = false;
  /** Entries displaced since the cache was improved; and those of them by keys with the same hash. */
  #displaced = 0;
  #alike = 0;
  /** The words of all rows that are kept. */
  #words = 0;

  /** `texts`: whether the keys are strings. */
  constructor(texts: boolean) {
    this.#texts = texts;
    this.#empty(FIRST_ENTRIES);
  }

  #empty(entries: number): void {
    this.#mask = entries - 1;
    // Empty places have a key of the keys' type, so that the comparison is one of strings, or one of numbers.
    const key = this.#texts ? "" : 0;
    this.slots = Array.from({ length: entries << PLACE_SHIFT }, (_, k) => {
      return (k & (OTHER - 1)) === KEY ? key : (k & (OTHER - 1)) === KEPT ? undefined : 0;
    });
    this.details = new Int32Array(entries << PLACE_SHIFT);
    this.#words = 0;
  }

  hash(key: TableKey): number {
    if (typeof key !== "string") return Math.imul(integerOf(key), SPREAD) >>> SPREAD_SHIFT;
    return this.#thorough ? thoroughHash(key) : quickHash(key);
  }

  /** The place of this key, whether what stands there is still right or not; -1 if there is none. */
  find(key: TableKey, hash: number): number {
    const slots = this.slots;
    const at = (hash & this.#mask) << PLACE_SHIFT;
    if (slots[at] === key && slots[at + KEPT] !== undefined) return at;
    const other = at ^ OTHER;
    return slots[other] === key && slots[other + KEPT] !== undefined ? other : -1;
  }

  /** What stands at a place. */
  entryAt(at: number): CachedRow {
    const { slots, details } = this;
    return {
      key: slots[at + KEY] as TableKey,
      kept: slots[at + KEPT] as Kept,
      shard: slots[at + SHARD] as number,
      version: slots[at + VERSION] as number,
      row: details[at + ROW],
      rowVersion: details[at + ROW_VERSION],
      epoch: details[at + EPOCH],
      words: details[at + WORDS],
    };
  }

  /**
   * Puts what was read anew in the place of the entry at `at`, whose key stays; false, with nothing changed, if that would
   * be too much to keep.
   */
  renew(
    at: number,
    kept: Kept,
    version: number,
    row: number,
    rowVersion: number,
    epoch: number,
    words: number,
  ): boolean {
    const { slots, details } = this;
    const total = this.#words + words - details[at + WORDS];
    if (total > CACHED_WORDS) return false;
    this.#words = total;
    slots[at + KEPT] = kept;
    slots[at + VERSION] = version;
    details[at + ROW] = row;
    details[at + ROW_VERSION] = rowVersion;
    details[at + EPOCH] = epoch;
    details[at + WORDS] = words;
    return true;
  }

  #put(at: number, entry: CachedRow): void {
    const { slots, details } = this;
    this.#words += entry.words - details[at + WORDS];
    slots[at + KEY] = entry.key;
    slots[at + KEPT] = entry.kept;
    slots[at + SHARD] = entry.shard;
    slots[at + VERSION] = entry.version;
    details[at + ROW] = entry.row;
    details[at + ROW_VERSION] = entry.rowVersion;
    details[at + EPOCH] = entry.epoch;
    details[at + WORDS] = entry.words;
  }

  /** Keeps an entry in place of the one of its key, or else of the older one of the two that stand where it belongs. */
  keep(entry: CachedRow): void {
    if (this.#words + entry.words > CACHED_WORDS) this.#empty(this.#mask + 1);
    const { slots } = this;
    const hash = this.hash(entry.key);
    const at = (hash & this.#mask) << PLACE_SHIFT;
    const first = slots[at + KEPT] === undefined ? undefined : this.entryAt(at);
    this.#put(at, entry);
    if (first === undefined || first.key === entry.key) return;
    const other = at ^ OTHER;
    const second = slots[other + KEPT] === undefined ? undefined : (slots[other] as TableKey);
    this.#put(other, first);
    if (second === undefined || second === entry.key) return;
    if (this.hash(second) === hash) this.#alike++;
    if (++this.#displaced > this.#mask) this.#improve();
  }

  /** As many entries were displaced as there is room for: there are too many keys, or they are not told apart. */
  #improve(): void {
    const entries = this.#mask + 1;
    const grown = Math.min(entries * 2, MAX_ENTRIES);
    const alike = this.#alike > this.#displaced >> 1;
    this.#displaced = 0;
    this.#alike = 0;
    const thorough = alike && !this.#thorough;
    if (thorough) this.#thorough = true;
    else if (grown === entries) return;
    const kept: CachedRow[] = [];
    for (let at = 0; at < this.slots.length; at += OTHER) {
      if (this.slots[at + KEPT] !== undefined) kept.push(this.entryAt(at));
    }
    this.#empty(thorough ? entries : grown);
    for (const entry of kept) this.keep(entry);
    this.#displaced = 0;
  }
}
