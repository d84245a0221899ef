// The counting semaphore, weighted: one word of permits, barging with a bound.
//
// Word VALUE    b31 W: a thread or task may sleep | b0..30 permits. Sync waiters sleep on it
// Word SEQ      sequence of wakes for async waiters: bumped before they are woken
// Word STARVER  token of a waiter that waited too long: until it is served or leaves, nobody else who is ready to wait
//               may take permits, so they gather for it. 0: nobody starves
// Word CALL     sequence of wakes for the starver, if it is a thread: it sleeps on this word, and no one else does
// Word NEED     how many permits the starver wants
// Word LARGE    how many waiters want more than one permit: while there are any, a release wakes everyone
// Word TASKS    how many tasks wait
// (LARGE and TASKS are too high after a waiter's death: that costs wakes, never one.)
// Word BOUND    the most permits there may be; RETIRED once the semaphore was freed
//
// Legal transitions of VALUE: permits + n, without W (the releaser owes wakes), or with W while somebody starves; permits
// - n, keeping W, and with W if the taker slept; the same with W.
//
// Invariant: if a thread sleeps on VALUE, then W is set, or an awake thread has yet to try or owes a wake. A release that
// finds W clears it and wakes as many as it gave permits (everyone while large requests wait: the first in the queue may
// not be able to use what came). A woken waiter sets W again in the transition by which it takes or sleeps on, and wakes
// one more if it leaves permits behind: two releases may have fallen together before it ran.
// While somebody starves, a release leaves W where it is, so that no newcomer takes by the fast path what gathers for the
// starver, and wakes the starver alone. It looks at STARVER again after it gave: a starver that left before that owes
// nobody anything, so the release then wakes the others itself; one that leaves later looks at VALUE after it left.
// A waiter that sleeps beside enough permits does so because of STARVER: it set W before it looked at STARVER again, and
// the starver clears STARVER before it looks at W, so one of the two sees the other (Dekker), and the wake comes.
// A task that starves may belong to a thread that blocks elsewhere: a release wakes everyone then, and whoever sees the
// permits that it needs lie there too long takes its claim away (locks/semaphore-waits.ts).

import { add, cas, type i32, load, store, type Words } from "../cells/atomics.ts";
import { park, wake } from "../cells/park.ts";
import { announce, awake, lacksProbes, sawNewDeath } from "./seat.ts";

export const VALUE: i32 = 8;
export const SEQUENCE: i32 = 9;
export const STARVER: i32 = 10;
export const LARGE: i32 = 11;
export const TASKS: i32 = 12;
export const BOUND: i32 = 13;
/** What kind of semaphore it is: a set of OWNED and FAIR. */
export const MODE: i32 = 14;
export const CALL: i32 = 15;
export const NEED: i32 = 16;
/** Of a fair semaphore: the number that the next waiter draws. */
export const NEXT_TICKET: i32 = 17;
/** Words before the tables of owned and fair semaphores; words 0-7 are the mutex of those tables. */
export const SEMAPHORE_WORDS: i32 = 24;

export const OWNED: i32 = 1;
export const FAIR: i32 = 2;

export const MAX_PERMITS: i32 = 1 << 30;
/** In place of a bound: the semaphore was freed. */
export const RETIRED: i32 = -1;
const SPIN_GAP: i32 = 8;
const PERMITS: i32 = 0x7fffffff;
const WAITERS: i32 = 1 << 31;
/** Marks the token of a thread's task, beside the owner id of its own sync waits. */
export const TASK_TOKEN: i32 = 1 << 28;

/** Result of {@link semaphoreStep} besides the word to sleep on, which is negative. */
export const TOOK: i32 = 1;
/** Result of {@link sleepForPermits}: look at the world; the request is announced still. */
export const LOOK: i32 = 0;

/** What a caller owes: a set of wakes, or OVER_BOUND. */
export const WAKE_NOBODY: i32 = 0;
export const WAKE_SOME: i32 = 1;
export const WAKE_ALL: i32 = 2;
export const WAKE_STARVER: i32 = 4;
export const OVER_BOUND: i32 = -1;

export function permitsOf(word: i32): i32 {
  return word & PERMITS;
}

export function hasWaiters(word: i32): boolean {
  return word < 0;
}

