// watchdog: 300s
// clear() is one step: whoever looks, in whatever way, sees all rows or none, also if its thread dies or it throws.
// native: too

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { T_CLEAR, T_SEED } from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedMultiMap } from "../../src/tables/multi-map.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { runMortal } from "./mortal-memory.ts";

const test = suite("clear");

const columns = { text: "string", n: "u32" } as const;
type Row = { text: string; n: number };
const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);

/** A table of 16 shards with rows in most of them: short ones, a large one, a growth under way, a record. */
function world(): { table: SharedTable<string, Row>; region: Region } {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4, wasm: false });
  const made = new SharedTable({ region, key: "string", columns, capacity: 8 });
  region.memory.words.set([5, 6, 7, 8], (made.share().offset >> 2) + T_SEED);
  const table = SharedTable.from(made.share(), { key: "string", columns });
  for (const key of keys) table.set(key, { text: key.repeat(3), n: 1 });
  table.set("key 7", { text: "large ".repeat(4000), n: 1 });
  for (let i = 0; i < 200; i++) table.set(`more ${i}`, { text: "x", n: 1 });
  for (let i = 0; i < 200; i++) table.delete(`more ${i}`);
  table.transaction(["key 1", "key 2", "key 3"], (tx) => {
    for (const key of ["key 1", "key 2", "key 3"]) tx.set(key, { text: "of a transaction", n: 1 });
  });
  return { table, region };
}

/** How many rows each way to look at the table finds. */
type Look = (table: SharedTable<string, Row>) => number;
const looks = {
  size: (table) => table.size,
  get: (table) => keys.filter((key) => table.get(key) !== undefined).length,
  has: (table) => keys.filter((key) => table.has(key)).length,
  getWithVersion: (table) => keys.filter((key) => table.getWithVersion(key) !== undefined).length,
  "get, the last key first": (table) => keys.toReversed().filter((key) => table.get(key) !== undefined).length,
  snapshot: (table) => table.snapshot().size,
  entries: (table) => [...table].length,
  stats: (table) => table.stats().entries,
  transaction: (table) => table.transaction(keys, (tx) => keys.filter((key) => tx.get(key) !== undefined).length),
  toString: (table: SharedTable<string, Row>) => Number(/(\d+) rows/.exec(String(table))?.[1]),
} satisfies Record<string, Look>;

test("cut off anywhere it leaves all rows or none, for whoever looks first", () => {
  const { table, region } = world();
  const core = Table.coreOf(table);
  const { bytes } = region.memory;
  const start = bytes.slice();
  const used = region.stats().bytesUsed;
  const ways = Object.entries<Look>(looks);
  const found = new Set<number>();
  // Each store up to the commit and a while beyond it, then some.
  for (let stores = 0; ; stores += stores < 120 ? 1 : 11) {
    bytes.set(start);
    // Kept rows must not be believed after the death either.
    for (const key of keys) assert.is(table.get(key)?.n, 1);
    if (!runMortal(core, stores, () => table.clear())) break;
    const where = `dead after ${stores} stores`;
    const dead = bytes.slice();
    const first = looks.size(table);
    found.add(first);
    assert.ok(first === 0 || first === keys.length, `${where}: ${first} rows`);
    const [name, look] = ways[stores % ways.length];
    bytes.set(dead);
    assert.is(look(table), first, `${where}, ${name} first`);
    assert.is(looks.get(table), first, `${where}, ${name}, then get`);
    assert.is(looks.entries(table), first, `${where}, ${name}, then entries`);
    assert.equal(table.check().problems, [], where);
    if (first > 0) assert.is(region.stats().bytesUsed, used, where);
    table.set("next", { text: "after the death", n: 2 });
    assert.is(table.size, first + 1, where);
    table.clear();
    assert.is(table.size, 0, where);
    assert.equal(table.check().problems, [], where);
  }
  assert.equal([...found], [keys.length, 0]);
});

test("the repair of a clear() may be cut off, too", () => {
  const { table, region } = world();
  const core = Table.coreOf(table);
  const { bytes } = region.memory;
  const start = bytes.slice();
  let deaths = 0;
  for (let stores = 1; ; stores += 37) {
    bytes.set(start);
    if (!runMortal(core, stores, () => table.clear())) break;
    const dead = bytes.slice();
    const expected = table.snapshot().size;
    assert.ok(expected === 0 || expected === keys.length);
    for (let repair = 0; ; repair += 17) {
      bytes.set(dead);
      const died = runMortal(core, repair, () => table.snapshot());
      const where = `dead after ${stores}, repair dead after ${repair}`;
      assert.is(table.size, expected, where);
      assert.is(table.snapshot().size, expected, where);
      assert.equal(table.check().problems, [], where);
      if (!died) break;
      deaths++;
    }
  }
  assert.ok(deaths > 100, `only ${deaths} deaths were tried`);
});

