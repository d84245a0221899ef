// The usual course of a sleep for a mutex, as one operation: announced, asleep, awake again, and the first try. The loop
// around it, with all that is rare, is that of region/word-lock.ts.
//
// Invariant: whoever comes back without the lock has slept, or may have been woken: it tries again by a step that sets S
// (lockStep with `slept`), or passes the wake on. Where the sleeper is to look for a deadlock, its sleep is still announced.

import { type i32, load, peek, type Words } from "../cells/atomics.ts";
import { park } from "../cells/park.ts";
import { ACQUIRED, HOLD, lockStep, ownerOf, POLICY } from "./mutex.ts";
import { announce, awake, countSleep, isSeated, lacksProbes, sawNewDeath, T_NUDGE, T_WAIT_SEQ } from "./seat.ts";
import { spinForLock, spinStep } from "./spin.ts";
import { SLEEPS } from "./spin-policy.ts";

/** Results of {@link sleepForLock}, unlike those of a park: it holds the lock | it does not | it did not sleep | it must look for a deadlock first. */
export const LOCK_TAKEN: i32 = 5;
export const LOCK_MISSED: i32 = 6;
export const NOT_SLEPT: i32 = 7;
export const LOOK_FIRST: i32 = 8;

const TIMED_OUT: i32 = 1;

/**
 * Sleeps while the lock's word is `seen`, for `ms` milliseconds at the most, then tries to take the lock. `how` is what the
 * seat says of the wait, `limit` as in spinForLock (0: it never spins).
 */
export function sleepForLock(
  words: Words,
  index: i32,
  me: i32,
  seatAt: i32,
  seen: i32,
  how: i32,
  ms: i32,
  limit: i32,
): i32 {
  announce(words, seatAt, index, index, how, 0);
  if (sawNewDeath(words, seatAt) || lacksProbes(words, seatAt)) {
    awake(words, seatAt);
    return NOT_SLEPT;
  }
  // Asked to look before it slept: the wake that came with it found nobody.
  if (isAsked(words, seatAt)) return LOOK_FIRST;
  const ended = park(words, index, seen, ms);
  countSleep(words, seatAt);
  if (ended === TIMED_OUT || isAsked(words, seatAt)) return LOOK_FIRST;
  awake(words, seatAt);
  const policy = load(words, index + POLICY);
  if (policy < 0) return LOCK_MISSED;
  const spins = limit < 0 || (policy & SLEEPS) === 0;
  const budget = limit === 0 || !spins ? 1 : limit < 0 ? -limit : limit;
  return spinStep(words, index, me, 1, 0, budget) === 0 ? LOCK_MISSED : LOCK_TAKEN;
}

/**
 * The usual course of a contended acquisition as one operation: a spin if that pays, a sleep, and a spin again. The ticket of
 * the hold; below 0, minus the result of the step or of the sleep that came out otherwise. Few threads come here often, so that
 * JavaScript would do all this by code that was never optimized and is in no cache: some 60 µs of a core (measured).
 */
export function waitForLock(words: Words, index: i32, me: i32, seatAt: i32, how: i32, ms: i32, limit: i32): i32 {
  if (load(words, index + POLICY) < 0) return -NOT_SLEPT;
  if (limit !== 0 && spinForLock(words, index, me, 0, 0, limit) !== 0) return peek(words, index + HOLD);
  const step = lockStep(words, index, me, 0, 0);
  if (step === ACQUIRED) return peek(words, index + HOLD);
  if (step > 0) return -step;
  // Whether the owner lives, the caller finds out. Its sleep is not announced yet, and no wake is chosen for it.
  if (!isSeated(words, seatAt, me, ownerOf(step))) return -NOT_SLEPT;
  const ended = sleepForLock(words, index, me, seatAt, step, how, ms, limit);
  return ended === LOCK_TAKEN ? peek(words, index + HOLD) : -ended;
}

function isAsked(words: Words, seatAt: i32): boolean {
  return load(words, seatAt + T_NUDGE) === load(words, seatAt + T_WAIT_SEQ);
}
