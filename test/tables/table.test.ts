// watchdog: 300s
// What each method does, and that bad input is refused with nothing changed.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Region } from "../../src/region/region.ts";
import { SharedTable, snapshotAll } from "../../src/tables/shared-table.ts";
import { seeded } from "./seeded.ts";

const test = suite("SharedTable");

const columns = { alias: "string", count: "u32", delta: "i32", ratio: "f64", big: "i64", on: "bool" } as const;
const row = { alias: "Ünï 😀", count: 4_000_000_000, delta: -5, ratio: 0.1, big: -(2n ** 63n), on: true };
const zero = { alias: "", count: 0, delta: 0, ratio: 0, big: 0n, on: false };

function make() {
  return new SharedTable({ region: Region.create(), key: "string", columns });
}

function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "nothing thrown";
}

function assertThrows(work: () => unknown, expected: RegExp): void {
  assert.match(errorOf(work), expected);
}

test("get, has, set, delete and take are those of a Map of rows", () => {
  const table = make();
  assert.is(table.get("a"), undefined);
  assert.is(table.set("a", row), table);
  assert.equal(table.get("a"), row);
  assert.equal(Object.keys(table.get("a") ?? {}), Object.keys(columns));
  assert.ok(table.has("a") && !table.has("A") && table.size === 1);
  table.set("a", { ...row, alias: "x".repeat(50_000), ratio: Number.NaN });
  assert.is(table.get("a")?.alias.length, 50_000);
  assert.ok(Number.isNaN(table.get("a")?.ratio));
  assert.ok(table.delete("a") && !table.delete("a"));
  table.set("", row);
  assert.equal(table.take(""), row);
  assert.is(table.take(""), undefined);
  assert.is(table.size, 0);
  assert.equal(table.check(), { ok: true, problems: [] });
});

test("rows are copies", () => {
  const table = make();
  const mine = { ...row };
  table.set("a", mine);
  mine.count = 1;
  const read = table.get("a");
  if (read !== undefined) read.count = 2;
  assert.is(table.get("a")?.count, 4_000_000_000);
});

test("any string is a key, lone surrogates and a megabyte too", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns: { v: "string" } });
  const keys = [
    "",
    "\0",
    "a\0",
    "\ud800",
    "\udc00",
    "\ud83d\ude00",
    "é",
    "e\u0301",
    "y".repeat(2 ** 20),
    "한".repeat(90_000),
  ];
  for (const key of keys) table.set(key, { v: key });
  assert.is(table.size, keys.length);
  for (const key of keys) assert.is(table.get(key)?.v, key);
  assert.equal(new Set(table.keys()), new Set(keys));
  for (const key of keys) assert.ok(table.delete(key));
  assert.equal(table.check().problems, []);
  assertThrows(() => table.set("y".repeat(2 ** 20 + 1), { v: "" }), /^RangeError.*1048576/);
  assertThrows(() => table.get("é".repeat(2 ** 19 + 1)), /^RangeError/);
  assertThrows(() => table.set("k", { v: "é".repeat(2 ** 19 + 1) }), /^RangeError.*"v".*1048576/);
  assert.is(table.size, 0);
});

test("integer keys", () => {
  const small = new SharedTable({ region: Region.create(), key: "i32", columns: { v: "u32" } });
  for (const key of [0, -1, 2 ** 31 - 1, -(2 ** 31)]) small.set(key, { v: key >>> 0 });
  assert.equal(new Set(small.keys()), new Set([0, -1, 2 ** 31 - 1, -(2 ** 31)]));
  assert.is(small.get(-1)?.v, 2 ** 32 - 1);
  assertThrows(() => small.get(2 ** 31), /^RangeError/);
  assertThrows(() => small.get(0.5), /^RangeError/);
  assertThrows(() => small.get("1" as never), /^TypeError.*a key \(i32\)/);
  const large = new SharedTable({ region: Region.create(), key: "i64", columns: { v: "bool" } });
  const keys = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n) - 1n, 0xffffffffn];
  for (const key of keys) large.set(key, { v: key > 0n });
  assert.equal(new Set(large.keys()), new Set(keys));
  for (const key of keys) assert.is(large.get(key)?.v, key > 0n);
  assertThrows(() => large.get(2n ** 63n), /^RangeError/);
  assertThrows(() => large.get(1 as never), /^TypeError/);
});

