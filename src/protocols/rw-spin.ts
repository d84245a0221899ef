// Looking on before a sleep, for the read-write lock: bounded loads that change nothing, but that a gate's owner closes an
// open lock to new readers, as it would by its first step (rw-lock.ts). What they saw is a hint: a step follows.

import { cas, type i32, load, type Words } from "../cells/atomics.ts";
import { CLOSED, firstHeld, GONE, MODE } from "./rw-lock.ts";

/** Loads of a quiet word between two looks. */
const GAP: i32 = 8;
const QUIET: i32 = 0;

/** Looks on while the lock is closed to readers, with so many loads at the most: 1 if it is open now. */
export function watchMode(words: Words, index: i32, limit: i32): i32 {
  for (let used: i32 = 0; ; used += GAP + 1) {
    const mode = load(words, index + MODE);
    if ((mode & CLOSED) === 0) return 1;
    if ((mode & GONE) !== 0 || used + GAP >= limit) return 0;
    for (let k: i32 = 0; k < GAP; k++) load(words, QUIET);
  }
  return 0;
}

/** Looks on while others read, with so many loads at the most: 1 if none does now. Only the gate's owner. */
export function watchReaders(words: Words, index: i32, limit: i32): i32 {
  const mode = cas(words, index + MODE, 0, CLOSED);
  // Flags: somebody sleeps, is to be served first, or is to be told of something.
  if (mode !== 0 && mode !== CLOSED) return 0;
  for (let used: i32 = 0; ; used += GAP + 1) {
    if (firstHeld(words, index, 0) === 0) return 1;
    if (used + GAP >= limit) return 0;
    for (let k: i32 = 0; k < GAP; k++) load(words, QUIET);
  }
  return 0;
}
