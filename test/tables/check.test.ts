// watchdog: 300s
// check() finds each kind of damage that is planted, and names it.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bucketAt } from "../../src/protocols/table-index.ts";
import {
  I_MASK,
  L_BUMP,
  L_NEXT,
  L_PREVIOUS,
  R_HASH,
  R_KEY_BYTES,
  R_NEXT,
  R_TAG,
  S_COUNT,
  S_FREE,
  S_HOME,
  S_INDEX,
  S_LARGE,
  S_OLD,
  S_POSITION,
  S_RECORD,
  S_SLAB_WORDS,
  S_SLABS,
  S_USED_WORDS,
  S_VERSION,
  SLAB_HEADER,
  usedTag,
  X_STATE,
} from "../../src/protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import type { TableCore } from "../../src/tables/core.ts";
import { encodeKey } from "../../src/tables/row.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { eachSlot } from "../../src/tables/walk.ts";
import { seeded } from "./seeded.ts";

const test = suite("check");
const columns = { first: "string", second: "string", n: "u32" } as const;

interface Place {
  readonly words: Int32Array;
  readonly region: Region;
  /** A shard with rows, a free row and a large row, and another one. */
  readonly shard: number;
  readonly other: number;
  readonly index: number;
  /** Slots of two small rows, and the rows. */
  readonly slots: readonly number[];
  readonly rows: readonly number[];
  readonly free: number;
  readonly large: number;
  readonly word: (column: "first" | "second") => number;
}

function freeHead(words: Int32Array, shard: number): number {
  for (let sizeClass = 0; sizeClass < 39; sizeClass++) {
    if (words[shard + S_FREE + sizeClass] !== 0) return shard + S_FREE + sizeClass;
  }
  throw new Error("no free row");
}

function world(): { table: SharedTable<string, { first: string; second: string; n: number }>; core: TableCore } {
  const region = Region.create({ byteLength: 1 << 20, maxByteLength: 1 << 20, maxThreads: 2 });
  const table = seeded(new SharedTable({ region, key: "string", columns, capacity: 8 }));
  const core = Table.coreOf(table);
  const keys: string[] = [];
  for (let i = 0; keys.length < 12; i++) {
    const hash = core.hash(encodeKey(core.schema, `key ${i}`, ""));
    if (core.shardOf(hash) === core.shardAt(5)) keys.push(`key ${i}`);
  }
  for (const key of keys) table.set(key, { first: "one", second: "two", n: 1 });
  table.set(keys[0], { first: "x".repeat(20_000), second: "", n: 0 });
  table.set(keys[1], { first: "y".repeat(20_000), second: "", n: 0 });
  table.delete(keys[2]);
  table.transaction(keys.slice(3), (tx) => {
    tx.delete(keys[3]);
  });
  while (region.memory.words[core.shardAt(5) + S_OLD] !== 0) table.add(keys[5], "n", 1);
  return { table, core };
}

const { table, core } = world();
const { region } = core;
const sound = region.memory.bytes.slice();

function place(): Place {
  const { words } = region.memory;
  const shard = core.shardAt(5);
  const index = words[shard + S_INDEX];
  const slots: number[] = [];
  eachSlot(words, index, (slot) => {
    if (words[words[slot] + R_TAG] !== words[words[shard + S_LARGE] + SLAB_HEADER + R_TAG]) slots.push(slot);
  });
  return {
    words,
    region,
    shard,
    other: core.shardAt(6),
    index,
    slots,
    rows: slots.map((slot) => words[slot]),
    free: words[freeHead(words, shard)],
    large: words[shard + S_LARGE],
    word: (column) => core.schema.byName.get(column)?.word ?? 0,
  };
}