test("getOrInsert keeps the first row", () => {
  const table = make();
  assert.equal(table.getOrInsert("a", row), row);
  assert.equal(table.getOrInsert("a", zero), row);
  assert.is(table.size, 1);
});

test("update stores what the callback returns, undefined deletes, a throw changes nothing", () => {
  const table = make();
  assert.equal(
    table.update("a", (before) => {
      assert.is(before, undefined);
      return row;
    }),
    row,
  );
  table.update("a", (before) => ({ ...(before ?? zero), alias: "longer ".repeat(100), count: 1 }));
  assert.is(table.get("a")?.count, 1);
  const boom = new Error("boom");
  assert.is(
    errorOf(() =>
      table.update("a", () => {
        throw boom;
      }),
    ),
    "Error: boom",
  );
  assertThrows(() => table.update("a", () => ({ ...row, count: -1 })), /^RangeError/);
  assertThrows(() => table.update("a", (async () => row) as never), /^TypeError/);
  assertThrows(() => table.update("a", undefined as never), /^TypeError.*function/);
  assert.is(table.get("a")?.count, 1);
  assert.is(
    table.update("a", () => undefined),
    undefined,
  );
  assert.is(
    table.update("a", () => undefined),
    undefined,
  );
  assert.is(table.size, 0);
  assert.ok(table.check().ok);
});

test("inside update the same table throws, by any handle, and other tables work", () => {
  const region = Region.create();
  const table = new SharedTable({ region, name: "t", key: "i32", columns: { v: "u32" } });
  const twin = SharedTable.named<number, { v: number }>("t", { region });
  const other = new SharedTable({ region, key: "i32", columns: { v: "u32" } });
  for (let key = 0; key < 100; key++) table.set(key, { v: key });
  for (const nested of [
    () => table.get(1),
    () => twin.set(55, { v: 1 }),
    () => table.update(1, (row) => row),
    () => table.snapshot(),
    () => [...twin.entries()],
    () => table.add(1, "v", 1),
  ]) {
    table.update(1, (before) => {
      assert.is(errorOf(nested), "ERR_WOULD_DEADLOCK");
      return before;
    });
  }
  table.update(1, () => ({ v: other.update(1, () => ({ v: other.name === undefined ? 9 : 0 }))?.v ?? 0 }));
  assert.equal([table.get(1), other.get(1)], [{ v: 9 }, { v: 9 }]);
  assert.ok(table.check().ok && other.check().ok);
});

test("a row whose getters use the table is stored as it was read", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns: { a: "string", b: "u32" } });
  table.set("k", {
    get a() {
      table.set("another key, which is longer", { a: "and another text", b: 7 });
      return "mine";
    },
    b: 1,
  });
  assert.equal(table.get("k"), { a: "mine", b: 1 });
  const other = new SharedTable({ region: table.region, key: "string", columns: { c: "string" } });
  table.update("k", () => {
    other.set("a key of another table, longer", { c: "with a text" });
    return { a: "new", b: 2 };
  });
  assert.equal(table.get("k"), { a: "new", b: 2 });
});

test("add and max count, from a zero row if there is none", () => {
  const table = make();
  assert.is(table.add("a", "count", 3), 3);
  assert.equal(table.get("a"), { ...zero, count: 3 });
  assert.is(table.add("a", "count", -1), 2);
  assert.is(table.add("a", "delta", -7), -7);
  assert.is(table.add("a", "ratio", 0.5), 0.5);
  assert.is(table.add("a", "big", 2n ** 62n), 2n ** 62n);
  assert.is(table.max("a", "count", 9), 9);
  assert.is(table.max("a", "count", 8), 9);
  assert.is(table.max("a", "big", 0n), 2n ** 62n);
  assert.is(table.max("b", "delta", -3), 0);
  assert.is(table.max("b", "ratio", 1.5), 1.5);
  table.set("c", { ...zero, ratio: Number.NaN });
  assert.is(table.max("c", "ratio", -1), -1);
  assert.equal(table.get("a"), { alias: "", count: 9, delta: -7, ratio: 0.5, big: 2n ** 62n, on: false });
});

