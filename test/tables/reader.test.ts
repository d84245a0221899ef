// Reads come from a cache of each handle where they can: what they show is never older than what another handle, or
// another thread, has written before.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KIND_TABLE_PART } from "../../src/region/layout.ts";
import { RegionMemory } from "../../src/region/memory.ts";
import { Region } from "../../src/region/region.ts";
import { scratchOf } from "../../src/region/scratch.ts";
import { leaveSeat } from "../../src/region/threads.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { CACHED_WORDS, RowCache } from "../../src/tables/row-cache.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { trimShard } from "../../src/tables/slab.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";

const test = suite("cached reads");
const columns = { text: "string", n: "u32", wide: "i64" } as const;
type Row = { text: string; n: number; wide: bigint };

for (const wasm of [true, false]) {
  const name = wasm ? "Wasm" : "JavaScript";

  test(`every write through one handle shows at once through another, ${name}`, () => {
    const region = Region.create({ wasm });
    const writer = new SharedTable({ region, key: "string", columns, capacity: 8 });
    const reader = SharedTable.from(writer.share(), { key: "string", columns });
    const model = new Map<string, Row>();
    let state = 1;
    const next = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * below);
    };
    for (let i = 0; i < 30_000; i++) {
      const key = `key ${next(300)}`;
      assert.equal(reader.get(key), model.get(key));
      assert.is(reader.has(key), model.has(key));
      const before = model.get(key) ?? { text: "", n: 0, wide: 0n };
      switch (next(12)) {
        case 0:
          writer.delete(key);
          model.delete(key);
          break;
        case 1:
          writer.add(key, "n", 1);
          model.set(key, { ...before, n: before.n + 1 });
          break;
        case 2:
          writer.max(key, "wide", BigInt(i));
          model.set(key, { ...before, wide: BigInt(i) });
          break;
        case 3: {
          const row = { text: "é".repeat(next(next(10) === 0 ? 2000 : 100)), n: i, wide: -1n };
          writer.set(key, row);
          model.set(key, row);
          break;
        }
        case 4:
          if (i % 100 === 0) {
            writer.clear();
            model.clear();
          }
          break;
        default:
          continue;
      }
      assert.equal(reader.get(key), model.get(key));
    }
    assert.equal(writer.check().problems, []);
  });
}

test("rows from the cache are copies", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns });
  table.set("a", { text: "t", n: 1, wide: 2n });
  for (let i = 0; i < 5; i++) {
    const row = table.get("a") as Row;
    assert.equal(row, { text: "t", n: 1, wide: 2n });
    row.n = 99;
    row.text = "changed";
  }
});

test("integer keys, bigint keys and keys too long for the scratch area are read as well", () => {
  const region = Region.create();
  const small = new SharedTable({ region, key: "i32", columns: { v: "i32" } });
  const large = new SharedTable({ region, key: "i64", columns: { v: "i32" } });
  const text = new SharedTable({ region, key: "string", columns: { v: "i32" } });
  for (let i = -500; i < 500; i++) {
    small.set(i, { v: i });
    large.set(BigInt(i) << 30n, { v: i });
    text.set(`${"x".repeat((i + 500) % 200)}${i}`, { v: i });
  }
  for (let round = 0; round < 3; round++) {
    for (let i = -500; i < 500; i++) {
      assert.is(small.get(i)?.v, i);
      assert.is(large.get(BigInt(i) << 30n)?.v, i);
      assert.is(text.get(`${"x".repeat((i + 500) % 200)}${i}`)?.v, i);
    }
  }
});

