// The memory of a shard's rows: size classes carved from slabs, freed rows in one list a class, large rows in a slab of
// their own that goes back to the region at once. Called with the shard's lock held.
//
// A slab none of whose rows is in use stays with its shard until the region is full; then it goes back (trimShard).
//
// Invariants: the rows of a slab can be walked from its start to its bump by their tags, at every moment (a tag is
// written before the bump passes it, and a row keeps its class for good). A row belongs to the table only while a slot
// of the index points at it, so whatever a thread that ends leaves in between is found by a sweep, and is free.
// A block that the shard has from the region carries the shard's tag, so one that is not linked is found, and given back.

import { add, type i32, type Words } from "../cells/atomics.ts";
import {
  CLASSES,
  classFor,
  classOfTag,
  classWords,
  freeTag,
  isFreeTag,
  L_BUMP,
  L_NEXT,
  L_PREVIOUS,
  L_WORDS,
  LARGE_CLASS,
  LARGEST_CARVED,
  R_NEXT,
  R_TAG,
  S_EPOCH,
  S_FREE,
  S_HIGH,
  S_LARGE,
  S_SLAB_WORDS,
  S_SLABS,
  S_USED_WORDS,
  SLAB_HEADER,
  SLAB_MAX,
  SLAB_MIN,
  SMALLEST_ROW,
  usedTag,
} from "../protocols/table-layout.ts";
import { BLOCK_HEADER_BYTES, KIND_TABLE_PART } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { eachRow, eachSlab } from "./walk.ts";

/** Words that the region puts before a block: a slab and they make a power of two, which the region stores without loss. */
const BLOCK_HEADER: i32 = BLOCK_HEADER_BYTES >> 2;

/** Gets a zeroed block of the region that the caller links at once; throws ERR_REGION_FULL. */
export function takeBlock(region: Region, shard: i32, words: i32): i32 {
  const offset = region.allocate(words * 4, KIND_TABLE_PART, shard);
  const memory = region.memory;
  memory.cover(offset + words * 4);
  const block = offset >> 2;
  // Before the block is linked: whoever follows the link has covered it.
  if (block + words > memory.words[shard + S_HIGH]) memory.words[shard + S_HIGH] = block + words;
  return block;
}

/** Gives a block back that nothing points at any more. */
export function giveBlock(region: Region, block: i32): void {
  region.release(block * 4);
}

/** Before memory of rows gets another use: their versions say nothing any more to those who have copies of them. */
export function nextEpoch(words: Words, shard: i32): void {
  add(words, shard + S_EPOCH, 1);
}

/** A row of at least `length` words, tagged as used but in no slot yet; throws ERR_REGION_FULL. */
export function allocateRow(region: Region, shard: i32, length: i32): i32 {
  if (length > LARGEST_CARVED) return allocateLarge(region, shard, length);
  const sizeClass = classFor(length);
  const memory = region.memory.words;
  const free = memory[shard + S_FREE + sizeClass];
  const row = free !== 0 ? popFree(memory, shard, sizeClass) : carve(memory, shard, sizeClass);
  return row !== 0 ? row : allocateSlow(region, shard, sizeClass);
}

function popFree(memory: Int32Array, shard: i32, sizeClass: i32): i32 {
  const row = memory[shard + S_FREE + sizeClass];
  memory[shard + S_FREE + sizeClass] = memory[row + R_NEXT];
  memory[row + R_TAG] = usedTag(sizeClass);
  memory[shard + S_USED_WORDS] += classWords(sizeClass);
  return row;
}

/** Cuts a row off the first slab, or 0 if it has not that much left. */
function carve(memory: Int32Array, shard: i32, sizeClass: i32): i32 {
  const slab = memory[shard + S_SLABS];
  if (slab === 0) return 0;
  const size = classWords(sizeClass);
  const row = memory[slab + L_BUMP];
  if (row + size > slab + memory[slab + L_WORDS]) return 0;
  memory[row + R_TAG] = usedTag(sizeClass);
  memory[slab + L_BUMP] = row + size;
  memory[shard + S_USED_WORDS] += size;
  return row;
}

function allocateSlow(region: Region, shard: i32, sizeClass: i32): i32 {
  const size = classWords(sizeClass);
  const length = slabWords(Math.max(region.memory.words[shard + S_SLAB_WORDS], size + SLAB_HEADER));
  try {
    addSlab(region, shard, length);
  } catch (error) {
    return allocateLast(region, shard, sizeClass, error);
  }
  return carve(region.memory.words, shard, sizeClass);
}

/** The region is full: what the shard has to spare goes back to it, and a smaller slab or a larger row has to serve. */
function allocateLast(region: Region, shard: i32, sizeClass: i32, full: unknown): i32 {
  trimShard(region, shard);
  try {
    addSlab(region, shard, slabWords(classWords(sizeClass) + SLAB_HEADER));
  } catch {
    const memory = region.memory.words;
    for (let larger = sizeClass; larger < CLASSES; larger++) {
      if (memory[shard + S_FREE + larger] !== 0) return popFree(memory, shard, larger);
    }
    throw full;
  }
  return carve(region.memory.words, shard, sizeClass);
}

