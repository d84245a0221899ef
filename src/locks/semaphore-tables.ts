// The mutex of an owned or fair semaphore's tables (semaphore-holders.ts, semaphore-queue.ts), and what is done under it.
//
// Invariant: whatever is half-done when a thread dies inside is set right by the next one, before it does anything: the
// holders are counted again, and the first of the queue is woken. A queue entry is in use or not by one word.

import { add, cas, load, store } from "../cells/atomics.ts";
import { wakeAll } from "../cells/park.ts";
import {
  acquireFast,
  BOUND,
  CALL,
  drain,
  RETIRED,
  release,
  releaseFair,
  SEQUENCE,
  semaphoreStep,
  TOOK,
  tryAcquire,
  VALUE,
  WAKE_ALL,
} from "../protocols/semaphore.ts";
import { acquireWord, markWordConsistent, releaseWord } from "../region/word-lock.ts";
import { addHeld, claimEntry, heldHere, recount } from "./semaphore-holders.ts";
import { payPermits, type SemaphorePlace } from "./semaphore-place.ts";
import { callEveryone, callFirst, leaveQueue, type Queued, queueStep } from "./semaphore-queue.ts";

/** Runs `work` with the mutex held; what a thread left half-done in it is set right first. Throws ERR_CLOSED if freed. */
export function withTables<T>(place: SemaphorePlace, work: () => T): T {
  const { region, index } = place;
  place.mustBeOpen();
  if (acquireWord(region, index) === 2) {
    const returned = place.owned && recount(place, false);
    announce(place, returned);
    markWordConsistent(region, index);
  }
  try {
    return work();
  } finally {
    releaseWord(region, index);
  }
}

/** Wakes those who may go on since permits came back; with the mutex held. */
function announce(place: SemaphorePlace, returned: boolean): void {
  if (place.fair) callFirst(place);
  else if (returned) payPermits(place, WAKE_ALL, 1);
}

/** Counts the permits of an owned semaphore again; with the mutex held. True if permits came back from the dead. */
function reclaim(place: SemaphorePlace, ask: boolean): boolean {
  const returned = recount(place, ask);
  if (returned) announce(place, true);
  return returned;
}

/** Gives back what the dead held; asks the holders whether they live. */
export function reclaimOwned(place: SemaphorePlace): void {
  withTables(place, () => reclaim(place, true));
}

/** Takes `n` permits of an owned semaphore by `take`, which says whether it got them. */
function takeOwned(place: SemaphorePlace, n: number, take: () => boolean): boolean {
  if (claimEntry(place)) announce(place, true);
  if (!take()) return false;
  addHeld(place, n);
  return true;
}

/** As acquireFast, for every kind of semaphore. */
export function acquireFastOf(place: SemaphorePlace, n: number): boolean {
  const words = place.region.memory.words;
  const take = (): boolean => acquireFast(words, place.index, n) !== 0;
  return place.owned ? withTables(place, () => takeOwned(place, n, take)) : take();
}

/** As tryAcquire, for every kind of semaphore. */
export function tryAcquireOf(place: SemaphorePlace, n: number): boolean {
  const words = place.region.memory.words;
  const take = (): boolean => tryAcquire(words, place.index, n) !== 0;
  if (!place.owned) return take();
  return withTables(place, () => takeOwned(place, n, take) || (reclaim(place, true) && takeOwned(place, n, take)));
}

/** As semaphoreStep, for a semaphore that is not fair. `ask`: probe the holders. */
export function stepOf(
  place: SemaphorePlace,
  n: number,
  token: number,
  own: number,
  slept: number,
  ask: boolean,
): number {
  const words = place.region.memory.words;
  if (!place.owned) return semaphoreStep(words, place.index, n, token, own, slept);
  return withTables(place, () => {
    let step = 0;
    const take = (): boolean => {
      step = semaphoreStep(words, place.index, n, token, own, slept);
      return step === TOOK;
    };
    if (!takeOwned(place, n, take) && reclaim(place, ask)) takeOwned(place, n, take);
    return step;
  });
}

/** As queueStep, for a fair semaphore. */
export function queueStepOf(place: SemaphorePlace, request: Queued, more: boolean, ask: boolean): boolean {
  return withTables(place, () => {
    if (place.owned && claimEntry(place)) announce(place, true);
    if (queueStep(place, request, more, ask)) return true;
    return place.owned && reclaim(place, ask) && queueStep(place, request, more, false);
  });
}

/** Takes a request out of the queue of a fair semaphore. */
export function leaveQueueOf(place: SemaphorePlace, request: Queued, keep: boolean): void {
  withTables(place, () => leaveQueue(place, request, keep));
}

/** Gives `n` permits back and wakes those who may go on; OVER_BOUND with nothing changed. */
export function releaseOf(place: SemaphorePlace, n: number): number {
  const { words } = place.region.memory;
  const owed = place.fair ? releaseFair(words, place.index, n) : release(words, place.index, n);
  if (owed <= 0) return owed;
  if (place.fair) withTables(place, () => callFirst(place));
  else payPermits(place, owed, n);
  return owed;
}

/** Gives `n` permits of this thread back: undefined, or how many it holds, with nothing changed, if they are fewer. */
export function releaseOwned(place: SemaphorePlace, n: number): number | undefined {
  const { words } = place.region.memory;
  return withTables(place, () => {
    const held = heldHere(place);
    if (held < n) return held;
    // Noted first: a thread that dies between the two is dead, and all it held comes back.
    addHeld(place, -n);
    if (!place.fair) payPermits(place, release(words, place.index, n), n);
    else if (releaseFair(words, place.index, n) > 0) callFirst(place);
    return undefined;
  });
}

/** Takes every permit there is. */
export function drainOf(place: SemaphorePlace): number {
  const { words } = place.region.memory;
  if (!place.owned) return drain(words, place.index);
  return withTables(place, () => {
    if (claimEntry(place)) announce(place, true);
    const taken = drain(words, place.index);
    addHeld(place, taken);
    return taken;
  });
}

/**
 * Puts a semaphore that nobody uses any more out of use. All its cells are notified: a wait that a task left armed when
 * it gave up would swallow wakes of whatever comes to lie here.
 */
export function retire(place: SemaphorePlace): void {
  const { words } = place.region.memory;
  store(words, place.index + BOUND, RETIRED);
  for (;;) {
    const word = load(words, place.index + VALUE);
    if (cas(words, place.index + VALUE, word, word & (1 << 31)) === word) break;
  }
  for (const cell of [VALUE, SEQUENCE, CALL]) {
    add(words, place.index + cell, cell === VALUE ? 0 : 1);
    wakeAll(words, place.index + cell);
  }
  if (place.fair) callEveryone(place, true);
}
