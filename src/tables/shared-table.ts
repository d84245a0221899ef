// The public face of a table: its documentation, and the types that follow from its declared columns. The class itself
// (table.ts) knows keys and rows only as values that it validates.

import type { Region, RegionHandle } from "../region/region.ts";
import { snapshotTables } from "./bulk.ts";
import { SharedTable as Table } from "./table.ts";
import type {
  AnyRow,
  Columns,
  KeyOf,
  KeyType,
  NumericColumn,
  RowOf,
  TableCheck,
  TableKey,
  TableStats,
  TableTransaction,
  Versioned,
} from "./types.ts";

/** What {@link SharedTable.share} gives: structured-cloneable, for workerData or postMessage. */
export interface TableHandle<Key extends TableKey = TableKey, Row extends object = AnyRow> {
  readonly holdfast: "table";
  readonly region: RegionHandle;
  readonly offset: number;
  readonly serial: number;
  /** The types only; never there at run time. */
  readonly types?: [Key, Row];
}

/** What a table is made with. */
export interface TableOptions<K extends KeyType, C extends Columns> {
  /** A name in the region: every thread that gives the same name and schema has the same table. 1 to 256 characters. */
  readonly name?: string | undefined;
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
  /** The type of the keys: strings, integers of 32 bits, or bigints of 64 bits. */
  readonly key: K;
  /** The columns: `u32`, `i32`, `f64`, `i64` (a bigint), `bool`, `string`. At most 255. */
  readonly columns: C;
  /** How many rows to lay the index out for. It grows by itself in any case. */
  readonly capacity?: number | undefined;
}

/**
 * A hash table in shared memory, for all threads: string or integer keys, rows of typed columns.
 *
 * Every method that names one key is atomic. Reads take no lock unless writers keep changing the key's shard; writes take
 * the lock of one of the table's shards, for the time of the change. A thread that is terminated inside any of them leaves
 * its row as it was before or as it is after, and every other row intact; the next writer of the shard repairs the rest.
 * Rows are copies: changing one changes nothing in the table. Keys and texts may be any JavaScript strings of up to
 * 1 MiB in UTF-8 (lone surrogates come back as they were).
 *
 * Methods throw TypeError or RangeError for a key, row or column that does not fit, ERR_REGION_FULL if the region can't
 * hold a change, and ERR_TABLE_CORRUPT if its memory was overwritten; in each case nothing is changed.
 *
 * Index: buckets of one cache line with overflow counts (after F14), keyed by HalfSipHash-1-3.
 *
 * @example
 * const table = new SharedTable({ name: "people", key: "string", columns: { alias: "string", calls: "u32" } });
 * table.set("+15550100", { alias: "Alice", calls: 0 });
 * table.add("+15550100", "calls", 1); // 1
 */
// oxlint-disable-next-line no-redeclare -- a type and a constructor share the name, as with every class
export interface SharedTable<Key extends TableKey, Row extends object> {
  /** The region that it lives in. */
  readonly region: Region;
  /** Its name in the region, if it has one. */
  readonly name: string | undefined;
  /** How many rows there are; while others write, a number that was right for each shard at some moment of the call. */
  readonly size: number;

  /** The row of the key, or undefined. */
  get(key: Key): Row | undefined;
  /** Whether there is a row of the key. */
  has(key: Key): boolean;
  /** The row of the key and its version, for {@link compareAndDelete}. */
  getWithVersion(key: Key): Versioned<Row> | undefined;
  /** Stores a row, which must have every column, in place of any other of the key. */
  set(key: Key, row: Row): this;
  /** Removes the row of the key; false if there was none. */
  delete(key: Key): boolean;
  /** Removes the row of the key and returns it; of several threads one gets it, the others undefined. */
  take(key: Key): Row | undefined;
  /** Removes the row only if nothing has changed it since it had this version; false otherwise. */
  compareAndDelete(key: Key, version: number): boolean;
  /** The row of the key; if there is none, stores `row` first. All threads get the same one, that of the first. */
  getOrInsert(key: Key, row: Row): Row;
  /**
   * Calls `fn` with the row (undefined if there is none) and stores what it returns; undefined removes the row. Returns
   * what `fn` returned. If `fn` throws, or its row does not fit, nothing changes. `fn` runs while a lock of the table is
   * held: keep it short, and don't use this table in it (ERR_WOULD_DEADLOCK); other tables may be used.
   */
  update(key: Key, fn: (row: Row | undefined) => Row | undefined): Row | undefined;
  /**
   * Calls `fn` with the rows of `keys` locked, and makes all changes that it asked of `tx` at one moment, for every reader
   * and snapshot; returns what `fn` returned. If `fn` throws, or the region can't hold the changes, nothing changes; if
   * the thread is terminated, all changes are made or none is. Blocks until the keys' locks are had (in one order for all
   * threads, so transactions of one table never deadlock). `fn` must not be async, must not use this table but through
   * `tx` (ERR_WOULD_DEADLOCK), and `tx` not after it returned (ERR_CLOSED); a key that is not among `keys` is a RangeError.
   *
   * @example
   * table.transaction(["alice", "bob"], (tx) => {
   *   const [from, to] = [tx.get("alice"), tx.get("bob")];
   *   if (from === undefined || to === undefined || from.money < 5) return false;
   *   tx.set("alice", { ...from, money: from.money - 5 }).set("bob", { ...to, money: to.money + 5 });
   *   return true;
   * });
   */
  transaction<T>(keys: Iterable<Key>, fn: (tx: TableTransaction<Key, Row>) => T): T;
  /**
   * Adds to a numeric column and returns the new value; a missing row is made first, with zeros, false and empty texts.
   * Throws RangeError, with nothing changed, if the column can't hold the sum (nothing wraps around), or for NaN.
   */
  add<Name extends NumericColumn<Row>>(key: Key, column: Name, delta: Row[Name]): Row[Name];
  /**
   * Raises a numeric column to `value` if it is less, and returns what it is then; a missing row is made first, as by
   * {@link add}, so the result is never less than 0 for a key that was missing.
   */
  max<Name extends NumericColumn<Row>>(key: Key, column: Name, value: Row[Name]): Row[Name];

