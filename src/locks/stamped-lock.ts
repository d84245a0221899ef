// The public StampedLock: the read-write lock with a version, for optimistic reads (protocols/stamped.ts).
//
// Stamps: 0 none | even > 0 optimistic, the version seen | odd the write hold that made this version | negative a read hold
// of this thread, numbered in the thread. Read stamps are known to the thread alone, in `readsOf`, so that one is given
// back once only, by its guard or by unlock().

import { add, load, peek } from "../cells/atomics.ts";
import { checkSyncFunction } from "../cells/callbacks.ts";
import { describe } from "../cells/deadline.ts";
import { ACQUIRED, ACQUIRED_DIED, HOLD, MUST_WAIT, NOT_OWNER, RELEASED } from "../protocols/mutex.ts";
import {
  C_COUNT,
  CELL_WORDS,
  CELLS,
  downgradeWrite,
  firstHeld,
  holdsGate,
  isPoisoned,
  leaveRead,
  renewRwLock,
  VERSION,
  writeStep,
} from "../protocols/rw-lock.ts";
import { beginVersion, endVersion, renewVersion } from "../protocols/stamped.ts";
import { KIND_STAMPED_LOCK } from "../region/layout.ts";
import { handleOptions, type LockHandle, type PlaceOptions } from "./place.ts";
import { ReadWriteLock } from "./rw-base.ts";
import type { RwOptions } from "./rw-guards.ts";
import { gateNow, giveBackDead, payRwWakes, readsHere, releaseGate } from "./rw-waiting.ts";
import { nextReadStamp, readsOf, StampedReadGuard, StampedWriteGuard } from "./stamped-guards.ts";

export type StampedLockOptions = PlaceOptions;
export type StampedLockHandle = LockHandle<"stamped-lock">;

/** Tries of an optimistic read before the read lock is taken. */
const OPTIMISTIC_TRIES = 8;

/**
 * A read-write lock whose readers may also read without it and ask afterwards whether anyone wrote meanwhile. An
 * optimistic read takes no lock and never delays a writer; what it read counts only once `validate` says so: copy the
 * data out, follow no reference in it, and do nothing with it before that.
 *
 * Read and write holds are those of {@link RwLock}, owner death included. While the state is in doubt after a writer's
 * death, no optimistic read begins or validates, and `read()` tells.
 *
 * Algorithm: java.util.concurrent's StampedLock; a seqlock over a big-reader lock.
 *
 * @example
 * const lock = StampedLock.named("position");
 * const [x, y] = lock.readOptimistically(() => [point[0], point[1]]);
 * lock.withWrite(() => point.set([x + 1, y + 1]));
 */
export class StampedLock extends ReadWriteLock<StampedReadGuard, StampedWriteGuard, "stamped-lock"> {
  /** Makes a lock, or attaches to the one of that name. Throws ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED. */
  constructor(options: StampedLockOptions = {}) {
    super(KIND_STAMPED_LOCK, "stamped-lock", options, (words, index) => {
      renewVersion(words, index);
      renewRwLock(words, index);
    });
  }

  /** The lock of this name, made if there is none yet. */
  static named(name: string, options: Omit<StampedLockOptions, "name"> = {}): StampedLock {
    return new StampedLock({ ...options, name });
  }

  /** Attaches to the lock of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: StampedLockHandle): StampedLock {
    return new StampedLock(handleOptions(KIND_STAMPED_LOCK, "stamped-lock", handle));
  }

  /** Begins an optimistic read: a stamp to validate, or 0 while somebody writes (or died writing). Never blocks. */
  optimisticRead(): number {
    return this.operations.optimisticStamp(this.index);
  }

  /**
   * Whether nobody has written since the stamp was given: then what was read in between is one moment of the data. For the
   * stamp of a hold: whether this thread still has it. Never true for 0.
   */
  validate(stamp: number): boolean {
    if (checkStamp(stamp) > 0 && (stamp & 1) === 0) return Boolean(this.operations.isVersion(this.index, stamp));
    return this.isReadStamp(stamp) || this.#isWriteStamp(stamp);
  }

  /**
   * Runs `fn`, which only reads, without the lock and returns its result if nobody wrote meanwhile; after 8 tries under a
   * read hold (then it blocks, and throws as read()). `fn` may run several times and may see half-written data; what it
   * throws counts only if nobody wrote.
   */
  readOptimistically<T>(fn: () => T, options?: RwOptions<StampedReadGuard>): T {
    checkSyncFunction("readOptimistically", "withReadAsync", fn);
    for (let tries = 0; tries < OPTIMISTIC_TRIES; tries++) {
      const stamp = this.optimisticRead();
      if (stamp === 0) continue;
      try {
        const result = fn();
        if (this.validate(stamp)) return result;
      } catch (error) {
        if (this.validate(stamp)) throw error;
      }
    }
    return this.withRead(fn, options);
  }

