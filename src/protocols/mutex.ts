// The mutex: one lock word, after Drepper's "Futexes Are Tricky" (three states), with an owner in the word as in POSIX
// robust mutexes, and a starvation flag after Go's sync.Mutex. Sync and async waiters never share a wake token.
//
// Word LOCK   b31 S: a thread may sleep on this word | b30 A: a thread may await the sequence cell
//             b29 F: a starving waiter asks that only threads that slept may take a free lock
//             b28 D: the last owner died, nobody marked the state consistent yet
//             b0..27 owner = generation16 << 12 | slot12; 0 free; all ones: not recoverable, for good
// Word SEQ    sequence of wakes for async waiters: bumped before they are woken
// Word HOLD   ticket of the current (or last) hold, 1 … 2^30: plain, written by the owner only
// Word SLOW   how many holds came by the slow path: plain, written by the owner only
// Word BASE   HOLD as it was when the mutex was made: tickets go on where memory is reused, so that no guard of a freed
//             mutex ever fits a hold of the next one
// Word ISSUED the last ticket issued, while HOLD is set back to that of a resumed hold; else 0: plain, owner only
// Word POLICY for a lock that is first in, first out: minus the word index of its line (fair-line.ts), never changed;
//             else what has been learnt about spinning for it (spin.ts), at first 0
//
// Legal transitions: free → owned by a compare-exchange that keeps the flags (and sets S if the taker slept, since
// others may still sleep); owned → owned with S, A or F added; owned by me → free, keeping F only; owned by the dead →
// owned by me with D; of a fair lock, owned by me → free keeping S alone; free, mine or not recoverable → retired, for
// good (its memory is then used for another mutex).
// Free with no flag → S alone, by a recording: the next acquisition and its release then come by the slow path, which
// times them, and the release wakes nobody. Nothing else.
//
// Invariant: if a thread sleeps on LOCK, then S is set, or some awake thread has yet to try the lock (it was woken or
// it owes the wake). So no wake is lost: unlock clears S and wakes one sleeper in S's name; the woken one sets S again
// in the very transition by which it takes the lock or announces that it sleeps on. A waiter leaves (time-out) only
// right after a step that saw the lock owned and S set, so it takes no wake with it.
// A thread that dies between clearing S and waking is covered by the reaper, which wakes all sleepers of the region.

import { cas, type i32, load, peek, poke, store, type Words } from "../cells/atomics.ts";

/** Words of a mutex. */
export const MUTEX_WORDS: i32 = 8;
export const LOCK: i32 = 0;
export const SEQ: i32 = 1;
export const HOLD: i32 = 2;
export const SLOW: i32 = 3;
export const BASE: i32 = 4;
export const ISSUED: i32 = 5;
/** Free for a variant of the mutex (the reentrant one counts its levels here); 0 in a new one. */
export const VARIANT: i32 = 6;
export const POLICY: i32 = 7;

export const SYNC_WAITERS: i32 = 1 << 31;
export const ASYNC_WAITERS: i32 = 1 << 30;
export const STARVING: i32 = 1 << 29;
export const OWNER_DIED: i32 = 1 << 28;
export const OWNER_MASK: i32 = (1 << 28) - 1;
/** In place of an owner: nobody will ever hold this lock again. */
export const NOT_RECOVERABLE: i32 = OWNER_MASK;
/** The whole word of a mutex that was freed. */
export const RETIRED: i32 = NOT_RECOVERABLE | OWNER_DIED;

/** Results of a step that are no announcement to sleep on (those are negative: the word to sleep on, S set). */
export const ACQUIRED: i32 = 1;
export const ACQUIRED_DIED: i32 = 2;
export const HELD_BY_ME: i32 = 3;
export const UNRECOVERABLE: i32 = 4;
export const MUST_WAIT: i32 = 5;

/** Results of a release: a set of the wakes that the caller owes, or why it is none. */
export const RELEASED: i32 = 0;
export const WAKE_SYNC: i32 = 1;
export const WAKE_ASYNC: i32 = 2;
export const WAKE_EVERYONE: i32 = 4;
/** The lock is fair and free now: whoever is first in its line is owed the wake. */
export const WAKE_NEXT: i32 = 8;
export const NOT_OWNER: i32 = -1;

export function ownerOf(word: i32): i32 {
  return word & OWNER_MASK;
}

export function hasSyncWaiters(word: i32): boolean {
  return word < 0;
}

export function hasAsyncWaiters(word: i32): boolean {
  return (word & ASYNC_WAITERS) !== 0;
}

export function isStarving(word: i32): boolean {
  return (word & STARVING) !== 0;
}

export function isInconsistent(word: i32): boolean {
  return (word & OWNER_DIED) !== 0;
}

/** Numbers this hold; only the new owner calls it. Never 0. */
export function nextTicket(words: Words, index: i32): i32 {
  const issued = peek(words, index + ISSUED);
  const last = issued !== 0 ? issued : peek(words, index + HOLD);
  const ticket = (last & 0x3fffffff) + 1;
  poke(words, index + HOLD, ticket);
  if (issued !== 0) poke(words, index + ISSUED, 0);
  return ticket;
}

