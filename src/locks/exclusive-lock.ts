// Acquiring a lock that one thread holds at a time, in all but its fast path: what Mutex and ReentrantMutex share. Both are
// thin handles over the words of protocols/mutex.ts; all state is in the shared memory (exclusive-base.ts).

import { load, peek } from "../cells/atomics.ts";
import { type AsyncWaitOptions, deadlineIn } from "../cells/deadline.ts";
import { NotRecoverableError, OwnerDiedError, TimeoutError } from "../cells/errors.ts";
import { canMoveSleepers } from "../cells/park.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  announceSleeper,
  HELD_BY_ME,
  HOLD,
  LOCK,
  lockStep,
  MUST_WAIT,
  NOT_OWNER,
  RELEASED,
  resumeHold,
  takeFromDead,
  tryStep,
} from "../protocols/mutex.ts";
import { DEADLOCKED, deadlockError } from "../region/deadlock.ts";
import { lockFair } from "../region/fair-lock.ts";
import { lockBlocking, ownerIsDead } from "../region/word-lock.ts";
import { checkOptions } from "./acquire-options.ts";
import { type Acquired, asyncQueue } from "./async-queue.ts";
import type { ConditionLock, ReacquireOptions, SavedHold } from "./condition-lock.ts";
import { ExclusiveBase, type Releasable } from "./exclusive-base.ts";
import type { AcquireOptions, AsyncAcquireOptions } from "./exclusive-options.ts";
import { acquireFair } from "./fair-queue.ts";

const NO_OPTIONS = {};

/** Base of the locks that one thread holds at a time. */
export abstract class ExclusiveLock<G extends Releasable> extends ExclusiveBase<G> implements ConditionLock {
  /** The rest of unlock(): pays the wakes, or says why it can't. @internal */
  protected unlockSlow(owed: number): void {
    if (owed === NOT_OWNER) throw this.notOwner("unlock");
    this.pay(owed);
  }

  /** The rest of releaseHold(). @internal */
  protected releaseSlow(owed: number): boolean {
    if (owed === NOT_OWNER) return false;
    this.pay(owed);
    return true;
  }

  /** The rest of lock(): `ticket` is what the fast path gave, or 0. @internal */
  protected lockSlow(ticket: number, options: AcquireOptions<G> = NO_OPTIONS): G {
    const timeout = options === NO_OPTIONS ? Number.POSITIVE_INFINITY : this.#checked(ticket, options);
    if (ticket !== 0) return this.outcome(ACQUIRED, ticket, timeout, options);
    this.mustMayBlock("lock", "lockAsync");
    const spun = this.operations.spin(this.index, this.me);
    // The shortest way out: whatever comes after the spin lengthens the hold.
    if (spun !== 0 && this.isCurrent()) {
      this.began(false);
      return this.guardOf(spun);
    }
    return this.#begun(spun !== 0 ? ACQUIRED : this.#block(deadlineIn(timeout)), timeout, options);
  }

