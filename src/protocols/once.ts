// The once: one word that says whether a thing has been done, and by whom it is being done. After Rust's std::sync::Once
// and C++'s call_once: others wait for the first; if it throws or dies, the next one runs.
//
// Word   b31 S: a thread or task may sleep on the word | b30 done | b0..27 runner = owner id, 0: nobody runs it
//
// Legal transitions: idle → running (runner = me), keeping S; running → done, or idle again, without S (the runner owes a
// wake of all); running by a dead thread → running by me; running → the same with S. Done is final.
//
// Invariant: if a thread sleeps on the word, it is running with S, or somebody owes a wake of all. A runner that dies
// leaves the word naming it: every sleeper looks whether the runner lives when the reaper wakes it or its slice ends.

import { cas, type i32, load, type Words } from "../cells/atomics.ts";

/** Words of a once. */
export const ONCE_WORDS: i32 = 4;

const WAITERS: i32 = 1 << 31;
const DONE: i32 = 1 << 30;
const RUNNER: i32 = (1 << 28) - 1;

/** Results of {@link onceStep} besides the word to sleep on, which is negative. */
export const RUN: i32 = 1;
export const IS_DONE: i32 = 2;
export const RUNS_HERE: i32 = 3;

export function isDone(word: i32): boolean {
  return (word & DONE) !== 0;
}

export function runnerOf(word: i32): i32 {
  return word & RUNNER;
}

/**
 * One step of a caller: RUN (the caller runs it now), IS_DONE, RUNS_HERE (this thread runs it already; the word has S for
 * tasks that wait for that), or the word to sleep on.
 */
export function onceStep(words: Words, index: i32, me: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & DONE) !== 0) return IS_DONE;
    const runner = word & RUNNER;
    if (runner === 0) {
      if (cas(words, index, word, word | me) === word) return RUN;
      continue;
    }
    if (word >= 0 && cas(words, index, word, word | WAITERS) !== word) continue;
    return runner === me ? RUNS_HERE : word | WAITERS;
  }
  return IS_DONE;
}

/** Takes over from a runner known to be dead; `seen` is the word that named it: true if the caller runs it now. */
export function takeOverOnce(words: Words, index: i32, me: i32, seen: i32): boolean {
  return cas(words, index, seen, (seen & ~RUNNER) | me) === seen;
}

/** The runner `me` is through: done, or to be run again. 1 if the caller owes a wake of all. */
export function finishOnce(words: Words, index: i32, me: i32, done: i32): i32 {
  for (;;) {
    const word = load(words, index);
    if ((word & RUNNER) !== me) return 0;
    if (cas(words, index, word, done !== 0 ? DONE : 0) === word) return word < 0 ? 1 : 0;
  }
  return 0;
}
