// Who holds how many permits of an owned semaphore: two words a thread slot, [owner id, held], changed only under the
// semaphore's mutex. What is available is derived: BOUND minus what the living hold; so a thread that dies anywhere, even
// between taking a permit and noting it, leaves nothing that a recount does not set right.
//
// A thread claims its entry before it takes permits: to claim it, the permits of the slot's dead tenant must go back
// first, which sets VALUE anew and would forget permits that are taken but not yet noted.

import { load, peek, poke, store } from "../cells/atomics.ts";
import { BOUND, permitsOf, SEMAPHORE_WORDS, VALUE } from "../protocols/semaphore.ts";
import type { Region } from "../region/region.ts";
import { isAlive, probe } from "../region/threads.ts";
import type { SemaphorePlace } from "./semaphore-place.ts";

const HELD = 1;

/** Words that the holders of an owned semaphore need. */
export function holderWords(region: Region): number {
  return region.maxThreads * 2;
}

function entryOf(place: SemaphorePlace): number {
  return place.index + SEMAPHORE_WORDS + (place.me & 0xfff) * 2;
}

/** How many permits this thread holds; with the mutex held. */
export function heldHere(place: SemaphorePlace): number {
  const words = place.region.memory.words;
  const at = entryOf(place);
  return peek(words, at) === place.me ? peek(words, at + HELD) : 0;
}

/** Makes the slot's entry this thread's, before it takes permits; with the mutex held. True if permits came back. */
export function claimEntry(place: SemaphorePlace): boolean {
  const words = place.region.memory.words;
  const at = entryOf(place);
  if (peek(words, at) === place.me) return false;
  const returned = recount(place, false);
  poke(words, at, place.me);
  return returned;
}

/** Notes permits taken or given by this thread, whose entry it must be; with the mutex held. */
export function addHeld(place: SemaphorePlace, n: number): void {
  const words = place.region.memory.words;
  const at = entryOf(place) + HELD;
  poke(words, at, peek(words, at) + n);
}

/**
 * Gives back what dead threads hold and sets VALUE from the holders; with the mutex held. True if permits came back.
 * `ask`: probe the holders that seem alive.
 */
export function recount(place: SemaphorePlace, ask: boolean): boolean {
  const { region, index, me } = place;
  const words = region.memory.words;
  let held = 0;
  for (let slot = 0; slot < region.maxThreads; slot++) {
    const at = index + SEMAPHORE_WORDS + slot * 2;
    const owner = peek(words, at);
    if (owner === 0) continue;
    const theirs = peek(words, at + HELD);
    if (!isAlive(words, owner) || (ask && owner !== me && theirs > 0 && probe(words, owner))) {
      poke(words, at + HELD, 0);
      poke(words, at, 0);
    } else held += theirs;
  }
  const before = load(words, index + VALUE);
  const available = load(words, index + BOUND) - held;
  if (available !== permitsOf(before)) store(words, index + VALUE, available | (before & (1 << 31)));
  return available > permitsOf(before);
}

/** Whether another living thread holds permits; with the mutex held. */
export function heldElsewhere(place: SemaphorePlace): boolean {
  recount(place, true);
  const { words } = place.region.memory;
  return permitsOf(load(words, place.index + VALUE)) + heldHere(place) < load(words, place.index + BOUND);
}
