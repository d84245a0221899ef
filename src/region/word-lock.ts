// Blocking acquisition of a mutex word: the one loop by which a thread sleeps for a mutex, used by the region's own
// locks (allocator, directory), the shards of tables, and the public Mutex.
//
// Who wakes it: the holder's unlock, in the name of S. What if the holder dies: the reaper wakes all sleepers, or the
// slice ends and the owner is probed; then the lock is taken with D. What if the wake is swallowed by a thread that dies:
// the reaper wakes all again. Every leave follows a step that saw the lock owned and S set, so it takes no wake along.

import type { CoreExports } from "../assembly/core.ts";
import { add, load, peek } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { NotRecoverableError, WouldDeadlockError } from "../cells/errors.ts";
import { blockingAllowed, SLICE_MS, TIMED_OUT, wake, wakeAll } from "../cells/park.ts";
import { LOCK_MISSED, LOCK_TAKEN, LOOK_FIRST, NOT_SLEPT } from "../protocols/lock-wait.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  announceStarving,
  HELD_BY_ME,
  isStarving,
  LOCK,
  lockStep,
  MUST_WAIT,
  markConsistent,
  NOT_OWNER,
  NOT_RECOVERABLE,
  ownerOf,
  RELEASED,
  SEQ,
  takeFromDead,
  tryLock,
  tryStep,
  UNRECOVERABLE,
  unlock,
  WAKE_ASYNC,
  WAKE_EVERYONE,
  WAKE_SYNC,
  withdrawStarving,
} from "../protocols/mutex.ts";
import { DEADLOCKED, deadlockError, FIRST_SLICE_MS } from "./deadlock.ts";
import { T_PARKS } from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import { EXCLUSIVE, PART, released, releasing } from "./record-holds.ts";
import { isRecording } from "./record-memory.ts";
import { recordWait } from "./recording.ts";
import { lookForDeadlock, sleepAnnounced } from "./sleeping.ts";
import type { Spinning } from "./spinning.ts";
import { countParked, isAlive, probe } from "./threads.ts";
import { FOR_OWNER, FOR_PART } from "./waits.ts";

/** In place of a ticket: the wait has not begun yet. */
export const BEGINS = -NOT_SLEPT;
/** When this thread's last {@link waitUsual} began: how long it has waited if it goes on. */
let usualBegan = 0;

/** A waiter that waited longer may not be overtaken any more by threads that come later (as in Go). */
export const STARVING_MS = 1;
/** How long a free lock is kept for a starving waiter, should that one have died. */
const RESERVED_MS = 2;

/**
 * How often a starving waiter that looked on in vain takes F back before it sleeps again. The holder, it seems, does not run:
 * perhaps on the very core on which the waiter was woken. A lock that is kept for a thread that sleeps is idle until it comes.
 */
const PATIENCE = 3;

/** The making of a named object that is under way. */
export interface Naming {
  /** Its entry in the directory, not linked yet. */
  readonly entry: number;
  /** The blocks that were allocated for it. */
  readonly blocks: number[];
}

/** What a lock needs of the thread that uses it. */
export interface Locker {
  readonly memory: RegionMemory;
  /** What is allocated meanwhile belongs to the object that this thread makes. */
  naming?: Naming | undefined;
  /** The thread's owner id in the region. */
  readonly me: number;
  /** Word index of the thread's slot. */
  readonly seatAt: number;
  /** Undefined: it never spins. */
  readonly spinning?: (Pick<Spinning, "spinForLock" | "limit"> & Partial<Pick<Spinning, "look">>) | undefined;
  /** The usual course of a sleep in one operation (protocols/lock-wait.ts), where threads park by Atomics. */
  readonly sleeping?: Pick<CoreExports, "sleepForLock" | "waitForLock"> | undefined;
  /**
   * Nodes whose sleepers this thread wakes once it gives back a lock that it holds (wait-queue.ts): lock, node, lock, …
   * Undefined: it wakes them at once.
   */
  readonly owedWakes?: number[];
  /** How many it wakes at once at the most; those that it chose beyond are woken in a chain. Default: by the cores. */
  readonly wakesAtOnce?: number;
}

/** What a thread waits for, if it can be freed and its memory used anew meanwhile. */
export interface Perishable {
  /** Whether it is still what it was when the wait began. */
  isCurrent(): boolean;
}

/** Wakes those that a release or a withdrawal owes a wake. */
export function payWakes(words: Int32Array, index: number, owed: number): void {
  if ((owed & WAKE_SYNC) !== 0) wake(words, index + LOCK, 1);
  if ((owed & WAKE_EVERYONE) !== 0) wakeAll(words, index + LOCK);
  if ((owed & (WAKE_ASYNC | WAKE_EVERYONE)) !== 0) {
    // All async waiters are woken: a thread that then blocks elsewhere must not sit on the only wake.
    add(words, index + SEQ, 1);
    wakeAll(words, index + SEQ);
  }
}

