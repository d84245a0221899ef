// The event: one word, a flag that threads wait for. After CPython's threading.Event, with a generation so that a waiter
// whose event was set returns true even if it is cleared before the waiter runs.
//
// Word   b31 S: a thread or task may sleep on the word | b1..30 generation: counts the sets | b0 set
//
// Legal transitions: unset → set with the next generation, without S (the setter owes a wake of all); set → unset;
// unset → unset with S added.
//
// Invariant: if a thread sleeps on the word, the word is unset with S, or a setter owes a wake of all. A set from set is
// no transition, so it wakes nobody and costs no notify. All sleepers are woken together, so sync and async ones can
// share the cell: no wake is for one alone.

import { cas, type i32, load, type Words } from "../cells/atomics.ts";

/** Words of an event. */
export const EVENT_WORDS: i32 = 4;

const WAITERS: i32 = 1 << 31;
const SET: i32 = 1;
const GENERATION: i32 = 0x7ffffffe;

/** Result of {@link eventStep}: the event is set, or was since the generation that the waiter saw first. */
export const PASSED: i32 = 1;

export function isSet(word: i32): boolean {
  return (word & SET) !== 0;
}

/** The generation in the word: what a waiter remembers from its start. */
export function generationOf(word: i32): i32 {
  return word & GENERATION;
}

/** Sets the event: 1 if the caller owes a wake of all. */
export function setEvent(words: Words, index: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & SET) !== 0) return 0;
    const next = (((word & GENERATION) + 2) & GENERATION) | SET;
    if (cas(words, index, word, next) === word) return word < 0 ? 1 : 0;
  }
  return 0;
}

/** Clears the event. */
export function clearEvent(words: Words, index: i32): void {
  for (;;) {
    const word = load(words, index);
    if ((word & SET) === 0) return;
    if (cas(words, index, word, word & ~SET) === word) return;
  }
}

/** One step of a waiter: PASSED, or the word to sleep on (negative: S is set). */
export function eventStep(words: Words, index: i32, generation: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & SET) !== 0 || (word & GENERATION) !== generation) return PASSED;
    if (word < 0) return word;
    if (cas(words, index, word, word | WAITERS) === word) return word | WAITERS;
  }
  return PASSED;
}
