// What a table's rows look like: declared columns, and where each stands in a row (layout.ts draws one).
//
// The order in memory depends on names and types only (8 bytes, 4 bytes, text; by name within), so two threads that
// declare the same columns in another order agree; the order in which they were declared is that of the rows they read.

import { className } from "../cells/deadline.ts";
import { type ErrorInfo, TableError } from "../cells/errors.ts";
import { halfSipHash } from "../protocols/table-hash.ts";
import { ROW_HEADER } from "../protocols/table-layout.ts";
import type { AnyRow, Columns, ColumnType, KeyType } from "./types.ts";

/** A row as a thread keeps it for itself: of a table with one column its value. */
export type Kept = AnyRow | AnyRow[string];

/** How messages call a table, its keys and its column: a SharedMap is asked for values, and knows of no columns. */
export interface Face {
  readonly className: string;
  readonly key: string;
  readonly column?: string | undefined;
}

/** A declared column. */
export interface Column {
  readonly name: string;
  /** How messages call it. */
  readonly what: string;
  readonly type: ColumnType;
  /** Its place in the declaration. */
  readonly index: number;
  /** Its word in a row: the value, or for text the end of its bytes. */
  readonly word: number;
  /** For text: the word that holds the end of the text before it; 0 for the first. */
  readonly previous: number;
}

export interface Schema {
  readonly keyType: KeyType;
  /** In the order of declaration. */
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
  /** Text columns in the order in which their bytes stand in a row. */
  readonly texts: readonly Column[];
  /** A new row of these values, which stand in the order of declaration. */
  readonly rowOf: (values: readonly unknown[]) => AnyRow;
  /** A new row like the one that is kept. */
  readonly copyOf: (kept: Kept) => AnyRow;
  /** Whether rows have one column. */
  readonly single: boolean;
  /** How messages call a key. */
  readonly keyWhat: string;
  /** Whether those who use the table know of rows and columns. */
  readonly showsRows: boolean;
  /** Words before the key. */
  readonly keyWord: number;
  /** The word with the end of the last text, or 0 where there is no text. */
  readonly endWord: number;
  /** The declaration as text, and the part of it that must agree between threads. */
  readonly source: string;
  readonly canonical: string;
  readonly fingerprint: number;
}

export const KEY_TYPES: readonly KeyType[] = ["string", "i32", "i64"];
const COLUMN_TYPES: readonly ColumnType[] = ["u32", "i32", "f64", "i64", "bool", "string"];
const MAX_COLUMNS = 255;
const MAX_NAME = 255;

type Declared = readonly (readonly [string, ColumnType])[];

/** The schema of a declaration; throws ERR_TABLE_SCHEMA. */
export function parseSchema(keyType: unknown, columns: unknown, where: string, face?: Face): Schema {
  if (!KEY_TYPES.includes(keyType as KeyType)) {
    throw schemaError(`${where}: key must be "string", "i32" or "i64", not ${show(keyType)}`, { key: keyType });
  }
  if (typeof columns !== "object" || columns === null || Array.isArray(columns)) {
    throw schemaError(`${where}: columns must be an object such as { count: "u32" }, not ${show(columns)}`);
  }
  const declared = Object.entries(columns as Columns);
  if (declared.length > MAX_COLUMNS) {
    throw schemaError(`${where}: ${declared.length} columns; a table takes at most ${MAX_COLUMNS}`);
  }
  for (const [name, type] of declared) {
    if (name === "__proto__" || name.length === 0 || name.length > MAX_NAME) {
      throw schemaError(`${where}: ${show(name)} can't name a column (1 … ${MAX_NAME} characters, not "__proto__")`);
    }
    if (!COLUMN_TYPES.includes(type)) {
      throw schemaError(`${where}: column ${show(name)} has the type ${show(type)}; use ${COLUMN_TYPES.join(", ")}`, {
        column: name,
      });
    }
  }
  return layOut(keyType as KeyType, declared, face);
}

/** The schema that {@link Schema.source} describes; throws ERR_TABLE_CORRUPT if that is none. */
export function decodeSchema(source: string, where: string): Schema {
  let parsed: { key?: unknown; columns?: unknown };
  try {
    parsed = JSON.parse(source) as typeof parsed;
    if (!Array.isArray(parsed.columns)) throw new TypeError("no columns");
    return parseSchema(parsed.key, Object.fromEntries(parsed.columns as [string, ColumnType][]), where);
  } catch (cause) {
    throw new TableError("ERR_TABLE_CORRUPT", `${where}: its stored schema is damaged`, {}, { cause });
  }
}

