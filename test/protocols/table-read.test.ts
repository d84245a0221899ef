// The read kernel is compiled twice, by tsc and to WebAssembly: both give the same results and leave the same bytes, in
// sound memory and in any other, which they may read while it is reused.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type CoreExports, instantiateCore } from "../../src/assembly/core.ts";
import { R_VERSION, S_HIGH, S_VERSION, SHARD_WORDS } from "../../src/protocols/table-layout.ts";
import {
  CONTENDED,
  isCurrent,
  MISSING,
  OUTDATED,
  readRow,
  renewedVersion,
  SAME_ROW,
  SCRATCH_EPOCH,
  SCRATCH_FOUND,
  SCRATCH_KEY,
  SCRATCH_KNOWN_ROW,
  SCRATCH_KNOWN_VERSION,
  SCRATCH_ROW,
  SCRATCH_SHARD,
  TOO_LONG,
  UNCOVERED,
} from "../../src/protocols/table-read.ts";
import { Region } from "../../src/region/region.ts";
import { scratchOf } from "../../src/region/scratch.ts";
import type { TableCore } from "../../src/tables/core.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { sameBytes } from "../support/bytes.ts";
import { effort } from "../support/effort.ts";

const test = suite("the read kernel in JavaScript and in Wasm");
const columns = { text: "string", n: "u32", wide: "f64" } as const;

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

interface World {
  readonly table: SharedTable<string, { text: string; n: number; wide: number }>;
  readonly core: TableCore;
  readonly wasm: CoreExports;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly scratch: number;
}

function world(): World | undefined {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
  const wasm = region.memory.wasm === undefined ? undefined : instantiateCore(region.memory.wasm);
  if (wasm === undefined) return undefined;
  const table = new SharedTable({ region, key: "string", columns, capacity: 8 });
  const next = random(5);
  for (let i = 0; i < 700; i++) {
    table.set(`key ${next(400)}`, { text: "t".repeat(next(60)), n: i, wide: i / 3 });
    if (i % 7 === 0) table.delete(`key ${next(400)}`);
  }
  for (let i = 0; i < 8; i++) table.set(`key ${i * 50}`, { text: "t".repeat(3000), n: i, wide: 0 });
  const { words, bytes } = region.memory;
  return { table, core: Table.coreOf(table), wasm, bytes, words, scratch: scratchOf(region) };
}

function putKey({ bytes, scratch }: World, key: string): number {
  const at = (scratch + SCRATCH_KEY) * 4;
  const encoded = new TextEncoder().encode(key);
  bytes.set(encoded, at);
  bytes.fill(0, at + encoded.length, at + ((encoded.length + 3) & ~3));
  return encoded.length;
}

/** Reads twice from the same state, in JavaScript and in Wasm, and asserts that nothing tells the two apart. */
function readBoth(here: World, keyBytes: number, limit: number, where: string): number {
  const { core, wasm, words, bytes, scratch } = here;
  const { shards, shift, seed0, seed1, keyWord } = core;
  const args = [shards, shift, seed0, seed1, keyWord, core.schema.endWord, scratch, keyBytes, limit] as const;
  const before = bytes.slice();
  const inScript = readRow(words, ...args);
  const after = bytes.slice();
  bytes.set(before);
  const inWasm = wasm.readRow(...args);
  assert.is(inWasm, inScript, where);
  assert.ok(sameBytes(bytes, after), `${where}: other bytes`);
  return inScript;
}

test("the same results and the same bytes for random keys, known rows and versions under way", () => {
  const here = world();
  if (here === undefined) return console.log("skipped: no WebAssembly here");
  const { words, scratch, core, table } = here;
  const next = random(77);
  const seen = new Map<number, number>();
  for (let i = 0; i < effort(500, 1500); i++) {
    const key = `key ${next(500)}`;
    const keyBytes = putKey(here, key);
    words[scratch + SCRATCH_KNOWN_ROW] = 0;
    const limit = next(20) === 0 ? words.length >> 6 : words.length;
    if (next(10) === 0) for (let n = 0; n < core.shardCount; n++) words[core.shardAt(n) + S_VERSION] ^= 1;
    const odd = (words[core.shardAt(0) + S_VERSION] & 1) !== 0;
    const result = readBoth(here, keyBytes, limit, key);
    const kind = Math.min(result, 1);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    if (odd) {
      assert.is(result, CONTENDED);
      for (let n = 0; n < core.shardCount; n++) words[core.shardAt(n) + S_VERSION] ^= 1;
    } else if (limit === words.length) {
      assert.is(result !== MISSING, table.has(key));
      if (result > 0) checkKnown(here, keyBytes, result);
    }
  }
  for (const kind of [1, MISSING, CONTENDED, TOO_LONG, UNCOVERED]) assert.ok((seen.get(kind) ?? 0) > 0, `${kind}`);
});