test("what a numeric column can't hold is refused, and nothing changes", () => {
  const table = make();
  table.set("a", {
    ...zero,
    count: 2 ** 32 - 1,
    delta: -(2 ** 31),
    ratio: Number.POSITIVE_INFINITY,
    big: 2n ** 63n - 1n,
  });
  const before = table.getWithVersion("a");
  assertThrows(() => table.add("a", "count", 1), /^RangeError.*"count" \(u32\)/);
  assertThrows(() => table.add("b", "count", -1), /^RangeError/);
  assertThrows(() => table.add("a", "delta", -1), /^RangeError/);
  assertThrows(() => table.add("a", "ratio", Number.NEGATIVE_INFINITY), /^RangeError/);
  assertThrows(() => table.add("a", "big", 1n), /^RangeError/);
  assertThrows(() => table.add("a", "count", Number.NaN), /^RangeError/);
  assertThrows(() => table.add("a", "count", 0.5), /^RangeError/);
  assertThrows(() => table.add("a", "ratio", Number.NaN), /^RangeError/);
  assertThrows(() => table.add("a", "count", 1n as never), /^TypeError/);
  assertThrows(() => table.add("a", "big", 1 as never), /^TypeError/);
  assertThrows(() => table.add("a", "count", "1" as never), /^TypeError/);
  assertThrows(() => table.max("a", "count", 2 ** 32), /^RangeError/);
  assertThrows(() => table.max("a", "big", 2n ** 63n), /^RangeError/);
  assertThrows(() => table.add("a", "alias" as never, 1 as never), /^TypeError.*numeric/);
  assertThrows(() => table.add("a", "on" as never, 1 as never), /^TypeError.*numeric/);
  assertThrows(() => table.add("a", "nope" as never, 1 as never), /^TypeError.*no column "nope"/);
  assert.equal(table.getWithVersion("a"), before);
  assert.is(table.size, 1);
});

test("rows that do not fit are refused, and nothing changes", () => {
  const table = make();
  table.set("a", row);
  const bad: [object, RegExp][] = [
    [{ ...row, alias: 5 }, /^TypeError.*"alias" \(string\)/],
    [{ ...row, count: -1 }, /^RangeError.*"count"/],
    [{ ...row, count: 2 ** 32 }, /^RangeError/],
    [{ ...row, count: 1.5 }, /^RangeError/],
    [{ ...row, count: Number.NaN }, /^RangeError/],
    [{ ...row, count: "1" }, /^TypeError/],
    [{ ...row, delta: 2 ** 31 }, /^RangeError/],
    [{ ...row, ratio: 1n }, /^TypeError/],
    [{ ...row, big: 1 }, /^TypeError/],
    [{ ...row, big: 2n ** 63n }, /^RangeError/],
    [{ ...row, on: 1 }, /^TypeError.*boolean/],
    [{ ...row, more: 1 }, /^TypeError.*no column "more"/],
    [{ alias: "" }, /^TypeError.*every column/],
    [[], /^TypeError/],
  ];
  for (const [value, expected] of bad) {
    assertThrows(() => table.set("a", value as never), expected);
    assertThrows(() => table.getOrInsert("b", value as never), expected);
  }
  assertThrows(() => table.set("a", undefined as never), /^TypeError/);
  assertThrows(() => table.set("a", null as never), /^TypeError/);
  assertThrows(() => table.get(undefined as never), /^TypeError.*a key must be a string/);
  assertThrows(() => table.set(5 as never, row), /^TypeError/);
  assert.equal(table.snapshot(), new Map([["a", row]]));
});

