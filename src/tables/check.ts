// Verifies every invariant of a shard's memory (table-layout.ts, table-index.ts, slab.ts); the caller holds its lock.

import type { i32, Words } from "../cells/atomics.ts";
import { TableError } from "../cells/errors.ts";
import { HOLD, SLOW } from "../protocols/mutex.ts";
import { halfSipHash } from "../protocols/table-hash.ts";
import { bucketAt, probeLength } from "../protocols/table-index.ts";
import {
  B_OVERFLOW,
  CLASSES,
  classOfTag,
  classWords,
  I_MASK,
  IDLE,
  indexWords,
  isFreeTag,
  isTag,
  L_BUMP,
  L_PREVIOUS,
  L_WORDS,
  LARGE_CLASS,
  PLAIN,
  R_HASH,
  R_KEY_BYTES,
  R_NEXT,
  R_TAG,
  R_VERSION,
  RECORD_HEADER,
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
  SHARD_WORDS,
  SLAB_HEADER,
  SLOTS,
  X_STATE,
} from "../protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { rowWords } from "./row.ts";
import type { Schema } from "./schema.ts";
import type { TableStats } from "./types.ts";
import { eachIndex, eachRow, eachSlab, eachSlot, expectedOverflows, linkedBlocks } from "./walk.ts";

/** What a check needs of its table. */
export interface Checked {
  readonly region: Region;
  readonly schema: Schema;
  readonly seed0: number;
  readonly seed1: number;
  shardOf(hash: i32): i32;
}

type Report = (problem: string) => void;

/** Reports everything that is wrong with the shard at word `shard`. */
export function checkShard(table: Checked, shard: i32, report: Report): void {
  const words = table.region.memory.words;
  try {
    const used = checkRows(words, shard, report);
    checkIndexes(table, shard, used, report);
    checkRecord(words, shard, report);
    const linked = linkedBlocks(words, shard);
    for (const offset of table.region.taggedBlocks(KIND_TABLE_PART, shard)) {
      if (!linked.delete(offset >> 2)) report(`the block at byte ${offset} belongs to the shard but is not linked`);
    }
    for (const block of linked) report(`the block at byte ${block * 4} is linked but is not the shard's`);
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    report(error.message);
  }
}

/** Walks the slabs and free lists; returns the used rows with the words that each has. */
function checkRows(words: Words, shard: i32, report: Report): Map<number, number> {
  const used = new Map<number, number>();
  const free = new Map<number, number>();
  let total = 0;
  let usedWords = 0;
  eachSlab(words, words[shard + S_SLABS], (slab) => {
    total += words[slab + L_WORDS];
    eachRow(words, slab, (row, sizeClass) => {
      const isFree = isFreeTag(words[row + R_TAG]);
      (isFree ? free : used).set(row, isFree ? sizeClass : classWords(sizeClass));
      if (!isFree) usedWords += classWords(sizeClass);
    });
  });
  let previous = 0;
  eachSlab(words, words[shard + S_LARGE], (slab) => {
    const row = slab + SLAB_HEADER;
    const tag = words[row + R_TAG];
    if (!isTag(tag) || isFreeTag(tag) || classOfTag(tag) !== LARGE_CLASS) report(`large row ${row}: bad tag`);
    if (words[slab + L_PREVIOUS] !== previous) report(`large row ${row}: its slab's back link is wrong`);
    if (words[slab + L_BUMP] !== slab + words[slab + L_WORDS]) report(`large row ${row}: bad bump`);
    previous = slab;
    total += words[slab + L_WORDS];
    usedWords += words[slab + L_WORDS] - SLAB_HEADER;
    used.set(row, words[slab + L_WORDS] - SLAB_HEADER);
  });
  if (words[shard + S_SLAB_WORDS] !== total) report(`slab words are ${words[shard + S_SLAB_WORDS]}, not ${total}`);
  if (words[shard + S_USED_WORDS] !== usedWords) {
    report(`used words are ${words[shard + S_USED_WORDS]}, not ${usedWords}`);
  }
  checkFreeLists(words, shard, free, report);
  return used;
}

function checkFreeLists(words: Words, shard: i32, free: Map<number, number>, report: Report): void {
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) {
    for (let row = words[shard + S_FREE + sizeClass]; row !== 0; row = words[row + R_NEXT]) {
      if (free.get(row) !== sizeClass) {
        report(`the free list of class ${sizeClass} holds ${row}, which is not free or stands there twice`);
        break;
      }
      free.delete(row);
    }
  }
  for (const row of free.keys()) report(`the free row ${row} is in no free list`);
}

