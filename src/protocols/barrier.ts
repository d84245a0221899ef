// The barrier: threads wait for each other, again and again. After CPython's threading.Barrier (arrival index from 0, an
// action run by the last to arrive, a broken state, reset), which too keeps its state under a lock.
//
// Words 0-7   a mutex (protocols/mutex.ts): all that follows changes only while it is held
// Word GEN    generation, 32 bits: how many generations ended. Waiters sleep on this word
// Word ARRIVED  how many have arrived in this generation
// Word STATUS   WHOLE, ACTING (the last one runs its action) or BROKEN
// Word ACTOR    owner id of the thread that runs the action
// Word PARTIES  how many must arrive
// Word ENDED    how many generations a reset or a break ended
// Words RESETS  a ring: which ones, the latest 32
//
// Invariant: a thread that sleeps on GEN arrived in that generation, or came while its action ran. Every end of a
// generation (trip, break, reset) changes GEN under the mutex and owes a wake of all who sleep on it, so a waiter that
// compares GEN misses nothing: a change before its sleep shows in the word, one after it wakes it.
// A bad end changes ENDED before GEN, so a waiter that finds another GEN and the ENDED of its arrival was let through. One
// that slept through more bad ends than the ring holds can't know its own, and takes it for bad.
// A thread that dies holding the mutex leaves the generation in doubt: the next one to take the mutex breaks the barrier.
// An actor that dies leaves ACTING with its id: each waiter looks whether it lives, and breaks the barrier if not.

import { type i32, load, peek, poke, store, type Words } from "../cells/atomics.ts";
import { park, wakeAll } from "../cells/park.ts";
import { tryLock, unlock } from "./mutex.ts";
import { announce, awake, lacksProbes, sawNewDeath, T_NODE, T_TICKET, T_WAITING } from "./seat.ts";

export const GEN: i32 = 8;
export const ARRIVED: i32 = 9;
export const STATUS: i32 = 10;
export const ACTOR: i32 = 11;
export const PARTIES: i32 = 12;
/** How many generations ended by a reset or a break: the next place in the ring. */
export const ENDED: i32 = 13;
const RESETS: i32 = 16;
const RING: i32 = 32;
/** Words of a barrier. */
export const BARRIER_WORDS: i32 = 48;

export const WHOLE: i32 = 0;
export const ACTING: i32 = 1;
export const BROKEN: i32 = 2;

/** Results of {@link arrive} besides the arrival index (0 or more). */
export const IS_BROKEN: i32 = -1;
export const IS_ACTING: i32 = -2;

/** Arrives, with the mutex held: the arrival index, IS_BROKEN, or IS_ACTING (wait for GEN to change, then come again). */
export function arrive(words: Words, index: i32): i32 {
  const status = load(words, index + STATUS);
  if (status === BROKEN) return IS_BROKEN;
  if (status === ACTING) return IS_ACTING;
  const arrived = load(words, index + ARRIVED);
  store(words, index + ARRIVED, arrived + 1);
  return arrived;
}

/** The last to arrive begins its action, with the mutex held. */
export function act(words: Words, index: i32, me: i32): void {
  store(words, index + ACTOR, me);
  store(words, index + STATUS, ACTING);
}

/** Ends the generation and lets all through, with the mutex held; the caller owes a wake of all on GEN. */
export function trip(words: Words, index: i32): void {
  store(words, index + ARRIVED, 0);
  store(words, index + STATUS, WHOLE);
  store(words, index + GEN, (load(words, index + GEN) + 1) | 0);
}

/** Ends the generation for the worse, with the mutex held; status WHOLE: a reset. The caller owes a wake of all on GEN. */
export function endBadly(words: Words, index: i32, status: i32): void {
  const generation = load(words, index + GEN);
  const ended = load(words, index + ENDED);
  store(words, index + RESETS + (ended & (RING - 1)), generation);
  store(words, index + ENDED, (ended + 1) | 0);
  store(words, index + ARRIVED, 0);
  store(words, index + STATUS, status);
  store(words, index + GEN, (generation + 1) | 0);
}

/** Whether the generation ended by a reset or a break; `ended` is what ENDED was in it. With the mutex held. */
export function endedBadly(words: Words, index: i32, generation: i32, ended: i32): boolean {
  const since = (load(words, index + ENDED) - ended) | 0;
  if (since === 0) return false;
  if (since < 0 || since > RING) return true;
  for (let place: i32 = 0; place < since; place++) {
    if (load(words, index + RESETS + ((ended + place) & (RING - 1))) === generation) return true;
  }
  return false;
}

/** Result of {@link arriveUsual} if it did not arrive. */
export const NOT_ARRIVED: i32 = -1;
/** Added to the arrival index of the last one. */
export const LAST: i32 = 1 << 16;

/**
 * The usual arrival, with no action to run: takes the mutex if it is free, arrives and gives it back; the last one lets all
 * through and wakes them. The arrival index, with LAST if so; NOT_ARRIVED if the mutex is not free or the barrier not whole.
 * The slot has the generation, its ENDED, and the wakes that the caller owes to those who wait for the mutex. Never blocks.
 */
export function arriveUsual(words: Words, index: i32, me: i32, seatAt: i32): i32 {
  poke(words, seatAt + T_TICKET, 0);
  if (tryLock(words, index, me) === 0) return NOT_ARRIVED;
  poke(words, seatAt + T_NODE, load(words, index + GEN));
  poke(words, seatAt + T_WAITING, load(words, index + ENDED));
  const arrived = arrive(words, index);
  const parties = load(words, index + PARTIES);
  if (arrived === parties - 1) trip(words, index);
  poke(words, seatAt + T_TICKET, unlock(words, index, me));
  if (arrived < 0) return NOT_ARRIVED;
  if (arrived < parties - 1) return arrived;
  if (parties > 1) wakeAll(words, index + GEN);
  return arrived | LAST;
}

/**
 * The usual wait of one that has arrived, as its slot says: sleeps for `ms` milliseconds at the most. 1 if all have come; 0
 * if the world must be looked at. Blocks.
 */
export function sleepForOthers(words: Words, index: i32, seatAt: i32, ms: i32): i32 {
  const generation = peek(words, seatAt + T_NODE);
  if (load(words, index + GEN) === generation) {
    announce(words, seatAt, index + GEN, index, 0, 0);
    if (!sawNewDeath(words, seatAt) && !lacksProbes(words, seatAt)) park(words, index + GEN, generation, ms);
    awake(words, seatAt);
    if (load(words, index + GEN) === generation) return 0;
  }
  return load(words, index + ENDED) === peek(words, seatAt + T_WAITING) ? 1 : 0;
}
