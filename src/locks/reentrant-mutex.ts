// The public ReentrantMutex: a thin handle over a mutex word and a count of levels (protocols/reentrant-mutex.ts).
// What it shares with Mutex is in exclusive-lock.ts.

import { peek } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { NotOwnerError, WouldDeadlockError } from "../cells/errors.ts";
import { HOLD, RELEASED } from "../protocols/mutex.ts";
import {
  beginHold,
  COUNT,
  enterAgain,
  holdsOf,
  isHeldByTask,
  lockReentrant,
  MAX_HOLDS,
  resumeLevels,
  TOO_DEEP,
  unlockAll,
  unlockLevel,
  unlockReentrant,
} from "../protocols/reentrant-mutex.ts";
import { KIND_REENTRANT_MUTEX } from "../region/layout.ts";
import type { SavedHold } from "./condition-lock.ts";
import { ExclusiveLock } from "./exclusive-lock.ts";
import type { AcquireOptions, AsyncAcquireOptions, ExclusiveOptions } from "./exclusive-options.ts";
import { reentrantOperations } from "./mutex-operations.ts";
import { handleOptions, type LockHandle } from "./place.ts";

export type ReentrantMutexOptions = ExclusiveOptions;

export interface ReentrantLockOptions extends AcquireOptions<ReentrantGuard> {}

export interface AsyncReentrantLockOptions extends AsyncAcquireOptions<ReentrantGuard> {}

/** What {@link ReentrantMutex.share} gives: structured-cloneable. */
export type ReentrantMutexHandle = LockHandle<"reentrant-mutex">;

/** One level of a hold of a {@link ReentrantMutex}; releases exactly that one level, once. */
export class ReentrantGuard implements Disposable {
  // Not derived from Guard: a derived class's constructor doubles the cost of an uncontended lock() on V8.
  /** The lock that is held. */
  readonly lock: ReentrantMutex;
  /** The hold's ticket, 0 once this level was released. */
  #ticket: number;

  /** @internal */
  constructor(lock: ReentrantMutex, ticket: number) {
    this.lock = lock;
    this.#ticket = ticket;
  }

  /** Releases this level if it is still held; otherwise does nothing. Never blocks. */
  release(): void {
    const ticket = this.#ticket;
    if (ticket === 0) return;
    this.#ticket = 0;
    this.lock.releaseHold(ticket);
  }