/** As {@link payWakes}, at the end of a hold: a recording that is on learns of it. */
export function payRelease(memory: RegionMemory, index: number, owed: number, how: number): void {
  if (!isRecording()) return payWakes(memory.words, index, owed);
  releasing(memory, index, how);
  payWakes(memory.words, index, owed);
  released();
}

/** Whether the word's owner is gone; asks the thread itself only if `ask`. */
export function ownerIsDead(words: Int32Array, word: number, ask: boolean): boolean {
  const owner = ownerOf(word);
  if (owner === 0 || owner === NOT_RECOVERABLE) return false;
  return !isAlive(words, owner) || (ask && probe(words, owner));
}

/**
 * The usual course of a wait, by {@link Locker.sleeping}: a spin, a sleep, a spin. The ticket of the hold, or what
 * {@link lockBlocking} goes on with. Only while no recording is on.
 */
export function waitUsual(
  locker: Locker,
  { waitForLock }: Pick<CoreExports, "waitForLock">,
  index: number,
  how: number,
): number {
  const { me, seatAt, spinning } = locker;
  const { words } = locker.memory;
  spinning?.look?.(index);
  const sleeps = peek(words, seatAt + T_PARKS);
  usualBegan = now();
  const came = waitForLock(index, me, seatAt, how, FIRST_SLICE_MS, spinning?.limit ?? 0);
  if (peek(words, seatAt + T_PARKS) !== sleeps) countParked(words, seatAt, now() - usualBegan);
  return came;
}

/**
 * Sleeps until the lock is this thread's, or can't be, or the deadline is over: ACQUIRED, ACQUIRED_DIED, HELD_BY_ME,
 * UNRECOVERABLE (also if `what` is no longer current), MUST_WAIT (time-out) or DEADLOCKED. Blocks; a thread that may not block spins
 * instead (only the region's own short locks are ever asked for there). `came` is what {@link waitUsual} came to.
 */
export function lockBlocking(
  locker: Locker,
  index: number,
  deadline: number,
  what?: Perishable,
  came: number = BEGINS,
): number {
  if (!isRecording() || came !== BEGINS) return lockSleeping(locker, index, deadline, what, -came);
  const how = what === undefined ? PART : EXCLUSIVE;
  return recordWait(locker, index, how, () => {
    // Whoever would have spun before it came here does so now, so that the spin is in the recording.
    const spinning = blockingAllowed() ? locker.spinning : undefined;
    if (spinning !== undefined && spinning.spinForLock(index, locker.me, 0, 0) !== 0) return ACQUIRED;
    return lockSleeping(locker, index, deadline, what, NOT_SLEPT);
  });
}

function lockSleeping(
  locker: Locker,
  index: number,
  deadline: number,
  what: Perishable | undefined,
  came: number,
): number {
  if (came < MUST_WAIT) return came;
  const words = locker.memory.words;
  const me = locker.me;
  if (!blockingAllowed()) return lockSpinning(words, index, me, deadline);
  const { spinning } = locker;
  const goesOn = came === LOCK_MISSED || came === LOOK_FIRST;
  let ended = came === LOOK_FIRST ? lookForDeadlock(words, locker, index) : 0;
  if (goesOn && isOver(words, index, what)) return UNRECOVERABLE;
  const begun = goesOn ? usualBegan : now();
  let slept: 0 | 1 = goesOn ? 1 : 0;
  let starver = 0;
  /** It has slept, and has not starved in vain since. */
  let rises = goesOn;
  let inVain = 0;
  const how = what === undefined ? FOR_PART : FOR_OWNER;
  let ask = ended === TIMED_OUT;
  for (;;) {
    const step = lockStep(words, index, me, slept, starver);
    if (step > 0) {
      if (starver !== 0 && step !== ACQUIRED && step !== ACQUIRED_DIED) {
        payWakes(words, index, withdrawStarving(words, index));
      }
      return step;
    }
    if (ownerIsDead(words, step, ask)) {
      if (takeFromDead(words, index, me, step)) {
        if (starver !== 0) withdrawStarving(words, index);
        return ACQUIRED_DIED;
      }
      continue;
    }
    const time = now();
    if (time >= deadline && !ask && ended !== DEADLOCKED) {
      // However little time was given: the last look asks whether the owner lives.
      ask = true;
      continue;
    }
    if (time >= deadline || ended === DEADLOCKED) {
      if (starver !== 0) payWakes(words, index, withdrawStarving(words, index));
      return ended === DEADLOCKED ? DEADLOCKED : MUST_WAIT;
    }
    // Again if need be: a free lock is kept for the starver for a short time only, then F is taken from it.
    if (rises && !isStarving(step) && time - begun > STARVING_MS && announceStarving(words, index)) {
      starver = 1;
      if (spinning !== undefined) {
        if (spinning.spinForLock(index, me, 1, 1) !== 0) return ACQUIRED;
        if (inVain++ < PATIENCE) {
          rises = false;
          starver = 0;
          // It tries again, so it owes no wake: if the lock is free now, it takes it with all its flags.
          withdrawStarving(words, index);
        }
      }
      continue;
    }
    const reserved = ownerOf(step) === 0;
    const slice = Math.min(reserved ? RESERVED_MS : SLICE_MS, deadline - time);
    if (locker.sleeping !== undefined && slice === SLICE_MS && !ask && starver === 0 && !isRecording()) {
      ended = sleepUsual(locker, locker.sleeping, index, step, how, time);
      if (ended === LOCK_TAKEN) return ACQUIRED;
    } else ended = sleepAnnounced(words, locker, index + LOCK, step, index, slice, how);
    ask = ended === TIMED_OUT;
    slept = 1;
    rises = true;
    if (isOver(words, index, what)) {
      if (starver !== 0) payWakes(words, index, withdrawStarving(words, index));
      return UNRECOVERABLE;
    }
    if (ended !== LOCK_MISSED && spinning !== undefined && spinning.spinForLock(index, me, 1, starver) !== 0) {
      return ACQUIRED;
    }
    // The starver that the free lock was kept for did not come: it died, or it takes the lock at this very moment.
    if (ask && reserved) payWakes(words, index, withdrawStarving(words, index));
  }
}

