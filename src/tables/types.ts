// The types of a table's public face: how the row type follows from the declared columns.

/** How a column is stored: 32-bit integers, a double, a 64-bit integer (a bigint), a boolean, or text of any length. */
export type ColumnType = "u32" | "i32" | "f64" | "i64" | "bool" | "string";

/** What a table is keyed by; `"i64"` keys are bigints. */
export type KeyType = "string" | "i32" | "i64";

/** Column names and their types, in the order in which rows list them. */
export type Columns = Readonly<Record<string, ColumnType>>;

export type TableKey = string | number | bigint;

/** The JavaScript type of a key. */
export type KeyOf<K extends KeyType> = K extends "string" ? string : K extends "i32" ? number : bigint;

/** The JavaScript type of a column's values. */
export type ValueOf<T extends ColumnType> = T extends "string"
  ? string
  : T extends "bool"
    ? boolean
    : T extends "i64"
      ? bigint
      : number;

/** The row type that columns declare: `{ alias: "string", count: "u32" }` gives `{ alias: string; count: number }`. */
export type RowOf<C extends Columns> = { -readonly [N in keyof C]: ValueOf<C[N]> };

/** The names of a row's columns that `add` and `max` take. */
export type NumericColumn<Row> = { [N in keyof Row]: Row[N] extends number | bigint ? N : never }[keyof Row] & string;

/** Any row, where its columns are not known to the type checker. */
export type AnyRow = Record<string, string | number | bigint | boolean>;

/** A row with the version that `compareAndDelete` takes; every write of the row gives it another version. */
export interface Versioned<Row> {
  readonly row: Row;
  readonly version: number;
}

/** What the callback of `transaction()` gets: the rows of its keys, and of no others. For the time of the call only. */
export interface TableTransaction<Key extends TableKey = TableKey, Row extends object = AnyRow> {
  /** The row of the key, or undefined; as this transaction has left it. */
  get(key: Key): Row | undefined;
  /** Stores a row, which must have every column, once the callback has returned. */
  set(key: Key, row: Row): this;
  /** Removes the row once the callback has returned; false if there is none. */
  delete(key: Key): boolean;
}

/** What `stats()` tells; a moment per shard, not of the whole table. */
export interface TableStats {
  /** Rows in the table. */
  entries: number;
  /** Slots of the index as it is now; it grows by itself. */
  capacity: number;
  /** entries / capacity. */
  load: number;
  /** The most buckets (cache lines of the index) that finding a present key reads. */
  maxProbe: number;
  /** Bytes of the rows, with their headers and the rounding to size classes. */
  bytesUsed: number;
  /** Bytes of deleted rows and of slabs not yet used: what new rows take before the table asks the region for more. */
  bytesFree: number;
  /** Bytes of the index and of the shards' headers. */
  bytesIndex: number;
  /** How often the shards' locks were acquired, each modulo 2^30, and how many of these acquisitions had to wait. */
  acquisitions: number;
  contended: number;
}

/** What `check()` tells. */
export interface TableCheck {
  ok: boolean;
  /** One sentence for each broken invariant (at most 100). */
  problems: string[];
}