/** What was just read is known to be the same, and another version of it is not. */
function checkKnown(here: World, keyBytes: number, length: number): void {
  const { words, scratch } = here;
  words[scratch + SCRATCH_KNOWN_ROW] = words[scratch + SCRATCH_FOUND];
  words[scratch + SCRATCH_KNOWN_VERSION] = words[scratch + SCRATCH_ROW + 3];
  assert.is(readBoth(here, keyBytes, words.length, "known"), SAME_ROW);
  words[scratch + SCRATCH_KNOWN_VERSION]++;
  assert.is(readBoth(here, keyBytes, words.length, "outdated"), length);
}

test("in memory that holds anything, both answer the same and read nothing beyond the limit", () => {
  const here = world();
  if (here === undefined) return console.log("skipped: no WebAssembly here");
  const { words, bytes, core } = here;
  const sound = bytes.slice();
  const next = random(123);
  const first = core.shards;
  const end = core.shards + core.shardCount * SHARD_WORDS;
  const odd = [-1, 0, 1, 0x7fffffff, -0x80000000, words.length, words.length - 1, first, 0x1fffffff];
  for (let round = 0; round < effort(40, 120); round++) {
    bytes.set(sound);
    // Everything from the shards on may be something else by now: rows, indexes, the shards themselves.
    for (let k = 0; k < 1000; k++) {
      const at = next(3) === 0 ? first + next(end - first) : first + next(words.length - first);
      if (at >= here.scratch && at < here.scratch + 700) continue;
      words[at] = next(2) === 0 ? odd[next(odd.length)] : next(words.length);
    }
    for (let n = 0; n < core.shardCount; n++) {
      words[core.shardAt(n) + S_VERSION] &= ~1;
      words[core.shardAt(n) + S_HIGH] = words.length;
    }
    for (let k = 0; k < 12; k++) {
      const key = `key ${next(500)}`;
      readBoth(here, putKey(here, key), words.length, `round ${round}, ${key}`);
    }
  }
});

test("what was read is current until the version or the block changes", () => {
  const here = world();
  if (here === undefined) return console.log("skipped: no WebAssembly here");
  const { words, wasm, core } = here;
  const shard = core.shardAt(1);
  const version = words[shard + S_VERSION];
  const serialAt = (core.offset >> 2) - 13;
  const serial = words[serialAt];
  for (const [v, s] of [
    [version, serial],
    [version + 1, serial],
    [version, serial + 1],
  ]) {
    const expected = v === version && s === serial ? 1 : 0;
    assert.is(isCurrent(words, shard, v, serialAt, s), expected);
    assert.is(wasm.isCurrent(shard, v, serialAt, s), expected);
  }
});

test("a row is as it was read until its version, the shard's epoch or the block changes", () => {
  const here = world();
  if (here === undefined) return console.log("skipped: no WebAssembly here");
  const { words, wasm, core, scratch } = here;
  // The first key whose row fits into the scratch area.
  const isShort = (key: string): boolean => readBoth(here, putKey(here, key), words.length, key) > 0;
  assert.ok([...here.table.keys()].some(isShort));
  const shard = words[scratch + SCRATCH_SHARD];
  const row = words[scratch + SCRATCH_FOUND];
  const rowVersion = words[scratch + SCRATCH_ROW + R_VERSION];
  const epoch = words[scratch + SCRATCH_EPOCH];
  const serialAt = (core.offset >> 2) - 13;
  const both = (...args: [number, number, number, number, number, number]): number => {
    const inScript = renewedVersion(words, ...args);
    assert.is(wasm.renewedVersion(...args), inScript);
    return inScript;
  };
  const whole = [shard, row, rowVersion, epoch, serialAt, words[serialAt]] as const;
  words[shard + S_VERSION] += 2;
  assert.is(both(...whole), words[shard + S_VERSION]);
  words[shard + S_VERSION] += 1;
  assert.is(both(...whole), OUTDATED);
  words[shard + S_VERSION] += 1;
  for (const wrong of [2, 3, 5]) {
    const args = whole.map((value, k) => (k === wrong ? value + 1 : value));
    assert.is(both(...(args as [number, number, number, number, number, number])), OUTDATED);
  }
});

test.run();
