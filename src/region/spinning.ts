// Spinning for a mutex word: by whom, and how a thread reviews whether it pays (protocols/spin-policy.ts). A sleep and a wake
// cost some microseconds; where a lock is held for about as long, a thread that looks on instead of sleeping gets it sooner, and
// spares its holder the wake.
//
// Invariant: what a thread notes about a turn is its own; shared is only the lock's POLICY, a hint.

import type { CoreExports } from "../assembly/core.ts";
import { cas, load, peek } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { HOLD, ISSUED, POLICY } from "../protocols/mutex.ts";
import { watchMode, watchReaders } from "../protocols/rw-spin.ts";
import { spinForPermits } from "../protocols/semaphore.ts";
import { spinForLock, wouldSpin } from "../protocols/spin.ts";
import { RATE, reviewed, SLEEPS, STEPS_AN_OCTAVE, turnOf } from "../protocols/spin-policy.ts";
import { cores } from "./host.ts";
import type { RegionMemory } from "./memory.ts";
import { isRecording } from "./record-memory.ts";

/** How a thread spins in a region. Nothing here blocks; 0 tells that it was in vain, or not worth trying. */
export interface Spinning {
  /** Loads that a spin may take at the most; below 0: that each takes. */
  readonly limit: number;
  /** Loads that a spin for permits may take at the most. */
  readonly permitsLimit: number;
  /** Spins for a mutex word (protocols/spin.ts): the ticket of the hold, or 0. */
  spinForLock(index: number, me: number, slept: number, starver: number): number;
  /** Looks on until a read-write lock is open to readers. */
  watchMode(index: number): number;
  /** Looks on until nobody reads; only for the gate's owner. */
  watchReaders(index: number): number;
  /** Spins for permits of a semaphore: how many loads that took, plus 1. Whether it pays, a {@link Patience} tells. */
  spinForPermits(index: number, n: number): number;
}

/** Some 5 µs: what a sleep and a wake cost on warm cores. */
const WASM_LIMIT = 6000;
/** Of JavaScript's loads, of which each costs several of WebAssembly's. */
const JS_LIMIT = 1000;
/**
 * Of a spin for permits, some 40 µs each. Where two threads hand over to each other, the one that spins has to outlast the
 * wake of the other: then both are awake when the permits come, and from then on neither sleeps.
 */
const WASM_PERMITS_LIMIT = 72_000;
const JS_PERMITS_LIMIT = 4000;

/** Milliseconds of a turn: many sleeps and wakes, and about the time that the system gives to a thread at once. */
const TURN_MS = 3;
/** A turn that nobody ended in time says nothing: the lock is hardly ever awaited. */
const STALE_MS = 50;
/** Waits between two looks at the clock. */
const LOOK_EVERY = 8;
/** Locks whose waits a thread notes at a time: 2^5. */
const NOTES = 32;
const NOTES_SHIFT = 27;

/** What a thread knows of a lock's turn. */
interface Note {
  index: number;
  turn: number;
  begun: number;
  ticket: number;
  /** Waits until the next look at the clock. */
  left: number;
}

/** Undefined with one core only: whoever holds the lock can't run beside a thread that spins. */
export function makeSpinning(memory: RegionMemory, core: CoreExports | undefined): Spinning | undefined {
  if (cores() < 2) return undefined;
  return spinningWithin(core === undefined ? JS_LIMIT : WASM_LIMIT, memory, core);
}

/** Spinning with this limit. */
export function spinningWithin(limit: number, memory: RegionMemory, core: CoreExports | undefined): Spinning {
  const loads = Math.abs(limit);
  const permitsLimit = core === undefined ? JS_PERMITS_LIMIT : WASM_PERMITS_LIMIT;
  const steps: Omit<Spinning, "limit"> =
    core === undefined
      ? {
          permitsLimit,
          spinForLock: (index, me, slept, starver) => spinForLock(memory.words, index, me, slept, starver, limit),
          watchMode: (index) => watchMode(memory.words, index, loads),
          watchReaders: (index) => watchReaders(memory.words, index, loads),
          spinForPermits: (index, n) => spinForPermits(memory.words, index, n, permitsLimit),
        }
      : {
          permitsLimit,
          spinForLock: (index, me, slept, starver) => core.spinForLock(index, me, slept, starver, limit),
          watchMode: (index) => core.watchMode(index, loads),
          watchReaders: (index) => core.watchReaders(index, loads),
          spinForPermits: (index, n) => core.spinForPermits(index, n, permitsLimit),
        };
  return counted(memory, limit < 0 ? { limit, ...steps } : learning(limit, memory, steps));
}

