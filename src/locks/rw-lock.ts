// The public RwLock: the read-write lock with upgradable holds, downgrade, and what a Condition needs of it.

import { peek } from "../cells/atomics.ts";
import { deadlineIn } from "../cells/deadline.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  HELD_BY_ME,
  HOLD,
  MUST_WAIT,
  NOT_OWNER,
  nextTicket,
  RELEASED,
  resumeHold,
  UNRECOVERABLE,
} from "../protocols/mutex.ts";
import {
  downgradeWrite,
  holdsGate,
  isGone,
  isPoisoned,
  isWriting,
  OVERFLOW,
  renewRwLock,
} from "../protocols/rw-lock.ts";
import { DEADLOCKED } from "../region/deadlock.ts";
import { KIND_RW_LOCK } from "../region/layout.ts";
import { checkOptions } from "./acquire-options.ts";
import type { ConditionLock, ReacquireOptions, SavedHold } from "./condition-lock.ts";
import { handleOptions, type LockHandle, type PlaceOptions } from "./place.ts";
import { drainAwaiting, gateAwaiting } from "./rw-awaiting.ts";
import { ReadWriteLock } from "./rw-base.ts";
import {
  type AsyncRwOptions,
  ReadGuard,
  type Releasable,
  type RwHeld,
  type RwOptions,
  UpgradableGuard,
  WriteGuard,
} from "./rw-guards.ts";
import {
  drainBlocking,
  gateBlocking,
  gateIsMine,
  gateNow,
  payRwRelease,
  readLook,
  readsHere,
  releaseGate,
  reopen,
} from "./rw-waiting.ts";

export type RwLockOptions = PlaceOptions;
export type RwLockHandle = LockHandle<"rw-lock">;
/** The guards of an RwLock. */
export type RwReadGuard = ReadGuard<RwLock>;
export type RwWriteGuard = WriteGuard<RwLock>;
export type RwUpgradableGuard = UpgradableGuard<RwLock>;

/**
 * A lock that many threads hold for reading, or one for writing. Writers are preferred: while one waits, new readers wait
 * behind it, unless one of them has waited for more than 1 ms; that one (and all beside it) is let in before the next
 * writer. Reading is reentrant within a thread; reading and then writing is not (take `upgradable()` for that). Readers of
 * different threads share no cache line, so they do not slow each other down; a write looks at every thread's cell.
 *
 * A thread that dies while it reads leaves nothing behind. If one dies while it writes, every later holder, readers too,
 * is told by ERR_OWNER_DIED, with the lock held, until a writer calls markConsistent().
 *
 * Algorithm: a big-reader lock (a count a thread, Dekker's handshake with the writer) behind a robust mutex; upgradable
 * holds as in parking_lot.
 *
 * @example
 * const lock = RwLock.named("settings"); // the same lock in every thread
 * const copy = lock.withRead(() => settings.slice());
 * lock.withWrite(() => settings.fill(0));
 */
export class RwLock extends ReadWriteLock<RwReadGuard, RwWriteGuard, "rw-lock"> implements RwHeld, ConditionLock {
  /** Makes a lock, or attaches to the one of that name. Throws ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED. */
  constructor(options: RwLockOptions = {}) {
    super(KIND_RW_LOCK, "rw-lock", options, renewRwLock);
  }

  /** The lock of this name, made if there is none yet. */
  static named(name: string, options: Omit<RwLockOptions, "name"> = {}): RwLock {
    return new RwLock({ ...options, name });
  }

  /** Attaches to the lock of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: RwLockHandle): RwLock {
    return new RwLock(handleOptions(KIND_RW_LOCK, "rw-lock", handle));
  }

  /** @internal */
  protected override makeRead(): RwReadGuard {
    return new ReadGuard<RwLock>(this);
  }

  /** @internal */
  protected override makeWrite(ticket: number): RwWriteGuard {
    return new WriteGuard<RwLock>(this, ticket);
  }