test("a clear() that was cut off does not reach rows of later", () => {
  const { table, region } = world();
  const core = Table.coreOf(table);
  const intent = (table.share().offset >> 2) + T_CLEAR;
  const { bytes, words } = region.memory;
  const start = bytes.slice();
  let left = 0;
  for (let stores = 0; ; stores += 3) {
    bytes.set(start);
    if (!runMortal(core, stores, () => table.clear())) break;
    if (table.size > 0 || words[intent] === 0) continue;
    // The intention of the dead thread still stands there; all shards are repaired.
    left++;
    for (const key of keys) table.set(key, { text: "new", n: 3 });
    const whole = bytes.slice();
    for (let again = 0; again < 120; again += 3) {
      bytes.set(whole);
      runMortal(core, again, () => table.clear());
      const { size } = table;
      assert.ok(size === 0 || size === keys.length, `dead after ${stores}, then after ${again}: ${size} rows`);
      assert.is(table.snapshot().size, size);
    }
    break;
  }
  assert.is(left, 1);
});

test("the sets, maps and multi-maps over a table, too", () => {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4, wasm: false });
  const map = new SharedMap({ region, capacity: 8 });
  const set = new SharedSet({ region, capacity: 8 });
  const multi = new SharedMultiMap({ region, capacity: 8 });
  for (const key of keys) {
    map.set(key, "value");
    set.add(key);
    multi.add(key, "one");
    multi.add(key, "two");
  }
  const { bytes } = region.memory;
  const start = bytes.slice();
  for (const view of [map, set, multi]) {
    const before = [...view.table.keys()].length;
    const found = new Set<number>();
    for (let stores = 0; ; stores += 11) {
      bytes.set(start);
      if (!runMortal(Table.coreOf(view.table), stores, () => view.clear())) break;
      const { size } = view;
      assert.is([...view.table.keys()].length, size);
      assert.equal(view.check().problems, []);
      found.add(size);
    }
    assert.equal([...found], [before, 0]);
  }
});

test("a clear() that throws changes nothing, and one in a full region works", () => {
  const { table, region } = world();
  assert.throws(
    () => table.update("key 1", (row) => (table.clear(), row)),
    (error: HoldfastError) => error instanceof HoldfastError && error.code === "ERR_WOULD_DEADLOCK",
  );
  assert.is(table.size, keys.length);
  assert.equal(table.check().problems, []);
  assert.throws(
    () => {
      for (let i = 0; ; i++) table.set(`filling ${i}`, { text: "x".repeat(3000), n: 1 });
    },
    (error: HoldfastError) => error instanceof HoldfastError && error.code === "ERR_REGION_FULL",
  );
  table.clear();
  assert.is(table.size, 0);
  assert.equal(table.check().problems, []);
  table.set("key 1", { text: "x".repeat(3000), n: 1 });
  assert.ok(region.stats().bytesUsed < 100_000);
});

test("a stack that runs out within it leaves all rows or none", () => {
  const { table, region } = world();
  const { bytes } = region.memory;
  const start = bytes.slice();
  const core = Table.coreOf(table);
  const found = new Set<number>();
  for (let at = 0; at < 400; at += 7) {
    bytes.set(start);
    // As an error of the engine that may come at any call: here at a read or write of the memory.
    const { words } = core.region.memory;
    let left = at;
    core.region.memory.words = new Proxy(words, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
      set(target, property, value) {
        if (left-- === 0) throw new RangeError("Maximum call stack size exceeded");
        return Reflect.set(target, property, value, target);
      },
    });
    const atomics = globalThis.Atomics;
    globalThis.Atomics = overView(atomics, words);
    try {
      table.clear();
    } catch (error) {
      assert.instance(error, RangeError);
    } finally {
      globalThis.Atomics = atomics;
      core.region.memory.words = words;
    }
    const { size } = table;
    found.add(size);
    assert.is(table.snapshot().size, size, `thrown at ${at}`);
    assert.equal(table.check().problems, [], `thrown at ${at}`);
  }
  assert.equal([...found], [keys.length, 0]);
});

/** Atomics that take a proxy of the view for the view. */
function overView(real: typeof Atomics, view: Int32Array): typeof Atomics {
  const over = Object.getOwnPropertyNames(real).map((name) => {
    const operation = (real as unknown as Record<string, unknown>)[name] as (...inputs: unknown[]) => unknown;
    return [name, (_: unknown, ...rest: unknown[]) => operation.call(real, view, ...rest)];
  });
  return Object.fromEntries(over) as typeof Atomics;
}

test.run();
