// A table under another face: what SharedMap, SharedSet and SharedMultiMap have in common. They hold no state of their
// own: every operation is one of the table's atomic ones, so the table's guarantees are theirs.

import { describe } from "../cells/deadline.ts";
import { HoldfastError } from "../cells/errors.ts";
import type { Region } from "../region/region.ts";
import type { TableCore } from "./core.ts";
import type { TableReader } from "./reader.ts";
import type { Face } from "./schema.ts";
import { SharedTable, type TableHandle } from "./shared-table.ts";
import { SharedTable as Table } from "./table.ts";
import type { Columns, RowOf, TableCheck, TableStats } from "./types.ts";

/** Options of SharedMap, SharedSet and SharedMultiMap. */
export interface ViewOptions {
  /** A name in the region: every thread that gives the same name has the same object. 1 to 256 characters. */
  readonly name?: string | undefined;
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
  /** How many entries to lay the index out for. It grows by itself in any case. */
  readonly capacity?: number | undefined;
}

/** What `share()` gives: structured-cloneable, for workerData or postMessage. */
export interface ViewHandle<Tag extends string = string> {
  readonly holdfast: Tag;
  readonly table: TableHandle<string>;
}

/** Handles on their way into a constructor: keyed by the options object that only {@link viewOptions} makes. */
const handed = new WeakMap<object, TableHandle<string>>();

/** Checks a handle and turns it into options for the constructor of its class. */
export function viewOptions(className: string, tag: string, handle: ViewHandle): ViewOptions {
  if (typeof handle !== "object" || handle === null || typeof handle.holdfast !== "string") {
    throw new TypeError(`${className}.from needs the result of share(), got ${describe(handle)}`);
  }
  if (handle.holdfast !== tag) {
    const message = `${className}.from: the handle is of another kind (${describe(handle.holdfast)}): use its own class`;
    throw new HoldfastError("ERR_REGION_KIND", message, { expected: tag, found: handle.holdfast });
  }
  if (typeof handle.table !== "object" || handle.table === null) {
    throw new TypeError(`${className}.from needs the whole result of share(): its table is ${describe(handle.table)}`);
  }
  const options: ViewOptions = {};
  handed.set(options, handle.table);
  return options;
}

export abstract class TableView<C extends Columns, Tag extends string> {
  /** The table beneath, for `snapshotAll` and the like. */
  readonly table: SharedTable<string, RowOf<C>>;
  /** The table's reader: what it gives are values, without a row around them. @internal */
  protected readonly reader: TableReader;
  /** What the table is to this thread. @internal */
  protected readonly core: TableCore;
  readonly #tag: Tag;
  readonly #className: string;

  protected constructor(face: Face, tag: Tag, columns: C, options: ViewOptions) {
    const { className } = face;
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`new ${className} takes an object of options, got ${describe(options)}`);
    }
    const handle = handed.get(options);
    const { name, region, capacity } = options;
    this.table =
      handle === undefined
        ? new SharedTable(withFace({ key: "string", columns, name, region, capacity }, face))
        : (SharedTable.from(handle, withFace({ key: "string", columns }, face)) as unknown as SharedTable<
            string,
            RowOf<C>
          >);
    this.reader = Table.readerOf(this.table);
    this.core = Table.coreOf(this.table);
    this.#tag = tag;
    this.#className = className;
  }

  /** The region that it lives in. */
  get region(): Region {
    return this.table.region;
  }

  /** Its name in the region, if it has one. */
  get name(): string | undefined {
    return this.table.name;
  }

  /** How many keys there are; while others write, a number that was right for each shard at some moment of the call. */
  get size(): number {
    return this.table.size;
  }

  /**
   * Removes everything, at one moment for every reader, writer and snapshot, and gives the memory back to the region. If the
   * thread is terminated within it, everything is there or nothing is.
   */
  clear(): void {
    this.table.clear();
  }

  /**
   * Gives all memory back to the region, and the name away. Blocks until nobody is inside an operation of it. Everyone who
   * uses it afterwards gets ERR_CLOSED, in every thread.
   */
  free(): void {
    this.table.free();
  }

  /** Verifies every invariant of the memory, and says what is wrong. */
  check(): TableCheck {
    return this.table.check();
  }

  /** Numbers of the index and the memory. */
  stats(): TableStats {
    return this.table.stats();
  }

  /** A small handle for workerData or postMessage. */
  share(): ViewHandle<Tag> {
    return { holdfast: this.#tag, table: this.table.share() as unknown as TableHandle<string> };
  }

  /** Says its name and size. */
  toString(): string {
    const name = this.name === undefined ? "" : ` "${this.name}"`;
    return `${this.#className}${name}: ${this.size} keys`;
  }
}

/** Options of a table whose messages are those of the class that is one beneath. */
export function withFace<Options extends object>(options: Options, face: Face): Options {
  return { ...options, face } as Options;
}

/** Throws TypeError unless it is a string. */
export function assertText(value: unknown, what: string): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${what} must be a string, got ${describe(value)}`);
}
