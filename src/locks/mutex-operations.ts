// The fast operations of a mutex, bound to a region: WebAssembly where it serves, else the JavaScript of the same
// protocol. One object a region, so that calls through it stay monomorphic and are inlined.

import { tryLock, unlock, unlockHold } from "../protocols/mutex.ts";
import { lockReentrant, unlockLevel, unlockReentrant } from "../protocols/reentrant-mutex.ts";
import { isRecording } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";
import { FOR_OWNER } from "../region/waits.ts";
import { BEGINS, waitUsual } from "../region/word-lock.ts";

export interface MutexOperations {
  /** The ticket of the hold, or 0 (always 0 in a thread that may not block, which must then say so). */
  lockFast(index: number, me: number): number;
  /** Spins for a lock that another thread holds, unless waits are being recorded: the ticket of the hold, or 0. */
  spin(index: number, me: number): number;
  /**
   * Spins, and sleeps once, for a lock that another thread holds, in one operation if that serves: the ticket of the hold, else
   * what {@link lockBlocking} goes on with.
   */
  wait(index: number, me: number): number;
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

/** Not part of lockFast: one more branch there costs an uncontended pair 2 ns of 12 (measured). */
function spinIn({ spinning }: Region): MutexOperations["spin"] {
  if (spinning === undefined) return () => 0;
  return (index, me) => (isRecording() ? 0 : spinning.spinForLock(index, me, 0, 0));
}

function waitIn(region: Region, mayBlock: boolean): MutexOperations["wait"] {
  const { sleeping } = region;
  if (sleeping !== undefined && mayBlock) {
    return (index) => (isRecording() ? BEGINS : waitUsual(region, sleeping, index, FOR_OWNER));
  }
  const spin = spinIn(region);
  return (index, me) => spin(index, me) || BEGINS;
}

function makeMutex(region: Region, mayBlock: boolean): MutexOperations {
  const { core, memory } = region;
  const spin = spinIn(region);
  const wait = waitIn(region, mayBlock);
  if (core !== undefined) {
    const { tryLock: lockFast, unlock, unlockHold } = core;
    return { lockFast: mayBlock ? lockFast : () => 0, spin, wait, unlock, unlockHold };
  }
  return {
    lockFast: mayBlock ? (index, me) => tryLock(memory.words, index, me) : () => 0,
    spin,
    wait,
    unlock: (index, me) => unlock(memory.words, index, me),
    unlockHold: (index, me, ticket) => unlockHold(memory.words, index, me, ticket),
  };
}

function makeReentrant(region: Region, mayBlock: boolean): MutexOperations {
  const { core, memory } = region;
  const spin = spinIn(region);
  const wait = waitIn(region, mayBlock);
  if (core !== undefined) {
    const { lockReentrant: lockFast, unlockReentrant: unlock, unlockLevel: unlockHold } = core;
    return { lockFast: mayBlock ? lockFast : () => 0, spin, wait, unlock, unlockHold };
  }
  return {
    lockFast: mayBlock ? (index, me) => lockReentrant(memory.words, index, me) : () => 0,
    spin,
    wait,
    unlock: (index, me) => unlockReentrant(memory.words, index, me),
    unlockHold: (index, me, ticket) => unlockLevel(memory.words, index, me, ticket),
  };
}
