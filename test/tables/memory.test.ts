// watchdog: 300s
// Memory: what is deleted is used again, large rows go back to the region, and a full region changes nothing.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import {
  classFor,
  classWords,
  L_BUMP,
  L_WORDS,
  LARGEST_CARVED,
  S_FREE,
  S_SLABS,
  SHARD_WORDS,
  SMALLEST_ROW,
} from "../../src/protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { encodeKey, encodeRow } from "../../src/tables/row.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { runMortal } from "./mortal-memory.ts";
import { seeded } from "./seeded.ts";

const test = suite("memory of a table");

function fullness(work: () => void): HoldfastError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "ERR_REGION_FULL") return error;
    throw new Error(`not a full region: ${String(error)}`, { cause: error });
  }
}

test("each size class holds what it is chosen for, and wastes a fifth at most", () => {
  for (let words = 1; words <= LARGEST_CARVED; words++) {
    const size = classWords(classFor(words));
    assert.ok(size >= words && size % 2 === 0);
    assert.ok(words < SMALLEST_ROW || words > 16 || size <= words + 1);
    assert.ok(classFor(words) === 0 || classWords(classFor(words) - 1) < words);
    assert.ok(words < 64 || size <= words * 1.25 + 4);
  }
});

test("rows that come and go take no more memory than those that are there", () => {
  const region = Region.create();
  const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" }, capacity: 1000 }));
  const churn = (): void => {
    for (let i = 0; i < 20_000; i++) {
      table.set(i % 500, { text: "x".repeat((i * 13) % 200) });
      if (i % 3 === 0) table.delete((i * 7) % 500);
    }
  };
  churn();
  const { bytesUsed } = region.stats();
  for (let round = 0; round < 5; round++) churn();
  assert.ok(region.stats().bytesUsed < bytesUsed * 1.25, `${bytesUsed} to ${region.stats().bytesUsed} bytes`);
  assert.equal(table.check().problems, []);
});

test("a large row's memory goes back to the region when it is deleted or replaced", () => {
  const region = Region.create();
  const table = seeded(new SharedTable({ region, key: "string", columns: { text: "string" } }));
  table.set("small", { text: "s" });
  table.set("k", { text: "s" });
  const { bytesUsed } = region.stats();
  for (let i = 0; i < 20; i++) table.set("k", { text: "x".repeat(500_000 + i * 1000) });
  assert.ok(region.stats().bytesUsed < bytesUsed + 700_000);
  table.set("k", { text: "s" });
  assert.is(region.stats().bytesUsed, bytesUsed);
  table.set("k", { text: "x".repeat(500_000) });
  table.delete("k");
  assert.is(region.stats().bytesUsed, bytesUsed);
});

test("clear gives the memory back", () => {
  const region = Region.create();
  const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" } }));
  const { bytesUsed } = region.stats();
  for (let i = 0; i < 20_000; i++) table.set(i, { text: "x".repeat(i % 500 === 0 ? 30_000 : 100) });
  table.clear();
  assert.is(region.stats().bytesUsed, bytesUsed);
  assert.is(table.stats().bytesUsed, 0);
});

test("a full region changes nothing, says what it needs, and what is deleted makes room again", () => {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
  const table = seeded(new SharedTable({ region, key: "i32", columns: { n: "u32", text: "string" } }));
  const model = new Map<number, { n: number; text: string }>();
  let full: HoldfastError | undefined;
  for (let i = 0; full === undefined; i++) {
    const row = { n: i, text: "x".repeat((i * 31) % 700) };
    full = fullness(() => table.set(i, row));
    if (full === undefined) model.set(i, row);
  }
  assert.ok(model.size > 300, `${model.size} rows`);
  assert.match(full.message, /bytes were asked for/);
  assert.type(full.info.needed, "number");
  assert.equal(table.snapshot(), model);
  assert.equal(table.check().problems, []);
  // Refused changes of each kind leave everything as it was.
  const huge = { n: 1, text: "y".repeat(200_000) };
  assert.ok(fullness(() => table.set(0, huge)));
  assert.ok(fullness(() => table.update(0, () => huge)));
  assert.ok(fullness(() => table.getOrInsert(-1, huge)));
  assert.equal(table.snapshot(), model);
  // A counter needs no memory.
  assert.is(table.add(0, "n", 5), 5);
  for (const key of [...model.keys()].filter((key) => key % 2 === 0)) table.delete(key);
  for (let i = 0; i < 50; i++) table.set(2 * i, { n: 7, text: "" });
  assert.is(table.get(8)?.n, 7);
  assert.equal(table.check().problems, []);
});

function fill(table: SharedTable<number, { text: string }>, keys: readonly number[], text: string): number {
  for (let i = 0; i < keys.length; i++) if (fullness(() => table.set(keys[i], { text }))) return i;
  return keys.length;
}