/** Turns of spinning that this thread took while waits were recorded. */
export const turns: { taken: number } = { taken: 0 };

/** The same, counting turns while a recording is on. */
function counted(memory: RegionMemory, spinning: Spinning): Spinning {
  const { limit, permitsLimit } = spinning;
  const would = (index: number, starver: number): boolean => wouldSpin(memory.words, index, starver, limit);
  return {
    limit,
    permitsLimit,
    spinForLock(index, me, slept, starver) {
      if (isRecording() && would(index, starver)) turns.taken++;
      return spinning.spinForLock(index, me, slept, starver);
    },
    watchMode(index) {
      if (isRecording() && would(index, 0)) turns.taken++;
      return spinning.watchMode(index);
    },
    watchReaders(index) {
      if (isRecording() && would(index, 0)) turns.taken++;
      return spinning.watchReaders(index);
    },
    spinForPermits(index, n) {
      if (isRecording()) turns.taken++;
      return spinning.spinForPermits(index, n);
    },
  };
}

/** The same, as far as each lock has learnt that it pays. */
function learning(limit: number, memory: RegionMemory, steps: Omit<Spinning, "limit">): Spinning {
  const notes = Array.from({ length: NOTES }, (): Note => ({ index: -1, turn: 0, begun: 0, ticket: 0, left: 0 }));
  const look = (index: number): void => {
    // Locks often lie at like distances, as the shards of a table do: the hash tells them apart.
    const note = notes[Math.imul(index, 0x9e3779b1) >>> NOTES_SHIFT];
    if (note.index !== index || --note.left < 0) review(memory.words, index, note);
  };
  // Of a read-write lock, its gate has learnt: how often it is written.
  const pays = (index: number): boolean => {
    look(index);
    return (load(memory.words, index + POLICY) & SLEEPS) === 0;
  };
  return {
    limit,
    permitsLimit: steps.permitsLimit,
    spinForLock(index, me, slept, starver) {
      look(index);
      return steps.spinForLock(index, me, slept, starver);
    },
    watchMode: (index) => (pays(index) ? steps.watchMode(index) : 0),
    watchReaders: (index) => (pays(index) ? steps.watchReaders(index) : 0),
    spinForPermits: steps.spinForPermits,
  };
}

/** Ends the lock's turn if it is over. */
function review(words: Int32Array, index: number, note: Note): void {
  note.left = LOOK_EVERY;
  const policy = load(words, index + POLICY);
  if (policy < 0) return;
  // The owner's words: numbers that are out of date make the hint a little worse.
  const ticket = peek(words, index + ISSUED) || peek(words, index + HOLD);
  const time = now();
  const known = note.index === index && note.turn === turnOf(policy);
  const length = time - note.begun;
  if (known && length < TURN_MS) return;
  if (known && length < STALE_MS) {
    const rate = ((ticket - note.ticket) & 0x3fffffff) / length;
    const steps = Math.min(RATE, Math.max(1, Math.round(STEPS_AN_OCTAVE * Math.log2(1 + rate))));
    const next = reviewed(policy, steps);
    cas(words, index + POLICY, policy, next);
    note.turn = turnOf(next);
  } else {
    note.index = index;
    note.turn = turnOf(policy);
  }
  note.begun = time;
  note.ticket = ticket;
}

/** Waits without a spin between two spins that are not expected to pay, and where hardly one has paid of late. */
const REST = 31;
const LONG_REST = 255;
/**
 * Parts of a spin's limit: spins that take less come too often, those that take more, which is more than a sleep and a wake
 * cost, too seldom to what they wait for.
 */
const TOO_SHORT = 1 / 1152;
const TOO_LONG = 3 / 8;
const IN_VAIN = 31 / 32;

/**
 * What a thread knows of its spins for a semaphore, which keeps no count of its acquisitions: how long they took lately. Where
 * permits come back after a few loads, whoever spins takes the cache line away from those who release them.
 */
export class Patience {
  /** A running mean, in parts of the limit. */
  #mean = 1 / 4;
  #rest = 0;

  /** Whether a spin took the permits. */
  spin(spinning: Spinning, index: number, n: number): boolean {
    if (this.#rest > 0) {
      this.#rest--;
      return false;
    }
    const taken = spinning.spinForPermits(index, n);
    const part = taken === 0 ? 1 : taken / spinning.permitsLimit;
    this.#mean += (part - this.#mean) / 8;
    if (this.#mean > IN_VAIN) this.#rest = LONG_REST;
    else if (this.#mean < TOO_SHORT || this.#mean > TOO_LONG) this.#rest = REST;
    return taken !== 0;
  }
}