/**
 * The owner's hold goes on under the ticket of an earlier hold of its own, so that the guards of that one are good again
 * (a condition's wait gave the lock back in between). ISSUED keeps the number line going: no ticket is issued twice.
 */
export function resumeHold(words: Words, index: i32, ticket: i32): void {
  // ISSUED first: should the owner die between the two, the next ticket follows the last one all the same.
  if (peek(words, index + ISSUED) === 0) poke(words, index + ISSUED, peek(words, index + HOLD));
  poke(words, index + HOLD, ticket);
}

/** Takes a lock that nobody holds or awaits: the ticket of the hold, or 0. */
export function tryLock(words: Words, index: i32, me: i32): i32 {
  if (cas(words, index, 0, me) !== 0) return 0;
  // As nextTicket, but for what is rare: JavaScriptCore inlines calls to a certain depth only, and each that is left costs
  // as much as an atomic operation.
  if (peek(words, index + ISSUED) !== 0) return nextTicket(words, index);
  const ticket = (peek(words, index + HOLD) & 0x3fffffff) + 1;
  poke(words, index + HOLD, ticket);
  return ticket;
}

/** Gives up a lock that nobody awaits: RELEASED; otherwise as {@link unlockSlow}. */
export function unlock(words: Words, index: i32, me: i32): i32 {
  if (cas(words, index, me, 0) === me) return RELEASED;
  return unlockSlow(words, index, me);
}

/** As {@link unlock}, but only if `ticket` is the hold at hand; NOT_OWNER for a hold that is over. */
export function unlockHold(words: Words, index: i32, me: i32, ticket: i32): i32 {
  // The ticket is read plainly: if it is not this thread that holds the lock, the word says so and the ticket is unused.
  if ((load(words, index) & OWNER_MASK) !== me || peek(words, index + HOLD) !== ticket) return NOT_OWNER;
  return cas(words, index, me, 0) === me ? RELEASED : unlockSlow(words, index, me);
}

/** The release of a lock with flags: returns the wakes that the caller owes, or NOT_OWNER. */
export function unlockSlow(words: Words, index: i32, me: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & OWNER_MASK) !== me) return NOT_OWNER;
    if ((word & OWNER_DIED) !== 0) {
      if (cas(words, index, word, NOT_RECOVERABLE) === word) return WAKE_EVERYONE;
      continue;
    }
    if (peek(words, index + POLICY) < 0) {
      // S stays, so that no newcomer takes the lock before those who wait in line.
      if (cas(words, index, word, SYNC_WAITERS) === word) return WAKE_NEXT;
      continue;
    }
    // S and A go: whoever is woken in their name sets them again. F stays: only the starver itself takes it away.
    if (cas(words, index, word, word & STARVING) === word) {
      return (word < 0 ? WAKE_SYNC : 0) | ((word & ASYNC_WAITERS) !== 0 ? WAKE_ASYNC : 0);
    }
  }
  return NOT_OWNER;
}

/**
 * Takes the lock if it is free, whatever its flags, and tells why not otherwise. It overtakes a starving waiter: a try
 * never fails on a free lock.
 */
export function tryStep(words: Words, index: i32, me: i32): i32 {
  for (;;) {
    const word = load(words, index);
    const owner = word & OWNER_MASK;
    if (owner === NOT_RECOVERABLE) return UNRECOVERABLE;
    if (owner !== 0) return owner === me ? HELD_BY_ME : MUST_WAIT;
    if (cas(words, index, word, word | me) === word) return took(words, index, word);
  }
  return MUST_WAIT;
}

/**
 * One step of a thread that is ready to sleep: takes the lock if it may, else announces itself (S) and returns the word
 * to sleep on, which is negative. `slept` says that the thread slept on this word since it came; `starver` that it set
 * F, which goes with its acquisition.
 */
export function lockStep(words: Words, index: i32, me: i32, slept: i32, starver: i32): i32 {
  for (;;) {
    const word = load(words, index);
    const owner = word & OWNER_MASK;
    if (owner === NOT_RECOVERABLE) return UNRECOVERABLE;
    if (owner === me) return HELD_BY_ME;
    if (owner === 0 && (slept !== 0 || (word & STARVING) === 0)) {
      let next = word | me;
      if (slept !== 0) next |= SYNC_WAITERS;
      if (starver !== 0) next &= ~STARVING;
      if (cas(words, index, word, next) === word) return took(words, index, word);
      continue;
    }
    if (word < 0) return word;
    if (cas(words, index, word, word | SYNC_WAITERS) === word) return word | SYNC_WAITERS;
  }
  return UNRECOVERABLE;
}

/**
 * One step of a thread whose tasks await the lock: takes the lock if it is free (with A if `more` tasks wait behind
 * this one), else announces itself (A) and returns MUST_WAIT. The caller read SEQ before, so a release in the gap
 * shows in SEQ and the wait does not begin. F binds only those that never waited; the tasks behind a first try have.
 */
