// Spinning for a mutex word before a sleep: a bounded number of loads, fewer and fewer of them of the word itself, so that
// the holder keeps its cache line. It changes nothing but by the step that takes a free lock, which is that of lockStep.
//
// Word POLICY of a mutex that is not fair: b0-15 LOOKS, loads that a spin for this lock took lately | b16-20 REST, waits
// that go without a spin before the next one is tried | b21-26 PASSED, four times how often other threads got the lock
// while one spun for it, lately.
//
// A spin pays where the lock is handed from one running thread to the next. Where it is held so shortly that the others get
// it again and again meanwhile, a thread that sleeps is in nobody's way; where it is held longer than a sleep and a wake
// take, or by a thread that does not run, it is in vain. Both make spins rare: one wait in 32 tries whether that is still so.
//
// Invariant: POLICY is a hint. It changes by a compare-exchange from a value that is not negative to one that is not, so
// it never becomes or stops being that of a fair lock, even if the memory is another lock's by now.

import { cas, type i32, load, peek, type Words } from "../cells/atomics.ts";
import { HOLD, NOT_RECOVERABLE, OWNER_DIED, OWNER_MASK, POLICY, STARVING, SYNC_WAITERS, took } from "./mutex.ts";

/** A word that no thread writes once the region is made: the loads in between are of it. */
const CALM: i32 = 0;
/** Loads between two looks at the word, at the most. */
const WIDEST: i32 = 32;

const LOOKS: i32 = 0xffff;
const REST_SHIFT: i32 = 16;
const REST: i32 = 31;
const PASSED_SHIFT: i32 = 21;
const PASSED: i32 = 63;
/** Spins during which others get the lock more often than this are no good (four times that, as in PASSED). */
const FUTILE: i32 = 12;
/** Loads that a spin has beyond twice of what it takes usually. */
const SPARE: i32 = 200;

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

/** Spins for a lock as long as has lately paid: the ticket of the hold, or 0. The arguments are those of {@link spinStep}. */
export function spinForLock(words: Words, index: i32, me: i32, slept: i32, starver: i32, limit: i32): i32 {
  const budget = spinBudget(words, index, limit);
  if (budget === 0) return 0;
  // The owner's word: a number that is out of date makes the hint a little worse.
  const before = peek(words, index + HOLD);
  const taken = spinStep(words, index, me, slept, starver, budget);
  const ticket = peek(words, index + HOLD);
  learnSpin(words, index, budget, taken, taken === 0 ? ticket - before : ticket - before - 1, limit);
  return taken === 0 ? 0 : ticket;
}

/**
 * How many loads to spend on the next spin for this lock, of `limit` at the most; 0: sleep at once. A limit below 0: always
 * that many, for comparison.
 */
export function spinBudget(words: Words, index: i32, limit: i32): i32 {
  const policy = load(words, index + POLICY);
  if (policy < 0) return 0;
  if (limit < 0) return -limit;
  if (((policy >> REST_SHIFT) & REST) !== 0) {
    cas(words, index + POLICY, policy, policy - (1 << REST_SHIFT));
    return 0;
  }
  return min(2 * (policy & LOOKS) + SPARE, limit);
}

/** Whether {@link spinForLock} would spin for this lock now; changes nothing. */
export function wouldSpin(words: Words, index: i32, limit: i32): boolean {
  const policy = load(words, index + POLICY);
  return policy >= 0 && (limit < 0 || ((policy >> REST_SHIFT) & REST) === 0);
}

/** Learns from a spin with this budget: the loads that it took, 0 if it was in vain; how often others got the lock. */
export function learnSpin(words: Words, index: i32, budget: i32, taken: i32, passed: i32, limit: i32): void {
  const policy = load(words, index + POLICY);
  if (policy < 0 || limit < 0) return;
  // Holders that do not run for a while make some spins vain: it takes more than half of them to give up.
  const used = taken === 0 ? budget : taken;
  const looks = min(moved(policy & LOOKS, used, 3) + (taken === 0 ? 1 : 0), limit);
  // Holds are numbered anew now and then, and for a while by a condition's wait.
  const passes = moved((policy >> PASSED_SHIFT) & PASSED, passed < 0 ? 0 : 4 * min(passed, 15), 2);
  const rest = looks === limit || passes > FUTILE ? REST : 0;
  const next = looks | (rest << REST_SHIFT) | (passes << PASSED_SHIFT);
  if (next !== policy) cas(words, index + POLICY, policy, next);
}

/** A running mean. */
function moved(mean: i32, value: i32, shift: i32): i32 {
  return mean + ((value - mean) >> shift);
}

function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}
