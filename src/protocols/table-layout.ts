// The memory of a table: every offset and size stands here, once. All references are word indices into the region (a
// byte offset / 4), so that they stay positive up to 4 GiB; 0 is "none", since word 0 is the region's own header.
//
//   table     │ magic version keyType fingerprint │ shards 0 buckets schemaBytes │ seed × 4 │ clear 0 0 0 │ schema (JSON) … │
//             │ shard 0 │ shard 1 │ …            (one block of the region)
//   shard     │ mutex × 8 │ version count index old │ position high rowVersion home │             four cache lines:
//             │ slabs large slabWords usedWords │ record epoch │ free list heads, one a size class … │    64 words
//   index     │ mask 0 × 15 │ bucket 0 │ bucket 1 │ …           (a block of its own; `index`, and `old` while it grows)
//   bucket    │ overflow 0 │ hash row │ hash row │ … × 7        one cache line; row = 0: the slot is free
//   slab      │ next words bump previous 0 × 4 │ row │ row │ … │ not carved yet │            (a block of its own)
//   row       │ tag hash keyBytes version │ 8-byte columns │ 4-byte columns │ text ends │ key │ text │ text │ padding │
//   free row  │ tag next … │
//   record    │ state shards changes words 0 × 4 │ shard … │ shard, row before, row after │ …    (a block of its own)
//
// A text column holds the end of its bytes, counted from the key's first byte; it starts where the one before ends, the
// first where the key ends, rounded up to whole words.
//
// Indexes and slabs are blocks of the kind KIND_TABLE_PART, tagged with the word of their shard: what a shard has from
// the region and never linked, or unlinked and never gave back, is found by the tag when its next owner repairs it.

import type { i32 } from "../cells/atomics.ts";
import { MUTEX_WORDS } from "./mutex.ts";

export const TABLE_MAGIC: i32 = 0x42544648;
export const TABLE_VERSION: i32 = 1;
export const T_MAGIC: i32 = 0;
export const T_VERSION: i32 = 1;
export const T_KEY_TYPE: i32 = 2;
export const T_FINGERPRINT: i32 = 3;
export const T_SHARDS: i32 = 4;
/** Buckets of a shard's first index. */
export const T_BUCKETS: i32 = 6;
export const T_SCHEMA_BYTES: i32 = 7;
export const T_SEED: i32 = 8;
/** How far the last clear() came: {@link IDLE} or {@link COMMITTED}. */
export const T_CLEAR: i32 = 12;
export const T_SCHEMA: i32 = 16;

export const SHARD_WORDS: i32 = 64;
/** Even while nobody writes in place; every write of the shard changes it (readers without the lock validate it). */
export const S_VERSION: i32 = MUTEX_WORDS;
export const S_COUNT: i32 = MUTEX_WORDS + 1;
export const S_INDEX: i32 = MUTEX_WORDS + 2;
/** The index that rows still move out of, or 0. */
export const S_OLD: i32 = MUTEX_WORDS + 3;
/** The next bucket of the old index to move. */
export const S_POSITION: i32 = MUTEX_WORDS + 4;
/** The end of the highest block that the shard owns: what a thread's views must cover. */
export const S_HIGH: i32 = MUTEX_WORDS + 5;
/** The version that the last written row got. */
export const S_ROW_VERSION: i32 = MUTEX_WORDS + 6;
/**
 * The shard that has the record of the transaction under way in this one; 0: none, or this shard itself has it. While the
 * table is cleared: the word T_CLEAR of the table, negated.
 */
export const S_HOME: i32 = MUTEX_WORDS + 7;
/** Slabs; rows are carved from the first. */
export const S_SLABS: i32 = MUTEX_WORDS + 8;
/** Slabs of one large row each. */
export const S_LARGE: i32 = MUTEX_WORDS + 9;
export const S_SLAB_WORDS: i32 = MUTEX_WORDS + 10;
export const S_USED_WORDS: i32 = MUTEX_WORDS + 11;
/** The record of transactions whose first shard this one is; stays for the next one. */
export const S_RECORD: i32 = MUTEX_WORDS + 12;
/** Counts what may have put memory of rows to another use without a change of their versions: memory given back, repairs. */
export const S_EPOCH: i32 = MUTEX_WORDS + 13;
export const S_FREE: i32 = MUTEX_WORDS + 14;

export const INDEX_HEADER: i32 = 16;
export const I_MASK: i32 = 0;
export const BUCKET_WORDS: i32 = 16;
export const BUCKET_SHIFT: i32 = 4;
export const SLOTS: i32 = 7;
export const B_OVERFLOW: i32 = 0;
/** The first slot's hash; the row follows it. */
export const B_SLOTS: i32 = 2;