  /** Whether this guard has not been released and its hold is still the present one. */
  get held(): boolean {
    return this.lock.isHold(this.#ticket);
  }

  /**
   * Enters the hold once more and returns the guard of the new level: the only way for an async task, whose thread says
   * nothing about who it is. Never blocks. Throws ERR_NOT_OWNER if this guard is released or its hold is over, RangeError
   * past 2^30 levels.
   */
  reenter(): ReentrantGuard {
    return this.lock.enterThrough(this.#ticket);
  }

  /** After ERR_OWNER_DIED: declares the protected state repaired. False if it was not in question, or the hold is over. */
  markConsistent(): boolean {
    return this.held && this.lock.markConsistent();
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * A Mutex that the thread which holds it may lock again; it is free when every level is released. Barging, waiting and
 * owner death are as for a {@link Mutex}; a dead owner's levels are gone with it, the next owner has one.
 *
 * Threads re-enter by lock(). A task that holds it by lockAsync() re-enters through its guard, `guard.reenter()`: other
 * tasks run in the same thread, and to them the lock is held by another. So lockAsync() always waits for the lock to be
 * free, and lock() throws ERR_WOULD_DEADLOCK while a task of the same thread holds it.
 *
 * @example
 * const mutex = ReentrantMutex.named("tree");
 * const total = (node) => mutex.withLock(() => node.value + node.children.reduce((sum, child) => sum + total(child), 0));
 */
export class ReentrantMutex extends ExclusiveLock<ReentrantGuard> {
  /** Makes a lock, or attaches to the one of that name. Throws ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED. */
  constructor(options: ReentrantMutexOptions = {}) {
    super(KIND_REENTRANT_MUTEX, "reentrant-mutex", options, reentrantOperations);
  }

  /** The lock of this name, made if there is none yet. */
  static named(name: string, options: Omit<ReentrantMutexOptions, "name"> = {}): ReentrantMutex {
    return new ReentrantMutex({ ...options, name });
  }

  /** Attaches to the lock of a handle. Throws TypeError, ERR_REGION_KIND (another object's), ERR_CLOSED (freed). */
  static from(handle: ReentrantMutexHandle): ReentrantMutex {
    return new ReentrantMutex(handleOptions(KIND_REENTRANT_MUTEX, "reentrant-mutex", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): ReentrantMutexHandle {
    return super.share() as ReentrantMutexHandle;
  }

  /** How many levels this thread (or a task of it) holds; 0 if it does not hold the lock. */
  get holdCount(): number {
    return this.heldByMe ? holdsOf(this.#count()) : 0;
  }

  /**
   * Acquires the lock, or one level more of it; blocks the thread until it has it. Dispose the guard, or call unlock().
   * Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (a task of this thread holds it), ERR_OWNER_DIED (with `guard`: it is held
   * now), ERR_NOT_RECOVERABLE, ERR_CLOSED (freed), ERR_BLOCKING_FORBIDDEN (a browser's main thread: use lockAsync), and
   * RangeError past 2^30 levels.
   */
  lock(options?: ReentrantLockOptions): ReentrantGuard {
    const ticket = this.bare
      ? lockReentrant(this.words, this.index, this.me)
      : this.operations.lockFast(this.index, this.me);
    if (ticket !== 0 && options === undefined) return new ReentrantGuard(this, ticket);
    return this.lockSlow(ticket, options);
  }

  /**
   * Acquires the lock if it is free or this thread's already (never fails spuriously), or waits up to `timeout`
   * milliseconds if one is given. Undefined if it was not to be had. Throws as lock() does, but for the time-out.
   */
  tryLock(options: ReentrantLockOptions = {}): ReentrantGuard | undefined {
    if (this.heldByMe && !isHeldByTask(this.#count())) return this.lock(options);
    return this.trySlow(options);
  }

  /**
   * Acquires the lock without blocking the event loop, first come, first served among the tasks of a thread; it waits
   * until nobody holds the lock, not even this thread. The process stays alive while it waits. Rejects as lock() throws,
   * and with `signal.reason`.
   */
  lockAsync(options: AsyncReentrantLockOptions = {}): Promise<ReentrantGuard> {
    return this.acquireAsync(options);
  }

  /** Runs `fn` with the lock held and returns its result; that level is released even if it throws. Throws as lock(). */
  withLock<T>(fn: () => T, options?: ReentrantLockOptions): T {
    checkSyncFunction("withLock", "withLockAsync", fn);
    const guard = this.lock(options);
    try {
      return fn();
    } finally {
      guard.release();
    }
  }

  /** As {@link withLock}, for an async `fn`, which gets the guard to re-enter by; held until its promise settles. */
  async withLockAsync<T>(
    fn: (guard: ReentrantGuard) => T | Promise<T>,
    options?: AsyncReentrantLockOptions,
  ): Promise<T> {
    checkFunction("withLockAsync", fn);
    const guard = await this.lockAsync(options);
    try {
      return await fn(guard);
    } finally {
      guard.release();
    }
  }

  /** Releases one level of the lock. Never blocks. Throws ERR_NOT_OWNER if this thread does not hold it. */
  unlock(): void {
    const owed = this.bare
      ? unlockReentrant(this.words, this.index, this.me)
      : this.operations.unlock(this.index, this.me);
    if (owed !== RELEASED) this.unlockSlow(owed);
  }

  /** @internal */
  override releaseHold(ticket: number): boolean {
    const owed = this.bare
      ? unlockLevel(this.words, this.index, this.me, ticket)
      : this.operations.unlockHold(this.index, this.me, ticket);
    return owed === RELEASED || this.releaseSlow(owed);
  }

  /** One level more of the hold with this ticket. @internal */
  enterThrough(ticket: number): ReentrantGuard {
    if (!this.isHold(ticket)) {
      const message = `reenter: this guard's hold of ${this.label()} is over, which is ${this.describeState()}`;
      throw new NotOwnerError("ERR_NOT_OWNER", message, { owner: this.owner });
    }
    if (enterAgain(this.region.memory.words, this.index, 1) === TOO_DEEP) throw this.#tooDeep();
    return this.guardOf(ticket);
  }

  #count(): number {
    return peek(this.region.memory.words, this.index + COUNT);
  }

  #tooDeep(): RangeError {
    return new RangeError(`${this.label()} is held ${MAX_HOLDS} times by this thread already, which is the most`);
  }

  /** @internal */
  protected override describeState(): string {
    const { holdCount } = this;
    return holdCount > 1 ? `${super.describeState()} ${holdCount} times` : super.describeState();
  }

  /** @internal */
  protected override guardOf(ticket: number): ReentrantGuard {
    return new ReentrantGuard(this, ticket);
  }

  /** @internal */
  protected override began(byTask: boolean): void {
    beginHold(this.region.memory.words, this.index, byTask ? 1 : 0);
  }

  /** @internal */
  protected override heldAlready(): never {
    if (!isHeldByTask(this.#count())) throw this.#tooDeep();
    throw new WouldDeadlockError(
      "ERR_WOULD_DEADLOCK",
      `${this.label()} is held by an async task of this thread (${this.owner}): waiting for it here would never end; ` +
        "the task itself re-enters by guard.reenter(), others await lockAsync()",
    );
  }

  /** @internal */
  protected override saveHold(): SavedHold {
    const count = this.#count();
    const ticket = peek(this.region.memory.words, this.index + HOLD);
    return { ticket, depth: holdsOf(count), mode: isHeldByTask(count) ? 1 : 0 };
  }

  /** @internal */
  protected override restoreHold(saved: SavedHold): void {
    resumeLevels(this.region.memory.words, this.index, saved.depth, saved.mode);
  }

  /** @internal */
  protected override releaseAll(): number {
    return unlockAll(this.region.memory.words, this.index, this.me);
  }
}