  /** Ends the hold of a read or write stamp of this thread. Never blocks. Throws ERR_NOT_OWNER if there is no such hold. */
  unlock(stamp: number): void {
    if (this.endStampedRead(checkStamp(stamp))) return;
    if (!this.#isWriteStamp(stamp)) throw this.notOwner(`unlock(${stamp})`);
    this.releaseHold(this.#ticket());
  }

  /**
   * The write stamp that the given stamp becomes, or 0 if that would have to wait: of a write stamp itself; of a read stamp
   * if this is the only read hold; of an optimistic stamp if nobody reads or writes, or wrote since. On success the given
   * stamp (and its guard) is spent. Never blocks. Throws ERR_OWNER_DIED (with `guard`) if it tells of a writer's death.
   */
  tryConvertToWrite(stamp: number): number {
    if (this.#isWriteStamp(checkStamp(stamp))) return stamp;
    const reading = this.isReadStamp(stamp);
    if (!reading && !this.validate(stamp)) return 0;
    if (readsHere(this) !== (reading ? 1 : 0) || gateNow(this) !== ACQUIRED) return 0;
    // With the gate nobody else can write, so the version stays what it is now.
    if (!reading && !this.validate(stamp)) {
      releaseGate(this);
      return 0;
    }
    const result = reading ? this.#convertRead() : this.drainNow();
    if (this.drained(result) !== ACQUIRED && result !== ACQUIRED_DIED) return 0;
    if (reading) this.#reads().delete(stamp);
    const guard = this.makeWrite(this.#ticket());
    return (result === ACQUIRED ? guard : this.tellDeath(guard, {})).stamp;
  }

  /** Gives up this thread's one read hold and takes the write hold; if others read, both are as before. */
  #convertRead(): number {
    const { words } = this.region.memory;
    const { index, cell } = this;
    // Closes the lock; with this thread's own hold counted it can't be had yet.
    const closed = writeStep(words, index, 1);
    if (closed !== MUST_WAIT) return closed;
    giveBackDead(this, true);
    for (let held = firstHeld(words, index, 0); held !== 0; held = firstHeld(words, index, slotAfter(held, index))) {
      if (held !== cell) return MUST_WAIT;
    }
    leaveRead(words, index, cell);
    const result = this.drainNow();
    // A reader arrived just then. The lock is still closed by this thread, so the hold is counted again unnoticed.
    if (result === MUST_WAIT) add(words, cell + C_COUNT, 1);
    return result;
  }

  /**
   * The read stamp that the given stamp becomes, or 0 if that would have to wait: of a write stamp always, of a read stamp
   * itself, of an optimistic stamp if nobody wrote since. The given stamp is spent. Never blocks.
   */
  tryConvertToRead(stamp: number): number {
    if (this.isReadStamp(checkStamp(stamp))) return stamp;
    if (this.#isWriteStamp(stamp)) return this.#downgrade();
    if (!this.validate(stamp)) return 0;
    const guard = this.tryRead();
    if (guard === undefined) return 0;
    if (this.validate(stamp)) return guard.stamp;
    guard.release();
    return 0;
  }

  /**
   * The optimistic stamp that the given stamp becomes: holds are released; an optimistic one is given back if still valid,
   * else 0. Never blocks.
   */
  tryConvertToOptimistic(stamp: number): number {
    if (this.isReadStamp(checkStamp(stamp))) {
      // Read before the hold ends: nobody writes until then.
      const version = this.optimisticRead();
      this.endStampedRead(stamp);
      return version;
    }
    if (this.#isWriteStamp(stamp)) {
      const { words } = this.region.memory;
      if (!isPoisoned(this.mode())) endVersion(words, this.index);
      const version = this.optimisticRead();
      super.releaseHold(this.#ticket());
      return version;
    }
    return this.validate(stamp) ? stamp : 0;
  }

  #downgrade(): number {
    const { words } = this.region.memory;
    if (!isPoisoned(this.mode())) endVersion(words, this.index);
    const owed = downgradeWrite(words, this.index, this.cell, this.me, this.#ticket());
    if (owed !== RELEASED && owed !== NOT_OWNER) payRwWakes(words, this.index, owed);
    return this.makeRead().stamp;
  }

  /** Ends the read hold of this stamp; false if it is over. @internal */
  endStampedRead(stamp: number): boolean {
    if (!this.#reads().delete(stamp)) return false;
    this.endRead();
    return true;
  }

  /** Whether it is the stamp of a read hold of this thread. @internal */
  isReadStamp(stamp: number): boolean {
    return this.#reads().has(stamp);
  }

  /** @internal */
  override releaseHold(ticket: number): boolean {
    const { words } = this.region.memory;
    if (!holdsGate(words, this.index, this.me, ticket)) return false;
    // In doubt and unmarked, the lock goes out of use and the version stays odd for good.
    if (!isPoisoned(this.mode())) endVersion(words, this.index);
    return super.releaseHold(ticket);
  }

  /** @internal */
  protected override granted(): void {
    beginVersion(this.region.memory.words, this.index);
  }

  /** @internal */
  protected override makeRead(): StampedReadGuard {
    const reads = this.#reads();
    const stamp = nextReadStamp(reads);
    reads.add(stamp);
    return new StampedReadGuard(this, stamp);
  }

  /** @internal */
  protected override makeWrite(ticket: number): StampedWriteGuard {
    return new StampedWriteGuard(this, ticket, load(this.region.memory.words, this.index + VERSION));
  }

  #isWriteStamp(stamp: number): boolean {
    const { words } = this.region.memory;
    return (stamp & 1) === 1 && this.writesHere() && load(words, this.index + VERSION) === stamp;
  }

  #ticket(): number {
    return peek(this.region.memory.words, this.index + HOLD);
  }

  #reads(): Set<number> {
    return readsOf(this.region, this.index);
  }
}

function slotAfter(cell: number, index: number): number {
  return (cell - index - CELLS) / CELL_WORDS + 1;
}

function checkStamp(stamp: unknown): number {
  if (typeof stamp !== "number") throw new TypeError(`a stamp is a number, got ${describe(stamp)}`);
  return stamp;
}