/** Throws ERR_TABLE_SCHEMA unless a thread that declared `mine` may use a table made with `theirs`. */
export function assertSameSchema(mine: Schema, theirs: Schema, where: string): void {
  if (mine.fingerprint === theirs.fingerprint && mine.canonical === theirs.canonical) return;
  const message =
    `${where}: the table of this name or handle has another schema: it has ${inWords(theirs)}, you asked for ` +
    `${inWords(mine)}; use its schema, or another name`;
  throw schemaError(message, { existing: theirs.source, requested: mine.source });
}

function inWords({ keyType, columns }: Schema): string {
  const listed = columns.map(({ name, type }) => `${name}: ${type}`).join(", ");
  return `key ${keyType} and ${listed === "" ? "no columns" : `columns { ${listed} }`}`;
}

function layOut(keyType: KeyType, declared: Declared, face: Face | undefined): Schema {
  const sorted = [...declared].sort(([a], [b]) => (a < b ? -1 : 1));
  const inMemory = [
    ...sorted.filter(([, type]) => type === "f64" || type === "i64"),
    ...sorted.filter(([, type]) => type === "u32" || type === "i32" || type === "bool"),
    ...sorted.filter(([, type]) => type === "string"),
  ];
  const byName = new Map<string, Column>();
  const texts: Column[] = [];
  let word = ROW_HEADER;
  for (const [name, type] of inMemory) {
    const previous = texts.length > 0 ? texts[texts.length - 1].word : 0;
    const index = declared.findIndex(([other]) => other === name);
    const what = face?.column ?? `column ${show(name)} (${type})`;
    const column: Column = { name, what, type, index, word, previous: type === "string" ? previous : 0 };
    if (type === "string") texts.push(column);
    byName.set(name, column);
    word += type === "f64" || type === "i64" ? 2 : 1;
  }
  const source = JSON.stringify({ key: keyType, columns: declared });
  const canonical = JSON.stringify({ key: keyType, columns: sorted });
  return {
    keyType,
    columns: declared.map(([name]) => byName.get(name) as Column),
    byName,
    texts,
    ...rowMakers(declared.map(([name]) => name)),
    single: declared.length === 1,
    showsRows: face === undefined,
    keyWhat: face?.key ?? (keyType === "string" ? "a key" : `a key (${keyType})`),
    keyWord: word,
    endWord: texts.length > 0 ? texts[texts.length - 1].word : 0,
    source,
    canonical,
    fingerprint: fingerprintOf(canonical),
  };
}

type Makers = Pick<Schema, "rowOf" | "copyOf">;
const makers = new Map<string, Makers>();

/** Makes rows of columns with these names. One function for all tables with the same columns, so calls are inlined. */
function rowMakers(names: readonly string[]): Makers {
  const key = JSON.stringify(names);
  let known = makers.get(key);
  if (known === undefined) makers.set(key, (known = generateMakers(names)));
  return known;
}

/** Where code may be generated a row costs an object literal, else a store a column. */
function generateMakers(names: readonly string[]): Makers {
  try {
    const copied = names.length === 1 ? () => "kept" : (name: string): string => `kept[${name}]`;
    return {
      rowOf: literal("values", names, (_, i) => `values[${i}]`) as Schema["rowOf"],
      copyOf: literal("kept", names, copied) as Schema["copyOf"],
    };
  } catch {
    // A content security policy may forbid it.
    const rowOf = (values: readonly unknown[]): AnyRow => {
      const row: AnyRow = {};
      for (let i = 0; i < names.length; i++) row[names[i]] = values[i] as AnyRow[string];
      return row;
    };
    const copyOf = (kept: Kept): AnyRow => (names.length === 1 ? rowOf([kept]) : { ...(kept as AnyRow) });
    return { rowOf, copyOf };
  }
}

/** A function of `given` that returns an object literal. */
function literal(given: string, names: readonly string[], valueOf: (name: string, i: number) => string): unknown {
  // JSON text is what the names become in the code, so whatever they are, they stay property names.
  const properties = names.map((name) => JSON.stringify(name)).map((name, i) => `${name}: ${valueOf(name, i)}`);
  return new Function(given, `return { ${properties.join(", ")} };`);
}

// JSON escapes lone surrogates, so plain UTF-8 tells any two schemas apart.
function fingerprintOf(canonical: string): number {
  const bytes = new TextEncoder().encode(canonical);
  const padded = new Int32Array((bytes.length + 3) >> 2);
  new Uint8Array(padded.buffer).set(bytes);
  return halfSipHash(padded, 0, bytes.length, 0x686f6c64, 0x66617374);
}

function schemaError(message: string, info: ErrorInfo = {}): TableError {
  return new TableError("ERR_TABLE_SCHEMA", message, info);
}

/** A value for a message: short, and safe for anything. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (value === null || typeof value !== "object") return typeof value === "function" ? "a function" : String(value);
  return Array.isArray(value) ? "an array" : `an object (${className(value)})`;
}