test("compareAndDelete removes only what has not changed", () => {
  const table = make();
  assert.is(table.getWithVersion("a"), undefined);
  assert.not(table.compareAndDelete("a", 1));
  table.set("a", row);
  const first = table.getWithVersion("a")?.version ?? -1;
  table.add("a", "delta", 1);
  assert.not(table.compareAndDelete("a", first));
  table.delete("a");
  table.set("a", row);
  assert.not(table.compareAndDelete("a", first));
  assert.ok(table.compareAndDelete("a", table.getWithVersion("a")?.version ?? -1));
  assert.not(table.has("a"));
  assertThrows(() => table.compareAndDelete("a", undefined as never), /^TypeError/);
});

test("the table may be changed while it is iterated", () => {
  const table = new SharedTable({ region: Region.create(), key: "i32", columns: { v: "i32" } });
  for (let key = 0; key < 1000; key++) table.set(key, { v: key });
  const seen: number[] = [];
  for (const [key, { v }] of table) {
    assert.is(v, key);
    seen.push(key);
    if (key >= 500 && key < 1000) table.delete(key);
    table.set(key + 10_000, { v: key + 10_000 });
    if (seen.length > 5000) break;
  }
  const kept = seen.filter((key) => key < 500);
  assert.is(kept.length, 500);
  assert.is(new Set(seen).size, seen.length);
  assert.ok(table.check().ok);
});

test("snapshotAll gives each table's rows, a table given twice too", () => {
  const region = Region.create();
  const a = new SharedTable({ region, key: "i32", columns: { v: "i32" } });
  const b = new SharedTable({ region: Region.create(), key: "string", columns: {} });
  a.set(1, { v: 2 });
  b.set("x", {});
  assert.equal(snapshotAll([b, a, a]), [new Map([["x", {}]]), new Map([[1, { v: 2 }]]), new Map([[1, { v: 2 }]])]);
  assertThrows(() => snapshotAll([{}]), /^TypeError/);
});

test("clear removes everything, and the table goes on", () => {
  const table = make();
  for (let i = 0; i < 2000; i++) table.set(`k${i}`, { ...row, alias: "x".repeat(i) });
  table.clear();
  assert.is(table.size, 0);
  assert.is(table.stats().bytesUsed, 0);
  assert.ok(table.check().ok);
  table.set("a", row);
  assert.equal(table.snapshot(), new Map([["a", row]]));
});

test("a stack that runs out in mid-operation leaves the table whole", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns: { text: "string", n: "f64" } });
  const model = new Map<string, number>();
  let number = 0;
  let overflows = 0;
  const dive = (depth: number): void => {
    const key = `k${number++ % 300}`;
    try {
      if (number % 7 === 0) table.delete(key);
      else if (number % 3 === 0) table.add(key, "n", 1);
      else table.set(key, { text: "x".repeat(number % 500), n: number });
      model.set(key, number);
    } catch (error) {
      assert.instance(error, RangeError);
      overflows++;
    }
    if (depth > 0) dive(depth - 1);
  };
  for (let pad = 0; pad < 40; pad++) {
    const deeper = (left: number): void => (left > 0 ? deeper(left - 1) : dive(1_000_000));
    try {
      deeper(pad);
    } catch (error) {
      assert.instance(error, RangeError);
    }
    assert.equal(table.check().problems, []);
  }
  assert.ok(overflows > 0, `${overflows} overflows`);
});

test("overwritten memory is told by check() and stops nothing but the table", () => {
  const table = seeded(make());
  for (let i = 0; i < 50; i++) table.set(`k${i}`, row);
  const { offset } = table.share();
  // Every word behind the shards' locks, up to the end of the table's own block.
  const words = table.region.memory.words;
  for (let at = offset / 4 + 64; at < offset / 4 + 2000; at += 61) words[at] ^= 0x155;
  const { ok, problems } = table.check();
  assert.not(ok);
  assert.ok(problems.length > 0 && problems.length <= 100);
});

test.run();