  /** Checks the options; bad ones leave the lock as it was, even if it was had at once. */
  #checked(ticket: number, options: AcquireOptions<G>): number {
    try {
      return checkOptions(options);
    } catch (error) {
      if (ticket !== 0) this.releaseHold(ticket);
      throw error;
    }
  }

  /** The whole of tryLock() for a lock that this thread does not hold, or may not enter again. @internal */
  protected trySlow(options: AcquireOptions<G>): G | undefined {
    const limit = checkOptions(options);
    const timeout = options.timeout === undefined ? 0 : limit;
    if (timeout > 0) this.mustMayBlock("tryLock with a time-out", "lockAsync");
    let result = this.#tryNow();
    if (result === HELD_BY_ME && timeout === 0) return undefined;
    if (result === MUST_WAIT && timeout > 0) result = this.#block(deadlineIn(timeout));
    return result === MUST_WAIT ? undefined : this.#begun(result, timeout, options);
  }

  #tryNow(): number {
    const { words } = this.region.memory;
    const result = tryStep(words, this.index, this.me);
    if (result !== MUST_WAIT) return result;
    const word = load(words, this.index + LOCK);
    return ownerIsDead(words, word, true) && takeFromDead(words, this.index, this.me, word) ? ACQUIRED_DIED : result;
  }

  /** @internal */
  protected async acquireAsync(options: AsyncAcquireOptions<G>): Promise<G> {
    const timeout = checkOptions(options);
    const acquired = await this.#await(options, () => this.began(true));
    return this.outcome(acquired.result, acquired.ticket, timeout, options);
  }

  /** @internal */
  releaseForWait(): SavedHold {
    const saved = this.saveHold();
    const owed = this.releaseAll();
    if (owed !== RELEASED) this.pay(owed);
    return saved;
  }

  /** @internal */
  payRelease(owed: number): void {
    this.pay(owed);
  }

  /** @internal */
  owingWakes(): number {
    // With S set the release takes the slow path, which pays.
    announceSleeper(this.region.memory.words, this.index, this.me);
    return this.index;
  }

  /** @internal */
  get movesSleepers(): boolean {
    return !this.fair && canMoveSleepers(this.region.memory.words);
  }

  /** @internal */
  reacquire(saved: SavedHold, options: ReacquireOptions): void {
    const result = this.#takeAgain();
    if (result === ACQUIRED || result === ACQUIRED_DIED) this.#resume(saved);
    this.outcome(result, saved.ticket, 0, options);
  }

  /** @internal */
  async reacquireAsync(saved: SavedHold, options: ReacquireOptions): Promise<void> {
    const acquired = await this.#await({}, () => this.#resume(saved));
    this.outcome(acquired.result, saved.ticket, 0, options);
  }

  #takeAgain(): number {
    // Who was moved to the lock's sleepers may have taken a wake there, and others may sleep on: S says so.
    const step = this.movesSleepers ? lockStep(this.region.memory.words, this.index, this.me, 1, 0) : 0;
    if (step > 0) return step;
    const spun = this.operations.spin(this.index, this.me) !== 0;
    return spun ? ACQUIRED : this.#block(Number.POSITIVE_INFINITY);
  }

  #resume(saved: SavedHold): void {
    resumeHold(this.region.memory.words, this.index, saved.ticket);
    this.restoreHold(saved);
  }

  #block(deadline: number): number {
    if (this.fair) return lockFair(this.region, this.index, this.line, deadline, this);
    return lockBlocking(this.region, this.index, deadline, this);
  }

  #await(options: AsyncWaitOptions, taken: () => void): Promise<Acquired> {
    if (this.fair) return acquireFair(this.region, this.index, this.line, options, this, taken);
    return asyncQueue(this.region, this.index).acquire(options, this, taken);
  }

  #begun(result: number, timeout: number, options: AcquireOptions<G>): G {
    if (result === ACQUIRED || result === ACQUIRED_DIED) this.began(false);
    return this.outcome(result, peek(this.region.memory.words, this.index + HOLD), timeout, options);
  }

  /** The guard, or the error, that a result of the protocol comes to. @internal */
  protected outcome(result: number, ticket: number, timeout: number, options: AcquireOptions<G>): G {
    if (result === ACQUIRED || result === ACQUIRED_DIED) {
      if (!this.isCurrent()) {
        // Another lock's memory by now: what was taken is given back as it was.
        this.pay(this.releaseAll());
        throw this.closedError();
      }
      return result === ACQUIRED ? this.guardOf(ticket) : this.#afterDeath(ticket, options.recover);
    }
    if (this.freed) throw this.closedError();
    if (result === HELD_BY_ME) return this.heldAlready();
    if (result === DEADLOCKED) throw deadlockError(this.region);
    if (result === MUST_WAIT) {
      const { waiters } = this;
      throw new TimeoutError(
        "ERR_TIMEOUT",
        `${this.label()} was not acquired within ${timeout} ms: it is ${this.describeState()}, ${waiters} other waiters`,
        { timeout, owner: this.owner, waiters },
      );
    }
    throw new NotRecoverableError(
      "ERR_NOT_RECOVERABLE",
      `${this.label()}: an owner died while it held the lock, and the next one released it without markConsistent(): ` +
        "what it protects may be half-changed; make a new lock over repaired state",
    );
  }

  #afterDeath(ticket: number, recover: AcquireOptions<G>["recover"]): G {
    const guard = this.guardOf(ticket);
    if (recover === undefined) {
      throw OwnerDiedError.holding(
        guard,
        `${this.label()}: the last owner died while it held the lock. The lock is yours now, through error.guard: ` +
          "repair what it protects, call guard.markConsistent(), then guard.release()",
      );
    }
    let repaired = false;
    try {
      recover(guard);
      repaired = true;
    } finally {
      if (repaired) guard.markConsistent();
      // All levels are released unmarked, so the lock is not recoverable.
      else if (this.isHold(ticket)) this.pay(this.releaseAll());
    }
    if (!this.isHold(ticket)) throw this.notOwner("recover released the lock that it was called with");
    return guard;
  }
}