function checkIndexes(table: Checked, shard: i32, used: Map<number, number>, report: Report): void {
  const words = table.region.memory.words;
  const { keyWord } = table.schema;
  if ((words[shard + S_VERSION] & 1) !== 0) report("the version is odd though nobody writes");
  const keys = new Set<string>();
  let count = 0;
  eachIndex(words, shard, (index) => {
    eachSlot(words, index, (slot) => {
      const row = words[slot];
      count++;
      const room = used.get(row);
      if (room === undefined) {
        report(`slot ${slot} points at ${row}, which is no row in use or has two slots`);
        return;
      }
      used.delete(row);
      if (words[row + R_VERSION] === 0) report(`row ${row} is in a slot but marked as gone`);
      checkRow(table, shard, slot, room, report);
      const bytes = words[row + R_KEY_BYTES];
      const key = `${bytes}:${words.slice(row + keyWord, row + keyWord + ((bytes + 3) >> 2)).join(",")}`;
      if (keys.has(key)) report(`row ${row} has a key that another row has too`);
      keys.add(key);
    });
    checkOverflows(words, index, report);
  });
  for (const row of used.keys()) report(`row ${row} is in use but in no slot`);
  if (words[shard + S_COUNT] !== count) report(`the count is ${words[shard + S_COUNT]}, but there are ${count} rows`);
  if (words[shard + S_OLD] === 0 && words[shard + S_POSITION] !== 0) report("a growth has a position but no old index");
}

function checkRecord(words: Words, shard: i32, report: Report): void {
  if (words[shard + S_HOME] !== 0) report("it belongs to a transaction though none is under way");
  const record = words[shard + S_RECORD];
  if (record === 0) return;
  const state = record > 0 && record + RECORD_HEADER <= words.length ? words[record + X_STATE] : -1;
  if (state !== IDLE) report(`its record of transactions has the state ${state} though none is under way`);
}

function checkRow(table: Checked, shard: i32, slot: i32, room: number, report: Report): void {
  const words = table.region.memory.words;
  const { schema } = table;
  const row = words[slot];
  const keyBytes = words[row + R_KEY_BYTES];
  let end = (keyBytes + 3) & ~3;
  if (keyBytes < 0 || schema.keyWord + (end >> 2) > room) {
    report(`row ${row}: its key is longer than the row`);
    return;
  }
  for (const column of schema.texts) {
    const next = words[row + column.word];
    if (next < end) report(`row ${row}: the text of ${column.name} ends before it begins`);
    end = next;
  }
  if (rowWords(schema, words, row) > room) report(`row ${row}: its text is longer than the row`);
  else checkPlain(table, row, (keyBytes + 3) & ~3, end, report);
  const hash = halfSipHash(words, row + schema.keyWord, keyBytes, table.seed0, table.seed1);
  if (hash !== words[row + R_HASH] || hash !== words[slot - 1]) report(`row ${row}: its hash is not that of its key`);
  if (table.shardOf(hash) !== shard) report(`row ${row}: its key belongs to another shard`);
}

/** Whether a row that says that its texts, bytes [from, to) from its key on, are ASCII is right. */
function checkPlain({ region, schema }: Checked, row: i32, from: number, to: number, report: Report): void {
  const { words, bytes } = region.memory;
  if ((words[row + R_TAG] & PLAIN) === 0) return;
  const start = (row + schema.keyWord) << 2;
  for (let i = start + from; i < start + to; i++) {
    if (bytes[i] < 0x80) continue;
    report(`row ${row}: its texts are not ASCII, as its tag says`);
    return;
  }
}

function checkOverflows(words: Words, index: i32, report: Report): void {
  const expected = expectedOverflows(words, index);
  for (let bucket = 0; bucket < expected.length; bucket++) {
    const found = words[bucketAt(index, bucket) + B_OVERFLOW];
    if (found !== expected[bucket]) report(`bucket ${bucket}: its overflow is ${found}, not ${expected[bucket]}`);
  }
}

/** Adds a shard's numbers to `stats`. */
export function measureShard(words: Words, shard: i32, stats: TableStats): void {
  stats.entries += words[shard + S_COUNT];
  stats.bytesUsed += words[shard + S_USED_WORDS] * 4;
  stats.bytesFree += (words[shard + S_SLAB_WORDS] - words[shard + S_USED_WORDS]) * 4;
  stats.bytesIndex += SHARD_WORDS * 4;
  stats.acquisitions += words[shard + HOLD];
  stats.contended += words[shard + SLOW];
  eachIndex(words, shard, (index) => {
    const buckets = words[index + I_MASK] + 1;
    stats.bytesIndex += indexWords(buckets) * 4;
    if (index === words[shard + S_INDEX]) stats.capacity += buckets * SLOTS;
    eachSlot(words, index, (slot) => {
      stats.maxProbe = Math.max(stats.maxProbe, probeLength(words, index, slot));
    });
  });
}
