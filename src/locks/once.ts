// The public Once: a thin handle over one word (protocols/once.ts).

import { load, store } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { type AsyncWaitOptions, checkSignal, deadlineIn, timeoutOf, type WaitOptions } from "../cells/deadline.ts";
import { TimeoutError, WouldDeadlockError } from "../cells/errors.ts";
import { SLICE_MS, TIMED_OUT, wakeAll } from "../cells/park.ts";
import { ACQUIRED } from "../protocols/mutex.ts";
import {
  finishOnce,
  IS_DONE,
  isDone,
  ONCE_WORDS,
  onceStep,
  RUN,
  RUNS_HERE,
  runnerOf,
  takeOverOnce,
} from "../protocols/once.ts";
import { DEADLOCKED, deadlockError } from "../region/deadlock.ts";
import { KIND_ONCE } from "../region/layout.ts";
import { beginRun, endRun, PERMITS } from "../region/record-holds.ts";
import { isRecording } from "../region/record-memory.ts";
import { recordWait } from "../region/recording.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { isAlive, probe, threadIdOf } from "../region/threads.ts";
import { FOR_RUNNER } from "../region/waits.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "./async-waiters.ts";
import { handleOptions, type LockHandle, LockObject, type PlaceOptions } from "./place.ts";

export type OnceOptions = PlaceOptions;
export type OnceHandle = LockHandle<"once">;

/**
 * Runs a function once among all threads. Callers that come while it runs wait until it is through; if it throws, or its
 * thread dies, the next caller runs its own function. After that every call returns at once.
 *
 * Semantics of C++'s std::call_once; owner death as for a Mutex, told to nobody: the next one simply runs.
 *
 * @example
 * Once.named("tables").call(() => fillTables()); // in every worker; one of them fills, the others wait for it
 */
export class Once extends LockObject<"once"> {
  constructor(options: OnceOptions = {}) {
    super({ kind: KIND_ONCE, tag: "once", bytes: () => ONCE_WORDS * 4 }, options);
  }

  /** The once of this name, made if there is none yet. */
  static named(name: string, options: Omit<OnceOptions, "name"> = {}): Once {
    return new Once({ ...options, name });
  }

  /** Attaches to the once of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: OnceHandle): Once {
    return new Once(handleOptions(KIND_ONCE, "once", handle));
  }

  /** Whether it has been done. */
  get done(): boolean {
    return isDone(load(this.region.memory.words, this.index));
  }

  /**
   * Runs `fn` if nobody has yet, or waits until another caller's is through; true if it ran here. Blocks the thread.
   * What `fn` throws is passed on, and the next caller runs. Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (from inside `fn`,
   * or while a task of this thread runs it), ERR_BLOCKING_FORBIDDEN (only if it would have to wait).
   */
  call(fn: () => void, options: WaitOptions = {}): boolean {
    checkSyncFunction("call", "callAsync", fn);
    const timeout = timeoutOf(options, "Once.call");
    if (this.done) return false;
    if (!this.#claim(timeout)) return false;
    const run = beginRun(this.region.memory, this.index);
    let done = false;
    try {
      fn();
      done = true;
    } finally {
      endRun(run);
      this.#finish(done);
    }
    return true;
  }

  /** As {@link call}, for an async `fn`, without blocking the event loop. Keeps the process alive while it waits. */
  async callAsync(fn: () => void | Promise<void>, options: AsyncWaitOptions = {}): Promise<boolean> {
    checkFunction("callAsync", fn);
    const timeout = timeoutOf(options, "Once.callAsync");
    checkSignal(options.signal);
    if (this.done) return false;
    const claimed = await asyncWaiters(this.region, this.index, false).wait({
      ...options,
      attempt: ({ ask }) => this.#attempt(ask),
    });
    if (claimed === EXPIRED_ASYNC) throw this.#timedOut(timeout);
    if (!claimed) return false;
    const run = beginRun(this.region.memory, this.index);
    let done = false;
    try {
      await fn();
      done = true;
    } finally {
      endRun(run);
      this.#finish(done);
    }
    return true;
  }

  /** Gives the memory back. Throws ERR_IN_USE while it runs. */
  free(): void {
    this.freePlace(() => {
      const { words } = this.region.memory;
      const runner = runnerOf(load(words, this.index));
      if (runner !== 0 && !this.#isDead(runner, true)) throw this.inUseError();
      store(words, this.index, 0);
      wakeAll(words, this.index);
    });
  }

  /** True if the caller must run it, false if it is done. */
  #claim(timeout: number): boolean {
    if (!isRecording()) return this.#claimSleeping(timeout);
    let runs = false;
    const claim = (): number => {
      runs = this.#claimSleeping(timeout);
      return ACQUIRED;
    };
    recordWait(this.region, this.index, PERMITS, claim);
    return runs;
  }

  #claimSleeping(timeout: number): boolean {
    const { words } = this.region.memory;
    const deadline = deadlineIn(timeout);
    let ask = false;
    for (;;) {
      const step = onceStep(words, this.index, this.me);
      if (step === RUN) return true;
      if (step === IS_DONE) return false;
      if (step === RUNS_HERE) {
        const message = `${this.label()}: this thread runs it already, so waiting for it would never end`;
        throw new WouldDeadlockError("ERR_WOULD_DEADLOCK", message);
      }
      if (this.#isDead(runnerOf(step), ask)) {
        if (takeOverOnce(words, this.index, this.me, step)) return true;
        continue;
      }
      this.mustMayBlock("call", "callAsync");
      const ended = sleepOn(this.region, this.index, step, this.index, deadline, SLICE_MS, FOR_RUNNER);
      if (ended === DEADLOCKED && load(words, this.index) === step) throw deadlockError(this.region);
      if (ended === EXPIRED && load(words, this.index) === step) throw this.#timedOut(timeout);
      ask = ended === TIMED_OUT;
    }
  }

  #attempt(ask: boolean): boolean | undefined {
    const { words } = this.region.memory;
    for (;;) {
      const step = onceStep(words, this.index, this.me);
      if (step === RUN) return true;
      if (step === IS_DONE) return false;
      if (step === RUNS_HERE || !this.#isDead(runnerOf(step), ask)) return undefined;
      if (takeOverOnce(words, this.index, this.me, step)) return true;
    }
  }

  #isDead(runner: number, ask: boolean): boolean {
    const { words } = this.region.memory;
    return !isAlive(words, runner) || (ask && probe(words, runner));
  }

  #finish(done: boolean): void {
    const { words } = this.region.memory;
    if (finishOnce(words, this.index, this.me, done ? 1 : 0) !== 0) wakeAll(words, this.index);
  }

  #timedOut(timeout: number): TimeoutError {
    const message = `${this.label()} was not done within ${timeout} ms: it is ${this.describeState()}`;
    return new TimeoutError("ERR_TIMEOUT", message, { timeout });
  }

  /** @internal */
  protected override describeState(): string {
    const { words } = this.region.memory;
    const word = load(words, this.index);
    if (isDone(word)) return "done";
    const runner = runnerOf(word);
    if (runner === 0) return "not done";
    return isAlive(words, runner) ? `being done by thread ${threadIdOf(words, runner)}` : "left by a thread that died";
  }
}
