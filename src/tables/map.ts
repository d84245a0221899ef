// SharedMap: strings to strings, a table with one text column. Every method is one operation of the table, but
// compareAndDelete by value, which is two: it reads the value with its version, then deletes only what has that version.

import { describe } from "../cells/deadline.ts";
import { setValue } from "./change.ts";
import { assertText, TableView, type ViewHandle, type ViewOptions, viewOptions } from "./view.ts";

export type MapOptions = ViewOptions;
export type MapHandle = ViewHandle<"map">;

const COLUMNS = { value: "string" } as const;

/**
 * A Map of strings to strings for all threads. Every method that names one key is atomic; reads take no lock unless
 * writers keep changing the key's part of the map. A thread that is terminated inside any of them leaves its key as it
 * was before or as it is after, and every other key intact.
 *
 * Keys and values are any JavaScript strings of up to 1 MiB in UTF-8. Methods throw TypeError or RangeError for others,
 * and ERR_REGION_FULL if the region can't hold a change; nothing is changed then.
 *
 * @example
 * const sessions = SharedMap.named("sessions");
 * sessions.set("4711", JSON.stringify({ user: "Alice" })); // in one thread
 * sessions.get("4711"); // in any other
 */
export class SharedMap extends TableView<typeof COLUMNS, "map"> {
  constructor(options: MapOptions = {}) {
    super({ className: "SharedMap", key: "a key", column: "a value" }, "map", COLUMNS, options);
  }

  /** The map of this name, made if there is none yet. */
  static named(name: string, options: Omit<MapOptions, "name"> = {}): SharedMap {
    return new SharedMap({ ...options, name });
  }

  /** Attaches to the map of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: MapHandle): SharedMap {
    return new SharedMap(viewOptions("SharedMap", "map", handle));
  }

  /** The value of the key, or undefined. */
  get(key: string): string | undefined {
    return this.reader.find(key) as string | undefined;
  }

  /** Whether the key has a value. */
  has(key: string): boolean {
    return this.reader.find(key) !== undefined;
  }

  /** Stores a value in place of any other of the key. */
  set(key: string, value: string): this {
    setValue(this.core, key, value);
    return this;
  }

  /** Removes the key; false if it was not there. */
  delete(key: string): boolean {
    return this.table.delete(key);
  }

  /** Removes the key and returns its value; of several threads one gets it, the others undefined. */
  take(key: string): string | undefined {
    return this.table.take(key)?.value;
  }

  /** The value of the key; if there is none, stores `value` first. All threads get the same one, that of the first. */
  getOrInsert(key: string, value: string): string {
    return this.table.getOrInsert(key, { value }).value;
  }

  /**
   * Calls `fn` with the value (undefined if there is none) and stores what it returns; undefined removes the key. Returns
   * what `fn` returned. If `fn` throws, or returns anything else, nothing changes. `fn` runs while a lock of the map is
   * held: keep it short, and don't use this map in it (ERR_WOULD_DEADLOCK); others may be used.
   */
  update(key: string, fn: (value: string | undefined) => string | undefined): string | undefined {
    if (typeof fn !== "function")
      throw new TypeError(`${this.core.label}: update needs a function, got ${describe(fn)}`);
    const row = this.table.update(key, (row) => {
      const value = fn(row?.value);
      return value === undefined ? undefined : { value };
    });
    return row?.value;
  }

  /** Removes the key only if its value is `expected` at that moment; false otherwise. */
  compareAndDelete(key: string, expected: string): boolean {
    assertText(expected, `${this.core.label}: the expected value`);
    for (;;) {
      const found = this.table.getWithVersion(key);
      if (found === undefined || found.row.value !== expected) return false;
      if (this.table.compareAndDelete(key, found.version)) return true;
    }
  }

  /** The keys; each that is there throughout comes exactly once. The map may be used, changed even, in the loop. */
  keys(): IterableIterator<string> {
    return this.table.keys();
  }

  /** The values, as {@link keys}. */
  *values(): IterableIterator<string> {
    for (const [, row] of this.table.entries()) yield row.value;
  }

  /** The keys with their values, as {@link keys}; they are not of one moment. */
  *entries(): IterableIterator<[string, string]> {
    for (const [key, row] of this.table.entries()) yield [key, row.value];
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** All keys and values as they were at one moment. */
  snapshot(): Map<string, string> {
    const map = new Map<string, string>();
    for (const [key, { value }] of this.table.snapshot()) map.set(key, value);
    return map;
  }
}
