// Walks over the memory of a shard, for all who read it as a whole: repair, check, copies, sweeps. The caller holds its
// lock. What is followed is bounded first: memory that was overwritten gives ERR_TABLE_CORRUPT, not an endless walk.

import type { i32, Words } from "../cells/atomics.ts";
import { TableError } from "../cells/errors.ts";
import { bucketAt } from "../protocols/table-index.ts";
import {
  B_SLOTS,
  BUCKET_SHIFT,
  BUCKET_WORDS,
  CLASSES,
  classOfTag,
  classWords,
  I_MASK,
  INDEX_HEADER,
  indexWords,
  isTag,
  L_BUMP,
  L_NEXT,
  L_WORDS,
  R_TAG,
  S_INDEX,
  S_LARGE,
  S_OLD,
  S_RECORD,
  S_SLABS,
  SLAB_HEADER,
} from "../protocols/table-layout.ts";

/** Throws ERR_TABLE_CORRUPT unless an index can stand here; searches of one that is none might never end. */
export function assertIndex(words: Words, index: i32): void {
  const buckets = words[index + I_MASK] + 1;
  // Bounded first: the words of a number of buckets that is none may overflow.
  const sound = index > 0 && buckets > 0 && buckets < words.length >> 4 && (buckets & (buckets - 1)) === 0;
  if (!sound || index + indexWords(buckets) > words.length) throw corrupt("its index", index);
}

/** Visits every slot of an index that holds a row. */
export function eachSlot(words: Words, index: i32, visit: (slot: i32) => void): void {
  assertIndex(words, index);
  const buckets = words[index + I_MASK] + 1;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const at = bucketAt(index, bucket);
    for (let slot = at + B_SLOTS + 1; slot < at + BUCKET_WORDS; slot += 2) if (words[slot] !== 0) visit(slot);
  }
}

/** Visits the slabs of a list; the visitor may change a slab's link. */
export function eachSlab(words: Words, head: i32, visit: (slab: i32) => void): void {
  const seen = new Set<number>();
  for (let slab = head; slab !== 0; ) {
    if (slab < 0 || slab + SLAB_HEADER > words.length || seen.has(slab)) throw corrupt("a list of slabs", slab);
    const end = slab + words[slab + L_WORDS];
    const bump = words[slab + L_BUMP];
    if (end > words.length || bump < slab + SLAB_HEADER || bump > end) throw corrupt("a slab", slab);
    seen.add(slab);
    const next = words[slab + L_NEXT];
    visit(slab);
    slab = next;
  }
}

/** Visits the rows of a slab, used and free. */
export function eachRow(words: Words, slab: i32, visit: (row: i32, sizeClass: i32) => void): void {
  const bump = words[slab + L_BUMP];
  for (let row = slab + SLAB_HEADER; row < bump; ) {
    const tag = words[row + R_TAG];
    const sizeClass = classOfTag(tag);
    if (!isTag(tag) || sizeClass >= CLASSES) throw corrupt("a row", row);
    visit(row, sizeClass);
    row += classWords(sizeClass);
  }
}

/** Visits a shard's index, and the one before it while rows still move. */
export function eachIndex(words: Words, shard: i32, visit: (index: i32) => void): void {
  for (const index of [words[shard + S_INDEX], words[shard + S_OLD]]) if (index !== 0) visit(index);
}

/** What the overflow of each bucket must be, by where the rows stand. */
export function expectedOverflows(words: Words, index: i32): Int32Array {
  const mask = words[index + I_MASK];
  const overflows = new Int32Array(mask + 1);
  eachSlot(words, index, (slot) => {
    const place = (slot - index - INDEX_HEADER) >> BUCKET_SHIFT;
    for (let bucket = words[slot - 1] & mask; bucket !== place; bucket = (bucket + 1) & mask) overflows[bucket]++;
  });
  return overflows;
}

/** The blocks that a shard's memory is made of. */
export function linkedBlocks(words: Words, shard: i32): Set<number> {
  const linked = new Set<number>();
  eachIndex(words, shard, (index) => linked.add(index));
  if (words[shard + S_RECORD] !== 0) linked.add(words[shard + S_RECORD]);
  eachSlab(words, words[shard + S_SLABS], (slab) => linked.add(slab));
  eachSlab(words, words[shard + S_LARGE], (slab) => linked.add(slab));
  return linked;
}

export function corrupt(what: string, at: number): TableError {
  const message = `the memory of a shared table was overwritten: ${what} (byte ${at * 4} of the region) is no longer valid`;
  return new TableError("ERR_TABLE_CORRUPT", message, { offset: at * 4 });
}