type Plant = (here: Place) => void;
const damages: [string, RegExp, Plant][] = [
  ["an odd version", /version is odd/, ({ words, shard }) => words[shard + S_VERSION]++],
  ["a wrong count", /count is \d+, but there are \d+ rows/, ({ words, shard }) => words[shard + S_COUNT]++],
  ["wrong slab words", /slab words are/, ({ words, shard }) => (words[shard + S_SLAB_WORDS] += 4)],
  ["wrong used words", /used words are/, ({ words, shard }) => (words[shard + S_USED_WORDS] -= 4)],
  ["a position of no growth", /position but no old index/, ({ words, shard }) => (words[shard + S_POSITION] = 1)],
  [
    "a transaction that is none",
    /belongs to a transaction/,
    ({ words, shard, other }) => (words[other + S_HOME] = shard),
  ],
  [
    "a record left open",
    /record of transactions has the state 2/,
    ({ words, shard }) => {
      words[words[shard + S_RECORD] + X_STATE] = 2;
    },
  ],
  ["a wrong overflow", /overflow is/, ({ words, index }) => words[bucketAt(index, 0)]++],
  ["an index that is none", /its index .* is no longer valid/, ({ words, index }) => (words[index + I_MASK] = 1 << 28)],
  ["a slot at no row", /no row in use or has two slots/, ({ words, slots }) => words[slots[0]]++],
  ["a row of two slots", /no row in use or has two slots/, ({ words, slots }) => (words[slots[0]] = words[slots[1]])],
  ["a lost slot", /is in use but in no slot/, ({ words, slots }) => (words[slots[0]] = 0)],
  ["a hash that is not the key's", /hash is not that of its key/, ({ words, rows }) => (words[rows[0] + R_HASH] ^= 4)],
  ["a changed key", /hash is not that of its key/, ({ words, rows }) => (words[rows[0] + core.keyWord] ^= 1)],
  [
    "a key twice",
    /a key that another row has too/,
    ({ words, slots, rows }) => {
      words.copyWithin(rows[0] + R_HASH, rows[1] + R_HASH, rows[1] + 11);
      words[slots[0] - 1] = words[slots[1] - 1];
    },
  ],
  [
    "a row of another shard",
    /belongs to another shard/,
    ({ words, slots, rows }) => {
      // The table's seed is random: the first of these keys that is not of this very shard.
      const hashOf = (key: string): number => core.hash(encodeKey(core.schema, key, ""));
      const another = Array.from("abcdefghijkl", (letter) => `key of ${letter}nother`);
      const key = another.find((key) => core.shardOf(hashOf(key)) !== core.shardAt(5)) as string;
      const keyBytes = encodeKey(core.schema, key, "");
      const hash = hashOf(key);
      new Uint8Array(words.buffer).set(new TextEncoder().encode(`${key}\0\0`), (rows[0] + core.keyWord) * 4);
      words[rows[0] + R_KEY_BYTES] = keyBytes;
      words[rows[0] + R_HASH] = words[slots[0] - 1] = hash;
    },
  ],
  [
    "a key longer than its row",
    /key is longer than the row/,
    ({ words, rows }) => (words[rows[0] + R_KEY_BYTES] = 9999),
  ],
  ["a negative length", /key is longer than the row/, ({ words, rows }) => (words[rows[0] + R_KEY_BYTES] = -1)],
  [
    "text that ends too early",
    /ends before it begins/,
    ({ words, rows, word }) => (words[rows[0] + word("first")] = 0),
  ],
  [
    "text beyond the row",
    /text is longer than the row/,
    ({ words, rows, word }) => {
      words[rows[0] + word("second")] = 5000;
    },
  ],
  ["a row's tag", /a row .* is no longer valid/, ({ words, rows }) => (words[rows[0] + R_TAG] = 12345)],
  ["a free row in use", /free list of class \d+ holds/, ({ words, free }) => (words[free + R_TAG] &= ~1)],
  [
    "a lost free row",
    /is in no free list/,
    ({ words, shard }) => {
      words[freeHead(words, shard)] = 0;
    },
  ],
  ["a circle of free rows", /free list of class \d+ holds/, ({ words, free }) => (words[free + R_NEXT] = free)],
  [
    "a bump beyond its slab",
    /a slab .* is no longer valid/,
    ({ words, shard }) => {
      words[words[shard + S_SLABS] + L_BUMP] += 1 << 20;
    },
  ],
  [
    "a circle of slabs",
    /a list of slabs .* is no longer valid/,
    ({ words, shard }) => {
      words[words[shard + S_SLABS] + L_NEXT] = words[shard + S_SLABS];
    },
  ],
  ["a large row's tag", /large row \d+: bad tag/, ({ words, large }) => (words[large + SLAB_HEADER] = usedTag(1))],
  ["a large row's back link", /back link is wrong/, ({ words, large }) => (words[large + L_PREVIOUS] = 77)],
  ["a large row's bump", /large row \d+: bad bump/, ({ words, large }) => words[large + L_BUMP]--],
  [
    "a block that is not linked",
    /belongs to the shard but is not linked/,
    ({ region, shard }) => {
      region.allocate(100, KIND_TABLE_PART, shard);
    },
  ],
  ["a block of somebody else", /is linked but is not the shard's/, ({ region, index }) => region.release(index * 4)],
];

test("a sound table has no problems", () => {
  assert.equal(table.check(), { ok: true, problems: [] });
});

for (const [name, expected, plant] of damages) {
  test(`finds ${name}`, () => {
    region.memory.bytes.set(sound);
    plant(place());
    const { ok, problems } = table.check();
    assert.not(ok);
    assert.ok(
      problems.some((problem) => problem.startsWith("shard 5: ") && expected.test(problem)) ||
        problems.some((problem) => problem.startsWith("shard 6: ") && expected.test(problem)),
      `${name}: ${problems.join("\n") || "no problem found"}`,
    );
  });
}

test("an overwritten index, growing or not, is an error for each operation, and holds nobody up", () => {
  const text = { text: "t" };
  const operations: [string, (table: SharedTable<string, { text: string }>, key: string) => unknown][] = [
    ["get", (table, key) => table.get(key)],
    ["set", (table, key) => table.set(key, text)],
    ["delete", (table, key) => table.delete(key)],
    ["update", (table, key) => table.update(key, () => text)],
    ["getOrInsert", (table, key) => table.getOrInsert(key, text)],
    ["transaction", (table, key) => table.transaction([key], (tx) => tx.set(key, text))],
  ];
  for (const growing of [true, false]) {
    for (const mask of [-7, 0x7fffffff, 1 << 28]) {
      const made = new SharedTable({ region: Region.create(), key: "string", columns: { text: "string" } });
      const table = seeded(made);
      const core = Table.coreOf(table);
      const { words } = core.region.memory;
      const shard = core.shardAt(5);
      for (let i = 0; i < 1000 || (words[shard + S_OLD] !== 0) !== growing; i++) table.set(`key ${i}`, text);
      const mine = Array.from({ length: 1000 }, (_, i) => `key ${i}`).filter(
        (key) => core.shardOf(core.hash(encodeKey(core.schema, key, ""))) === shard,
      );
      words[words[shard + S_INDEX] + I_MASK] = mask;
      for (const [name, run] of operations) {
        const where = `${name}, mask ${mask}, ${growing ? "growing" : "grown"}`;
        assert.throws(
          () => run(table, mine[3]),
          (error: { code: string }) => error.code === "ERR_TABLE_CORRUPT",
          where,
        );
      }
      assert.not(table.check().ok);
      table.free();
    }
  }
});

test("a table that is damaged all over reports a hundred problems at most", () => {
  region.memory.bytes.set(sound);
  const big = new SharedTable({ region: Region.create(), key: "i32", columns: { n: "u32" } });
  for (let i = 0; i < 5000; i++) big.set(i, { n: i });
  const bigCore = Table.coreOf(big);
  const { words } = bigCore.region.memory;
  for (let number = 0; number < bigCore.shardCount; number++) {
    eachSlot(words, words[bigCore.shardAt(number) + S_INDEX], (slot) => words[slot - 1]++);
  }
  assert.is(big.check().problems.length, 100);
});

test.run();