export const SLAB_HEADER: i32 = 8;
export const L_NEXT: i32 = 0;
export const L_WORDS: i32 = 1;
export const L_BUMP: i32 = 2;
export const L_PREVIOUS: i32 = 3;
export const SLAB_MIN: i32 = 256;
export const SLAB_MAX: i32 = 16 * 1024;

export const RECORD_HEADER: i32 = 8;
export const X_STATE: i32 = 0;
export const X_SHARDS: i32 = 1;
export const X_CHANGES: i32 = 2;
/** Words of the record's block. */
export const X_WORDS: i32 = 3;
/** Words of a change: its shard, the row that goes (0: none) and the row that comes (0: none). */
export const CHANGE_WORDS: i32 = 3;
/** States of a record: nothing is under way; the list of shards is complete; all changes are, and count as made. */
export const IDLE: i32 = 0;
export const PREPARED: i32 = 1;
export const COMMITTED: i32 = 2;

export const ROW_HEADER: i32 = 4;
export const R_TAG: i32 = 0;
export const R_HASH: i32 = 1;
/** In a free row: the next free row of its class. */
export const R_NEXT: i32 = 1;
export const R_KEY_BYTES: i32 = 2;
/** What the row was given when it was written, or changed in place; 0 from when it leaves the index on. */
export const R_VERSION: i32 = 3;

// The tag: a mark that no other data looks like, whether the texts are plain, the size class, the state.
const TAG_MARK: i32 = 0x5ab0 << 16;
const TAG_MARK_BITS: i32 = 0xffff << 16;
/** All text columns of the row are ASCII. A repair may take it away. */
export const PLAIN: i32 = 0x8000;
const FREE_BIT: i32 = 1;

export function usedTag(sizeClass: i32): i32 {
  return TAG_MARK | (sizeClass << 1);
}

export function freeTag(sizeClass: i32): i32 {
  return TAG_MARK | (sizeClass << 1) | FREE_BIT;
}

export function isTag(tag: i32): boolean {
  return (tag & TAG_MARK_BITS) === TAG_MARK && classOfTag(tag) <= LARGE_CLASS;
}

export function isFreeTag(tag: i32): boolean {
  return (tag & FREE_BIT) !== 0;
}

export function classOfTag(tag: i32): i32 {
  return (tag & 0x7fff) >> 1;
}

// Size classes: every 2 words from 8 to 16, every 4 up to 64, then four a doubling up to 4,096 words; a class wastes a
// fifth at most, and of short rows, which are the many, less than 8 bytes.
// Larger rows have a slab of their own, with the class LARGE_CLASS.
const FINEST_CLASSES: i32 = 5;
const FINE_CLASSES: i32 = 17;
const FINE_TOP_BIT: i32 = 6;
export const CLASSES: i32 = FINE_CLASSES + 4 * 6;
export const LARGE_CLASS: i32 = CLASSES;
/** The longest row that is carved from a slab. */
export const LARGEST_CARVED: i32 = 4096;
export const SMALLEST_ROW: i32 = 8;

/** The smallest class whose rows hold `words` words (at most {@link LARGEST_CARVED}). */
export function classFor(words: i32): i32 {
  if (words <= SMALLEST_ROW) return 0;
  if (words <= 16) return ((words + 1) >> 1) - 4;
  if (words <= 64) return (words + 3) >> 2;
  const top: i32 = 31 - Math.clz32(words - 1);
  return FINE_CLASSES + ((top - FINE_TOP_BIT) << 2) + (((words - 1) >> (top - 2)) & 3);
}

/** The words of a row of a class. */
export function classWords(sizeClass: i32): i32 {
  if (sizeClass < FINEST_CLASSES) return (sizeClass + 4) << 1;
  if (sizeClass < FINE_CLASSES) return sizeClass << 2;
  const step: i32 = sizeClass - FINE_CLASSES;
  return ((step & 3) + 5) << ((step >> 2) + FINE_TOP_BIT - 2);
}

/** The words that an index of that many buckets takes. */
export function indexWords(buckets: i32): i32 {
  return INDEX_HEADER + (buckets << BUCKET_SHIFT);
}

/** How many rows an index of that many buckets takes before it grows: 80 % of its slots. */
export function growAbove(buckets: i32): i32 {
  return Math.floor(buckets * SLOTS * 0.8);
}
