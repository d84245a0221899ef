// The public Mutex: a thin handle over one mutex word; all state is in the shared memory (protocols/mutex.ts).

import { load, peek } from "../cells/atomics.ts";
import { type AsyncWaitOptions, checkTimeout, deadlineIn, describe, type WaitOptions } from "../cells/deadline.ts";
import {
  BlockingForbiddenError,
  ClosedError,
  HoldfastError,
  NotOwnerError,
  NotRecoverableError,
  OwnerDiedError,
  RegionError,
  TimeoutError,
  WouldDeadlockError,
} from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  BASE,
  HELD_BY_ME,
  HOLD,
  isInconsistent,
  LOCK,
  MUST_WAIT,
  MUTEX_WORDS,
  markConsistent,
  NOT_OWNER,
  NOT_RECOVERABLE,
  ownerOf,
  RELEASED,
  RETIRED,
  renew,
  retire,
  SLOW,
  takeFromDead,
  tryStep,
} from "../protocols/mutex.ts";
import { defaultRegion, defaultRegionForNames } from "../region/default-region.ts";
import { B_SERIAL, BLOCK_HEADER_BYTES, KIND_MUTEX } from "../region/layout.ts";
import { Region, type RegionHandle } from "../region/region.ts";
import { countSleepers, isAlive, threadIdOf } from "../region/threads.ts";
import { lockBlocking, ownerIsDead, type Perishable, payWakes } from "../region/word-lock.ts";
import { asyncQueue, awaitingHere } from "./async-queue.ts";
import { Guard, type Held } from "./guard.ts";
import { type MutexOperations, mutexOperations } from "./mutex-operations.ts";

export interface MutexOptions {
  /** A name in the region: every thread that gives the same name has the same lock. 1 to 256 characters. */
  readonly name?: string | undefined;
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
}

export interface LockOptions extends WaitOptions {
  /**
   * Called with the lock held if the last owner died while it held it. If it returns, the state counts as consistent and
   * the acquisition goes on; if it throws, the lock becomes not recoverable and the error is passed on.
   */
  readonly recover?: ((guard: Guard<Mutex>) => void) | undefined;
}

export interface AsyncLockOptions extends AsyncWaitOptions, Pick<LockOptions, "recover"> {}

/** What {@link Mutex.share} gives: structured-cloneable. */
export interface MutexHandle {
  readonly holdfast: "mutex";
  readonly region: RegionHandle;
  readonly offset: number;
  readonly serial: number;
}

/** Numbers of a lock since it was made. */
export interface MutexStats {
  /** Acquisitions, modulo 2^30. */
  readonly acquisitions: number;
  /** Acquisitions that found the lock held, or awaited by others. */
  readonly contended: number;
}

