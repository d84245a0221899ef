// SharedSet: strings, the keys of a table without columns.

import { TableView, type ViewHandle, type ViewOptions, viewOptions } from "./view.ts";

export type SetOptions = ViewOptions;
export type SetHandle = ViewHandle<"set">;

const COLUMNS = {} as const;

/**
 * A Set of strings for all threads. Every method that names one string is atomic, and a thread that is terminated inside
 * leaves it done or not done. Strings of up to 1 MiB in UTF-8; errors as for SharedMap.
 *
 * @example
 * const seen = SharedSet.named("seen");
 * if (seen.add(url)) crawl(url); // one thread gets true, the others false
 */
export class SharedSet extends TableView<typeof COLUMNS, "set"> {
  constructor(options: SetOptions = {}) {
    super({ className: "SharedSet", key: "a value" }, "set", COLUMNS, options);
  }

  /** The set of this name, made if there is none yet. */
  static named(name: string, options: Omit<SetOptions, "name"> = {}): SharedSet {
    return new SharedSet({ ...options, name });
  }

  /** Attaches to the set of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: SetHandle): SharedSet {
    return new SharedSet(viewOptions("SharedSet", "set", handle));
  }

  /** Puts a string in; true for the one caller that did, false if it was there. */
  add(value: string): boolean {
    if (this.table.has(value)) return false;
    let added = false;
    this.table.update(value, (row) => {
      added = row === undefined;
      return {};
    });
    return added;
  }

  /** Whether the string is in. */
  has(value: string): boolean {
    return this.table.has(value);
  }

  /** Takes a string out; true for the one caller that did, false if it was not there. */
  delete(value: string): boolean {
    return this.table.delete(value);
  }

  /** The strings; each that is there throughout comes exactly once. The set may be used, changed even, in the loop. */
  values(): IterableIterator<string> {
    return this.table.keys();
  }

  /** As {@link values}. */
  keys(): IterableIterator<string> {
    return this.table.keys();
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.table.keys();
  }

  /** All strings as they were at one moment. */
  snapshot(): Set<string> {
    return new Set(this.table.snapshot().keys());
  }
}
