// Spinning for a mutex word before a sleep: a bounded number of loads, fewer and fewer of them of the word itself, so that
// the holder keeps its cache line. It changes nothing but by the step that takes a free lock, which is that of lockStep.
//
// A spin pays where the lock is handed from one running thread to the next. Where it is held so shortly that its holder takes
// it again and again meanwhile, a thread that sleeps is in nobody's way; where it is held longer than a sleep and a wake
// take, or by a thread that does not run, it is in vain. Which it is, is learnt for each lock (spin-policy.ts).

import { cas, type i32, load, peek, type Words } from "../cells/atomics.ts";
import { HOLD, NOT_RECOVERABLE, OWNER_DIED, OWNER_MASK, POLICY, STARVING, SYNC_WAITERS, took } from "./mutex.ts";
import { SLEEPS } from "./spin-policy.ts";

/** A word that no thread writes once the region is made: the loads in between are of it. */
const CALM: i32 = 0;
/**
 * How many times as long as a thread that was woken a newcomer looks on. If it gives up, its core is idle until another thread is
 * woken there, some 50 µs; where the holder was made to wait by that other one, which then finds the lock held, both would be.
 */
const PATIENCE: i32 = 4;
/** Loads between two looks at the word, at the most. */
const WIDEST: i32 = 8;

/**
 * Loads the word until it is free, and takes it: how many loads that took, plus 1; 0 if it was not to be had with `budget` loads,
 * or only by a step that tells more. `slept` and `starver` are those of lockStep.
 */
export function spinStep(words: Words, index: i32, me: i32, slept: i32, starver: i32, budget: i32): i32 {
  let used: i32 = 0;
  let gap: i32 = 1;
  while (used < budget) {
    const word = load(words, index);
    const owner = word & OWNER_MASK;
    if (owner === me || owner === NOT_RECOVERABLE || (word & OWNER_DIED) !== 0) return 0;
    // Kept for the starver: a newcomer looks on.
    if (owner === 0 && (slept !== 0 || (word & STARVING) === 0)) {
      let next = word | me;
      if (slept !== 0) next |= SYNC_WAITERS;
      if (starver !== 0) next &= ~STARVING;
      if (cas(words, index, word, next) === word) {
        took(words, index, word);
        return used + 1;
      }
    }
    for (let k: i32 = 0; k < gap; k++) load(words, CALM);
    used += gap + 1;
    if (gap < WIDEST) gap += gap;
  }
  return 0;
}

/**
 * Spins for a lock if that pays: the ticket of the hold, or 0. The arguments are those of {@link spinStep}; `limit` are the
 * loads of a spin, below 0: whatever the lock has learnt, for comparison. A starver spins in any case: the lock is kept for
 * it, and nobody has it until it comes.
 */
export function spinForLock(words: Words, index: i32, me: i32, slept: i32, starver: i32, limit: i32): i32 {
  const policy = load(words, index + POLICY);
  if (policy < 0) return 0;
  if (limit >= 0 && (policy & SLEEPS) !== 0 && starver === 0) return 0;
  const budget = limit < 0 ? -limit : slept !== 0 ? limit : limit * PATIENCE;
  if (spinStep(words, index, me, slept, starver, budget) === 0) return 0;
  return peek(words, index + HOLD);
}

/** Whether {@link spinForLock} would spin for this lock now; changes nothing. */
export function wouldSpin(words: Words, index: i32, starver: i32, limit: i32): boolean {
  const policy = load(words, index + POLICY);
  return policy >= 0 && (limit < 0 || (policy & SLEEPS) === 0 || starver !== 0);
}