/** Gets a slab of `length` words, from which rows are carved from now on; throws ERR_REGION_FULL. */
function addSlab(region: Region, shard: i32, length: i32): void {
  const slab = takeBlock(region, shard, length);
  const memory = region.memory.words;
  carveRemainder(memory, shard);
  memory[slab + L_WORDS] = length;
  memory[slab + L_BUMP] = slab + SLAB_HEADER;
  memory[slab + L_NEXT] = memory[shard + S_SLABS];
  memory[shard + S_SLABS] = slab;
  memory[shard + S_SLAB_WORDS] += length;
}

/** Words of a slab of about that many, so that a shard's memory doubles up to a slab of 64 KiB. */
function slabWords(about: i32): i32 {
  const whole = Math.min(SLAB_MAX, Math.max(SLAB_MIN, about + BLOCK_HEADER));
  return 2 ** Math.ceil(Math.log2(whole)) - BLOCK_HEADER;
}

/** Cuts what is left of the first slab, which is about to be first no more, into free rows. */
function carveRemainder(memory: Int32Array, shard: i32): void {
  const slab = memory[shard + S_SLABS];
  if (slab === 0) return;
  const end = slab + memory[slab + L_WORDS];
  for (let sizeClass = CLASSES - 1; sizeClass >= 0; ) {
    const row = memory[slab + L_BUMP];
    const size = classWords(sizeClass);
    if (end - row < SMALLEST_ROW) return;
    if (row + size > end) {
      sizeClass--;
      continue;
    }
    memory[row + R_TAG] = freeTag(sizeClass);
    memory[row + R_NEXT] = memory[shard + S_FREE + sizeClass];
    memory[slab + L_BUMP] = row + size;
    memory[shard + S_FREE + sizeClass] = row;
  }
}

function allocateLarge(region: Region, shard: i32, length: i32): i32 {
  const total = (length + SLAB_HEADER + 15) & ~15;
  const slab = takeBlock(region, shard, total);
  const memory = region.memory.words;
  const row = slab + SLAB_HEADER;
  memory[row + R_TAG] = usedTag(LARGE_CLASS);
  memory[slab + L_WORDS] = total;
  memory[slab + L_BUMP] = slab + total;
  const next = memory[shard + S_LARGE];
  memory[slab + L_NEXT] = next;
  if (next !== 0) memory[next + L_PREVIOUS] = slab;
  memory[shard + S_LARGE] = slab;
  memory[shard + S_SLAB_WORDS] += total;
  memory[shard + S_USED_WORDS] += total - SLAB_HEADER;
  return row;
}

/** Frees a row that no slot points at. */
export function freeRow(region: Region, shard: i32, row: i32): void {
  const memory = region.memory.words;
  const sizeClass = classOfTag(memory[row + R_TAG]);
  if (sizeClass === LARGE_CLASS) {
    freeLarge(region, shard, row - SLAB_HEADER);
    return;
  }
  memory[row + R_TAG] = freeTag(sizeClass);
  memory[row + R_NEXT] = memory[shard + S_FREE + sizeClass];
  memory[shard + S_FREE + sizeClass] = row;
  memory[shard + S_USED_WORDS] -= classWords(sizeClass);
}

/** Unlinks the slab of a large row and gives it back. The chain of `next` is the truth, `previous` follows from it. */
export function freeLarge(region: Region, shard: i32, slab: i32): void {
  const memory = region.memory.words;
  const next = memory[slab + L_NEXT];
  const previous = memory[slab + L_PREVIOUS];
  memory[previous === 0 ? shard + S_LARGE : previous + L_NEXT] = next;
  if (next !== 0) memory[next + L_PREVIOUS] = previous;
  memory[shard + S_SLAB_WORDS] -= memory[slab + L_WORDS];
  memory[shard + S_USED_WORDS] -= memory[slab + L_WORDS] - SLAB_HEADER;
  giveBlock(region, slab);
}

/**
 * Gives the slabs back that have no row in use; whether there were any. The free lists are emptied first and made anew
 * from the slabs that stay: a thread that ends in between leaves free rows in no list and blocks that are not linked,
 * and the next owner's sweep puts both right.
 */
export function trimShard(region: Region, shard: i32): boolean {
  const memory = region.memory.words;
  if (memory[shard + S_SLAB_WORDS] - memory[shard + S_USED_WORDS] < SLAB_MIN - BLOCK_HEADER - SLAB_HEADER) return false;
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) memory[shard + S_FREE + sizeClass] = 0;
  const spare: i32[] = [];
  let previous = 0;
  eachSlab(memory, memory[shard + S_SLABS], (slab) => {
    if (isSpare(memory, slab)) {
      memory[previous === 0 ? shard + S_SLABS : previous + L_NEXT] = memory[slab + L_NEXT];
      memory[shard + S_SLAB_WORDS] -= memory[slab + L_WORDS];
      spare.push(slab);
      return;
    }
    previous = slab;
    eachRow(memory, slab, (row, sizeClass) => {
      if (!isFreeTag(memory[row + R_TAG])) return;
      memory[row + R_NEXT] = memory[shard + S_FREE + sizeClass];
      memory[shard + S_FREE + sizeClass] = row;
    });
  });
  if (spare.length > 0) nextEpoch(memory, shard);
  for (const slab of spare) giveBlock(region, slab);
  return spare.length > 0;
}

function isSpare(memory: Int32Array, slab: i32): boolean {
  let used = 0;
  eachRow(memory, slab, (row) => {
    if (!isFreeTag(memory[row + R_TAG])) used++;
  });
  return used === 0;
}
