// watchdog: 300s
// Many keys, growth in small steps, and keys that somebody chose to collide. Steps and probes are counted, not timed.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { halfSipHash } from "../../src/protocols/table-hash.ts";
import { probeLength } from "../../src/protocols/table-index.ts";
import { S_INDEX, S_OLD } from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { eachSlot } from "../../src/tables/walk.ts";
import { withCountedSteps } from "./mortal-memory.ts";
import { seeded } from "./seeded.ts";

const test = suite("scale");

test("a million keys, found, replaced and counted", () => {
  const table = seeded(new SharedTable({ region: Region.create(), key: "string", columns: { n: "u32" } }));
  const count = 1_000_000;
  for (let i = 0; i < count; i++) table.set(`key ${i}`, { n: i });
  assert.is(table.size, count);
  for (let i = 0; i < count; i += 7) assert.is(table.get(`key ${i}`)?.n, i);
  assert.not(table.has(`key ${count}`));
  for (let i = 0; i < count; i += 3) assert.ok(table.delete(`key ${i}`));
  assert.is(table.size, count - Math.ceil(count / 3));
  assert.equal(table.check().problems, []);
  const { maxProbe, load } = table.stats();
  assert.ok(maxProbe <= 64 && load > 0.2, `${maxProbe} buckets at a load of ${load}`);
});

/** The most steps of one insertion while a table grows to `count` rows. */
function mostSteps(count: number): number {
  const region = Region.create({ byteLength: 16 << 20, maxByteLength: 16 << 20, maxThreads: 2, wasm: false });
  const table = seeded(new SharedTable({ region, key: "i32", columns: { n: "u32" }, capacity: 8 }), [11, 12, 13, 14]);
  let most = 0;
  withCountedSteps(Table.coreOf(table), (steps) => {
    let before = steps();
    for (let i = 0; i < count; i++) {
      table.set(i, { n: i });
      const after = steps();
      most = Math.max(most, after - before);
      before = after;
    }
  });
  assert.is(table.size, count);
  assert.equal(table.check().problems, []);
  return most;
}

test("no insertion takes more steps because the table is larger", () => {
  const small = mostSteps(2000);
  const large = mostSteps(60_000);
  console.log(`most steps of one insertion: ${small} up to 2,000 rows, ${large} up to 60,000`);
  assert.ok(large < 3000 && large < small * 3, `${small} and ${large} steps`);
});

/** Integer keys that fall into one shard and one bucket of it under this seed. */
function colliding(count: number, seed0: number, seed1: number): number[] {
  const keys: number[] = [];
  const word = new Int32Array(1);
  for (let key = 0; keys.length < count; key++) {
    word[0] = key;
    // The upper six bits choose the shard, the lower ones the bucket.
    if ((halfSipHash(word, 0, 4, seed0, seed1) & 0xfc00007f) === 0) keys.push(key);
  }
  return keys;
}

/** Buckets that finding each of the keys reads, on average. */
function probesOf(keys: readonly number[], seed: readonly number[]): number {
  const region = Region.create();
  const table = seeded(new SharedTable({ region, key: "i32", columns: {} }), seed);
  for (const key of keys) table.set(key, {});
  const core = Table.coreOf(table);
  const { words } = region.memory;
  let probes = 0;
  for (let number = 0; number < core.shardCount; number++) {
    for (const at of [S_INDEX, S_OLD]) {
      const index = words[core.shardAt(number) + at];
      if (index !== 0) eachSlot(words, index, (slot) => (probes += probeLength(words, index, slot)));
    }
  }
  return probes / keys.length;
}

test("keys crafted to collide under a seed that is known cost no more than twice as much under others", () => {
  const crafted = colliding(1000, 5, 6);
  const plain = crafted.map((_, i) => i);
  assert.ok(probesOf(crafted, [5, 6, 0, 0]) > 20, "the keys do collide where the seed is the one they are made for");
  for (let round = 0; round < 10; round++) {
    const seed = [0x1234567 * round + 1, 0x7654321 * round + 9, 0, 0];
    const [attacked, usual] = [probesOf(crafted, seed), probesOf(plain, seed)];
    assert.ok(attacked < 2 * usual, `${attacked} against ${usual} buckets`);
  }
});

test.run();