/** Takes `n` permits if nobody waits and they are there: 1, else 0. */
export function acquireFast(words: Words, index: i32, n: i32): i32 {
  let word = load(words, index + VALUE);
  while (word >= n) {
    const seen = cas(words, index + VALUE, word, word - n);
    if (seen === word) return 1;
    word = seen;
  }
  return 0;
}

/** As {@link acquireFast}, looking on for them with so many loads at the most: how many that took, plus 1; or 0. */
export function spinForPermits(words: Words, index: i32, n: i32, limit: i32): i32 {
  for (let used: i32 = 0; ; used += SPIN_GAP + 1) {
    if (acquireFast(words, index, n) !== 0) return used + 1;
    if (used + SPIN_GAP >= limit) return 0;
    // Of a word that no thread writes: the holders keep the cache line meanwhile.
    for (let k: i32 = 0; k < SPIN_GAP; k++) load(words, 0);
  }
  return 0;
}

/** Takes `n` permits if they are there, whoever waits: 1, else 0. A try never fails beside enough permits. */
export function tryAcquire(words: Words, index: i32, n: i32): i32 {
  for (;;) {
    const word = load(words, index + VALUE);
    if ((word & PERMITS) < n) return 0;
    if (cas(words, index + VALUE, word, word - n) === word) return 1;
  }
  return 0;
}

/** Gives `n` permits: the wakes that the caller owes, or OVER_BOUND with nothing changed. */
export function release(words: Words, index: i32, n: i32): i32 {
  for (;;) {
    const word = load(words, index + VALUE);
    if (n > load(words, index + BOUND) - (word & PERMITS)) return OVER_BOUND;
    if (word >= 0) {
      if (cas(words, index + VALUE, word, word + n) === word) return WAKE_NOBODY;
      continue;
    }
    const keep = load(words, index + STARVER) !== 0;
    const next = keep ? word + n : (word & PERMITS) + n;
    if (cas(words, index + VALUE, word, next) === word) return wakesOfRelease(words, index, keep ? 1 : 0);
  }
  return OVER_BOUND;
}

/** As {@link release}, and wakes whom the usual release owes a wake, so that nobody is owed one any more: the rest of them. */
export function releaseAndWake(words: Words, index: i32, n: i32): i32 {
  const owed = release(words, index, n);
  if (owed !== WAKE_SOME || load(words, index + TASKS) !== 0) return owed;
  wake(words, index + VALUE, n);
  return WAKE_NOBODY;
}

/** As {@link release} for a fair semaphore: WAKE_SOME if its queue must be looked at, since W was set. */
export function releaseFair(words: Words, index: i32, n: i32): i32 {
  for (;;) {
    const word = load(words, index + VALUE);
    if (n > load(words, index + BOUND) - (word & PERMITS)) return OVER_BOUND;
    if (cas(words, index + VALUE, word, word + n) === word) return word < 0 ? WAKE_SOME : WAKE_NOBODY;
  }
  return OVER_BOUND;
}

function wakesOfRelease(words: Words, index: i32, kept: i32): i32 {
  const starver = load(words, index + STARVER);
  if (starver === 0) return load(words, index + LARGE) !== 0 ? WAKE_ALL : WAKE_SOME;
  // W is still set and a thread starves: it alone can use the permits, and it looks after the others when it leaves.
  if (kept !== 0 && (starver & TASK_TOKEN) === 0) return WAKE_STARVER;
  return WAKE_STARVER | WAKE_ALL;
}

/**
 * One step of a waiter that wants `n`: TOOK, or the word to sleep on (negative: W is set). `token` is what it put into
 * STARVER (-1: it does not starve), `own` the token of its own thread's tasks, which can't go on while it blocks and so
 * don't hold it up (-1: it is a task itself); `slept` says that it slept since it came.
 */
export function semaphoreStep(words: Words, index: i32, n: i32, token: i32, own: i32, slept: i32): i32 {
  for (;;) {
    const word = load(words, index + VALUE);
    const starver = load(words, index + STARVER);
    if ((word & PERMITS) >= n && (starver === 0 || starver === token || starver === own)) {
      const next = slept !== 0 ? (word - n) | WAITERS : word - n;
      if (cas(words, index + VALUE, word, next) === word) return TOOK;
      continue;
    }
    if (word >= 0 && cas(words, index + VALUE, word, word | WAITERS) !== word) continue;
    if (load(words, index + STARVER) !== starver) continue;
    return word | WAITERS;
  }
  return TOOK;
}

