// Repair of a shard whose last owner died inside: the index is the truth, everything else is derived from it again.
//
// A row is in the table exactly if a slot of the index (or, while the shard grows, of the old index) points at it. The
// repair moves what is left of the old index, counts overflows and rows anew, sweeps the slabs into fresh free lists and
// gives back the blocks that the shard had and never linked. A transaction or a clear() that was committed is made here as
// far as it concerns this shard, one that was not is dropped (transaction.ts, clear.ts). Each step may be cut off by another
// death: the lock stays marked, and the next owner begins again from the same truth.

import { add, type i32, load, store, type Words } from "../cells/atomics.ts";
import { bucketAt, freeSlot } from "../protocols/table-index.ts";
import {
  B_OVERFLOW,
  CHANGE_WORDS,
  CLASSES,
  COMMITTED,
  classWords,
  freeTag,
  IDLE,
  L_NEXT,
  L_PREVIOUS,
  L_WORDS,
  LARGE_CLASS,
  R_HASH,
  R_NEXT,
  R_TAG,
  RECORD_HEADER,
  S_COUNT,
  S_FREE,
  S_HIGH,
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
  X_CHANGES,
  X_SHARDS,
  X_STATE,
} from "../protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { nextEpoch } from "./slab.ts";
import { corrupt, eachRow, eachSlab, eachSlot, expectedOverflows, linkedBlocks } from "./walk.ts";

/**
 * Repairs the shard; the caller holds its lock. `settle` takes and releases the lock of another shard, a later one, which
 * repairs that one. Throws ERR_TABLE_CORRUPT where the memory was overwritten.
 */
export function recoverShard(region: Region, shard: i32, settle: (shard: i32) => void): void {
  const memory = region.memory;
  memory.cover(memory.words[shard + S_HIGH] * 4);
  if ((memory.words[shard + S_VERSION] & 1) === 0) add(memory.words, shard + S_VERSION, 1);
  // Rows that left the index may not be marked yet.
  nextEpoch(memory.words, shard);
  // First: while a shard is made to forget its rows, its two indexes may not fit each other.
  if (memory.words[shard + S_HOME] < 0) finishClear(memory.words, shard);
  finishGrowth(memory.words, shard);
  finishTransaction(region, shard, settle);
  const words = memory.words;
  const rows = new Set<number>();
  const index = words[shard + S_INDEX];
  if (index !== 0) {
    eachSlot(words, index, (slot) => rows.add(words[slot]));
    countOverflows(words, index);
  }
  words[shard + S_COUNT] = rows.size;
  sweepLarge(words, shard, rows);
  sweepSlabs(words, shard, rows);
  giveBackUnlinked(region, shard);
  add(words, shard + S_VERSION, 1);
}

/** What a dead thread's clear() left: all rows go if it was committed, and stay if not. */
function finishClear(words: Words, shard: i32): void {
  if (load(words, -words[shard + S_HOME]) === COMMITTED) forgetRows(words, shard);
  store(words, shard + S_HOME, 0);
}

/** Takes all rows and blocks from a shard; the blocks are still to be given back. */
export function forgetRows(words: Words, shard: i32): void {
  words[shard + S_OLD] = 0;
  words[shard + S_POSITION] = 0;
  store(words, shard + S_INDEX, 0);
  words[shard + S_COUNT] = 0;
  nextEpoch(words, shard);
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) words[shard + S_FREE + sizeClass] = 0;
  words[shard + S_RECORD] = 0;
  words[shard + S_SLABS] = 0;
  words[shard + S_LARGE] = 0;
  words[shard + S_SLAB_WORDS] = 0;
  words[shard + S_USED_WORDS] = 0;
}

/**
 * What a dead thread's transaction left: makes the changes of this shard if it was committed. The shard that has the
 * record sees to it that all others are done with it first, since it may be written anew from then on.
 */
function finishTransaction(region: Region, shard: i32, settle: (shard: i32) => void): void {
  const memory = region.memory;
  const home = memory.words[shard + S_HOME];
  if (home !== 0) {
    memory.cover(memory.words[home + S_HIGH] * 4);
    const record = memory.words[home + S_RECORD];
    if (load(memory.words, record + X_STATE) === COMMITTED) redo(memory.words, shard, record);
    memory.words[shard + S_HOME] = 0;
  }
  const own = memory.words[shard + S_RECORD];
  if (own === 0 || load(memory.words, own + X_STATE) === IDLE) return;
  const last = own + RECORD_HEADER + memory.words[own + X_SHARDS];
  for (let at = own + RECORD_HEADER; at < last; at++) if (memory.words[at] !== shard) settle(memory.words[at]);
  if (load(memory.words, own + X_STATE) === COMMITTED) redo(memory.words, shard, own);
  store(memory.words, own + X_STATE, IDLE);
}

