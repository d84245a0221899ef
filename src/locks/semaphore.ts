// The public Semaphore: a thin handle over the words of protocols/semaphore.ts. How requests wait is in
// semaphore-waits.ts, who holds what in semaphore-holders.ts, the queue of a fair one in semaphore-queue.ts.

import { load } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { type AsyncWaitOptions, checkTimeout, deadlineIn, describe, now, type WaitOptions } from "../cells/deadline.ts";
import { NotOwnerError, TimeoutError } from "../cells/errors.ts";
import { blockingAllowed, SLICE_MS, TIMED_OUT } from "../cells/park.ts";
import { ACQUIRED, MUST_WAIT } from "../protocols/mutex.ts";
import {
  BOUND,
  FAIR,
  LOOK,
  MAX_PERMITS,
  MODE,
  OVER_BOUND,
  OWNED,
  permitsOf,
  STARVER,
  VALUE,
  WAKE_NOBODY,
} from "../protocols/semaphore.ts";
import { DEADLOCKED, deadlockError, isAlone } from "../region/deadlock.ts";
import { KIND_SEMAPHORE } from "../region/layout.ts";
import { PERMITS } from "../region/record-holds.ts";
import { isRecording } from "../region/record-memory.ts";
import { recordAwait, recordWait } from "../region/recording.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { Patience } from "../region/spinning.ts";
import { countPark, countSleepers } from "../region/threads.ts";
import { FOR_ANYTHING, FOR_PERMITS } from "../region/waits.ts";
import { STARVING_MS } from "../region/word-lock.ts";
import { asyncWaiters, awaitingCell, EXPIRED_ASYNC } from "./async-waiters.ts";
import { checkWhole, handleOptions, type LockHandle, LockObject } from "./place.ts";
import { heldElsewhere } from "./semaphore-holders.ts";
import { type SemaphoreOperations, semaphoreOperations } from "./semaphore-operations.ts";
import { type SemaphoreOptions, semaphoreClass, wordsOf } from "./semaphore-options.ts";
import { payPermits, type SemaphorePlace } from "./semaphore-place.ts";
import {
  drainOf,
  reclaimOwned,
  releaseOf,
  releaseOwned,
  retire,
  tryAcquireOf,
  withTables,
} from "./semaphore-tables.ts";
import { newWait, type PermitWait, taskCell } from "./semaphore-waits.ts";

export type { SemaphoreOptions };
export type SemaphoreHandle = LockHandle<"semaphore">;

/**
 * Permits that threads acquire and release, one or several at a time. Threads barge: a request that can be met is met,
 * even if larger ones wait, until one has waited for more than 1 ms; then permits gather for it, and it is served next.
 * With `fair`, requests are served in the order in which they came. Either way a thread that holds permits and asks for
 * more may wait for a request that waits for its own: acquire together what is needed together.
 *
 * Semantics of java.util.concurrent.Semaphore and CPython's threading.(Bounded)Semaphore.
 *
 * @example
 * const slots = new Semaphore({ name: "slots", permits: 4, owned: true });
 * slots.withPermits(() => transcode()); // at most four threads at once
 */
export class Semaphore extends LockObject<"semaphore"> implements SemaphorePlace {
  /** Whether permits belong to the thread that acquired them. */
  readonly owned: boolean;
  /** Whether requests are served in the order in which they came. */
  readonly fair: boolean;
  readonly #bound: number;
  /** The fast path, where there is one. */
  readonly #operations: SemaphoreOperations;
  readonly #patience = new Patience();

  constructor(options: SemaphoreOptions = {}) {
    super(semaphoreClass(options ?? {}), options);
    const words = this.region.memory.words;
    const found = load(words, this.index + MODE);
    this.owned = (found & OWNED) !== 0;
    this.fair = (found & FAIR) !== 0;
    this.#bound = load(words, this.index + BOUND);
    this.region.memory.cover((this.index + wordsOf(this.region, found)) * 4);
    this.#operations = semaphoreOperations(this, blockingAllowed());
  }

  /** The semaphore of this name, made with `options.permits` if there is none yet. */
  static named(name: string, options: Omit<SemaphoreOptions, "name"> = {}): Semaphore {
    return new Semaphore({ ...options, name });
  }

  /** Attaches to the semaphore of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: SemaphoreHandle): Semaphore {
    return new Semaphore(handleOptions(KIND_SEMAPHORE, "semaphore", handle));
  }

  /** Permits to be had at this moment. */
  get available(): number {
    if (this.owned && !this.freed) reclaimOwned(this);
    return permitsOf(load(this.region.memory.words, this.index + VALUE));
  }