  /**
   * Takes the upgradable hold: other threads read beside it, but nobody writes and nobody else holds it; its guard can
   * become a write guard without anyone writing in between. Blocks while another thread writes or holds it.
   * Throws as read() does, and ERR_WOULD_DEADLOCK if this thread reads: a writer that waits would wait for that.
   */
  upgradable(options: RwOptions<RwUpgradableGuard> = {}): RwUpgradableGuard {
    const timeout = checkOptions(options);
    this.mustMayBlock("upgradable", "upgradableAsync");
    return this.#upgradableOutcome(this.#upgradableBlocking(timeout), timeout, options);
  }

  /** As {@link upgradable}, but undefined if it was not to be had at once, or within `timeout` milliseconds if given. */
  tryUpgradable(options: RwOptions<RwUpgradableGuard> = {}): RwUpgradableGuard | undefined {
    const timeout = checkOptions(options);
    let result: number;
    if (options.timeout !== undefined && timeout > 0) {
      this.mustMayBlock("tryUpgradable with a time-out", "upgradableAsync");
      result = this.#upgradableBlocking(timeout);
    } else {
      result = gateNow(this);
      if (result === HELD_BY_ME) return undefined;
    }
    return result === MUST_WAIT ? undefined : this.#upgradableOutcome(result, timeout, options);
  }

  /** As {@link upgradable}, without blocking the event loop; other tasks of this thread may read beside it. */
  async upgradableAsync(options: AsyncRwOptions<RwUpgradableGuard> = {}): Promise<RwUpgradableGuard> {
    const timeout = checkOptions(options);
    return this.#upgradableOutcome(await gateAwaiting(this, options), timeout, options);
  }

  /**
   * Runs `fn` with the upgradable hold and gives it the guard; what it upgrades or downgrades to is its own to release.
   * Throws as upgradable(), and what `fn` throws.
   */
  withUpgradable<T>(fn: (guard: RwUpgradableGuard) => T, options?: RwOptions<RwUpgradableGuard>): T {
    const guard = this.upgradable(options);
    try {
      return fn(guard);
    } finally {
      guard.release();
    }
  }