/** Makes the changes of a record that concern this shard, those that are made already excepted. */
function redo(words: Words, shard: i32, record: i32): void {
  const index = words[shard + S_INDEX];
  const slots = new Map<number, number>();
  if (index !== 0) eachSlot(words, index, (slot) => slots.set(words[slot], slot));
  const first = record + RECORD_HEADER + words[record + X_SHARDS];
  for (let change = 0; change < words[record + X_CHANGES]; change++) {
    const at = first + change * CHANGE_WORDS;
    if (words[at] !== shard) continue;
    const after = words[at + 2];
    if (slots.has(after)) continue;
    const slot = slots.get(words[at + 1]);
    if (slot !== undefined) store(words, slot, after);
    else if (after !== 0) {
      const hash = words[after + R_HASH];
      const free = index === 0 ? 0 : freeSlot(words, index, hash);
      if (free === 0) throw corrupt("its index", index);
      words[free - 1] = hash;
      store(words, free, after);
    }
  }
}

function finishGrowth(words: Words, shard: i32): void {
  const index = words[shard + S_INDEX];
  const old = words[shard + S_OLD];
  if (old !== 0 && old !== index) {
    const moved = new Set<number>();
    eachSlot(words, index, (slot) => moved.add(words[slot]));
    eachSlot(words, old, (slot) => {
      if (moved.has(words[slot])) return;
      const hash = words[slot - 1];
      const free = freeSlot(words, index, hash);
      if (free === 0) throw corrupt("its index", index);
      words[free - 1] = hash;
      store(words, free, words[slot]);
    });
  }
  words[shard + S_OLD] = 0;
  words[shard + S_POSITION] = 0;
}

function countOverflows(words: Words, index: i32): void {
  const overflows = expectedOverflows(words, index);
  for (let bucket = 0; bucket < overflows.length; bucket++) {
    words[bucketAt(index, bucket) + B_OVERFLOW] = overflows[bucket];
  }
}

/** Unlinks the slabs of large rows that no slot points at; they are given back as unlinked blocks. */
function sweepLarge(words: Words, shard: i32, rows: Set<number>): void {
  let previous = 0;
  let total = 0;
  let used = 0;
  eachSlab(words, words[shard + S_LARGE], (slab) => {
    const row = slab + SLAB_HEADER;
    if (!rows.has(row)) {
      words[previous === 0 ? shard + S_LARGE : previous + L_NEXT] = words[slab + L_NEXT];
      return;
    }
    rows.delete(row);
    words[row + R_TAG] = usedTag(LARGE_CLASS);
    words[slab + L_PREVIOUS] = previous;
    previous = slab;
    total += words[slab + L_WORDS];
    used += words[slab + L_WORDS] - SLAB_HEADER;
  });
  words[shard + S_SLAB_WORDS] = total;
  words[shard + S_USED_WORDS] = used;
}

function sweepSlabs(words: Words, shard: i32, rows: Set<number>): void {
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) words[shard + S_FREE + sizeClass] = 0;
  let total = words[shard + S_SLAB_WORDS];
  let used = words[shard + S_USED_WORDS];
  eachSlab(words, words[shard + S_SLABS], (slab) => {
    total += words[slab + L_WORDS];
    eachRow(words, slab, (row, sizeClass) => {
      if (rows.delete(row)) {
        words[row + R_TAG] = usedTag(sizeClass);
        used += classWords(sizeClass);
        return;
      }
      words[row + R_TAG] = freeTag(sizeClass);
      words[row + R_NEXT] = words[shard + S_FREE + sizeClass];
      words[shard + S_FREE + sizeClass] = row;
    });
  });
  // Every slot's row was met on the way, or the index points somewhere else.
  if (rows.size > 0) throw corrupt("a slot of its index", [...rows][0]);
  words[shard + S_SLAB_WORDS] = total;
  words[shard + S_USED_WORDS] = used;
}

function giveBackUnlinked(region: Region, shard: i32): void {
  const linked = linkedBlocks(region.memory.words, shard);
  for (const offset of region.taggedBlocks(KIND_TABLE_PART, shard)) {
    if (!linked.has(offset >> 2)) region.release(offset);
  }
}
