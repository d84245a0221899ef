// The reentrant mutex: the mutex of mutex.ts, and one word that counts the levels of the present hold.
//
// Word COUNT   b30 T: a task holds the lock (it re-enters through its guard only) | b0..29 levels beyond the first
//
// COUNT is plain and belongs to the owner. It is 0 whenever the lock is free: the last release of a task's hold clears T
// before it frees the word, that of a thread's hold finds 0 already. So the fast path, which takes only a lock word that
// is 0, has nothing to write but its ticket; whoever takes over from a dead owner sets COUNT anew (beginHold).
//
// Invariant: levels held = the value of COUNT's low bits + 1 while the word names an owner; only the owner changes it, so
// a level is entered or left without an atomic transition. The lock word changes with the first level and the last.

import { cas, type i32, load, peek, poke, type Words } from "../cells/atomics.ts";
import { HOLD, ISSUED, NOT_OWNER, nextTicket, OWNER_MASK, RELEASED, unlock, VARIANT } from "./mutex.ts";

export const COUNT: i32 = VARIANT;

const BY_TASK: i32 = 1 << 30;
const LEVELS: i32 = (1 << 30) - 1;

/** Levels that one hold can have. */
export const MAX_HOLDS: i32 = 1 << 30;

/** Why {@link enterAgain} does not enter. */
export const HELD_BY_TASK: i32 = -2;
export const TOO_DEEP: i32 = -3;

/** The levels of the hold at hand; only for its owner. */
export function holdsOf(count: i32): i32 {
  return (count & LEVELS) + 1;
}

export function isHeldByTask(count: i32): boolean {
  return (count & BY_TASK) !== 0;
}

/** The count word of a new hold: one level, of a thread (0) or a task (1). */
export function beginHold(words: Words, index: i32, byTask: i32): void {
  poke(words, index + COUNT, byTask !== 0 ? BY_TASK : 0);
}

/** Sets a hold's levels again, after a condition's wait. */
export function resumeLevels(words: Words, index: i32, levels: i32, byTask: i32): void {
  poke(words, index + COUNT, (levels - 1) | (byTask !== 0 ? BY_TASK : 0));
}

/** Takes a lock that nobody holds or awaits, or enters this thread's hold again: the ticket of the hold, or 0. */
export function lockReentrant(words: Words, index: i32, me: i32): i32 {
  const word = cas(words, index, 0, me);
  if (word === 0) {
    // As in tryLock: few calls within calls.
    if (peek(words, index + ISSUED) !== 0) return nextTicket(words, index);
    const ticket = (peek(words, index + HOLD) & 0x3fffffff) + 1;
    poke(words, index + HOLD, ticket);
    return ticket;
  }
  if ((word & OWNER_MASK) !== me) return 0;
  return enterAgain(words, index, 0) === 0 ? peek(words, index + HOLD) : 0;
}

/** One level more for the owner: 0, TOO_DEEP, or HELD_BY_TASK unless the caller is the task (it has a guard). */
export function enterAgain(words: Words, index: i32, withGuard: i32): i32 {
  const count = peek(words, index + COUNT);
  if (withGuard === 0 && (count & BY_TASK) !== 0) return HELD_BY_TASK;
  if ((count & LEVELS) === LEVELS) return TOO_DEEP;
  poke(words, index + COUNT, count + 1);
  return 0;
}

/** Leaves one level: RELEASED, the wakes that the caller owes for the last one, or NOT_OWNER. */
export function unlockReentrant(words: Words, index: i32, me: i32): i32 {
  // A thread that is not the owner may read any count: then the compare-exchange fails, or the slow path says so.
  if (peek(words, index + COUNT) === 0 && cas(words, index, me, 0) === me) return RELEASED;
  return unlockReentrantSlow(words, index, me);
}

/** As {@link unlockReentrant}, but only if `ticket` is the hold at hand; NOT_OWNER for a hold that is over. */
export function unlockLevel(words: Words, index: i32, me: i32, ticket: i32): i32 {
  if ((load(words, index) & OWNER_MASK) !== me || peek(words, index + HOLD) !== ticket) return NOT_OWNER;
  return unlockReentrant(words, index, me);
}

function unlockReentrantSlow(words: Words, index: i32, me: i32): i32 {
  if ((load(words, index) & OWNER_MASK) !== me) return NOT_OWNER;
  const count = peek(words, index + COUNT);
  if ((count & LEVELS) !== 0) {
    poke(words, index + COUNT, count - 1);
    return RELEASED;
  }
  return unlockAll(words, index, me);
}

/** Leaves all levels; only for the owner. Returns the wakes that it owes. */
export function unlockAll(words: Words, index: i32, me: i32): i32 {
  poke(words, index + COUNT, 0);
  return unlock(words, index, me);
}
