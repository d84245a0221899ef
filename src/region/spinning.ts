// Spinning for a mutex word: how long, by what the lock has learnt (protocols/spin.ts), and by whom. A sleep and a wake
// cost some microseconds; where a lock is held for about as long, a thread that looks on instead of sleeping gets it sooner, and
// spares its holder the wake. Where it is held longer, or its holder does not run, spins are in vain, and become rare.

import type { CoreExports } from "../assembly/core.ts";
import { spinForLock, wouldSpin } from "../protocols/spin.ts";
import { cores } from "./host.ts";
import type { RegionMemory } from "./memory.ts";
import { isRecording } from "./record-memory.ts";

/** How a thread spins in a region. */
export interface Spinning {
  /** Loads that a spin may take at the most; below 0: that each takes. */
  readonly limit: number;
  /** Spins for a mutex word (protocols/spin.ts): the ticket of the hold, or 0. Never blocks. */
  spinForLock(index: number, me: number, slept: number, starver: number): number;
}

/** Some 5 µs: what a sleep and a wake cost on warm cores. */
const WASM_LIMIT = 6000;
/** Of JavaScript's loads, of which each costs several of WebAssembly's. */
const JS_LIMIT = 1000;

/** Undefined with one core only: whoever holds the lock can't run beside a thread that spins. */
export function makeSpinning(memory: RegionMemory, core: CoreExports | undefined): Spinning | undefined {
  if (cores() < 2) return undefined;
  return spinningWithin(core === undefined ? JS_LIMIT : WASM_LIMIT, memory, core);
}

/** Turns of spinning that this thread took while waits were recorded. */
export const turns: { taken: number } = { taken: 0 };

/** Spinning with this limit. */
export function spinningWithin(limit: number, memory: RegionMemory, core: CoreExports | undefined): Spinning {
  const spin: (index: number, me: number, slept: number, starver: number) => number =
    core === undefined
      ? (index, me, slept, starver) => spinForLock(memory.words, index, me, slept, starver, limit)
      : (index, me, slept, starver) => core.spinForLock(index, me, slept, starver, limit);
  return {
    limit,
    spinForLock(index, me, slept, starver) {
      if (isRecording() && wouldSpin(memory.words, index, limit)) turns.taken++;
      return spin(index, me, slept, starver);
    },
  };
}