test("keys that the quick hash can't tell apart are told apart by the cache all the same", () => {
  const cache = new RowCache(true);
  const keys = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(4, "0")}-and-the-same-end`);
  const entryOf = (key: string) => ({
    key,
    shard: 0,
    version: 0,
    row: 1,
    rowVersion: 1,
    epoch: 0,
    words: 8,
    kept: { key },
  });
  for (let round = 0; round < 30; round++) {
    for (const key of keys) if (cache.find(key, cache.hash(key)) < 0) cache.keep(entryOf(key));
  }
  const found = keys.filter((key) => cache.find(key, cache.hash(key)) >= 0);
  assert.ok(found.length > 280, `${found.length} of 300`);
  for (const key of found) assert.equal(cache.entryAt(cache.find(key, cache.hash(key))), entryOf(key));
});

test("a cache of long rows forgets them before they are too many, and finds none that it forgot", () => {
  const cache = new RowCache(true);
  const words = CACHED_WORDS >> 4;
  const kept = (key: string): boolean => cache.find(key, cache.hash(key)) >= 0;
  for (let i = 0; i < 100; i++) {
    cache.keep({ key: `key ${i}`, shard: 0, version: 0, row: 1, rowVersion: 1, epoch: 0, words, kept: "text" });
    assert.ok(kept(`key ${i}`));
    const count = Array.from({ length: i + 1 }, (_, k) => `key ${k}`).filter(kept).length;
    assert.ok(count <= 16, `${count} rows`);
  }
});

for (const wasm of [true, false]) {
  test(`values of every kind that change under a reader, in place of each other, ${wasm ? "Wasm" : "JavaScript"}`, () => {
    const writer = new SharedMap({ region: Region.create({ wasm }) });
    const reader = SharedMap.from(writer.share());
    // Short and longer than the loop decodes, beyond ASCII, a lone surrogate, longer than the scratch area, than a cache keeps.
    const kinds = [
      "",
      "a",
      "Alice Example",
      "x".repeat(30),
      "é".repeat(7),
      "\u{1f600}",
      "\ud800",
      "y".repeat(600),
      "ü".repeat(400),
    ];
    const values = [...kinds, "z".repeat(4000), "w".repeat(5000)];
    const keys = ["k", "twelve chars", "a key of more than twelve characters", "schlüssel", "q".repeat(150)];
    for (let round = 0; round < 300; round++) {
      for (const [k, key] of keys.entries()) {
        const value = values[(round * 7 + k * 3 + (round % 5)) % values.length];
        writer.set(key, value);
        assert.is(reader.get(key), value);
        assert.is(reader.get(`${key.slice(0, 1)}${key.slice(1)}`), value);
      }
    }
  });
}

test("rows that grow while they are kept do not grow the cache beyond its bound", () => {
  const writer = new SharedMap({ region: Region.create() });
  const reader = SharedMap.from(writer.share());
  const keys = Array.from({ length: 1500 }, (_, i) => `a key of some length, number ${i}`);
  for (const length of [1, 1000, 4000, 2]) {
    for (const key of keys) writer.set(key, key.slice(-1).repeat(length));
    for (let round = 0; round < 2; round++) {
      for (const key of keys) assert.is(reader.get(key), key.slice(-1).repeat(length));
    }
  }
});

test("an empty place of the cache is not the row of the empty key", () => {
  for (const key of ["", 0]) {
    const cache = new RowCache(typeof key === "string");
    assert.is(cache.find(key, cache.hash(key)), -1);
    cache.keep({ key, shard: 16, version: 2, row: 1, rowVersion: 1, epoch: 0, words: 8, kept: "" });
    assert.is(cache.entryAt(cache.find(key, cache.hash(key))).kept, "");
  }
});

for (const wasm of [true, false]) {
  test(`a cached row is not believed once its memory has another use, ${wasm ? "Wasm" : "JavaScript"}`, () => {
    const region = Region.create({ wasm, byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4 });
    const writer = new SharedTable({ region, key: "i32", columns: { n: "i32" } });
    const reader = SharedTable.from(writer.share(), { key: "i32", columns: { n: "i32" } });
    for (let i = 0; i < 200; i++) writer.set(i, { n: i });
    for (let i = 0; i < 200; i++) assert.is(reader.get(i)?.n, i);
    const core = Table.coreOf(writer);
    for (let i = 0; i < 200; i++) writer.delete(i);
    let trimmed = 0;
    for (let number = 0; number < core.shardCount; number++) if (trimShard(region, core.shardAt(number))) trimmed++;
    assert.ok(trimmed > 0);
    // What the rows stood in is now full of every version that a row had.
    for (let version = 1; version < 40; version++) {
      const { words } = region.memory;
      const offset = region.allocate(2048, KIND_TABLE_PART, 1);
      words.fill(version, offset >> 2, (offset + 2048) >> 2);
    }
    for (let i = 0; i < 200; i++) assert.is(reader.get(i), undefined);
  });

  test(`a cached row outlives writes of other rows of its shard, ${wasm ? "Wasm" : "JavaScript"}`, () => {
    const region = Region.create({ wasm });
    const writer = new SharedTable({ region, key: "i32", columns: { n: "i32", wide: "f64" }, capacity: 8 });
    const reader = SharedTable.from(writer.share(), { key: "i32", columns: { n: "i32", wide: "f64" } });
    for (let i = 0; i < 100; i++) writer.set(i, { n: i, wide: 0 });
    for (let round = 0; round < 20; round++) {
      for (let i = 1; i < 100; i++) {
        if ((i + round) % 3 === 0) writer.add(i, "n", 1);
        else if ((i + round) % 3 === 1) writer.set(i, { n: i + round, wide: round });
        else {
          writer.delete(i);
          writer.transaction([i, 0], (tx) => tx.set(i, { n: i, wide: -1 }));
        }
        assert.equal(reader.get(i), writer.get(i));
        assert.equal(reader.get(0), { n: 0, wide: 0 });
      }
    }
  });
}

test("a thread has one scratch area, and one that died leaves its own to the next", () => {
  const region = Region.create({ maxThreads: 8 });
  /** The same region as another thread sees it. */
  const another = () => new Region(new RegionMemory(region.memory.wasm ?? region.memory.buffer), undefined, true);
  const scratch = scratchOf(region);
  assert.is(scratchOf(region), scratch);
  const second = another();
  const other = scratchOf(second);
  assert.is.not(other, scratch);
  const { bytesUsed } = region.stats();
  leaveSeat(second.memory.words, { me: second.me, at: second.seatAt });
  assert.is(scratchOf(another()), other);
  assert.is(region.stats().bytesUsed, bytesUsed);
});

test.run();
