// The one place where a thread sleeps for something in a region: announced in its slot, so that a reaper can wake it and
// others see what it waits for; counted; and, where it waits for other threads, with a look for deadlocks when it has
// slept for a while.

import { now } from "../cells/deadline.ts";
import { NOT_EQUAL, park, TIMED_OUT } from "../cells/park.ts";
import { sawNewDeath } from "../protocols/seat.ts";
import { DEADLOCKED, isNudged, isVictim, sliceBefore } from "./deadlock.ts";
import { announceSleep, countPark } from "./threads.ts";
import { FOR_ANYTHING, FOR_OWNER, FOR_PART } from "./waits.ts";

let sleptOut = false;

/**
 * After a sleep for the lock, still announced, that lasted its first slice or that another thread has asked about: DEADLOCKED
 * if it would never end, else TIMED_OUT. Takes the announcement back.
 */
export function lookForDeadlock(
  words: Int32Array,
  seat: { readonly me: number; readonly seatAt: number },
  lock: number,
): number {
  sliceBefore(lock, false);
  sleptOut = true;
  const stuck = isVictim(words, seat.me);
  announceSleep(words, seat.seatAt, 0, 0);
  return stuck ? DEADLOCKED : TIMED_OUT;
}

/**
 * Sleeps while the cell holds `expected`, for `ms` milliseconds at the most: WOKEN, TIMED_OUT, NOT_EQUAL (also if a thread
 * died just before: look at the world again), or DEADLOCKED. `how` and `argument` are those of waits.ts. Blocks.
 */
export function sleepAnnounced(
  words: Int32Array,
  seat: { readonly me: number; readonly seatAt: number },
  cell: number,
  expected: number,
  lock: number,
  ms: number,
  how: number,
  argument = 0,
): number {
  const { seatAt } = seat;
  const begun = now();
  announceSleep(words, seatAt, cell, lock, how, argument);
  if (sawNewDeath(words, seatAt)) {
    announceSleep(words, seatAt, 0, 0);
    return NOT_EQUAL;
  }
  const waitsForThreads = how !== FOR_ANYTHING;
  const slice = waitsForThreads ? sliceBefore(lock, sleptOut) : ms;
  // Asked to look before it slept: the wake that came with it found nobody.
  const asked = waitsForThreads && isNudged(words, seatAt);
  // For a mutex's own word the waiter has spun as long as pays, by what that lock has learnt.
  const spin = cell !== lock || (how !== FOR_OWNER && how !== FOR_PART);
  const ended = asked ? NOT_EQUAL : park(words, cell, expected, Math.min(ms, slice), spin);
  sleptOut = ended === TIMED_OUT;
  // Still announced: a thread that looks for a deadlock is part of it for the others that do so at the same time.
  const stuck = waitsForThreads && (sleptOut || isNudged(words, seatAt)) && isVictim(words, seat.me);
  announceSleep(words, seatAt, 0, 0);
  countPark(words, seatAt, now() - begun);
  return stuck ? DEADLOCKED : ended;
}
