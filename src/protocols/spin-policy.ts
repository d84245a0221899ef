// What a lock has learnt about spinning for it: whether it is handed on more often where those who wait spin, or where they
// sleep at once. Both are tried, in turns of some milliseconds, by how often the lock was taken meanwhile; the better one stays,
// and the other is tried again ever more rarely, down to one turn in 57. No count of looks, share of spins that
// succeed or length of a hold says as much: whether a spin pays depends on the cores, on who else runs, and on what a move
// of the lock's cache line from core to core costs beside a hold.
//
// Word POLICY of a mutex that is not fair, at first 0: b0 SLEEPS: sleep without a spin | b1 TRYING: this turn is a trial of
// the other way | b2-3 TURN, its number | b4-9 STAY, turns until the next trial | b10-11 PATIENCE | b12-20 and
// b21-29 rates of spinning and of sleeping: logarithms, 24 steps an octave, 0 while unknown.
//
// Invariant: POLICY is a hint. It changes by a compare-exchange from a value that is not negative to one that is not, so
// it never becomes or stops being that of a fair lock, even if the memory is another lock's by now; and any value of it is
// a good one, so nothing is lost if a thread dies here.

import type { i32 } from "../cells/atomics.ts";

export const SLEEPS: i32 = 1;
const TRYING: i32 = 2;
const TURN: i32 = 12;
const NEXT_TURN: i32 = 4;
const STAY_SHIFT: i32 = 4;
const STAY: i32 = 63;
const PATIENCE_SHIFT: i32 = 10;
const MOST_PATIENCE: i32 = 3;
const SPIN_SHIFT: i32 = 12;
const SLEEP_SHIFT: i32 = 21;
/** Steps of a rate's logarithm that double it. */
export const STEPS_AN_OCTAVE: i32 = 24;
/** The highest rate. */
export const RATE: i32 = 511;
/** Turns that the better way stays at least. */
const LEAST_STAY: i32 = 7;
/** Steps by which the other way must be better: 9 %. */
const MARGIN: i32 = 3;
/**
 * About 8 million holds a second. A lock that is taken more often than that changes hands faster than its cache line could
 * move from core to core: whoever spins for it is in the way, and a trial of that is rarely worth its turn.
 */
const FAST: i32 = 311;
const FAST_MARGIN: i32 = 12;

/** The turn that a policy is in: another value means that it has been changed since. */
export function turnOf(policy: i32): i32 {
  return policy & (TURN | SLEEPS | TRYING);
}

/** The policy after a turn during which the lock was taken at this rate, 1 … RATE. */
export function reviewed(policy: i32, rate: i32): i32 {
  const way = policy & SLEEPS;
  const shift = way !== 0 ? SLEEP_SHIFT : SPIN_SHIFT;
  const other = (policy >> (way !== 0 ? SPIN_SHIFT : SLEEP_SHIFT)) & RATE;
  const known = (policy >> shift) & RATE;
  const trial = policy & TRYING;
  // A mean of the last few turns, the latest ones most.
  const mean = known === 0 ? rate : trial !== 0 ? (known + rate + 1) >> 1 : (3 * known + rate + 2) >> 2;
  let next = way;
  let trying: i32 = 0;
  let stay = (policy >> STAY_SHIFT) & STAY;
  let patience = (policy >> PATIENCE_SHIFT) & MOST_PATIENCE;
  if (trial !== 0) {
    const fast = way === 0 && other >= FAST;
    const better = mean > other + (fast ? FAST_MARGIN : MARGIN);
    if (!better) next ^= SLEEPS;
    patience = better ? 0 : fast || patience === MOST_PATIENCE ? MOST_PATIENCE : patience + 1;
    stay = LEAST_STAY << patience;
  } else if (stay !== 0) stay--;
  else {
    next ^= SLEEPS;
    trying = TRYING;
  }
  const kept = policy & (RATE << (way !== 0 ? SPIN_SHIFT : SLEEP_SHIFT));
  const turn = (policy + NEXT_TURN) & TURN;
  return kept | (mean << shift) | (patience << PATIENCE_SHIFT) | (stay << STAY_SHIFT) | turn | trying | next;
}