/**
 * A lock that one thread holds at a time, over shared memory. Not reentrant: a thread that locks it twice gets
 * ERR_WOULD_DEADLOCK. Threads may barge: a thread that comes while the lock is free takes it before those that sleep,
 * until one of them has waited for more than 1 ms; then it is served before any newcomer. An uncontended lock() or
 * unlock() is one atomic operation and allocates nothing that lives.
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
export class Mutex implements Held, Perishable {
  readonly #region: Region;
  readonly #offset: number;
  readonly #index: number;
  readonly #serial: number;
  readonly #me: number;
  readonly #operations: MutexOperations;
  /** A view that reaches the lock; the lock never moves. */
  readonly #words: Int32Array;
  /** Where the block's serial number stands: another one says that the lock was freed and its memory used anew. */
  readonly #serialAt: number;

  /** Makes a lock, or attaches to the one of that name. Throws ERR_REGION_FULL, ERR_REGION_KIND, ERR_REGION_NOT_SHARED. */
  constructor(options: MutexOptions = {}) {
    const { region, offset, serial } = attachments.get(options) ?? place(regionFor(options), options.name);
    this.#region = region;
    this.#offset = offset;
    this.#serial = serial;
    this.#index = offset >> 2;
    this.#me = region.me;
    this.#operations = mutexOperations(region, blockingAllowed());
    region.memory.cover(offset + MUTEX_WORDS * 4);
    this.#words = region.memory.words;
    this.#serialAt = ((offset - BLOCK_HEADER_BYTES) >> 2) + B_SERIAL;
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
    if (typeof handle !== "object" || handle === null || typeof handle.holdfast !== "string") {
      throw new TypeError(`Mutex.from needs the result of mutex.share(), got ${describe(handle)}`);
    }
    if (handle.holdfast !== "mutex") {
      const message = `Mutex.from: the handle is of another kind ("${handle.holdfast}")`;
      throw new RegionError("ERR_REGION_KIND", message, { expected: "mutex", found: handle.holdfast });
    }
    const region = Region.from(handle.region);
    region.check(handle.offset, KIND_MUTEX, handle.serial);
    const options = {};
    attachments.set(options, { region, offset: handle.offset, serial: handle.serial });
    return new Mutex(options);
  }

  /** A small handle for workerData or postMessage. */
  share(): MutexHandle {
    return { holdfast: "mutex", region: this.#region.share(), offset: this.#offset, serial: this.#serial };
  }

  /** The region that it lives in. */
  get region(): Region {
    return this.#region;
  }

  /** Its name in the region, if it has one. */
  get name(): string | undefined {
    return this.#region.nameOf(this.#offset);
  }

  /**
   * Acquires the lock; blocks the thread until it has it. Dispose the guard, or call unlock().
   * Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (this thread holds it), ERR_OWNER_DIED (with `guard`: it is held now),
   * ERR_NOT_RECOVERABLE, ERR_CLOSED (freed), ERR_BLOCKING_FORBIDDEN (a browser's main thread: use lockAsync).
   */
  lock(options?: LockOptions): Guard<Mutex> {
    const ticket = this.#operations.lockFast(this.#index, this.#me);
    if (ticket !== 0 && options === undefined && this.#words[this.#serialAt] === this.#serial) {
      return new Guard<Mutex>(this, ticket);
    }
    return this.#lockSlow(ticket, options);
  }

  #lockSlow(ticket: number, options: LockOptions = {}): Guard<Mutex> {
    const timeout = this.#checked(ticket, options);
    if (ticket !== 0) return this.#outcome(ACQUIRED, timeout, options);
    if (!blockingAllowed()) throw this.#forbidden("lock", "lockAsync");
    const result = lockBlocking(this.#region, this.#index, deadlineIn(timeout), this);
    return this.#outcome(result, timeout, options);
  }

  /** Checks the options; bad ones leave the lock as it was, even if it was had at once. */
  #checked(ticket: number, options: LockOptions): number {
    try {
      return checkOptions(options);
    } catch (error) {
      if (ticket !== 0) this.releaseHold(ticket);
      throw error;
    }
  }

  /**
   * Acquires the lock if it is free (never fails spuriously), or waits up to `timeout` milliseconds if one is given.
   * Undefined if it was not to be had. Throws as lock() does, but for the time-out.
   */
  tryLock(options: LockOptions = {}): Guard<Mutex> | undefined {
    const checked = checkOptions(options);
    const timeout = options.timeout === undefined ? 0 : checked;
    if (timeout > 0 && !blockingAllowed()) throw this.#forbidden("tryLock with a time-out", "lockAsync");
    let result = this.#tryNow();
    if (result === HELD_BY_ME && timeout === 0) return undefined;
    if (result === MUST_WAIT && timeout > 0)
      result = lockBlocking(this.#region, this.#index, deadlineIn(timeout), this);
    return result === MUST_WAIT ? undefined : this.#outcome(result, timeout, options);
  }

  #tryNow(): number {
    const words = this.#region.memory.words;
    const result = tryStep(words, this.#index, this.#me);
    if (result !== MUST_WAIT) return result;
    const word = load(words, this.#index + LOCK);
    return ownerIsDead(words, word, false) && takeFromDead(words, this.#index, this.#me, word) ? ACQUIRED_DIED : result;
  }

  /**
   * Acquires the lock without blocking the event loop. Tasks of one thread exclude each other like threads, first come,
   * first served among them. The process stays alive while it waits. Rejects as lock() throws, and with `signal.reason`.
   */
  async lockAsync(options: AsyncLockOptions = {}): Promise<Guard<Mutex>> {
    const timeout = checkOptions(options);
    const acquired = await asyncQueue(this.#region, this.#index).acquire(options, this);
    return this.#outcome(acquired.result, timeout, options, acquired.ticket);
  }

  /** Runs `fn` with the lock held and returns its result; the lock is released even if it throws. Throws as lock(). */
  withLock<T>(fn: () => T, options?: LockOptions): T {
    const guard = this.lock(options);
    try {
      return fn();
    } finally {
      guard.release();
    }
  }

  /** As {@link withLock}, for an async `fn`: the lock is held until its promise settles. */
  async withLockAsync<T>(fn: () => T | Promise<T>, options?: AsyncLockOptions): Promise<T> {
    const guard = await this.lockAsync(options);
    try {
      return await fn();
    } finally {
      guard.release();
    }
  }

  /** Releases the lock. Never blocks. Throws ERR_NOT_OWNER if this thread does not hold it. */
  unlock(): void {
    if (this.#words[this.#serialAt] !== this.#serial) throw this.#closed();
    const owed = this.#operations.unlock(this.#index, this.#me);
    if (owed !== RELEASED) this.#unlockSlow(owed);
  }

  #unlockSlow(owed: number): void {
    if (owed === NOT_OWNER) throw this.#notOwner("unlock");
    payWakes(this.#region.memory.words, this.#index, owed);
  }

  /** @internal */
  releaseHold(ticket: number): boolean {
    const owed = this.#operations.unlockHold(this.#index, this.#me, ticket);
    if (owed === NOT_OWNER) return false;
    if (owed !== RELEASED) payWakes(this.#region.memory.words, this.#index, owed);
    return true;
  }

  /** @internal */
  isHold(ticket: number): boolean {
    return this.heldByMe && peek(this.#words, this.#index + HOLD) === ticket;
  }

  /** Whether some thread holds the lock, at this moment. A dead one holds it until the next owner takes it over. */
  get locked(): boolean {
    return ownerOf(this.#word()) !== 0;
  }

  /** Whether this thread (any task of it) holds the lock. */
  get heldByMe(): boolean {
    return ownerOf(this.#word()) === this.#me;
  }

  /** The thread id (0 is the main thread) of the thread that holds the lock; undefined if none does, or it died. */
  get owner(): number | undefined {
    const owner = ownerOf(this.#word());
    return owner === 0 || owner === NOT_RECOVERABLE ? undefined : threadIdOf(this.#region.memory.words, owner);
  }

  /** Threads that sleep for the lock, and tasks of this thread that await it. */
  get waiters(): number {
    return countSleepers(this.#region.memory.words, this.#index) + awaitingHere(this.#region, this.#index);
  }

  /** Acquisitions so far, and how many of them were contended. */
  stats(): MutexStats {
    const acquisitions = (peek(this.#words, this.#index + HOLD) - peek(this.#words, this.#index + BASE)) & 0x3fffffff;
    return { acquisitions, contended: peek(this.#words, this.#index + SLOW) };
  }

  /**
   * After ERR_OWNER_DIED, with the lock held: declares the protected state repaired. False if it was not in question.
   * Throws ERR_NOT_OWNER if this thread does not hold the lock.
   */
  markConsistent(): boolean {
    if (!this.heldByMe) throw this.#notOwner("markConsistent");
    return markConsistent(this.#region.memory.words, this.#index, this.#me);
  }

  /**
   * Gives the lock's memory back. Everyone who still uses it, or waits for it, gets ERR_CLOSED, even if the memory serves
   * another Mutex by then. Throws ERR_IN_USE, with nothing changed, if another living thread holds it.
   */
  free(): void {
    this.#region.remove(this.#offset, () => {
      if (this.#freed()) throw this.#closed();
      const words = this.#words;
      let owed = retire(words, this.#index, this.#me);
      if (owed === NOT_OWNER) {
        const word = this.#word();
        const ours = ownerIsDead(words, word, true) && takeFromDead(words, this.#index, this.#me, word);
        if (ours) owed = retire(words, this.#index, this.#me);
      }
      if (owed === NOT_OWNER) {
        throw new HoldfastError("ERR_IN_USE", `${this.#label()} can't be freed: it is ${this.#state()}`);
      }
      payWakes(words, this.#index, owed);
    });
  }

  /** Says its name, state and owner. */
  toString(): string {
    return `${this.#label()}: ${this.#freed() ? "freed" : this.#state()}`;
  }

  #word(): number {
    return load(this.#region.memory.words, this.#index + LOCK);
  }

  #label(): string {
    const name = this.#freed() ? undefined : this.name;
    return name === undefined ? `Mutex at ${this.#offset}` : `Mutex "${name}"`;
  }

  #state(): string {
    const word = this.#word();
    const owner = ownerOf(word);
    if (owner === 0) return "free";
    if (owner === NOT_RECOVERABLE) return "not recoverable";
    const words = this.#region.memory.words;
    const doubt = isInconsistent(word) ? ", state inconsistent since an owner died" : "";
    if (owner === this.#me) return `held by this thread (${threadIdOf(words, owner)})${doubt}`;
    return isAlive(words, owner) ? `held by thread ${threadIdOf(words, owner)}${doubt}` : "held by a thread that died";
  }

  /** Whether the memory is still this lock's; it may be freed even so. @internal */
  isCurrent(): boolean {
    return load(this.#words, this.#serialAt) === this.#serial;
  }

  #freed(): boolean {
    return !this.isCurrent() || this.#word() === RETIRED;
  }

  #outcome(result: number, timeout: number, options: LockOptions, ticket: number = this.#ticket()): Guard<Mutex> {
    if (result === ACQUIRED || result === ACQUIRED_DIED) {
      const guard = new Guard<Mutex>(this, ticket);
      if (!this.isCurrent()) {
        guard.release();
        throw this.#closed();
      }
      return result === ACQUIRED ? guard : this.#afterDeath(guard, options.recover);
    }
    if (this.#freed()) throw this.#closed();
    if (result === MUST_WAIT) {
      const { waiters } = this;
      throw new TimeoutError(
        "ERR_TIMEOUT",
        `${this.#label()} was not acquired within ${timeout} ms: it is ${this.#state()}, ${waiters} other waiters`,
        { timeout, owner: this.owner, waiters },
      );
    }
    if (result === HELD_BY_ME) {
      throw new WouldDeadlockError(
        "ERR_WOULD_DEADLOCK",
        `${this.#label()} is held by this thread (${this.owner}) already and is not reentrant: waiting for it would ` +
          "never end; release it first, or await lockAsync() in another task",
      );
    }
    throw new NotRecoverableError(
      "ERR_NOT_RECOVERABLE",
      `${this.#label()}: an owner died while it held the lock, and the next one released it without markConsistent(): ` +
        "what it protects may be half-changed; make a new lock over repaired state",
    );
  }

  #ticket(): number {
    return peek(this.#words, this.#index + HOLD);
  }

  #afterDeath(guard: Guard<Mutex>, recover: LockOptions["recover"]): Guard<Mutex> {
    if (recover === undefined) {
      throw OwnerDiedError.holding(
        guard,
        `${this.#label()}: the last owner died while it held the lock. The lock is yours now, through error.guard: ` +
          "repair what it protects, call guard.markConsistent(), then guard.release()",
      );
    }
    let repaired = false;
    try {
      recover(guard);
      repaired = true;
    } finally {
      if (repaired) guard.markConsistent();
      else guard.release();
    }
    if (!guard.held) throw this.#notOwner("recover released the lock that it was called with");
    return guard;
  }

  #notOwner(call: string): NotOwnerError {
    const message = `${call}: this thread does not hold ${this.#label()}, which is ${this.#state()}`;
    return new NotOwnerError("ERR_NOT_OWNER", message, { owner: this.owner });
  }

  #closed(): ClosedError {
    return new ClosedError("ERR_CLOSED", `the Mutex at ${this.#offset} was freed`);
  }

  #forbidden(call: string, twin: string): BlockingForbiddenError {
    const message = `${this.#label()}: ${call} may block, which this thread may not; await ${twin}() instead`;
    return new BlockingForbiddenError("ERR_BLOCKING_FORBIDDEN", message);
  }
}

/** Where a lock lies. */
interface Place {
  readonly region: Region;
  readonly offset: number;
  readonly serial: number;
}

/** Where a handle's lock lies; keyed by the options object that only Mutex.from makes. */
const attachments = new WeakMap<MutexOptions, Place>();

function regionFor(options: MutexOptions): Region {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`new Mutex takes { name, region }, got ${describe(options)}`);
  }
  if (options.region === undefined) return options.name === undefined ? defaultRegion() : defaultRegionForNames();
  if (!(options.region instanceof Region)) {
    throw new TypeError(`region must be a Region, got ${describe(options.region)}`);
  }
  return options.region;
}

function place(region: Region, name: string | undefined): Place {
  let serial = 0;
  const create = (): number => {
    const offset = region.allocate(MUTEX_WORDS * 4, KIND_MUTEX);
    renew(region.memory.words, offset >> 2);
    serial = region.serialOf(offset);
    return offset;
  };
  // Seen under the directory's lock, so that the serial number is that of the lock of this name. A retired lock in the
  // directory was left there by a thread that died in free().
  const found = (offset: number): boolean => {
    serial = region.serialOf(offset);
    region.memory.cover(offset + MUTEX_WORDS * 4);
    return load(region.memory.words, (offset >> 2) + LOCK) !== RETIRED;
  };
  const offset = name === undefined ? create() : region.findOrCreate(name, KIND_MUTEX, create, found);
  return { region, offset, serial };
}

function checkOptions(options: LockOptions): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`lock options must be an object, got ${describe(options)}`);
  }
  if (options.recover !== undefined && typeof options.recover !== "function") {
    throw new TypeError(`recover must be a function, got ${describe(options.recover)}`);
  }
  return checkTimeout(options.timeout);
}