export function asyncStep(words: Words, index: i32, me: i32, waited: i32, more: i32): i32 {
  for (;;) {
    const word = load(words, index);
    const owner = word & OWNER_MASK;
    if (owner === NOT_RECOVERABLE) return UNRECOVERABLE;
    if (owner === 0 && (waited !== 0 || (word & STARVING) === 0)) {
      const next = more !== 0 ? word | me | ASYNC_WAITERS : word | me;
      if (cas(words, index, word, next) === word) return took(words, index, word);
      continue;
    }
    if ((word & ASYNC_WAITERS) !== 0) return MUST_WAIT;
    if (cas(words, index, word, word | ASYNC_WAITERS) === word) return MUST_WAIT;
  }
  return UNRECOVERABLE;
}

/** The rest of an acquisition by another step than {@link tryLock}; `before` is the word that it found. */
export function took(words: Words, index: i32, before: i32): i32 {
  nextTicket(words, index);
  poke(words, index + SLOW, peek(words, index + SLOW) + 1);
  return (before & OWNER_DIED) !== 0 ? ACQUIRED_DIED : ACQUIRED;
}

/**
 * Takes a fair lock that was seen free, `seen`, for the first in its line: ACQUIRED, ACQUIRED_DIED, or MUST_WAIT if it has
 * changed since. S goes with it, since others may wait behind.
 */
export function fairTake(words: Words, index: i32, me: i32, seen: i32): i32 {
  if (cas(words, index, seen, seen | SYNC_WAITERS | me) !== seen) return MUST_WAIT;
  return took(words, index, seen);
}

/** Takes the lock from an owner known to be dead; `seen` is the word that named it. True if it is ours now. */
export function takeFromDead(words: Words, index: i32, me: i32, seen: i32): boolean {
  if (cas(words, index, seen, (seen & ~OWNER_MASK) | OWNER_DIED | me) !== seen) return false;
  took(words, index, seen);
  return true;
}

/** The owner says that a thread sleeps on the word, or that there are others that it must wake when it gives the lock back. */
export function announceSleeper(words: Words, index: i32, me: i32): void {
  for (;;) {
    const word = load(words, index);
    if (word < 0 || (word & OWNER_MASK) !== me) return;
    if (cas(words, index, word, word | SYNC_WAITERS) === word) return;
  }
}

/** Sets S on a free lock that nobody awaits, so that its next hold comes and goes by the slow path. */
export function markFree(words: Words, index: i32): void {
  cas(words, index, 0, SYNC_WAITERS);
}

/** Sets F if the lock is owned and nobody starves yet: true if the caller is now the starver. */
export function announceStarving(words: Words, index: i32): boolean {
  const word = load(words, index);
  if ((word & OWNER_MASK) === 0 || (word & STARVING) !== 0) return false;
  return cas(words, index, word, word | STARVING) === word;
}

/**
 * Takes F back: the starver leaves, or F outlived its starver. Returns the wakes that the caller owes: a thread that
 * waits beside a free lock only because of F has nobody else to wake it.
 */
export function withdrawStarving(words: Words, index: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & STARVING) === 0) return 0;
    if (cas(words, index, word, word & ~STARVING) !== word) continue;
    if ((word & OWNER_MASK) !== 0) return 0;
    return (word < 0 ? WAKE_SYNC : 0) | ((word & ASYNC_WAITERS) !== 0 ? WAKE_ASYNC : 0);
  }
  return 0;
}

/** The owner declares the state repaired; false if it was not in question. */
export function markConsistent(words: Words, index: i32, me: i32): boolean {
  for (;;) {
    const word = load(words, index);
    if ((word & OWNER_MASK) !== me || (word & OWNER_DIED) === 0) return false;
    if (cas(words, index, word, word & ~OWNER_DIED) === word) return true;
  }
  return false;
}

/** Makes a free mutex of zeroed words, or of those of a retired mutex, before any thread knows of it. */
export function renew(words: Words, index: i32): void {
  const issued = peek(words, index + ISSUED);
  const last = issued !== 0 ? issued : peek(words, index + HOLD);
  poke(words, index + HOLD, last);
  poke(words, index + ISSUED, 0);
  poke(words, index + BASE, last);
  poke(words, index + SLOW, 0);
  poke(words, index + VARIANT, 0);
  // Last: until then whoever still uses the retired mutex finds it retired.
  store(words, index, 0);
}

/**
 * Puts a mutex that no other thread holds out of use for good. Returns the wakes that the caller owes (everyone), or
 * NOT_OWNER if another thread holds it.
 */
export function retire(words: Words, index: i32, me: i32): i32 {
  for (;;) {
    const word = load(words, index);
    const owner = word & OWNER_MASK;
    if (owner !== 0 && owner !== me && owner !== NOT_RECOVERABLE) return NOT_OWNER;
    if (cas(words, index, word, RETIRED) === word) return WAKE_EVERYONE;
  }
  return NOT_OWNER;
}
