// Entries that grow old, in groups, for all threads: group → id → value, owner, when it was put. Who is typing where.
//
//   group → JSON of { id: [value, owner, stamp] }, a row while there is an entry
//
// Invariant: an entry is removed for its age only by the stamp that it has in the very step that removes it, under the
// group's lock. So an entry that was put again in the meantime stays, whoever began to sweep before that.

import { describe } from "../cells/deadline.ts";
import type { Region } from "../region/region.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import { type Clock, monotonicClock } from "./clock.ts";
import { encodeJson, type JsonValue } from "./json-value.ts";

export interface ExpiringEntriesOptions {
  /** A name in the region: every thread that gives it has the same entries. */
  readonly name?: string | undefined;
  /** Where they live; the default region of the process if not given. */
  readonly region?: Region | undefined;
  /** For tests: a monotonic clock in milliseconds, the same in every thread that uses the entries. */
  readonly now?: Clock | undefined;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface ExpiringEntriesHandle {
  readonly holdfast: "expiring-entries";
  readonly table: TableHandle<string, { entries: string }>;
}

export interface ExpiringEntry {
  readonly id: string;
  readonly value: JsonValue;
  /** Who put it, as given to {@link ExpiringEntries.put}. */
  readonly owner: string;
  /** Milliseconds since it was put. */
  readonly age: number;
}

type Packed = [id: string, value: JsonValue, owner: string, stamp: number];

const COLUMNS = { entries: "string" } as const;

/**
 * Entries with a time stamp, in groups, for all threads. Each method but {@link sweep} is one step for every other thread,
 * also if its thread is killed; a group is there while it has entries. A group takes at most 1 MiB as JSON.
 *
 * @example
 * const typing = new ExpiringEntries();
 * typing.put("room 7", "ann", { name: "Ann" }, "socket 1");
 * typing.list("room 7", 10_000); // those put within the last 10 s
 * typing.sweep(30_000); // removes what is older than 30 s
 */
export class ExpiringEntries {
  readonly #table: SharedTable<string, { entries: string }>;
  readonly #now: Clock;

  constructor(
    options: ExpiringEntriesOptions = {},
    /** @internal */ attached?: SharedTable<string, { entries: string }>,
  ) {
    const { name, region, now = monotonicClock } = options;
    this.#table = attached ?? new SharedTable({ name, region, key: "string", columns: COLUMNS });
    this.#now = now;
  }

  /** The same entries in another thread. */
  static from(handle: ExpiringEntriesHandle, options: Pick<ExpiringEntriesOptions, "now"> = {}): ExpiringEntries {
    if (handle?.holdfast !== "expiring-entries") throw new TypeError("this is no handle of ExpiringEntries");
    return new ExpiringEntries(options, SharedTable.from(handle.table));
  }

  /** A small handle for workerData or postMessage. */
  share(): ExpiringEntriesHandle {
    return { holdfast: "expiring-entries", table: this.#table.share() };
  }

  /**
   * Puts an entry, or stamps it anew; true if there was none of this id. `allowed` is asked in the same step, with the
   * group locked, and may refuse (then false); it must not use these entries.
   */
  put(group: string, id: string, value: JsonValue, owner: string, allowed: () => boolean = () => true): boolean {
    for (const text of [group, id, owner]) {
      if (typeof text !== "string") throw new TypeError(`group, id and owner must be strings, got ${describe(text)}`);
    }
    encodeJson(value, "the entry's value");
    let added = false;
    this.#change(group, (entries) => {
      if (!allowed()) return entries;
      const others = entries.filter((entry) => entry[0] !== id);
      added = others.length === entries.length;
      return [...others, [id, value, owner, this.#now()]];
    });
    return added;
  }

  /** Removes an entry, if it is the owner's; true for the one caller that did. */
  remove(group: string, id: string, owner: string): boolean {
    return this.#filter(group, (entry) => entry[0] !== id || entry[2] !== owner).length > 0;
  }

  /** Removes all entries of an owner from a group; their ids. */
  removeOwned(group: string, owner: string): string[] {
    return this.#filter(group, (entry) => entry[2] !== owner).map(([id]) => id);
  }

  /** The entries of a group that are at most `maxAge` milliseconds old, in the order in which they were put last. */
  list(group: string, maxAge: number): ExpiringEntry[] {
    const row = this.#table.get(group);
    if (row === undefined) return [];
    const now = this.#now();
    return unpack(row.entries)
      .map(([id, value, owner, stamp]) => ({ id, value, owner, age: now - stamp }))
      .filter(({ age }) => age <= maxAge);
  }

  /** Removes what is older than `maxAge` milliseconds, a group at a time; `[group, id]` of each. */
  sweep(maxAge: number): [group: string, id: string][] {
    const swept: [string, string][] = [];
    for (const group of this.#table.keys()) {
      const removed = this.#filter(group, ([, , , stamp]) => this.#now() - stamp <= maxAge);
      for (const [id] of removed) swept.push([group, id]);
    }
    return swept;
  }

  /** How many groups have entries, old ones included. */
  get groups(): number {
    return this.#table.size;
  }

  /** Gives the memory back; whoever uses it later gets ERR_CLOSED. */
  free(): void {
    this.#table.free();
  }

  /** Keeps what `stays`; what was removed. */
  #filter(group: string, stays: (entry: Packed) => boolean): Packed[] {
    let removed: Packed[] = [];
    if (!this.#table.has(group)) return removed;
    this.#change(group, (entries) => {
      const kept = entries.filter(stays);
      removed = entries.filter((entry) => !kept.includes(entry));
      return kept;
    });
    return removed;
  }

  #change(group: string, fn: (entries: Packed[]) => Packed[]): void {
    this.#table.update(group, (row) => {
      const entries = fn(row === undefined ? [] : unpack(row.entries));
      return entries.length === 0 ? undefined : { entries: JSON.stringify(entries) };
    });
  }
}

function unpack(entries: string): Packed[] {
  return JSON.parse(entries) as Packed[];
}