  #upgradableBlocking(timeout: number): number {
    if (readsHere(this) > 0) return HELD_BY_ME;
    const now = gateNow(this);
    return now === MUST_WAIT ? gateBlocking(this, deadlineIn(timeout)) : now;
  }

  #upgradableOutcome(result: number, timeout: number, options: RwOptions<RwUpgradableGuard>): RwUpgradableGuard {
    if (result !== ACQUIRED) throw this.failure("upgradable reading", result, timeout);
    if (isGone(this.mode()) || !this.isCurrent()) {
      releaseGate(this);
      throw this.failure("upgradable reading", UNRECOVERABLE, timeout);
    }
    const guard = new UpgradableGuard<RwLock>(this, peek(this.region.memory.words, this.index + HOLD));
    return isPoisoned(this.mode()) ? this.tellDeath(guard, options) : guard;
  }

  /** @internal */
  isUpgradable(ticket: number): boolean {
    return holdsGate(this.region.memory.words, this.index, this.me, ticket) && !isWriting(this.mode());
  }

  /** @internal */
  endUpgradable(ticket: number): boolean {
    if (!this.isUpgradable(ticket)) return false;
    releaseGate(this);
    return true;
  }

  /** @internal */
  upgradeHold(ticket: number, options: RwOptions<never>): number {
    const timeout = checkOptions(options);
    this.#mustBeUpgradable(ticket, "upgrade");
    this.mustMayBlock("upgrade", "upgradeAsync");
    return this.#upgraded(this.#upgradeBlocking(timeout), timeout);
  }

  /** The new ticket; 0: not to be had. @internal */
  tryUpgradeHold(ticket: number, options: RwOptions<never>): number {
    const timeout = checkOptions(options);
    this.#mustBeUpgradable(ticket, "tryUpgrade");
    let result: number;
    if (options.timeout !== undefined && timeout > 0) {
      this.mustMayBlock("tryUpgrade with a time-out", "upgradeAsync");
      result = this.#upgradeBlocking(timeout);
    } else {
      result = readsHere(this) > 0 ? MUST_WAIT : this.drainNow();
    }
    if (result !== MUST_WAIT) return this.#upgraded(result, timeout);
    reopen(this);
    return 0;
  }

  /** @internal */
  async upgradeHoldAsync(ticket: number, options: AsyncRwOptions<never>): Promise<number> {
    const timeout = checkOptions(options);
    this.#mustBeUpgradable(ticket, "upgradeAsync");
    const { words } = this.region.memory;
    // While it waits, the guard is neither good for another upgrade nor for a release.
    nextTicket(words, this.index);
    let upgraded = 0;
    try {
      upgraded = this.#upgraded(await drainAwaiting(this, options), timeout);
    } finally {
      if (upgraded === 0 && gateIsMine(this)) {
        reopen(this);
        resumeHold(words, this.index, ticket);
      }
    }
    return upgraded;
  }

  #upgradeBlocking(timeout: number): number {
    return readsHere(this) > 0 ? HELD_BY_ME : drainBlocking(this, deadlineIn(timeout));
  }

  #upgraded(result: number, timeout: number): number {
    if (result === ACQUIRED || result === ACQUIRED_DIED) {
      this.granted();
      return nextTicket(this.region.memory.words, this.index);
    }
    if (result === MUST_WAIT || result === DEADLOCKED) {
      const error = this.failure("writing", result, timeout);
      reopen(this);
      throw error;
    }
    throw this.failure("upgrading", result, timeout);
  }

  #mustBeUpgradable(ticket: number, call: string): void {
    if (!this.isUpgradable(ticket)) throw this.notOwner(call);
  }

  /** Tells the new writer if the state is in doubt. @internal */
  settleUpgrade<G extends Releasable>(guard: G, options: RwOptions<G>): G {
    return isPoisoned(this.mode()) ? this.tellDeath(guard, options) : guard;
  }

  /** @internal */
  downgradeHold(ticket: number): void {
    const { words } = this.region.memory;
    if (!this.isHold(ticket)) throw this.notOwner("downgrade");
    const owed = downgradeWrite(words, this.index, this.cell, this.me, ticket);
    if (owed !== RELEASED && owed !== NOT_OWNER) payRwRelease(this.region.memory, this.index, owed);
  }

  /** @internal */
  downgradeUpgradable(ticket: number): void {
    this.#mustBeUpgradable(ticket, "downgrade");
    // The gate is this thread's, so nobody has closed the lock: the read hold is had at once.
    const result = readLook(this, false);
    if (result === OVERFLOW) throw this.failure("reading", result, 0);
    releaseGate(this);
  }

  /** @internal */
  isHeldForWait(): boolean {
    return this.writesHere();
  }

  /** @internal */
  isLost(): boolean {
    return this.freed || isGone(this.mode());
  }

  /** @internal */
  releaseForWait(): SavedHold {
    const ticket = peek(this.region.memory.words, this.index + HOLD);
    this.releaseHold(ticket);
    return { ticket, depth: 1, mode: 0 };
  }

  /** @internal */
  get plainMutex(): number {
    return 0;
  }

  /** @internal */
  payRelease(): void {
    // It owes none: it has no plain mutex.
  }

  /** @internal */
  owingWakes(): number {
    return 0;
  }

  /** @internal */
  get movesSleepers(): boolean {
    return false;
  }

  /** @internal */
  reacquire(saved: SavedHold, options: ReacquireOptions): void {
    this.#resume(this.writeBlocking(Number.POSITIVE_INFINITY), saved, options);
  }

  /** @internal */
  async reacquireAsync(saved: SavedHold, options: ReacquireOptions): Promise<void> {
    this.#resume(await this.writeAwaiting({}), saved, options);
  }

  #resume(result: number, saved: SavedHold, options: ReacquireOptions): void {
    if (result !== ACQUIRED && result !== ACQUIRED_DIED) throw this.failure("writing", result, 0);
    if (!this.isCurrent()) {
      this.releaseHold(peek(this.words, this.index + HOLD));
      throw this.closedError();
    }
    resumeHold(this.region.memory.words, this.index, saved.ticket);
    if (result === ACQUIRED_DIED) this.tellDeath(this.makeWrite(saved.ticket), options);
  }
}
