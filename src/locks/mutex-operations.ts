// The fast operations of a mutex, bound to a region: WebAssembly where it serves, else the JavaScript of the same
// protocol. One object a region, so that calls through it stay monomorphic and are inlined.

import { unlock, unlockHold } from "../protocols/mutex.ts";
import { unlockLevel, unlockReentrant } from "../protocols/reentrant-mutex.ts";
import { lockOrSpin, lockReentrantOrSpin } from "../protocols/spin.ts";
import { isRecording } from "../region/recording.ts";
import type { Region } from "../region/region.ts";

type Lock = MutexOperations["lockFast"];

export interface MutexOperations {
  /** Spins a little if the lock is held, unless waits are being recorded. The ticket of the hold, or 0 (always 0 in a thread that may not block, which must then say so). */
  lockFast(index: number, me: number): number;
  unlock(index: number, me: number): number;
  unlockHold(index: number, me: number, ticket: number): number;
}

const mutexes = new WeakMap<Region, MutexOperations>();
const reentrants = new WeakMap<Region, MutexOperations>();

export function mutexOperations(region: Region, mayBlock: boolean): MutexOperations {
  return remembered(mutexes, region, () => makeMutex(region, mayBlock));
}

/** The same for a reentrant mutex: lockFast also enters again, the unlocks leave one level. */
export function reentrantOperations(region: Region, mayBlock: boolean): MutexOperations {
  return remembered(reentrants, region, () => makeReentrant(region, mayBlock));
}

function spinLimit(limit: number): number {
  return isRecording() ? 0 : limit;
}

function remembered(
  known: WeakMap<Region, MutexOperations>,
  region: Region,
  make: () => MutexOperations,
): MutexOperations {
  let operations = known.get(region);
  if (operations === undefined) {
    operations = make();
    known.set(region, operations);
  }
  return operations;
}

function makeMutex(region: Region, mayBlock: boolean): MutexOperations {
  const { core, memory } = region;
  const limit = region.spinning?.limit ?? 0;
  if (core !== undefined) {
    const { tryLock, unlock, unlockHold, lockOrSpin } = core;
    const lockFast: Lock =
      limit === 0 ? tryLock : (index, me) => (isRecording() ? tryLock(index, me) : lockOrSpin(index, me, limit));
    return { lockFast: mayBlock ? lockFast : () => 0, unlock, unlockHold };
  }
  return {
    lockFast: mayBlock ? (index, me) => lockOrSpin(memory.words, index, me, spinLimit(limit)) : () => 0,
    unlock: (index, me) => unlock(memory.words, index, me),
    unlockHold: (index, me, ticket) => unlockHold(memory.words, index, me, ticket),
  };
}

function makeReentrant(region: Region, mayBlock: boolean): MutexOperations {
  const { core, memory } = region;
  const limit = region.spinning?.limit ?? 0;
  if (core !== undefined) {
    const { lockReentrant, unlockReentrant: unlock, unlockLevel: unlockHold, lockReentrantOrSpin } = core;
    const lockFast: Lock =
      limit === 0
        ? lockReentrant
        : (index, me) => (isRecording() ? lockReentrant(index, me) : lockReentrantOrSpin(index, me, limit));
    return { lockFast: mayBlock ? lockFast : () => 0, unlock, unlockHold };
  }
  return {
    lockFast: mayBlock ? (index, me) => lockReentrantOrSpin(memory.words, index, me, spinLimit(limit)) : () => 0,
    unlock: (index, me) => unlockReentrant(memory.words, index, me),
    unlockHold: (index, me, ticket) => unlockLevel(memory.words, index, me, ticket),
  };
}