  /**
   * The keys, a shard at a time: each key that is there throughout comes exactly once. No lock is held between two steps,
   * so the table may be used, changed even, in the loop.
   */
  keys(): IterableIterator<Key>;
  /** The rows, as {@link keys}; each is whole, but they are not of one moment. */
  entries(): IterableIterator<[Key, Row]>;
  [Symbol.iterator](): IterableIterator<[Key, Row]>;
  /** All rows as they were at one moment. Holds all locks of the table while it copies the memory (not while it decodes). */
  snapshot(): Map<Key, Row>;
  /**
   * Removes all rows, at one moment for every reader, writer and snapshot, and gives their memory back to the region. If
   * it throws, or the thread is terminated within it, all rows are there or none is. Takes no memory: it works in a full
   * region, too.
   */
  clear(): void;

  /**
   * Gives all memory of the table back to the region, and its name away. Blocks until nobody is inside an operation of it.
   * Everyone who uses it afterwards gets ERR_CLOSED, in every thread. If the thread is terminated within it, all rows are
   * there or none is: free the table again.
   */
  free(): void;

  /** Verifies every invariant of the table's memory, a shard at a time under its lock, and says what is wrong. */
  check(): TableCheck;
  /** Numbers of the index and the memory. */
  stats(): TableStats;
  /** A small handle for workerData or postMessage. */
  share(): TableHandle<Key, Row>;
  /** The same for this thread's own use: nobody else gets to know of the table by it. @internal */
  handle(): TableHandle<Key, Row>;
}

/** {@link SharedTable} as a constructor. */
export interface SharedTableConstructor {
  /**
   * Makes a table, or attaches to the one of that name. Throws ERR_TABLE_SCHEMA for bad columns and for a table that
   * exists with another schema, ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED.
   */
  new <K extends KeyType, C extends Columns>(options: TableOptions<K, C>): SharedTable<KeyOf<K>, RowOf<C>>;
  readonly prototype: SharedTable<TableKey, AnyRow>;
  /** The table of this name, made if there is none yet. */
  named<K extends KeyType, C extends Columns>(
    name: string,
    options: Omit<TableOptions<K, C>, "name">,
  ): SharedTable<KeyOf<K>, RowOf<C>>;
  /** The table of this name, with the columns that it has; throws ERR_TABLE_SCHEMA if there is none. */
  named<Key extends TableKey = TableKey, Row extends object = AnyRow>(
    name: string,
    options?: { readonly region?: Region | undefined },
  ): SharedTable<Key, Row>;
  /**
   * Attaches to the table of a handle. Throws TypeError for what is no handle, ERR_REGION_KIND for another object's,
   * ERR_CLOSED if it was freed; and ERR_TABLE_SCHEMA if key and columns are given and are not the table's.
   */
  from<Key extends TableKey = TableKey, Row extends object = AnyRow>(
    handle: TableHandle<Key, Row>,
  ): SharedTable<Key, Row>;
  from<K extends KeyType, C extends Columns>(
    handle: TableHandle,
    options: Pick<TableOptions<K, C>, "key" | "columns">,
  ): SharedTable<KeyOf<K>, RowOf<C>>;
}

export const SharedTable: SharedTableConstructor = Table as unknown as SharedTableConstructor;

/** The keys and rows of each table of a list. */
export type Snapshots<Tables extends readonly unknown[]> = {
  -readonly [I in keyof Tables]: Tables[I] extends SharedTable<infer Key, infer Row> ? Map<Key, Row> : never;
};

/** All rows of several tables as they were at one moment of all of them, in the order given. Takes all their locks. */
export function snapshotAll<Tables extends readonly unknown[]>(tables: readonly [...Tables]): Snapshots<Tables> {
  if (!Array.isArray(tables)) throw new TypeError("snapshotAll needs an array of tables");
  return snapshotTables(tables.map((table) => Table.coreOf(table))) as unknown as Snapshots<Tables>;
}
