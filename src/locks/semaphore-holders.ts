// Who holds how many permits of an owned semaphore: two words a thread slot, [owner id, held], changed only under the
// semaphore's mutex. What is available is derived: TOTAL minus what the living hold; so a thread that dies anywhere, even
// between taking a permit and noting it, leaves nothing that a recount does not set right.

import { load, store } from "../cells/atomics.ts";
import { permitsOf, SEMAPHORE_WORDS, TOTAL, VALUE } from "../protocols/semaphore.ts";
import type { Region } from "../region/region.ts";
import { isAlive, probe } from "../region/threads.ts";
import { acquireWord, markWordConsistent, releaseWord } from "../region/word-lock.ts";

/** Words that an owned semaphore needs. */
export function ownedWords(region: Region): number {
  return SEMAPHORE_WORDS + region.maxThreads * 2;
}

function entry(index: number, owner: number): number {
  return index + SEMAPHORE_WORDS + (owner & 0xfff) * 2;
}

/** Runs `work` with the semaphore's mutex held; what a thread left half-done in it is recounted first. */
export function withHolders<T>(region: Region, index: number, work: (words: Int32Array) => T): T {
  const words = region.memory.words;
  if (acquireWord(region, index) === 2) {
    recount(region, index, false);
    markWordConsistent(region, index);
  }
  try {
    return work(words);
  } finally {
    releaseWord(region, index);
  }
}

/** How many permits this thread holds; with the mutex held. */
export function heldBy(words: Int32Array, index: number, owner: number): number {
  const at = entry(index, owner);
  return load(words, at) === owner ? load(words, at + 1) : 0;
}

/** Changes how many permits this thread holds; with the mutex held. */
export function addHeld(region: Region, index: number, owner: number, n: number): void {
  const words = region.memory.words;
  const at = entry(index, owner);
  if (load(words, at) !== owner) {
    // The slot's tenant before this thread is dead: what it held goes back first.
    recount(region, index, false);
    store(words, at, owner);
  }
  store(words, at + 1, load(words, at + 1) + n);
}

/**
 * Gives back what dead threads hold and sets VALUE from the holders; with the mutex held. True if permits came back.
 * `ask`: probe the holders that seem alive.
 */
export function recount(region: Region, index: number, ask: boolean): boolean {
  const words = region.memory.words;
  let held = 0;
  for (let slot = 0; slot < region.maxThreads; slot++) {
    const at = index + SEMAPHORE_WORDS + slot * 2;
    const owner = load(words, at);
    if (owner === 0) continue;
    if (!isAlive(words, owner) || (ask && owner !== region.me && load(words, at + 1) > 0 && probe(words, owner))) {
      store(words, at + 1, 0);
      store(words, at, 0);
    } else held += load(words, at + 1);
  }
  const before = load(words, index + VALUE);
  const available = load(words, index + TOTAL) - held;
  store(words, index + VALUE, available | (before & (1 << 31)));
  return available > permitsOf(before);
}