/** After a sleep: whether the words are another mutex's now. The wake may have been meant for one of that one's waiters. */
function isOver(words: Int32Array, index: number, what: Perishable | undefined): boolean {
  if (what === undefined || what.isCurrent()) return false;
  wake(words, index + LOCK, 1);
  return true;
}

/** One sleep of the usual course: LOCK_TAKEN, LOCK_MISSED, or what {@link sleepAnnounced} returns. */
function sleepUsual(
  locker: Locker,
  { sleepForLock }: Pick<CoreExports, "sleepForLock">,
  index: number,
  seen: number,
  how: number,
  begun: number,
): number {
  const { me, seatAt } = locker;
  const { words } = locker.memory;
  const ended = sleepForLock(index, me, seatAt, seen, how, FIRST_SLICE_MS, locker.spinning?.limit ?? 0);
  if (ended === NOT_SLEPT) return sleepAnnounced(words, locker, index + LOCK, seen, index, SLICE_MS, how);
  countParked(words, seatAt, now() - begun);
  return ended === LOOK_FIRST ? lookForDeadlock(words, locker, index) : ended;
}

/** For a thread that may not block: a bounded section of another thread is all that it ever spins for. */
function lockSpinning(words: Int32Array, index: number, me: number, deadline: number): number {
  for (;;) {
    const step = tryStep(words, index, me);
    if (step !== MUST_WAIT) return step;
    const word = load(words, index + LOCK);
    if (ownerIsDead(words, word, true) && takeFromDead(words, index, me, word)) return ACQUIRED_DIED;
    if (now() >= deadline) return MUST_WAIT;
  }
}

/**
 * Acquires an internal mutex: 1, or 2 if the last owner died while it held it (repair, then {@link markWordConsistent}).
 * Throws ERR_WOULD_DEADLOCK if this thread holds it already, ERR_DEADLOCK, ERR_NOT_RECOVERABLE if a repair failed before.
 */
export function acquireWord(locker: Locker, index: number): 1 | 2 {
  if (tryLock(locker.memory.words, index, locker.me) !== 0) return 1;
  const spinning = blockingAllowed() && !isRecording() ? locker.spinning : undefined;
  if (spinning !== undefined && spinning.spinForLock(index, locker.me, 0, 0) !== 0) return 1;
  const result = lockBlocking(locker, index, Number.POSITIVE_INFINITY);
  if (result === ACQUIRED) return 1;
  if (result === ACQUIRED_DIED) return 2;
  if (result === DEADLOCKED) throw deadlockError(locker);
  if (result === HELD_BY_ME) {
    throw new WouldDeadlockError(
      "ERR_WOULD_DEADLOCK",
      "this thread is already inside an operation that holds this lock (a callback must not use the same entry again)",
      { index },
    );
  }
  throw new NotRecoverableError(
    "ERR_NOT_RECOVERABLE",
    "a thread died inside this structure and its repair did not finish: free it and create it anew",
    { index, result: result === UNRECOVERABLE ? "not recoverable" : result },
  );
}

/** Declares what the mutex protects repaired, after {@link acquireWord} returned 2. */
export function markWordConsistent(locker: Locker, index: number): void {
  markConsistent(locker.memory.words, index, locker.me);
}

/** Releases an internal mutex. */
export function releaseWord(locker: Locker, index: number): void {
  const words = locker.memory.words;
  const owed = unlock(words, index, locker.me);
  if (owed !== RELEASED && owed !== NOT_OWNER) payRelease(locker.memory, index, owed, PART);
}

/**
 * Runs `work` with an internal mutex held. If the last owner died inside, `repair` runs first; should it throw, the lock
 * is released unmarked, so that everyone is told, and the error is passed on.
 */
export function withWord<T>(locker: Locker, index: number, repair: (locker: Locker) => void, work: () => T): T {
  const died = acquireWord(locker, index) === 2;
  try {
    if (died) {
      repair(locker);
      markWordConsistent(locker, index);
    }
    return work();
  } finally {
    releaseWord(locker, index);
  }
}
