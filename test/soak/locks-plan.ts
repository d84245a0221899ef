// The kill storm over locks: what its threads share beside the locks. All of it is plain memory, changed without atomic
// operations: what keeps it right is the locks alone.

import { Barrier, type BarrierHandle } from "../../src/locks/barrier.ts";
import { Condition, type ConditionHandle } from "../../src/locks/condition.ts";
import { Event, type EventHandle } from "../../src/locks/event.ts";
import { Latch, type LatchHandle } from "../../src/locks/latch.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { Once, type OnceHandle } from "../../src/locks/once.ts";
import { ReentrantMutex, type ReentrantMutexHandle } from "../../src/locks/reentrant-mutex.ts";
import { RwLock, type RwLockHandle } from "../../src/locks/rw-lock.ts";
import { Semaphore, type SemaphoreHandle } from "../../src/locks/semaphore.ts";
import { StampedLock, type StampedLockHandle } from "../../src/locks/stamped-lock.ts";
import type { Region } from "../../src/region/region.ts";

export const ONCES = 256;
/** Permits of the two semaphores that several threads hold at once. */
export const PERMITS = 3;

/** What threads do; a thread notes the number of what it is doing. */
export const operations = [
  "Mutex",
  "ReentrantMutex",
  "RwLock write",
  "RwLock read",
  "RwLock upgrade",
  "RwLock downgrade",
  "StampedLock write",
  "StampedLock read",
  "StampedLock optimistic",
  "Condition",
  "Semaphore of 1",
  "fair Semaphore of 1",
  "Semaphore of 3",
  "fair Semaphore of 3",
  "Event",
  "Latch",
  "Barrier",
  "Once",
  "two locks",
] as const;

/** What one thread at a time may be inside of. */
export const ROOMS: number = 8 + ONCES;
/** Rooms that also have readers. */
export const READ_ROOMS = 2;
/** Slots of threads in the region. */
export const SLOTS = 64;

/** Words of the plain memory: where each part begins. */
export const STOP = 0;
/** The number of what a thread did last. */
export const FASHION = 2;
export const INSIDE = 16;
export const COUNTS: number = INSIDE + ROOMS;
export const PAIRS: number = COUNTS + ROOMS;
export const READING: number = PAIRS + 2 * READ_ROOMS;
/** Two semaphores, a word a slot. */
export const HOLDING: number = READING + READ_ROOMS * SLOTS;
/** Of each thread: operations done, the number of the one it does, then its own count of each room. */
export const THREADS: number = HOLDING + 2 * SLOTS;
export const THREAD_WORDS: number = 2 + ROOMS;

export function plainWords(threads: number): number {
  return THREADS + threads * THREAD_WORDS;
}

/** The locks, as they cross to a worker. */
export interface LockHandles {
  readonly mutex: MutexHandle;
  readonly reentrant: ReentrantMutexHandle;
  readonly rw: RwLockHandle;
  readonly stamped: StampedLockHandle;
  readonly guarding: MutexHandle;
  readonly condition: ConditionHandle;
  readonly single: SemaphoreHandle;
  readonly fairSingle: SemaphoreHandle;
  readonly several: SemaphoreHandle;
  readonly fairSeveral: SemaphoreHandle;
  readonly event: EventHandle;
  readonly latch: LatchHandle;
  readonly barrier: BarrierHandle;
  readonly onces: readonly OnceHandle[];
}

/** `fair`: all mutexes are first in, first out. */
export function makeLocks(region: Region, fair: boolean): LockHandles {
  const guarding = new Mutex({ region, fair });
  const semaphore = (permits: number, inOrder: boolean): SemaphoreHandle =>
    new Semaphore({ region, permits, fair: inOrder, owned: true }).share() as SemaphoreHandle;
  return {
    mutex: new Mutex({ region, fair }).share(),
    reentrant: new ReentrantMutex({ region, fair }).share(),
    rw: new RwLock({ region }).share() as RwLockHandle,
    stamped: new StampedLock({ region }).share() as StampedLockHandle,
    guarding: guarding.share(),
    condition: new Condition(guarding).share(),
    single: semaphore(1, false),
    fairSingle: semaphore(1, true),
    several: semaphore(PERMITS, false),
    fairSeveral: semaphore(PERMITS, true),
    event: new Event({ region }).share() as EventHandle,
    latch: new Latch({ region, count: 2 ** 31 - 1 }).share() as LatchHandle,
    barrier: new Barrier({ region, parties: 2 }).share() as BarrierHandle,
    onces: Array.from({ length: ONCES }, () => new Once({ region }).share() as OnceHandle),
  };
}