  /** Threads that sleep for permits, and tasks of this thread that await some. */
  get waiters(): number {
    return countSleepers(this.region.memory.words, this.index) + awaitingCell(this.region, taskCell(this));
  }

  /**
   * Acquires `n` permits at once; blocks the thread until it has them.
   * Throws ERR_TIMEOUT, RangeError (more than there can ever be), ERR_BLOCKING_FORBIDDEN (use acquireAsync), ERR_CLOSED.
   */
  acquire(n = 1, options?: WaitOptions): void {
    const plain = options === undefined && n > 0 && n <= this.#bound && (n | 0) === n;
    if (plain && this.#operations.acquireFast(this.index, n) !== 0) return;
    const timeout = this.#check(n, options);
    this.mustMayBlock("acquire", "acquireAsync");
    if (!this.#acquireUntil(n, deadlineIn(timeout))) throw this.#timedOut(n, timeout);
  }

  /**
   * Acquires `n` permits if they are there (it never fails beside enough permits: it overtakes all who wait), or waits
   * as acquire() for up to `timeout` milliseconds if one is given; whether it has them.
   */
  tryAcquire(n = 1, options?: WaitOptions): boolean {
    const timeout = this.#check(n, options);
    if (options?.timeout === undefined || timeout === 0) {
      if (tryAcquireOf(this, n)) return true;
      this.mustBeOpen();
      return false;
    }
    this.mustMayBlock("tryAcquire with a time-out", "acquireAsync");
    return this.#acquireUntil(n, deadlineIn(timeout));
  }

  /** As {@link acquire}, without blocking the event loop. Keeps the process alive. Rejects with `signal.reason` if aborted. */
  async acquireAsync(n = 1, options?: AsyncWaitOptions): Promise<void> {
    // Taken only if nobody waits, a task neither.
    const plain = options === undefined && n > 0 && n <= this.#bound && (n | 0) === n;
    if (plain && this.#operations.acquireFast(this.index, n) !== 0) return;
    const timeout = this.#check(n, options);
    const wait = newWait(this, n, true);
    const cell = taskCell(this);
    const run = (blocked: () => void) =>
      asyncWaiters(this.region, cell, this.fair).wait({
        timeout,
        signal: options?.signal,
        withdraw: () => wait.leave(awaitingCell(this.region, cell) > 0),
        attempt: ({ waitedMs, ask, more, again }) => {
          if (wait.attempt({ waitedMs, ask, more })) return ACQUIRED;
          blocked();
          if (wait.slice < SLICE_MS) again(wait.slice);
          return undefined;
        },
      });
    const taken = await recordAwait(this.region, this.index, PERMITS, run);
    if (taken === EXPIRED_ASYNC) throw this.#timedOut(n, timeout);
  }

  /**
   * Gives `n` permits and wakes those who can go on. Throws RangeError, with nothing changed, past the bound (or past 2^30
   * permits), ERR_NOT_OWNER if an owned semaphore's permits are not this thread's, and ERR_CLOSED.
   */
  release(n = 1): void {
    if (n > 0 && n <= this.#bound && (n | 0) === n) {
      const owed = this.#operations.release(this.index, n);
      if (owed === WAKE_NOBODY) return;
      if (owed > 0) {
        payPermits(this, owed, n);
        return;
      }
    }
    this.#releaseSlow(n);
  }

  #releaseSlow(n: number): void {
    checkWhole("n", n, 1, MAX_PERMITS);
    if (this.owned) {
      const held = releaseOwned(this, n);
      if (held === undefined) return;
      const message = `${this.label()}: this thread holds ${held} permits and can't release ${n}: it is an owned semaphore`;
      throw new NotOwnerError("ERR_NOT_OWNER", message, { held, n });
    }
    if (releaseOf(this, n) !== OVER_BOUND) return;
    this.mustBeOpen();
    const message =
      `${this.label()}: releasing ${n} would make more than ${this.#bound} permits (${this.available} are ` +
      "available): a release without an acquire";
    throw new RangeError(message);
  }

  /** Takes every permit there is, without waiting; how many. */
  drain(): number {
    this.mustBeOpen();
    return drainOf(this);
  }

  /** Runs `fn` with `n` permits held and returns its result. Throws as acquire(). */
  withPermits<T>(fn: () => T, n = 1, options?: WaitOptions): T {
    checkSyncFunction("withPermits", "withPermitsAsync", fn);
    this.acquire(n, options);
    try {
      return fn();
    } finally {
      this.release(n);
    }
  }

  /** As {@link withPermits}, for an async `fn`: the permits are held until its promise settles. */
  async withPermitsAsync<T>(fn: () => T | Promise<T>, n = 1, options?: AsyncWaitOptions): Promise<T> {
    checkFunction("withPermitsAsync", fn);
    await this.acquireAsync(n, options);
    try {
      return await fn();
    } finally {
      this.release(n);
    }
  }

  /**
   * Gives the memory back. Throws ERR_IN_USE if a thread sleeps for permits, a task of this thread awaits some, or another
   * thread holds permits of an owned semaphore. Whoever uses it later, tasks of other threads included, gets ERR_CLOSED.
   */
  free(): void {
    this.freePlace(() => {
      if (this.waiters > 0) throw this.inUseError();
      if (this.owned && withTables(this, () => heldElsewhere(this))) throw this.inUseError();
      retire(this);
    });
  }

  #check(n: number, options: WaitOptions | undefined): number {
    if (options !== undefined && (typeof options !== "object" || options === null)) {
      throw new TypeError(`options must be an object, got ${describe(options)}`);
    }
    const timeout = checkTimeout(options?.timeout);
    checkWhole("n", n, 1, this.#bound);
    return timeout;
  }

  #acquireUntil(n: number, deadline: number): boolean {
    if (!isRecording()) return this.#acquireSleeping(n, deadline);
    const acquire = () => (this.#acquireSleeping(n, deadline) ? ACQUIRED : MUST_WAIT);
    return recordWait(this.region, this.index, PERMITS, acquire) === ACQUIRED;
  }

  #acquireSleeping(n: number, deadline: number): boolean {
    const { spinning } = this.region;
    const mayBarge = !this.owned && !this.fair;
    if (mayBarge && spinning !== undefined && this.#patience.spin(spinning, this.index, n)) return true;
    const begun = now();
    const usual = mayBarge && deadline === Number.POSITIVE_INFINITY;
    if (usual && this.#acquireUsual(n, begun)) return true;
    return this.#acquireLooking(newWait(this, n, false, usual), n, begun, deadline);
  }

  /** The usual course of a wait without a time-out; false, with the request announced, if more must be looked at. */
  #acquireUsual(n: number, begun: number): boolean {
    const { region, me, index, serialAt, serial } = this;
    const { words } = region.memory;
    let step = this.#operations.beginAcquire(index, n, me);
    for (let time = begun; step < 0; ) {
      if (load(words, index + STARVER) !== 0 || time - begun > STARVING_MS) return false;
      step = this.#operations.sleepForPermits(index, n, me, region.seatAt, step, SLICE_MS, serialAt, serial);
      const woken = now();
      countPark(words, region.seatAt, woken - time);
      time = woken;
    }
    if (step === LOOK) return false;
    payPermits(this, step >> 1, 1);
    return true;
  }

  #acquireLooking(wait: PermitWait, n: number, begun: number, deadline: number): boolean {
    const how = this.owned ? FOR_PERMITS : FOR_ANYTHING;
    let taken = false;
    let ask = false;
    try {
      for (;;) {
        taken = wait.attempt({ waitedMs: now() - begun, ask, more: false });
        if (taken) return true;
        const { cell, expected, slice } = wait;
        const ended = sleepOn(this.region, cell, expected, this.index, deadline, slice, how, n);
        // Whoever waits for permits of its own, and for a time only, is told that the time is over, as with others.
        if (ended === DEADLOCKED && !(deadline < Number.POSITIVE_INFINITY && isAlone())) {
          taken = wait.attempt({ waitedMs: now() - begun, ask: false, more: false });
          if (taken) return true;
          throw deadlockError(this.region);
        }
        if (ended === EXPIRED) {
          // One more look: a wake may have come with the end of the time, and leaves with this request; and who is waited
          // for may have died unheard.
          taken = wait.attempt({ waitedMs: now() - begun, ask: true, more: false });
          return taken;
        }
        ask = ended === TIMED_OUT;
      }
    } finally {
      if (!taken) wait.leave(false);
    }
  }

  #timedOut(n: number, timeout: number): TimeoutError {
    const message = `${this.label()}: ${n} permits were not acquired within ${timeout} ms: ${this.describeState()}`;
    return new TimeoutError("ERR_TIMEOUT", message, { timeout, n, available: this.available });
  }

  /** @internal */
  mustBeOpen(): void {
    if (this.freed) throw this.closedError();
  }

  /** @internal */
  protected override describeState(): string {
    return `${this.available} permits available, ${this.waiters} waiters`;
  }
}
