// Reads come from a cache of each handle where they can: what they show is never older than what another handle, or
// another thread, has written before.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RegionMemory } from "../../src/region/memory.ts";
import { Region } from "../../src/region/region.ts";
import { scratchOf } from "../../src/region/scratch.ts";
import { leaveSeat } from "../../src/region/threads.ts";
import { RowCache } from "../../src/tables/row-cache.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";

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
  const cache = new RowCache();
  const keys = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(4, "0")}-and-the-same-end`);
  const entryOf = (key: string) => ({ key, shard: 0, version: 0, row: 1, rowVersion: 1, values: [key] });
  for (let round = 0; round < 30; round++) {
    for (const key of keys) if (cache.find(key, cache.hash(key)) === undefined) cache.keep(entryOf(key));
  }
  const found = keys.filter((key) => cache.find(key, cache.hash(key)) !== undefined);
  assert.ok(found.length > 280, `${found.length} of 300`);
  for (const key of found) assert.is(cache.find(key, cache.hash(key))?.values[0], key);
});

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
