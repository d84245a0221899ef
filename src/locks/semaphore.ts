// The public Semaphore: a thin handle over the words of protocols/semaphore.ts.

import { add, load, store } from "../cells/atomics.ts";
import { type AsyncWaitOptions, checkTimeout, deadlineIn, now, type WaitOptions } from "../cells/deadline.ts";
import { NotOwnerError, TimeoutError } from "../cells/errors.ts";
import { TIMED_OUT, wake, wakeAll } from "../cells/park.ts";
import {
  acquireFast,
  afterWait,
  BOUND,
  drain,
  enter,
  leave,
  MAX_PERMITS,
  OVER_BOUND,
  OWNED,
  permitsOf,
  release,
  SEMAPHORE_WORDS,
  SEQUENCE,
  STARVER,
  semaphoreStep,
  starve,
  TASKS,
  TOOK,
  TOTAL,
  tryAcquire,
  VALUE,
  WAKE_ALL,
  WAKE_NOBODY,
} from "../protocols/semaphore.ts";
import { KIND_SEMAPHORE } from "../region/layout.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { countSleepers, isAlive, probe } from "../region/threads.ts";
import { STARVING_MS } from "../region/word-lock.ts";
import { asyncWaiters, awaitingCell, EXPIRED_ASYNC } from "./async-waiters.ts";
import { checkWhole, handleOptions, type LockHandle, LockObject, type PlaceOptions } from "./place.ts";
import { addHeld, heldBy, ownedWords, recount, withHolders } from "./semaphore-holders.ts";

export interface SemaphoreOptions extends PlaceOptions {
  /** Permits at the start: 0 to 2^30. A semaphore of this name that exists already keeps its own number. */
  readonly permits?: number | undefined;
  /** True: a release past the permits at the start is an error, as for CPython's BoundedSemaphore. */
  readonly bounded?: boolean | undefined;
  /**
   * True: permits belong to the thread that acquired them; only it can release them, and they come back if it dies.
   * Otherwise they belong to nobody, and any thread may release (signalling). An owned semaphore is bounded.
   */
  readonly owned?: boolean | undefined;
}

export type SemaphoreHandle = LockHandle<"semaphore">;

/** Marks the token of a thread's task, beside the owner id of its own sync waits. */
const TASK_TOKEN = 1 << 28;

/**
 * Permits that threads acquire and release, one or several at a time. Threads barge: a request that can be met is met,
 * even if larger ones wait, until one has waited for more than 1 ms; then permits gather for it, and it is served next.
 *
 * Semantics of java.util.concurrent.Semaphore and CPython's threading.(Bounded)Semaphore.
 *
 * @example
 * const slots = new Semaphore({ name: "slots", permits: 4, owned: true });
 * slots.withPermits(() => transcode()); // at most four threads at once
 */
export class Semaphore extends LockObject {
  readonly #owned: boolean;

