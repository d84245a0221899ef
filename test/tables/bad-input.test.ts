// Bad input, line by line: each is a clear error that names what is wrong, and nothing changes.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  T_BUCKETS,
  T_FINGERPRINT,
  T_KEY_TYPE,
  T_MAGIC,
  T_SCHEMA,
  T_SCHEMA_BYTES,
  T_SHARDS,
  T_VERSION,
} from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { assertThrows, errorOf } from "./judge.ts";

const test = suite("bad input of a table");
const columns = { text: "string", count: "u32", big: "i64", ratio: "f64", on: "bool" } as const;
const row = { text: "t", count: 1, big: 2n, ratio: 0.5, on: true };
type Row = typeof row;

function make(): SharedTable<string, Row> {
  const table = new SharedTable({ region: Region.create(), key: "string", columns });
  table.set("a", row);
  return table;
}

/** Every way to write a row. */
const writes: [string, (table: SharedTable<string, Row>, key: string, value: Row) => unknown][] = [
  ["set", (table, key, value) => table.set(key, value)],
  ["getOrInsert", (table, key, value) => table.getOrInsert(key, value)],
  ["update", (table, key, value) => table.update(key, () => value)],
  ["transaction", (table, key, value) => table.transaction([key], (tx) => tx.set(key, value))],
];

test("values of another type, out of range, NaN, unknown and missing columns, in every way to write", () => {
  const bad: [object, RegExp][] = [
    [{ ...row, text: 5 }, /^TypeError: SharedTable: column "text" \(string\) must be a string, got 5/],
    [{ ...row, count: "1" }, /^TypeError: SharedTable: column "count" \(u32\)/],
    [{ ...row, count: Number.NaN }, /^RangeError: SharedTable: column "count" \(u32\) must be an integer.*NaN/],
    [{ ...row, count: 2 ** 32 }, /^RangeError: SharedTable: column "count" \(u32\).*4294967296/],
    [{ ...row, count: 0.5 }, /^RangeError/],
    [{ ...row, big: 1 }, /^TypeError: SharedTable: column "big" \(i64\)/],
    [{ ...row, big: 2n ** 64n }, /^RangeError: SharedTable: column "big" \(i64\)/],
    [{ ...row, ratio: "0" }, /^TypeError: SharedTable: column "ratio" \(f64\)/],
    [{ ...row, on: 1 }, /^TypeError: SharedTable: column "on" \(bool\)/],
    [{ ...row, more: 1 }, /^TypeError: SharedTable: no column "more"; the columns are: text, count/],
    [{ text: "t", count: 1 }, /^TypeError: SharedTable: column "big".*a row must have every column/],
  ];
  for (const [name, write] of writes) {
    for (const [value, expected] of bad) {
      const table = make();
      for (const key of ["a", "b"]) {
        // A key that is there keeps its row, whatever getOrInsert is given; the row is looked at all the same.
        assert.match(
          errorOf(() => write(table, key, value as Row)),
          expected,
          `${name} of ${key}`,
        );
      }
      assert.equal(table.snapshot(), new Map([["a", row]]), name);
      assert.equal(table.check().problems, [], name);
    }
  }
});

test("a key of another type, in every operation", () => {
  for (const key of [undefined, null, 5, 5n, Symbol.iterator, {}, ["a"]] as never[]) {
    const table = make();
    const operations = [
      ...writes.map(
        ([, write]) =>
          () =>
            write(table, key, row),
      ),
      () => table.get(key),
      () => table.has(key),
      () => table.getWithVersion(key),
      () => table.delete(key),
      () => table.take(key),
      () => table.compareAndDelete(key, 1),
      () => table.add(key, "count", 1),
      () => table.max(key, "count", 1),
    ];
    for (const operation of operations) assertThrows(operation, /^TypeError: SharedTable: a key must be a string/);
    assert.equal(table.snapshot(), new Map([["a", row]]));
  }
  const numbers = new SharedTable({ region: Region.create(), key: "i32", columns: {} });
  for (const key of [0.5, Number.NaN, 2 ** 31])
    assertThrows(() => numbers.set(key, {}), /^RangeError.*a key \(i32\) must be an integer/);
  for (const key of ["1", 1n] as never[]) assertThrows(() => numbers.set(key, {}), /^TypeError.*a key \(i32\) must be/);
  assert.is(numbers.size, 0);
});

test("update of a key that is not there gets undefined, and may leave it so", () => {
  const table = make();
  assert.is(
    table.update("none", (before) => before),
    undefined,
  );
  assertThrows(() => table.update("none", 5 as never), /^TypeError: SharedTable: update needs a function/);
  assertThrows(() => table.update("none", () => null as never), /^TypeError/);
  assert.equal([...table.keys()], ["a"]);
});

test("a full region says how much is needed, in every way to write, with nothing changed", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4 });
  const table = new SharedTable({ region, key: "string", columns });
  table.set("a", row);
  const large = { ...row, text: "x".repeat(400_000) };
  for (const [name, write] of writes) {
    for (const key of name === "getOrInsert" ? ["b"] : ["a", "b"]) {
      try {
        write(table, key, large);
        assert.unreachable();
      } catch (error) {
        const { code, info, message } = error as { code: string; info: { needed: number }; message: string };
        assert.is(code, "ERR_REGION_FULL", name);
        assert.ok(info.needed >= 400_000 && message.includes(String(info.needed)), message);
      }
    }
    assert.equal(table.snapshot(), new Map([["a", row]]), name);
    assert.equal(table.check().problems, [], name);
  }
});

test("a corrupt header is ERR_TABLE_CORRUPT, whichever word it is", () => {
  const made = make();
  const handle = made.share();
  const { words } = made.region.memory;
  const base = handle.offset >> 2;
  const header = [T_MAGIC, T_VERSION, T_KEY_TYPE, T_FINGERPRINT, T_SHARDS, T_BUCKETS, T_SCHEMA_BYTES, T_SCHEMA];
  for (const word of header) {
    const before = words[base + word];
    for (const value of [0, 1, 3, -1, 77, 1 << 20, 0x7fffffff, -0x80000000]) {
      // Any power of two may be the number of buckets that the table was made with.
      if (value === before || (word === T_BUCKETS && (value === 1 || value === 1 << 20))) continue;
      words[base + word] = value;
      assert.is(
        errorOf(() => SharedTable.from(handle)),
        "ERR_TABLE_CORRUPT",
        `word ${word} is ${value}`,
      );
    }
    words[base + word] = before;
  }
  assert.equal(SharedTable.from(handle).snapshot(), new Map([["a", row]]));
});

test.run();
