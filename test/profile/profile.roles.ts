// Two threads that take one lock in turn, each in a function of its own name, and measure it themselves. Each lets the
// lock go only when the other sleeps for it, so every wait is as long as the time between that look and the release.

import type { Mutex } from "../../src/index.ts";

export const ROUNDS = 20;
const HELD_MS = 10;

export interface Measured {
  readonly role: string;
  /** Milliseconds around the calls of lock(). */
  readonly around: number;
  /** Milliseconds between a look that saw the other one asleep and the release: the other one waited longer than that. */
  readonly awaited: number;
  /** Milliseconds from lock()'s return to release(), of holds that began with a wait. */
  readonly held: number;
}

export function flagsOf(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer);
}

/** Sleeps until the flag has reached the value. */
export function waitUntil(flags: Int32Array, flag: number, value: number): void {
  for (let now = Atomics.load(flags, flag); now < value; now = Atomics.load(flags, flag)) {
    Atomics.wait(flags, flag, now);
  }
}

function reach(flags: Int32Array, flag: number, value: number): void {
  Atomics.store(flags, flag, value);
  Atomics.notify(flags, flag);
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** The call must not be the last thing that a function does: JavaScriptCore gives up the frame of a tail call. */
const calls = { culprit: 0, victim: 0 };

function culprit(mutex: Mutex) {
  const guard = mutex.lock();
  calls.culprit++;
  return guard;
}

function victim(mutex: Mutex) {
  const guard = mutex.lock();
  calls.victim++;
  return guard;
}

const CULPRIT_HAS = 0;
const VICTIM_HAS = 1;

/** Plays one role to its end and tells what it measured. */
export function act(role: "culprit" | "victim", mutex: Mutex, flags: Int32Array, rounds: number): Measured {
  const first = role === "culprit";
  const sums = { around: 0, awaited: 0, held: 0 };
  for (let round = 1; round <= rounds; round++) {
    // The culprit comes when the victim has the lock (or, at first, nobody); the victim when the culprit has it.
    waitUntil(flags, first ? VICTIM_HAS : CULPRIT_HAS, first ? round - 1 : round);
    const came = performance.now();
    const guard = first ? culprit(mutex) : victim(mutex);
    const got = performance.now();
    sums.around += got - came;
    reach(flags, first ? CULPRIT_HAS : VICTIM_HAS, round);
    if (first || round < rounds) {
      while (mutex.waiters === 0) sleep(0.2);
      const seen = performance.now();
      sleep(first ? HELD_MS : 0.1);
      sums.awaited += performance.now() - seen;
    }
    if (!first || round > 1) sums.held += performance.now() - got;
    guard.release();
  }
  return { role, ...sums };
}