/**
 * A waiter that waited too long asks that `n` permits gather for it: 1 if it is the starver now. It must step again
 * before it sleeps: a release that saw no starver woke somebody else.
 */
export function starve(words: Words, index: i32, token: i32, n: i32): i32 {
  if (cas(words, index + STARVER, 0, token) !== 0) return 0;
  store(words, index + NEED, n);
  return 1;
}

/**
 * After a waiter took its permits or left: takes its claim in STARVER back (`token`, 0: it has none) and tells the wakes
 * that the caller owes to those that may go on now.
 */
export function afterWait(words: Words, index: i32, token: i32): i32 {
  const starved = token !== 0 && cas(words, index + STARVER, token, 0) === token;
  const word = load(words, index + VALUE);
  if (word >= 0 || (word & PERMITS) === 0) return WAKE_NOBODY;
  if (starved) return WAKE_ALL;
  // Whoever starves takes what is there, or wakes the others when it leaves.
  if (load(words, index + STARVER) !== 0) return WAKE_NOBODY;
  return load(words, index + LARGE) !== 0 ? WAKE_ALL : WAKE_SOME;
}

/** Announces a waiter before its first step: `large` if it wants more than one permit, `task` if it is a task. */
export function enter(words: Words, index: i32, large: i32, task: i32): void {
  if (large !== 0) add(words, index + LARGE, 1);
  if (task !== 0) add(words, index + TASKS, 1);
}

/** Takes back what {@link enter} announced. */
export function leave(words: Words, index: i32, large: i32, task: i32): void {
  if (large !== 0) add(words, index + LARGE, -1);
  if (task !== 0) add(words, index + TASKS, -1);
}

/**
 * The usual course of a thread's request for `n` permits, of a semaphore neither owned nor fair: announces it and steps. The
 * word to sleep on (negative), or TOOK, with the wakes that the caller owes above it: `result >> 1`.
 */
export function beginAcquire(words: Words, index: i32, n: i32, me: i32): i32 {
  enter(words, index, n > 1 ? 1 : 0, 0);
  return usualStep(words, index, n, me, 0);
}

/**
 * Goes on with a request that {@link beginAcquire} announced: sleeps for `ms` milliseconds at the most while VALUE is `expected`,
 * and steps. As there, or LOOK if a thread died or the semaphore was freed: its block had the serial number `serial`. Blocks.
 */
export function sleepForPermits(
  words: Words,
  index: i32,
  n: i32,
  me: i32,
  seatAt: i32,
  expected: i32,
  ms: i32,
  serialAt: i32,
  serial: i32,
): i32 {
  announce(words, seatAt, index + VALUE, index, 0, 0);
  const sleeps = !sawNewDeath(words, seatAt) && !lacksProbes(words, seatAt);
  if (sleeps) park(words, index + VALUE, expected, ms);
  awake(words, seatAt);
  if (!sleeps || load(words, serialAt) !== serial || load(words, index + BOUND) === RETIRED) return LOOK;
  return usualStep(words, index, n, me, 1);
}

function usualStep(words: Words, index: i32, n: i32, me: i32, slept: i32): i32 {
  const step = semaphoreStep(words, index, n, -1, me | TASK_TOKEN, slept);
  if (step !== TOOK) return step;
  leave(words, index, n > 1 ? 1 : 0, 0);
  return TOOK | (afterWait(words, index, 0) << 1);
}

/** Takes every permit there is: how many. */
export function drain(words: Words, index: i32): i32 {
  for (;;) {
    const word = load(words, index + VALUE);
    if ((word & PERMITS) === 0) return 0;
    if (cas(words, index + VALUE, word, word & WAITERS) === word) return word & PERMITS;
  }
  return 0;
}

/** Of a fair semaphore, with its mutex held: sets W, or takes it away when nobody waits any more. */
export function markWaiters(words: Words, index: i32, waiting: i32): void {
  for (;;) {
    const word = load(words, index + VALUE);
    const next = waiting !== 0 ? word | WAITERS : word & PERMITS;
    if (word === next || cas(words, index + VALUE, word, next) === word) return;
  }
}
