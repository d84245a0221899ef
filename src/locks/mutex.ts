// The public Mutex: a thin handle over one mutex word; all state is in the shared memory (protocols/mutex.ts). What it
// shares with ReentrantMutex is in exclusive-lock.ts.

import { peek } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { WouldDeadlockError } from "../cells/errors.ts";
import { HOLD, RELEASED, tryLock, unlock, unlockHold } from "../protocols/mutex.ts";
import { KIND_MUTEX } from "../region/layout.ts";
import { awaitingHere } from "./async-queue.ts";
import type { SavedHold } from "./condition-lock.ts";
import { ExclusiveLock } from "./exclusive-lock.ts";
import type { AcquireOptions, AsyncAcquireOptions, ExclusiveOptions } from "./exclusive-options.ts";
import { Guard } from "./guard.ts";
import { mutexOperations } from "./mutex-operations.ts";
import { handleOptions, type LockHandle } from "./place.ts";

export type MutexOptions = ExclusiveOptions;

export interface LockOptions extends AcquireOptions<Guard<Mutex>> {}

export interface AsyncLockOptions extends AsyncAcquireOptions<Guard<Mutex>> {}

/** What {@link Mutex.share} gives: structured-cloneable. */
export type MutexHandle = LockHandle<"mutex">;

/**
 * A lock that one thread holds at a time, over shared memory. Not reentrant: a thread that locks it twice gets
 * ERR_WOULD_DEADLOCK. Threads may barge: a thread that comes while the lock is free takes it before those that sleep,
 * until one of them has waited for more than 1 ms; then it is served before any newcomer. With `fair: true` it is first
 * in, first out, but for tryLock(), which takes a free lock at once, and for a task whose thread does not run its event
 * loop for 2 ms while the lock is free for it. An uncontended lock() or unlock() is one atomic operation and allocates
 * nothing that lives.
 *
 * If a thread ends while it holds the lock, however it ends, the next owner is told by ERR_OWNER_DIED, with the lock held.
 *
 * Algorithm: Drepper's three-state futex mutex with an owner in the word (POSIX robust mutexes) and Go's starvation mode.
 *
 * @example
 * const counter = new Int32Array(new SharedArrayBuffer(4));
 * const mutex = Mutex.named("counter"); // the same lock in every thread
 * mutex.withLock(() => counter[0]++);
 */
export class Mutex extends ExclusiveLock<Guard<Mutex>> {
  /** Makes a lock, or attaches to the one of that name. Throws ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED. */
  constructor(options: MutexOptions = {}) {
    super(KIND_MUTEX, "mutex", options, mutexOperations);
  }

  /** The lock of this name, made if there is none yet. */
  static named(name: string, options: Omit<MutexOptions, "name"> = {}): Mutex {
    return new Mutex({ ...options, name });
  }

  /**
   * Attaches to the lock of a handle. Throws TypeError for what is no handle, ERR_REGION_KIND for another object's,
   * ERR_CLOSED if it was freed.
   */
  static from(handle: MutexHandle): Mutex {
    return new Mutex(handleOptions(KIND_MUTEX, "mutex", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): MutexHandle {
    return super.share() as MutexHandle;
  }

  /**
   * Acquires the lock; blocks the thread until it has it. Dispose the guard, or call unlock().
   * Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (this thread holds it), ERR_DEADLOCK, ERR_OWNER_DIED (with `guard`: it is held now),
   * ERR_NOT_RECOVERABLE, ERR_CLOSED (freed), ERR_BLOCKING_FORBIDDEN (a browser's main thread: use lockAsync).
   */
  lock(options?: LockOptions): Guard<Mutex> {
    const ticket = this.bare ? tryLock(this.words, this.index, this.me) : this.operations.lockFast(this.index, this.me);
    if (ticket !== 0 && options === undefined && this.words[this.serialAt] === this.serial) {
      return new Guard<Mutex>(this, ticket);
    }
    return this.lockSlow(ticket, options);
  }

  /**
   * Acquires the lock if it is free (never fails spuriously), or waits up to `timeout` milliseconds if one is given.
   * Undefined if it was not to be had. Throws as lock() does, but for the time-out.
   */
  tryLock(options?: LockOptions): Guard<Mutex> | undefined {
    if (options === undefined) {
      const ticket = this.operations.lockFast(this.index, this.me);
      if (ticket !== 0)
        return this.words[this.serialAt] === this.serial ? new Guard(this, ticket) : this.lockSlow(ticket);
    }
    return this.trySlow(options === undefined ? {} : options);
  }

  /**
   * Acquires the lock without blocking the event loop. Tasks of one thread exclude each other like threads, first come,
   * first served among them. The process stays alive while it waits. Rejects as lock() throws, and with `signal.reason`.
   */
  lockAsync(options?: AsyncLockOptions): Promise<Guard<Mutex>> {
    // Tasks of this thread that wait already are first.
    if (options === undefined && awaitingHere(this.region, this.index) === 0) {
      const ticket = this.operations.lockFast(this.index, this.me);
      // lockSlow may throw: as a rejection.
      if (ticket !== 0) return new Promise((resolve) => resolve(this.lockSlow(ticket)));
    }
    return this.acquireAsync(options === undefined ? {} : options);
  }

  /** Runs `fn` with the lock held and returns its result; the lock is released even if it throws. Throws as lock(). */
  withLock<T>(fn: () => T, options?: LockOptions): T {
    checkSyncFunction("withLock", "withLockAsync", fn);
    const guard = this.lock(options);
    try {
      return fn();
    } finally {
      guard.release();
    }
  }

  /** As {@link withLock}, for an async `fn`: the lock is held until its promise settles. */
  async withLockAsync<T>(fn: () => T | Promise<T>, options?: AsyncLockOptions): Promise<T> {
    checkFunction("withLockAsync", fn);
    const guard = await this.lockAsync(options);
    try {
      return await fn();
    } finally {
      guard.release();
    }
  }

  /** Releases the lock. Never blocks. Throws ERR_NOT_OWNER if this thread does not hold it. */
  unlock(): void {
    if (this.words[this.serialAt] !== this.serial) throw this.closedError();
    const owed = this.bare ? unlock(this.words, this.index, this.me) : this.operations.unlock(this.index, this.me);
    if (owed !== RELEASED) this.unlockSlow(owed);
  }

  /** @internal */
  override releaseHold(ticket: number): boolean {
    const owed = this.bare
      ? unlockHold(this.words, this.index, this.me, ticket)
      : this.operations.unlockHold(this.index, this.me, ticket);
    return owed === RELEASED || this.releaseSlow(owed);
  }

  /** @internal */
  override get plainMutex(): number {
    return this.index;
  }

  /** @internal */
  protected override guardOf(ticket: number): Guard<Mutex> {
    return new Guard<Mutex>(this, ticket);
  }

  /** @internal */
  protected override began(): void {}

  /** @internal */
  protected override heldAlready(): never {
    throw new WouldDeadlockError(
      "ERR_WOULD_DEADLOCK",
      `${this.label()} is held by this thread (${this.owner}) already and is not reentrant: waiting for it would ` +
        "never end; release it first, or await lockAsync() in another task",
    );
  }

  /** @internal */
  protected override saveHold(): SavedHold {
    return { ticket: peek(this.region.memory.words, this.index + HOLD), depth: 1, mode: 0 };
  }

  /** @internal */
  protected override restoreHold(): void {}

  /** @internal */
  protected override releaseAll(): number {
    return unlock(this.region.memory.words, this.index, this.me);
  }
}
