// Rows between JavaScript and memory: validate, encode into the outgoing image, decode from an image.
//
// Values are collected (getters of a caller's object run then) before anything is encoded, and everything is validated
// before a lock is taken, so bad input throws with nothing changed.

import type { i32, Words } from "../cells/atomics.ts";
import { PLAIN, R_KEY_BYTES, R_TAG } from "../protocols/table-layout.ts";
import { rowLength } from "../protocols/table-read.ts";
import { boundOf, decode, decodePlain, encodedLength, encodeInto, MAX_TEXT_BYTES } from "./codec.ts";
import type { Image } from "./image.ts";
import { outgoing } from "./image.ts";
import { type Column, type Schema, show } from "./schema.ts";
import type { AnyRow, TableKey } from "./types.ts";

/** A value of a column. */
export type Value = string | number | bigint | boolean;

const U32_MAX = 0xffffffff;
const I32_MIN = -0x80000000;
const I32_MAX = 0x7fffffff;

/** The bounds of an integer column, for messages. */
function boundsOf(type: string): string {
  if (type === "u32") return `an integer, 0 … ${U32_MAX}`;
  if (type === "i32") return `an integer, ${I32_MIN} … ${I32_MAX}`;
  return "a bigint of 64 bits, -2^63 … 2^63 - 1";
}

/** Throws TypeError or RangeError unless the column can hold the value. */
export function checkValue(column: Column, value: unknown, where: string): void {
  const type = column.type;
  switch (type) {
    case "string":
      if (typeof value !== "string") break;
      if (value.length * 3 > MAX_TEXT_BYTES) checkLength(value, `${where}: ${column.what}`);
      return;
    case "bool":
      if (typeof value === "boolean") return;
      break;
    case "f64":
      if (typeof value === "number") return;
      break;
    case "i64":
      if (typeof value !== "bigint") break;
      if (BigInt.asIntN(64, value) === value) return;
      throw outOfRange(column, value, where);
    default:
      if (typeof value !== "number") break;
      if (type === "u32" ? value >>> 0 === value : (value | 0) === value) return;
      throw outOfRange(column, value, where);
  }
  const takes = type === "string" ? "a string" : type === "bool" ? "a boolean" : undefined;
  const wanted = takes ?? (type === "f64" ? "a number" : boundsOf(type));
  throw new TypeError(`${where}: ${column.what} must be ${wanted}, got ${show(value)}`);
}

export function outOfRange(column: Column, value: unknown, where: string, got = "got"): RangeError {
  return new RangeError(`${where}: ${column.what} must be ${boundsOf(column.type)}, ${got} ${show(value)}`);
}

/** For texts of more than a third as many units as bytes may be: no text encodes to more than three bytes a unit. */
function checkLength(text: string, what: string): void {
  // Nor to fewer bytes than it has units.
  const bytes = text.length > MAX_TEXT_BYTES ? text.length : encodedLength(text);
  if (bytes > MAX_TEXT_BYTES) {
    throw new RangeError(`${what} may have at most ${MAX_TEXT_BYTES} bytes of UTF-8, got at least ${bytes}`);
  }
}

/** The values of a caller's row in the schema's order, all validated. */
export function collect(schema: Schema, row: unknown, where: string): Value[] {
  if (typeof row !== "object" || row === null) {
    throw new TypeError(`${where}: a row is an object with the table's columns, got ${show(row)}`);
  }
  const columns = schema.columns;
  const values = new Array<Value>(columns.length);
  for (let i = 0; i < columns.length; i++) {
    const value = (row as AnyRow)[columns[i].name];
    if (value === undefined && schema.showsRows) throw missing(columns[i], row, where);
    checkValue(columns[i], value, where);
    values[i] = value;
  }
  let properties = 0;
  // Counted, since a list of them would be garbage. What is inherited counts too; which they are is asked only then.
  for (const _ in row) properties++;
  if (properties !== columns.length) {
    const unknown = Object.keys(row).find((name) => !schema.byName.has(name));
    if (unknown !== undefined) throw unknownColumn(schema, unknown, where);
  }
  return values;
}

function missing(column: Column, row: object, where: string): TypeError {
  const isPromise = typeof (row as { then?: unknown }).then === "function";
  const why = isPromise ? "the row is a promise: await it first, or use a function that is not async" : "got undefined";
  return new TypeError(`${where}: ${column.what} is missing; a row must have every column, ${why}`);
}

export function unknownColumn(schema: Schema, name: unknown, where: string): TypeError {
  const known = schema.columns.map((column) => column.name).join(", ") || "none";
  return new TypeError(`${where}: no column ${show(name)}; the columns are: ${known}`);
}

/** Writes the key into the outgoing image and returns its length in bytes; throws for a key of another type. */
export function encodeKey(schema: Schema, key: unknown, where: string): i32 {
  if (schema.keyType === "string") {
    if (typeof key !== "string") throw wrongKey(schema, key, where);
    if (key.length * 3 > MAX_TEXT_BYTES) checkLength(key, `${where}: ${schema.keyWhat}`);
    const at = schema.keyWord << 2;
    outgoing.reserve(schema.keyWord + (boundOf(key) >> 2) + 2);
    const bytes = outgoing.bytes;
    const end = encodeInto(key, bytes, at);
    // Keys are compared word by word, so the rest of the last word must be 0.
    for (let i = end; (i & 3) !== 0; i++) bytes[i] = 0;
    return end - at;
  }
  return encodeIntegerKey(schema, key, where);
}

function encodeIntegerKey(schema: Schema, key: unknown, where: string): i32 {
  const at = schema.keyWord;
  outgoing.reserve(at + 2);
  return writeIntegerKey(schema, key, outgoing.words, at, where);
}