test("memory of rows deleted in some shards serves the others", () => {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
  const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" } }));
  const core = Table.coreOf(table);
  const all = Array.from({ length: 4000 }, (_, key) => key);
  const number = (key: number): number =>
    (core.shardOf(core.hash(encodeKey(core.schema, key, ""))) - core.shardAt(0)) / SHARD_WORDS;
  const lower = all.filter((key) => number(key) < 32);
  const upper = all.filter((key) => number(key) >= 32);
  const text = "x".repeat(300);
  const count = fill(table, lower, text);
  assert.ok(count > 500 && count < lower.length, `${count} rows`);
  for (const key of lower) table.delete(key);
  const later = fill(table, upper, text);
  assert.ok(later > count * 0.85, `${count} rows, then ${later}`);
  assert.equal(table.check().problems, []);
});

test("a failed transaction keeps no memory, so that others find it", () => {
  for (let seed = 0; seed < 20; seed++) {
    const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
    const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" } }), [seed, seed * 77, 3, 4]);
    for (let i = 0; i < 100; i++) table.set(i, { text: "x".repeat(300) });
    const keys = Array.from({ length: 3000 }, (_, i) => i);
    assert.ok(
      fullness(() =>
        table.transaction(keys, (tx) => {
          for (const key of keys) tx.set(key, { text: "y".repeat(500) });
        }),
      ),
    );
    assert.ok(table.stats().bytesFree < 50_000, `${table.stats().bytesFree} bytes kept`);
    table.transaction([1, 2], (tx) => tx.set(1, { text: "one" }).delete(2));
    assert.is(table.get(1)?.text, "one");
    new SharedTable({ region, key: "i32", columns: { text: "string" } }).set(1, { text: "z".repeat(500) });
    assert.equal(table.check().problems, []);
  }
});

test("a thread that dies while a full region gets memory back leaves everything in order", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4, wasm: false });
  const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" }, capacity: 8 }));
  const core = Table.coreOf(table);
  const keys = Array.from({ length: 4000 }, (_, key) => key);
  const count = fill(table, keys, "x".repeat(100));
  for (const key of keys) if (key % 200 !== 0) table.delete(key);
  // Nothing is left but what the shards have to spare.
  while (fullness(() => region.allocate(64, KIND_TABLE_PART, 1)) === undefined);
  const before = table.snapshot();
  const { bytes } = region.memory;
  const start = bytes.slice();
  // A key of a shard that has no room for a row as long as that.
  const text = "y".repeat(6000);
  const sizeClass = classFor(encodeRow(core.schema, [text], 4));
  const hasNone = (key: number): boolean => {
    const { words } = region.memory;
    const shard = core.shardOf(core.hash(encodeKey(core.schema, key, "")));
    const slab = words[shard + S_SLABS];
    const carved = words[slab + L_BUMP] + classWords(sizeClass);
    return words[shard + S_FREE + sizeClass] === 0 && carved > slab + words[slab + L_WORDS];
  };
  const key = keys.findIndex((one) => one > count && hasNone(one));
  const change = (): void => void table.set(key, { text });
  change();
  const after = table.snapshot();
  let deaths = 0;
  for (let stores = 0; ; stores++) {
    bytes.set(start);
    if (!runMortal(core, stores, change)) break;
    deaths++;
    const found = table.snapshot();
    assert.equal(found, found.size === before.size ? before : after, `dead after ${stores} stores`);
    assert.equal(table.check().problems, [], `dead after ${stores} stores`);
  }
  assert.ok(deaths > 80, `${deaths} deaths`);
});

test("an index that can't grow fills up beyond its usual load", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4 });
  const table = seeded(new SharedTable({ region, key: "i32", columns: {} }));
  let count = 0;
  while (fullness(() => table.set(count, {})) === undefined) count++;
  for (let key = 0; key < count; key++) assert.ok(table.has(key));
  assert.not(table.has(count));
  assert.equal(table.check().problems, []);
});

test("a row takes at most 48 bytes beyond its key and values, where the load is at least 0.5", () => {
  for (const count of [10_000, 100_000]) {
    const table = seeded(
      new SharedTable({ region: Region.create(), key: "string", columns: { n: "u32", text: "string" } }),
    );
    let payload = 0;
    for (let i = 0; i < count; i++) {
      const key = `+1555${1_000_000 + i}`;
      const text = "n".repeat(5 + (i % 20));
      table.set(key, { n: i, text });
      payload += key.length + text.length + 4;
    }
    const { bytesUsed, bytesIndex, load, entries } = table.stats();
    assert.is(entries, count);
    const overhead = (bytesUsed + bytesIndex - payload) / count;
    assert.ok(load < 0.5 || overhead <= 48, `${overhead} bytes at a load of ${load}`);
  }
});

test("keys of one home bucket do no harm", () => {
  // Half a million keys, and the longest search of any of them stays short.
  const table = seeded(new SharedTable({ region: Region.create(), key: "i32", columns: {} }));
  for (let i = 0; i < 200_000; i++) table.set(i * 64, {});
  const { maxProbe, entries } = table.stats();
  assert.is(entries, 200_000);
  assert.ok(maxProbe < 64, `${maxProbe} buckets`);
});

test.run();
