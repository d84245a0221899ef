// What a thread read last, by key: the decoded values of rows, each with the version of its shard under which it was
// read. An entry is right for as long as that version is the shard's (protocols/table-read.ts); then the version of the
// row itself tells whether the row is still the same, which saves the decoding.
//
// A table of entries in private memory, each in one of two places, the later one in the first. It starts small and grows
// while keys displace each other, up to MAX_ENTRIES.

import type { Value } from "./row.ts";
import type { TableKey } from "./types.ts";

const FIRST_ENTRIES = 64;
const MAX_ENTRIES = 8192;
/** Rows of more words are not kept, so a full cache takes a few megabytes at most. */
export const LONGEST_KEPT = 128;

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

export interface CachedRow {
  readonly key: TableKey;
  /** The key's shard, and its version when the row was read. */
  readonly shard: number;
  version: number;
  /** The row's word in the region and its version. */
  readonly row: number;
  readonly rowVersion: number;
  /** The values in the order of declaration. */
  readonly values: readonly Value[];
}

const SPREAD = 0x9e3779b1 | 0;
const SPREAD_SHIFT = 15;

/**
 * A hash of four characters, which costs as much as the rest of a cached read if they are more. A cache whose keys it
 * does not tell apart turns to {@link thoroughHash}.
 */
function quickHash(key: string): number {
  const n = key.length;
  if (n < 4) return thoroughHash(key);
  const h = key.charCodeAt(n - 1) + 37 * key.charCodeAt(n - 2) + 1369 * key.charCodeAt(n - 3);
  return Math.imul(h + 50653 * key.charCodeAt(n >> 1), SPREAD) >>> SPREAD_SHIFT;
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
  #entries: (CachedRow | undefined)[] = new Array(FIRST_ENTRIES).fill(undefined);
  #mask: number = FIRST_ENTRIES - 1;
  #thorough = false;
  /** Entries displaced since the cache was improved; and those of them by keys with the same hash. */
  #displaced = 0;
  #alike = 0;

  hash(key: TableKey): number {
    if (typeof key !== "string") return Math.imul(integerOf(key), SPREAD) >>> SPREAD_SHIFT;
    return this.#thorough ? thoroughHash(key) : quickHash(key);
  }

  /** The entry of this key, whether it is still right or not. */
  find(key: TableKey, hash: number): CachedRow | undefined {
    const entries = this.#entries;
    const at = hash & this.#mask;
    const first = entries[at];
    if (first !== undefined && first.key === key) return first;
    const second = entries[at ^ 1];
    return second !== undefined && second.key === key ? second : undefined;
  }

  /** Keeps an entry in place of the one of its key, or else of the older one of the two that stand where it belongs. */
  keep(entry: CachedRow): void {
    const entries = this.#entries;
    const hash = this.hash(entry.key);
    const at = hash & this.#mask;
    const first = entries[at];
    entries[at] = entry;
    if (first === undefined || first.key === entry.key) return;
    const second = entries[at ^ 1];
    entries[at ^ 1] = first;
    if (second === undefined || second.key === entry.key) return;
    if (this.hash(second.key) === hash) this.#alike++;
    if (++this.#displaced > this.#mask) this.#improve();
  }

  /** As many entries were displaced as there is room for: there are too many keys, or they are not told apart. */
  #improve(): void {
    const grown = Math.min(this.#entries.length * 2, MAX_ENTRIES);
    const alike = this.#alike > this.#displaced >> 1;
    this.#displaced = 0;
    this.#alike = 0;
    if (alike && !this.#thorough) this.#thorough = true;
    else if (grown === this.#entries.length) return;
    else this.#mask = grown - 1;
    const entries = this.#entries;
    this.#entries = new Array(this.#mask + 1).fill(undefined);
    for (const entry of entries) if (entry !== undefined) this.keep(entry);
    this.#displaced = 0;
  }
}