/** Writes an integer key at word `at`, where two words have room, and returns its length in bytes. */
export function writeIntegerKey(schema: Schema, key: unknown, words: Words, at: i32, where: string): i32 {
  if (schema.keyType === "i32") {
    if (typeof key !== "number") throw wrongKey(schema, key, where);
    if ((key | 0) !== key) throw wrongKey(schema, key, where, RangeError);
    words[at] = key;
    return 4;
  }
  if (typeof key !== "bigint") throw wrongKey(schema, key, where);
  if (BigInt.asIntN(64, key) !== key) throw wrongKey(schema, key, where, RangeError);
  words[at] = Number(BigInt.asIntN(32, key));
  words[at + 1] = Number(BigInt.asIntN(32, key >> 32n));
  return 8;
}

function wrongKey(schema: Schema, key: unknown, where: string, kind: ErrorConstructor = TypeError): Error {
  const wanted = schema.keyType === "string" ? "a string" : boundsOf(schema.keyType);
  return new kind(`${where}: ${schema.keyWhat} must be ${wanted}, got ${show(key)}`);
}

/** Writes the values behind a key of `keyBytes` bytes in the outgoing image and returns the row's length in words. */
export function encodeRow(schema: Schema, values: readonly Value[], keyBytes: i32): i32 {
  outgoing.words[R_KEY_BYTES] = keyBytes;
  const columns = schema.columns;
  for (let i = 0; i < columns.length; i++) {
    if (columns[i].type !== "string") writeValue(outgoing, 0, columns[i], values[i]);
  }
  const start = schema.keyWord << 2;
  let end = start + ((keyBytes + 3) & ~3);
  let plain = PLAIN;
  for (const column of schema.texts) {
    const text = values[column.index] as string;
    outgoing.reserve((end + boundOf(text) + 7) >> 2);
    const begin = end;
    end = encodeInto(text, outgoing.bytes, end);
    if (end - begin !== text.length) plain = 0;
    outgoing.words[column.word] = end - start;
  }
  outgoing.words[R_TAG] = plain;
  return (end + 3) >> 2;
}

/** As {@link encodeRow} for a row of zeros, false and empty texts. */
export function encodeZeroRow(schema: Schema, keyBytes: i32): i32 {
  const words = outgoing.words;
  words[R_TAG] = PLAIN;
  words[R_KEY_BYTES] = keyBytes;
  const keyWords = (keyBytes + 3) >> 2;
  for (let i = R_KEY_BYTES + 2; i < schema.keyWord; i++) words[i] = 0;
  for (const column of schema.texts) words[column.word] = keyWords << 2;
  return schema.keyWord + keyWords;
}

/** The length in words of the row at `row`, without the rounding to its size class. */
export function rowWords(schema: Schema, words: Words, row: i32): i32 {
  return rowLength(words, row, schema.keyWord, schema.endWord);
}

/** Memory that holds rows: an image, or the region itself for its one word or pair of words under the lock. */
export type Cells = Pick<Image, "words" | "f64" | "i64">;

/** Writes a value that is no text. One store: a thread that ends leaves the old value or the new one. */
export function writeValue(cells: Cells, row: i32, column: Column, value: Value): void {
  const at = row + column.word;
  if (column.type === "f64") cells.f64[at >> 1] = value as number;
  else if (column.type === "i64") cells.i64[at >> 1] = value as bigint;
  else if (column.type === "bool") cells.words[at] = value === true ? 1 : 0;
  else cells.words[at] = value as number;
}

/** Reads a value of a numeric column. */
export function readNumber(cells: Cells, row: i32, column: Column): number | bigint {
  const at = row + column.word;
  switch (column.type) {
    case "f64":
      return cells.f64[at >> 1];
    case "i64":
      return cells.i64[at >> 1];
    case "u32":
      return cells.words[at] >>> 0;
    default:
      return cells.words[at];
  }
}

/** The values of the row at `at` of an image, in the order of declaration. */
export function decodeValues(schema: Schema, image: Image, at: i32): Value[] {
  const columns = schema.columns;
  const values = new Array<Value>(columns.length);
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    if (column.type === "string") values[i] = decodeText(schema, image, at, column);
    else if (column.type === "bool") values[i] = image.words[at + column.word] !== 0;
    else values[i] = readNumber(image, at, column);
  }
  return values;
}

/** The row at `at` of an image, as a plain object. */
export function decodeRow(schema: Schema, image: Image, at: i32): AnyRow {
  return schema.rowOf(decodeValues(schema, image, at));
}

/** A text of the row at `at`; of a row that is plain and short the image may be shared memory that nobody else writes. */
export function decodeText(schema: Schema, image: Pick<Image, "words" | "bytes">, at: i32, column: Column): string {
  const words = image.words;
  const start = (at + schema.keyWord) << 2;
  const before = column.previous === 0 ? (words[at + R_KEY_BYTES] + 3) & ~3 : words[at + column.previous];
  const [from, to] = [start + before, start + words[at + column.word]];
  return (words[at + R_TAG] & PLAIN) !== 0 ? decodePlain(image.bytes, from, to) : decode(image.bytes, from, to);
}

/** The key of the row at `at` of an image. */
export function decodeKey(schema: Schema, image: Image, at: i32): TableKey {
  const key = at + schema.keyWord;
  if (schema.keyType === "i32") return image.words[key];
  if (schema.keyType === "i64") return (BigInt(image.words[key + 1]) << 32n) | BigInt(image.words[key] >>> 0);
  return decode(image.bytes, key << 2, (key << 2) + image.words[at + R_KEY_BYTES]);
}
