// free() of a map, a set, a multi-map and a string pool: the region has every byte back, and every later use is told.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedMultiMap } from "../../src/tables/multi-map.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { StringPool } from "../../src/tables/string-pool.ts";

const test = suite("free of views");

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
  return "nothing thrown";
}

interface Freed {
  readonly free: () => void;
  /** Another handle's uses, and this one's. */
  readonly uses: readonly (() => unknown)[];
}

function aMap(region: Region): Freed {
  const map = new SharedMap({ region, name: "x" });
  for (let i = 0; i < 500; i++) map.set(`key ${i}`, "value");
  const other = SharedMap.from(map.share());
  assert.is(other.get("key 1"), "value");
  const each = (m: SharedMap) => [
    () => m.get("key 1"),
    () => m.set("key 1", "v"),
    () => m.size,
    () => m.delete("key 1"),
  ];
  return { free: () => map.free(), uses: [...each(map), ...each(other), () => map.share(), () => map.free()] };
}

function aSet(region: Region): Freed {
  const set = new SharedSet({ region, name: "x" });
  for (let i = 0; i < 500; i++) set.add(`key ${i}`);
  const other = SharedSet.from(set.share());
  const each = (s: SharedSet) => [() => s.has("key 1"), () => s.add("key 1"), () => s.size, () => s.delete("key 1")];
  return { free: () => set.free(), uses: [...each(set), ...each(other), () => set.free()] };
}

function aMultiMap(region: Region): Freed {
  const map = new SharedMultiMap({ region, name: "x" });
  for (let i = 0; i < 500; i++) map.add(`key ${i % 50}`, `member ${i}`);
  const other = SharedMultiMap.from(map.share());
  const each = (m: SharedMultiMap) => [() => m.get("key 1"), () => m.add("key 1", "m"), () => m.size];
  return { free: () => map.free(), uses: [...each(map), ...each(other), () => map.free()] };
}

function aPool(region: Region): Freed {
  const pool = new StringPool({ region, name: "x" });
  for (let i = 0; i < 500; i++) pool.intern(`text ${i}`);
  const other = StringPool.from(pool.share());
  assert.is(other.get(1), "text 1");
  const each = (p: StringPool) => [() => p.get(1), () => p.find("text 1"), () => p.intern("new"), () => p.size];
  return { free: () => pool.free(), uses: [...each(pool), ...each(other), () => pool.free()] };
}

for (const [name, make] of Object.entries({
  SharedMap: aMap,
  SharedSet: aSet,
  SharedMultiMap: aMultiMap,
  StringPool: aPool,
})) {
  test(`free() of a ${name} gives its bytes and its name back, and tells everyone who still uses it`, () => {
    const region = Region.create();
    // The first one also makes what stays: the thread's scratch area and the directory.
    make(region).free();
    const { bytesUsed } = region.stats();
    for (let round = 0; round < 3; round++) {
      const { free, uses } = make(region);
      free();
      assert.is(region.stats().bytesUsed, bytesUsed);
      for (const use of uses) assert.is(codeOf(use), "ERR_CLOSED", String(use));
    }
  });
}

test.run();
