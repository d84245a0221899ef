// The latch: one word that counts down to zero, once. After java.util.concurrent.CountDownLatch.
//
// Word   b31 S: a thread or task may sleep on the word | b0..30 count
//
// Legal transitions: count → a smaller count, keeping S; count → 0 without S (the one who gets there owes a wake of all);
// count > 0 → the same with S. Zero is final.
//
// Invariant: if a thread sleeps on the word, the count is above zero with S, or the one who counted to zero owes a wake
// of all. A thread that dies between the two is covered by the reaper, which wakes all sleepers of the region.

import { cas, type i32, load, type Words } from "../cells/atomics.ts";

/** Words of a latch. */
export const LATCH_WORDS: i32 = 4;
export const LATCH_MAX: i32 = 0x7fffffff;

const WAITERS: i32 = 1 << 31;

/** Result of {@link latchStep}: the count is zero. */
export const OPEN: i32 = 1;

export function countOf(word: i32): i32 {
  return word & LATCH_MAX;
}

/** Counts down by `n`, not below zero: 1 if the caller owes a wake of all. */
export function countDown(words: Words, index: i32, n: i32): i32 {
  for (;;) {
    const word = load(words, index);
    const count = word & LATCH_MAX;
    if (count === 0) return 0;
    const last = n >= count;
    const next = last ? 0 : word - n;
    if (cas(words, index, word, next) === word) return last && word < 0 ? 1 : 0;
  }
  return 0;
}

/** One step of a waiter: OPEN, or the word to sleep on (negative: S is set). */
export function latchStep(words: Words, index: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & LATCH_MAX) === 0) return OPEN;
    if (word < 0) return word;
    if (cas(words, index, word, word | WAITERS) === word) return word | WAITERS;
  }
  return OPEN;
}