  constructor(options: SemaphoreOptions = {}) {
    const { permits, bounded = false, owned = false } = options ?? {};
    if (permits !== undefined) checkWhole("permits", permits, 0, MAX_PERMITS);
    const init = (words: Int32Array, index: number): void => {
      if (permits === undefined)
        throw new TypeError("new Semaphore needs { permits }: how many there are at the start");
      store(words, index + VALUE, permits);
      store(words, index + BOUND, bounded || owned ? permits : MAX_PERMITS);
      store(words, index + TOTAL, permits);
      store(words, index + OWNED, owned ? 1 : 0);
    };
    super(
      {
        kind: KIND_SEMAPHORE,
        tag: "semaphore",
        bytes: (region) => (owned ? ownedWords(region) : SEMAPHORE_WORDS) * 4,
        init,
      },
      options,
    );
    const words = this.region.memory.words;
    this.#owned = load(words, this.index + OWNED) !== 0;
    if (this.#owned) this.region.memory.cover((this.index + ownedWords(this.region)) * 4);
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
    if (this.#owned) withHolders(this.region, this.index, () => this.#reclaim(false));
    return permitsOf(load(this.region.memory.words, this.index + VALUE));
  }

  /** Threads that sleep for permits, and tasks of this thread that await some. */
  get waiters(): number {
    const words = this.region.memory.words;
    return countSleepers(words, this.index) + awaitingCell(this.region, this.index + SEQUENCE);
  }

  /**
   * Acquires `n` permits at once; blocks the thread until it has them.
   * Throws ERR_TIMEOUT, RangeError (more than there can ever be), ERR_BLOCKING_FORBIDDEN (use acquireAsync).
   */
  acquire(n = 1, options: WaitOptions = {}): void {
    const timeout = checkTimeout(options.timeout);
    this.#checkRequest(n);
    this.mustMayBlock("acquire", "acquireAsync");
    if (!this.#acquireUntil(n, deadlineIn(timeout))) throw this.#timedOut(n, timeout);
  }

  /**
   * Acquires `n` permits if they are there (it never fails beside enough permits), or waits up to `timeout` milliseconds
   * if one is given; whether it has them.
   */
  tryAcquire(n = 1, options: WaitOptions = {}): boolean {
    const timeout = options.timeout === undefined ? 0 : checkTimeout(options.timeout);
    this.#checkRequest(n);
    if (this.#tryNow(n)) return true;
    if (timeout === 0) return false;
    this.mustMayBlock("tryAcquire with a time-out", "acquireAsync");
    return this.#acquireUntil(n, deadlineIn(timeout));
  }

  /** As {@link acquire}, without blocking the event loop. Keeps the process alive. Rejects with `signal.reason` if aborted. */
  async acquireAsync(n = 1, options: AsyncWaitOptions = {}): Promise<void> {
    this.#checkRequest(n);
    const words = this.region.memory.words;
    const token = this.me | TASK_TOKEN;
    const large = n > 1 ? 1 : 0;
    let starving = false;
    let entered = false;
    const withdraw = (): void => {
      if (!entered) return;
      leave(words, this.index, large, 1);
      this.#pay(afterWait(words, this.index, starving ? token : 0), 1);
    };
    const taken = await asyncWaiters(this.region, this.index + SEQUENCE, false).wait({
      ...options,
      withdraw,
      attempt: ({ waited, waitedMs, ask }) => {
        if (!waited) {
          if (this.#fast(n)) return true;
          enter(words, this.index, large, 1);
          entered = true;
        }
        if (waited && !starving && waitedMs > STARVING_MS) starving = starve(words, this.index, token);
        this.#lookForDead(ask);
        if (this.#step(n, starving ? token : -1, waited ? 1 : 0) !== TOOK) return undefined;
        withdraw();
        return true;
      },
    });
    if (taken === EXPIRED_ASYNC) throw this.#timedOut(n, options.timeout as number);
  }

  /**
   * Gives `n` permits and wakes those who can go on. Never blocks. Throws RangeError, with nothing changed, past the bound
   * (or past 2^30 permits), and ERR_NOT_OWNER if an owned semaphore's permits are not this thread's.
   */
  release(n = 1): void {
    checkWhole("n", n, 1, MAX_PERMITS);
    const owed = this.#owned ? this.#releaseOwned(n) : release(this.region.memory.words, this.index, n);
    if (owed === OVER_BOUND) {
      const bound = load(this.region.memory.words, this.index + BOUND);
      throw new RangeError(
        `${this.label()}: releasing ${n} would make more than ${bound} permits (${this.available} are available): ` +
          "a release without an acquire",
      );
    }
    this.#pay(owed, n);
  }

  /** Takes every permit there is, without waiting; how many. */
  drain(): number {
    const words = this.region.memory.words;
    if (!this.#owned) return drain(words, this.index);
    return withHolders(this.region, this.index, () => {
      const taken = drain(words, this.index);
      addHeld(this.region, this.index, this.me, taken);
      return taken;
    });
  }

  /** Runs `fn` with `n` permits held and returns its result. Throws as acquire(). */
  withPermits<T>(fn: () => T, n = 1, options: WaitOptions = {}): T {
    this.acquire(n, options);
    try {
      return fn();
    } finally {
      this.release(n);
    }
  }

  /** As {@link withPermits}, for an async `fn`: the permits are held until its promise settles. */
  async withPermitsAsync<T>(fn: () => T | Promise<T>, n = 1, options: AsyncWaitOptions = {}): Promise<T> {
    await this.acquireAsync(n, options);
    try {
      return await fn();
    } finally {
      this.release(n);
    }
  }

  /** Gives the memory back. Throws ERR_IN_USE if anyone waits for permits. */
  free(): void {
    this.freePlace(() => {
      if (this.waiters > 0) throw this.inUseError();
    });
  }

  #checkRequest(n: number): void {
    checkWhole("n", n, 1, load(this.region.memory.words, this.index + BOUND));
  }

  #fast(n: number): boolean {
    return !this.#owned && acquireFast(this.region.memory.words, this.index, n) !== 0;
  }

  #tryNow(n: number): boolean {
    const words = this.region.memory.words;
    if (!this.#owned) return tryAcquire(words, this.index, n) !== 0;
    return withHolders(this.region, this.index, () => {
      if (permitsOf(load(words, this.index + VALUE)) < n) this.#reclaim(false);
      if (tryAcquire(words, this.index, n) === 0) return false;
      addHeld(this.region, this.index, this.me, n);
      return true;
    });
  }

  #acquireUntil(n: number, deadline: number): boolean {
    if (this.#fast(n)) return true;
    const words = this.region.memory.words;
    const large = n > 1 ? 1 : 0;
    const begun = now();
    let starving = false;
    let slept = 0;
    let taken = false;
    let ask = false;
    enter(words, this.index, large, 0);
    for (;;) {
      if (slept !== 0 && !starving && now() - begun > STARVING_MS) starving = starve(words, this.index, this.me);
      this.#lookForDead(ask);
      const step = this.#step(n, starving ? this.me : -1, slept);
      taken = step === TOOK;
      if (taken) break;
      const ended = sleepOn(this.region, this.index + VALUE, step, this.index, deadline);
      if (ended === EXPIRED) {
        // A wake may have come with the end of the time: one more look, so that it is not lost.
        taken = this.#step(n, starving ? this.me : -1, 1) === TOOK;
        break;
      }
      ask = ended === TIMED_OUT;
      slept = 1;
    }
    leave(words, this.index, large, 0);
    this.#pay(afterWait(words, this.index, starving ? this.me : 0), 1);
    return taken;
  }

  #step(n: number, token: number, slept: number): number {
    const words = this.region.memory.words;
    if (!this.#owned) return semaphoreStep(words, this.index, n, token, slept);
    return withHolders(this.region, this.index, () => {
      const step = semaphoreStep(words, this.index, n, token, slept);
      if (step === TOOK) addHeld(this.region, this.index, this.me, n);
      return step;
    });
  }

  /** A starver that died gathers permits for nobody, and a holder that died gives its permits back. */
  #lookForDead(ask: boolean): void {
    const words = this.region.memory.words;
    const starver = load(words, this.index + STARVER);
    const owner = starver & ~TASK_TOKEN;
    if (starver !== 0 && owner !== this.me && (!isAlive(words, owner) || (ask && probe(words, owner)))) {
      this.#pay(afterWait(words, this.index, starver), 1);
    }
    if (this.#owned) withHolders(this.region, this.index, () => this.#reclaim(ask));
  }

  #reclaim(ask: boolean): void {
    if (recount(this.region, this.index, ask)) this.#pay(WAKE_ALL, 1);
  }

  #releaseOwned(n: number): number {
    return withHolders(this.region, this.index, (words) => {
      const held = heldBy(words, this.index, this.me);
      if (held < n) {
        const message = `${this.label()}: this thread holds ${held} permits and can't release ${n}: it is an owned semaphore`;
        throw new NotOwnerError("ERR_NOT_OWNER", message, { held, n });
      }
      addHeld(this.region, this.index, this.me, -n);
      return release(words, this.index, n);
    });
  }

  #pay(owed: number, n: number): void {
    if (owed === WAKE_NOBODY) return;
    const words = this.region.memory.words;
    if (owed === WAKE_ALL) wakeAll(words, this.index + VALUE);
    else wake(words, this.index + VALUE, n);
    if (load(words, this.index + TASKS) === 0) return;
    // Every thread's tasks are woken: a thread that then blocks elsewhere must not sit on the only wake.
    add(words, this.index + SEQUENCE, 1);
    wakeAll(words, this.index + SEQUENCE);
  }

  #timedOut(n: number, timeout: number): TimeoutError {
    const message = `${this.label()}: ${n} permits were not acquired within ${timeout} ms: ${this.describeState()}`;
    return new TimeoutError("ERR_TIMEOUT", message, { timeout, n, available: this.available });
  }

  /** @internal */
  protected override describeState(): string {
    return `${this.available} permits available, ${this.waiters} waiters`;
  }
}
