// The index of a shard: buckets of one cache line, seven (hash, row) slots and a count of the rows that passed them by.
//
// Invariants: a row stands in the first bucket from its home (hash & mask) on that had a free slot when it came; a
// bucket's overflow is at least the number of rows whose home lies before it and whose slot lies behind it. So a search
// may end at the first bucket whose overflow is 0, and deletion needs no tombstones.
// An insertion raises the overflows before it stores the slot and a removal lowers them after it has cleared the slot: a
// thread that ends in between leaves overflows too high, which costs a search a bucket and which recovery corrects.

import { type i32, peek, poke, store, type Words } from "../cells/atomics.ts";
import { B_OVERFLOW, B_SLOTS, BUCKET_SHIFT, BUCKET_WORDS, I_MASK, INDEX_HEADER, R_KEY_BYTES } from "./table-layout.ts";

/** The word of a bucket. */
export function bucketAt(index: i32, bucket: i32): i32 {
  return index + INDEX_HEADER + (bucket << BUCKET_SHIFT);
}

/** No search of a sound index gets this far: beyond it, a reader without the lock is in memory that was reused. */
const LONGEST_SEARCH: i32 = 4096;
/** What {@link findSlot} answers in memory that can't be an index: it was reused, or this thread has not covered it. */
export const LOST: i32 = -1;

/**
 * The slot (the word that holds the row) of the key whose `keyBytes` bytes stand at word `keyAt` of `key`, or 0. A row has
 * its key at its word `keyWord`. `limit` is 0 for the lock's holder; a reader without the lock gives the words that it may
 * read, since it may be in memory that was reused: then every reference is bounded, and LOST is an answer.
 */
export function findSlot(
  words: Words,
  index: i32,
  hash: i32,
  key: Words,
  keyAt: i32,
  keyBytes: i32,
  keyWord: i32,
  limit: i32,
): i32 {
  if (limit !== 0 && (index < 0 || index > limit - INDEX_HEADER)) return LOST;
  const mask: i32 = peek(words, index + I_MASK);
  if (limit !== 0 && (mask < 0 || mask >= (limit - INDEX_HEADER - index) >> BUCKET_SHIFT)) return LOST;
  let bucket: i32 = hash & mask;
  for (let passed: i32 = 0; passed <= mask; passed++) {
    const at: i32 = index + INDEX_HEADER + (bucket << BUCKET_SHIFT);
    for (let slot: i32 = at + B_SLOTS + 1; slot < at + BUCKET_WORDS; slot += 2) {
      if (peek(words, slot - 1) !== hash) continue;
      const row: i32 = peek(words, slot);
      if (row !== 0 && sameKey(words, row, key, keyAt, keyBytes, keyWord, limit)) return slot;
    }
    if (peek(words, at + B_OVERFLOW) === 0) return 0;
    if (limit !== 0 && passed > LONGEST_SEARCH) return LOST;
    bucket = (bucket + 1) & mask;
  }
  return 0;
}

function sameKey(words: Words, row: i32, key: Words, keyAt: i32, keyBytes: i32, keyWord: i32, limit: i32): boolean {
  const count: i32 = (keyBytes + 3) >> 2;
  if (limit !== 0 && (row < 0 || row > limit - keyWord - count)) return false;
  if (peek(words, row + R_KEY_BYTES) !== keyBytes) return false;
  const from: i32 = row + keyWord;
  for (let i: i32 = 0; i < count; i++) if (peek(words, from + i) !== peek(key, keyAt + i)) return false;
  return true;
}

/** The first free slot for a hash, or 0 if the index is full. Changes nothing. */
export function freeSlot(words: Words, index: i32, hash: i32): i32 {
  const mask: i32 = peek(words, index + I_MASK);
  let bucket: i32 = hash & mask;
  for (let left: i32 = mask; left >= 0; left--) {
    const at: i32 = bucketAt(index, bucket);
    for (let slot: i32 = at + B_SLOTS + 1; slot < at + BUCKET_WORDS; slot += 2)
      if (peek(words, slot) === 0) return slot;
    bucket = (bucket + 1) & mask;
  }
  return 0;
}

/** Puts a row into the slot that {@link freeSlot} gave. The store of the slot is what makes the row part of the table. */
export function fillSlot(words: Words, index: i32, slot: i32, hash: i32, row: i32): void {
  poke(words, slot - 1, hash);
  changeOverflows(words, index, slot, hash, 1);
  store(words, slot, row);
}

/** Takes a row out of its slot: the store of the slot is what removes it. */
export function clearSlot(words: Words, index: i32, slot: i32): void {
  store(words, slot, 0);
  changeOverflows(words, index, slot, peek(words, slot - 1), -1);
}

function changeOverflows(words: Words, index: i32, slot: i32, hash: i32, by: i32): void {
  const mask: i32 = peek(words, index + I_MASK);
  const end: i32 = (slot - index - INDEX_HEADER) >> BUCKET_SHIFT;
  for (let bucket: i32 = hash & mask; bucket !== end; bucket = (bucket + 1) & mask) {
    const overflow: i32 = bucketAt(index, bucket) + B_OVERFLOW;
    poke(words, overflow, peek(words, overflow) + by);
  }
}

/** Whether a slot belongs to an index. */
export function isSlotOf(words: Words, index: i32, slot: i32): boolean {
  return slot > index && slot < bucketAt(index, peek(words, index + I_MASK) + 1);
}

/** How many buckets a search for the row in this slot reads. */
export function probeLength(words: Words, index: i32, slot: i32): i32 {
  const mask: i32 = peek(words, index + I_MASK);
  const bucket: i32 = (slot - index - INDEX_HEADER) >> BUCKET_SHIFT;
  return ((bucket - (peek(words, slot - 1) & mask)) & mask) + 1;
}
