// What Mutex and ReentrantMutex share: everything but their fast paths. Both are thin handles over the words of
// protocols/mutex.ts; all state is in the shared memory.
//
// Invariant: whatever a subclass keeps about a hold (a reentrant mutex its levels) is set by `began` in the very step by
// which this thread got the lock, before any other code of the thread can run.

import { load, peek, store } from "../cells/atomics.ts";
import { type AsyncWaitOptions, checkTimeout, deadlineIn, describe, type WaitOptions } from "../cells/deadline.ts";
import { NotOwnerError, NotRecoverableError, OwnerDiedError, RegionError, TimeoutError } from "../cells/errors.ts";
import { blockingAllowed, canMoveSleepers, moveSleepers } from "../cells/park.ts";
import { lineWords, renewLine } from "../protocols/fair-line.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  announceSleeper,
  BASE,
  HELD_BY_ME,
  HOLD,
  ISSUED,
  isInconsistent,
  LOCK,
  MUST_WAIT,
  MUTEX_WORDS,
  markConsistent,
  NOT_OWNER,
  NOT_RECOVERABLE,
  ownerOf,
  POLICY,
  RELEASED,
  RETIRED,
  renew,
  resumeHold,
  retire,
  SLOW,
  takeFromDead,
  tryStep,
  WAKE_EVERYONE,
  WAKE_NEXT,
} from "../protocols/mutex.ts";
import { DEADLOCKED, deadlockError } from "../region/deadlock.ts";
import { lockFair, wakeLine, wakeNext } from "../region/fair-lock.ts";
import { KIND_FAIR_LINE } from "../region/layout.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import type { Region } from "../region/region.ts";
import { announceMove, countSleepers, isAlive, threadIdOf } from "../region/threads.ts";
import { lockBlocking, ownerIsDead, payRelease } from "../region/word-lock.ts";
import { type Acquired, asyncQueue, awaitingHere } from "./async-queue.ts";
import type { ConditionLock, ReacquireOptions, SavedHold } from "./condition-lock.ts";
import { acquireFair, awaitingFair } from "./fair-queue.ts";
import type { Held } from "./guard.ts";
import type { MutexOperations } from "./mutex-operations.ts";
import { LockObject, type PlaceOptions } from "./place.ts";

/** Options of the constructor of a lock that one thread holds at a time. */
export interface ExclusiveOptions extends PlaceOptions {
  /**
   * First in, first out: a lock that is given up goes to the thread or task that has waited longest. Costs a switch of
   * threads for every acquisition under contention, where the default lets threads barge, and 32 bytes of shared memory
   * for each thread slot of the region. Attaching to a lock with another value than it was made with is
   * ERR_REGION_OPTIONS; without one takes it as it is.
   */
  readonly fair?: boolean | undefined;
}

/** Options of an acquisition that gives a guard of type G. */
export interface AcquireOptions<G> extends WaitOptions {
  /**
   * Called with the lock held if the last owner died while it held it. If it returns, the state counts as consistent and
   * the acquisition goes on; if it throws, the lock becomes not recoverable and the error is passed on.
   */
  readonly recover?: ((guard: G) => void) | undefined;
}

export interface AsyncAcquireOptions<G> extends AsyncWaitOptions, Pick<AcquireOptions<G>, "recover"> {}

/** Numbers of a lock since it was made. */
export interface MutexStats {
  /** Acquisitions, modulo 2^30. */
  readonly acquisitions: number;
  /** Acquisitions that found the lock held, or awaited by others. */
  readonly contended: number;
}

/** What the base needs of a guard. */
interface Releasable {
  release(): void;
  markConsistent(): boolean;
}

const NO_OPTIONS = {};

/** Base of the locks that one thread holds at a time. */
export abstract class ExclusiveLock<G extends Releasable> extends LockObject implements Held, ConditionLock {
  /** @internal */
  protected readonly operations: MutexOperations;
  /** Word index of the line of a fair lock's waiters; 0: the lock is not fair. */
  readonly #line: number;

  protected constructor(
    kind: number,
    tag: string,
    options: ExclusiveOptions,
    operations: (region: ExclusiveLock<G>["region"], mayBlock: boolean) => MutexOperations,
  ) {
    const wanted = checkFair(options);
    super(
      {
        kind,
        tag,
        bytes: () => MUTEX_WORDS * 4,
        init: (words, index, region) => {
          store(words, index + POLICY, wanted === true ? -makeLine(region) : 0);
          // A line that was added may have made the region longer.
          renew(region.memory.words, index);
        },
        // A retired lock in the directory was left there by a thread that died in free().
        isWhole: (words, index) => load(words, index + LOCK) !== RETIRED,
      },
      options,
    );
    this.operations = operations(this.region, blockingAllowed());
    this.#line = Math.max(0, -peek(this.words, this.index + POLICY));
    if (wanted !== undefined && wanted !== this.fair) {
      const message = `${this.label()} was made with fair: ${this.fair}, not ${wanted}`;
      throw new RegionError("ERR_REGION_OPTIONS", message, { fair: this.fair });
    }
    if (this.fair) this.region.memory.cover((this.#line + lineWords(this.region.maxThreads)) * 4);
  }

  // lock, unlock and releaseHold are each class's own: a call site that both classes shared would see two Wasm functions,
  // and V8 inlines none then (measured: 19 ns a pair in place of 9).
  /** @internal */
  abstract releaseHold(ticket: number): boolean;
  /** @internal The guard of the hold with this ticket. */
  protected abstract guardOf(ticket: number): G;
  /** @internal This thread has just got the lock; `byTask`: for a task. */
  protected abstract began(byTask: boolean): void;
  /** @internal The lock is this thread's already: throws what a second acquisition comes to. */
  protected abstract heldAlready(): never;
  /** @internal The hold as it is now, for a wait. */
  protected abstract saveHold(): SavedHold;
  /** @internal Sets back what {@link saveHold} saved, but for the ticket. */
  protected abstract restoreHold(saved: SavedHold): void;
  /** @internal Gives up the whole hold: the wakes owed. */
  protected abstract releaseAll(): number;

  /** Whether it is first in, first out. */
  get fair(): boolean {
    return this.#line !== 0;
  }

  /** Whether some thread holds the lock, at this moment. A dead one holds it until the next owner takes it over. */
  get locked(): boolean {
    return ownerOf(this.word()) !== 0;
  }

  /** Whether this thread (any task of it) holds the lock. */
  get heldByMe(): boolean {
    return ownerOf(this.word()) === this.me;
  }

  /** The thread id (0 is the main thread) of the thread that holds the lock; undefined if none does, or it died. */
  get owner(): number | undefined {
    const owner = ownerOf(this.word());
    return owner === 0 || owner === NOT_RECOVERABLE ? undefined : threadIdOf(this.region.memory.words, owner);
  }

  /** Threads that sleep for the lock, and tasks of this thread that await it. */
  get waiters(): number {
    const tasks = this.fair ? awaitingFair(this.region, this.#line) : awaitingHere(this.region, this.index);
    return countSleepers(this.region.memory.words, this.index) + tasks;
  }

  /** Acquisitions so far, and how many of them were contended. */
  stats(): MutexStats {
    const { words } = this;
    const issued = peek(words, this.index + ISSUED) || peek(words, this.index + HOLD);
    const acquisitions = (issued - peek(words, this.index + BASE)) & 0x3fffffff;
    return { acquisitions, contended: peek(words, this.index + SLOW) };
  }

  /**
   * After ERR_OWNER_DIED, with the lock held: declares the protected state repaired. False if it was not in question.
   * Throws ERR_NOT_OWNER if this thread does not hold the lock.
   */
  markConsistent(): boolean {
    if (!this.heldByMe) throw this.notOwner("markConsistent");
    return markConsistent(this.region.memory.words, this.index, this.me);
  }

  /** The rest of unlock(): pays the wakes, or says why it can't. @internal */
  protected unlockSlow(owed: number): void {
    if (owed === NOT_OWNER) throw this.notOwner("unlock");
    this.#pay(owed);
  }

  /** The rest of releaseHold(). @internal */
  protected releaseSlow(owed: number): boolean {
    if (owed === NOT_OWNER) return false;
    this.#pay(owed);
    return true;
  }

  #pay(owed: number): void {
    const { memory } = this.region;
    const { words } = memory;
    payRelease(memory, this.index, owed, EXCLUSIVE);
    // Of the lock whose memory it is: another one's, if this one was freed between its taking and its giving back.
    const line = -peek(words, this.index + POLICY);
    if ((owed & WAKE_NEXT) !== 0 && line > 0) wakeNext(words, this.index, line);
    if ((owed & WAKE_EVERYONE) !== 0 && this.fair) wakeLine(words, this.#line);
  }

  #block(deadline: number, slept: 0 | 1 = 0): number {
    if (this.fair) return lockFair(this.region, this.index, this.#line, deadline, this);
    return lockBlocking(this.region, this.index, deadline, this, slept);
  }

  #await(options: AsyncWaitOptions, taken: () => void): Promise<Acquired> {
    if (this.fair) return acquireFair(this.region, this.index, this.#line, options, this, taken);
    return asyncQueue(this.region, this.index).acquire(options, this, taken);
  }

  /** @internal */
  isHold(ticket: number): boolean {
    return this.heldByMe && peek(this.region.memory.words, this.index + HOLD) === ticket;
  }

  /**
   * Gives the lock's memory back. Everyone who still uses it, or waits for it, gets ERR_CLOSED, even if the memory serves
   * another lock by then. Throws ERR_IN_USE, with nothing changed, if another living thread holds it.
   */
  free(): void {
    this.freePlace(() => {
      const { words } = this;
      let owed = retire(words, this.index, this.me);
      if (owed === NOT_OWNER) {
        const word = this.word();
        const ours = ownerIsDead(words, word, true) && takeFromDead(words, this.index, this.me, word);
        if (ours) owed = retire(words, this.index, this.me);
      }
      if (owed === NOT_OWNER) throw this.inUseError();
      this.#pay(owed);
      if (this.fair) this.region.release(this.#line * 4);
    });
  }

  /** @internal */
  override get freed(): boolean {
    return !this.isCurrent() || this.word() === RETIRED;
  }

  /** @internal */
  isHeldForWait(): boolean {
    return this.heldByMe;
  }

  /** @internal */
  isLost(): boolean {
    return ownerOf(this.word()) === NOT_RECOVERABLE || super.freed;
  }

  /** @internal */
  releaseForWait(): SavedHold {
    const saved = this.saveHold();
    const owed = this.releaseAll();
    if (owed !== RELEASED) this.#pay(owed);
    return saved;
  }

  /** @internal */
  handOver(cell: number, owner: number): boolean {
    const { words } = this.region.memory;
    if (this.fair || !canMoveSleepers(words)) return false;
    // S before the move: from then on someone sleeps on the lock word. The slot says so, for the reaper; what does not
    // sleep there yet, or no more, is woken as ever.
    announceSleeper(words, this.index, this.me);
    if (!announceMove(words, owner, cell, this.index + LOCK)) return false;
    moveSleepers(words, cell, this.index + LOCK);
    return true;
  }

  /** @internal */
  reacquire(saved: SavedHold, options: ReacquireOptions, moved = false): void {
    const result = this.#block(Number.POSITIVE_INFINITY, moved ? 1 : 0);
    if (result === ACQUIRED || result === ACQUIRED_DIED) this.#resume(saved);
    this.outcome(result, saved.ticket, 0, options);
  }

  /** @internal */
  async reacquireAsync(saved: SavedHold, options: ReacquireOptions): Promise<void> {
    const acquired = await this.#await({}, () => this.#resume(saved));
    this.outcome(acquired.result, saved.ticket, 0, options);
  }

  #resume(saved: SavedHold): void {
    resumeHold(this.region.memory.words, this.index, saved.ticket);
    this.restoreHold(saved);
  }

  /** @internal */
  protected word(): number {
    return load(this.region.memory.words, this.index + LOCK);
  }

  /** @internal */
  protected override describeState(): string {
    const word = this.word();
    const owner = ownerOf(word);
    if (owner === 0) return "free";
    if (owner === NOT_RECOVERABLE) return "not recoverable";
    const { words } = this.region.memory;
    const doubt = isInconsistent(word) ? ", state inconsistent since an owner died" : "";
    if (owner === this.me) return `held by this thread (${threadIdOf(words, owner)})${doubt}`;
    return isAlive(words, owner) ? `held by thread ${threadIdOf(words, owner)}${doubt}` : "held by a thread that died";
  }

  /** The rest of lock(): `ticket` is what the fast path gave, or 0. @internal */
  protected lockSlow(ticket: number, options: AcquireOptions<G> = NO_OPTIONS): G {
    const timeout = this.#checked(ticket, options);
    if (ticket !== 0) return this.outcome(ACQUIRED, ticket, timeout, options);
    this.mustMayBlock("lock", "lockAsync");
    const spun = this.operations.spin(this.index, this.me) !== 0;
    const result = spun ? ACQUIRED : this.#block(deadlineIn(timeout));
    return this.#begun(result, timeout, options);
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
    return ownerIsDead(words, word, false) && takeFromDead(words, this.index, this.me, word) ? ACQUIRED_DIED : result;
  }

  /** @internal */
  protected async acquireAsync(options: AsyncAcquireOptions<G>): Promise<G> {
    const timeout = checkOptions(options);
    const acquired = await this.#await(options, () => this.began(true));
    return this.outcome(acquired.result, acquired.ticket, timeout, options);
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
        this.#pay(this.releaseAll());
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
      else if (this.isHold(ticket)) this.#pay(this.releaseAll());
    }
    if (!this.isHold(ticket)) throw this.notOwner("recover released the lock that it was called with");
    return guard;
  }

  /** @internal */
  protected notOwner(call: string): NotOwnerError {
    const message = `${call}: this thread does not hold ${this.label()}, which is ${this.describeState()}`;
    return new NotOwnerError("ERR_NOT_OWNER", message, { owner: this.owner });
  }
}

function checkOptions<G>(options: AcquireOptions<G>): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`lock options must be an object, got ${describe(options)}`);
  }
  if (options.recover !== undefined && typeof options.recover !== "function") {
    throw new TypeError(`recover must be a function, got ${describe(options.recover)}`);
  }
  return checkTimeout(options.timeout);
}

function checkFair(options: ExclusiveOptions): boolean | undefined {
  const fair = options?.fair;
  if (fair === undefined || typeof fair === "boolean") return fair;
  throw new TypeError(`fair must be true or false, got ${describe(fair)}`);
}

/** The line of a new fair lock: its word index. */
function makeLine(region: Region): number {
  const line = region.allocate(lineWords(region.maxThreads) * 4, KIND_FAIR_LINE) >> 2;
  renewLine(region.memory.words, line, region.maxThreads);
  return line;
}
