// Acquiring a read-write lock for reading and for writing, sync and async: what RwLock and StampedLock have in common.
// The steps are in protocols/rw-lock.ts, the waiting in rw-waiting.ts, state and errors in rw-object.ts.

import { peek } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { type AsyncWaitOptions, deadlineIn, now } from "../cells/deadline.ts";
import { ACQUIRED, ACQUIRED_DIED, HELD_BY_ME, HOLD, MUST_WAIT } from "../protocols/mutex.ts";
import { BACKED_OFF, NOT_TRIED, WAKE_WRITER, writeStep } from "../protocols/rw-lock.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import { isRecording } from "../region/record-memory.ts";
import { recordWait } from "../region/recording.ts";
import { checkOptions } from "./acquire-options.ts";
import { drainAwaiting, gateAwaiting, readAwaiting } from "./rw-awaiting.ts";
import type { AsyncRwOptions, Releasable, RwOptions } from "./rw-guards.ts";
import { RwObject } from "./rw-object.ts";
import {
  drainBlocking,
  gateBlocking,
  gateNow,
  giveBackDead,
  payRwWakes,
  readBlocking,
  readLook,
  readsHere,
  releaseGate,
  reopen,
} from "./rw-waiting.ts";

/** Base of the read-write locks; `R` and `W` are their read and write guards, `K` marks their handles. */
export abstract class ReadWriteLock<R extends Releasable, W extends Releasable, K extends string> extends RwObject<K> {
  /** A guard of a read hold that was just taken. @internal */
  protected abstract makeRead(): R;

  /** A guard of the write hold with this ticket, which was just taken. @internal */
  protected abstract makeWrite(ticket: number): W;

  /**
   * Takes a read hold; blocks while another thread writes or waits to (a thread that has a read hold gets another at once).
   * Dispose the guard. Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (this thread writes), ERR_OWNER_DIED (with `guard`: held for
   * reading now; a writer died and nobody has repaired since), ERR_NOT_RECOVERABLE, ERR_CLOSED, ERR_BLOCKING_FORBIDDEN,
   * and RangeError past 2^30 holds of one thread.
   */
  read(options?: RwOptions<R>): R {
    const result = this.operations.readFast(this.index, this.cell);
    if (result === ACQUIRED && options === undefined && this.words[this.serialAt] === this.serial)
      return this.makeRead();
    return this.#readSlow(result, options);
  }

  #readSlow(fast: number, options: RwOptions<R> = {}): R {
    let result = fast;
    if (result === BACKED_OFF) payRwWakes(this.region.memory.words, this.index, WAKE_WRITER);
    const timeout = this.#checked(options, () => {
      if (fast === ACQUIRED || fast === ACQUIRED_DIED) this.endRead();
    });
    if (result === MUST_WAIT || result === BACKED_OFF || result === NOT_TRIED) {
      this.mustMayBlock("read", "readAsync");
      result = readBlocking(this, deadlineIn(timeout));
    }
    return this.#readOutcome(result, timeout, options);
  }

  /**
   * Takes a read hold if no writer holds the lock or waits for it, or waits up to `timeout` milliseconds if one is given.
   * Undefined if it was not to be had. Throws as read() does, but for the time-out.
   */
  tryRead(options: RwOptions<R> = {}): R | undefined {
    const timeout = this.#tryOptions(options);
    if (timeout > 0) this.mustMayBlock("tryRead with a time-out", "readAsync");
    let result = readLook(this, true);
    if (result === MUST_WAIT) {
      if (timeout === 0) return undefined;
      result = readBlocking(this, deadlineIn(timeout));
    }
    return result === MUST_WAIT ? undefined : this.#readOutcome(result, timeout, options);
  }

  /**
   * As {@link read}, without blocking the event loop: a task waits for a writer of its own thread like for any other. The
   * process stays alive while it waits. Rejects as read() throws, and with `signal.reason`.
   */
  async readAsync(options: AsyncRwOptions<R> = {}): Promise<R> {
    const timeout = checkOptions(options);
    return this.#readOutcome(await readAwaiting(this, options), timeout, options);
  }

  /** Runs `fn` with a read hold and returns its result. Throws as read(), and what `fn` throws. */
  withRead<T>(fn: () => T, options?: RwOptions<R>): T {
    checkSyncFunction("withRead", "withReadAsync", fn);
    const guard = this.read(options);
    try {
      return fn();
    } finally {
      guard.release();
    }
  }

  /** As {@link withRead}, for an async `fn`: the hold lasts until its promise settles. */
  async withReadAsync<T>(fn: () => T | Promise<T>, options?: AsyncRwOptions<R>): Promise<T> {
    checkFunction("withReadAsync", fn);
    const guard = await this.readAsync(options);
    try {
      return await fn();
    } finally {
      guard.release();
    }
  }

  /**
   * Takes the write hold; blocks until no other thread reads or writes. New readers wait behind it from the moment that it
   * waits for the present ones; if it gives up, they come in. Dispose the guard.
   * Throws ERR_TIMEOUT, ERR_WOULD_DEADLOCK (this thread reads, writes, or holds the upgradable lock: use its upgrade()),
   * ERR_OWNER_DIED (with `guard`: held for writing now), ERR_NOT_RECOVERABLE, ERR_CLOSED, ERR_BLOCKING_FORBIDDEN.
   */
  write(options?: RwOptions<W>): W {
    const ticket = this.operations.writeFast(this.index, this.cell, this.me);
    if (ticket > 0 && options === undefined && this.words[this.serialAt] === this.serial) {
      this.granted();
      return this.makeWrite(ticket);
    }
    return this.#writeSlow(ticket, options);
  }

  #writeSlow(ticket: number, options: RwOptions<W> = {}): W {
    const timeout = this.#checked(options, () => {
      if (ticket > 0) this.releaseHold(ticket);
      else if (ticket < 0) this.#giveUp();
    });
    let result = ACQUIRED;
    if (ticket > 0) this.granted();
    else if (ticket < 0) result = this.drained(drainBlocking(this, deadlineIn(timeout)));
    else {
      this.mustMayBlock("write", "writeAsync");
      result = this.writeBlocking(deadlineIn(timeout));
    }
    return this.#writeOutcome(result, timeout, options);
  }

  /** Waits for the write hold: a result of the protocol. @internal */
  protected writeBlocking(deadline: number): number {
    if (readsHere(this) > 0) return HELD_BY_ME;
    if (!isRecording()) return this.#gateAndDrain(deadline);
    return recordWait(this.region, this.index, EXCLUSIVE, () => this.#gateAndDrain(deadline));
  }

  #gateAndDrain(deadline: number): number {
    const gate = gateBlocking(this, deadline);
    return gate === ACQUIRED ? this.drained(drainBlocking(this, deadline)) : gate;
  }

  /** As {@link writeBlocking} for a task. @internal */
  protected async writeAwaiting(options: AsyncWaitOptions): Promise<number> {
    const deadline = deadlineIn(options.timeout ?? Number.POSITIVE_INFINITY);
    const gate = await gateAwaiting(this, options);
    if (gate !== ACQUIRED) return gate;
    try {
      // Of a time that the gate used up a moment is left, for the last look: do those that read live?
      const timeout = options.timeout === 0 ? 0 : Math.max(Number.MIN_VALUE, deadline - now());
      return this.drained(await drainAwaiting(this, { timeout, signal: options.signal }));
    } catch (error) {
      this.#giveUp();
      throw error;
    }
  }

  /** The drain is over: the write hold is had, or given up. @internal */
  protected drained(result: number): number {
    if (result === ACQUIRED || result === ACQUIRED_DIED) this.granted();
    else this.#giveUp();
    return result;
  }

  #giveUp(): void {
    reopen(this);
    releaseGate(this);
  }

  /**
   * Takes the write hold if it is to be had at once, or waits up to `timeout` milliseconds if one is given. Undefined if it
   * was not to be had. Throws as write() does, but for the time-out.
   */
  tryWrite(options: RwOptions<W> = {}): W | undefined {
    const timeout = this.#tryOptions(options);
    let result: number;
    if (timeout > 0) {
      this.mustMayBlock("tryWrite with a time-out", "writeAsync");
      result = this.writeBlocking(deadlineIn(timeout));
    } else {
      result = this.#writeNow();
      if (result === HELD_BY_ME) return undefined;
    }
    return result === MUST_WAIT ? undefined : this.#writeOutcome(result, timeout, options);
  }

  #writeNow(): number {
    if (readsHere(this) > 0) return HELD_BY_ME;
    const gate = gateNow(this);
    return gate === ACQUIRED ? this.drained(this.drainNow()) : gate;
  }

  /** Takes the write lock, whose gate is held, if nobody reads. @internal */
  protected drainNow(): number {
    for (;;) {
      const step = writeStep(this.region.memory.words, this.index, 1);
      if (step !== MUST_WAIT || !giveBackDead(this, true)) return step;
    }
  }

  /**
   * As {@link write}, without blocking the event loop. Tasks of one thread exclude each other like threads, so a task that
   * has a read hold and awaits this waits for itself: release it first. Rejects as write() throws, and with `signal.reason`.
   */
  async writeAsync(options: AsyncRwOptions<W> = {}): Promise<W> {
    const timeout = checkOptions(options);
    return this.#writeOutcome(await this.writeAwaiting(options), timeout, options);
  }

  /** Runs `fn` with the write hold and returns its result. Throws as write(), and what `fn` throws. */
  withWrite<T>(fn: () => T, options?: RwOptions<W>): T {
    checkSyncFunction("withWrite", "withWriteAsync", fn);
    const guard = this.write(options);
    try {
      return fn();
    } finally {
      guard.release();
    }
  }

  /** As {@link withWrite}, for an async `fn`: the hold lasts until its promise settles. */
  async withWriteAsync<T>(fn: () => T | Promise<T>, options?: AsyncRwOptions<W>): Promise<T> {
    checkFunction("withWriteAsync", fn);
    const guard = await this.writeAsync(options);
    try {
      return await fn();
    } finally {
      guard.release();
    }
  }

  #checked(options: RwOptions<never>, undo: () => void): number {
    try {
      return checkOptions(options);
    } catch (error) {
      undo();
      throw error;
    }
  }

  #tryOptions(options: RwOptions<never>): number {
    const limit = checkOptions(options);
    return options.timeout === undefined ? 0 : limit;
  }

  #readOutcome(result: number, timeout: number, options: RwOptions<R>): R {
    if ((result === ACQUIRED || result === ACQUIRED_DIED) && !this.isCurrent()) {
      this.endRead();
      throw this.closedError();
    }
    if (result === ACQUIRED) return this.makeRead();
    if (result === ACQUIRED_DIED) return this.tellDeath(this.makeRead(), options);
    throw this.failure("reading", result, timeout);
  }

  #writeOutcome(result: number, timeout: number, options: RwOptions<W>): W {
    if (result !== ACQUIRED && result !== ACQUIRED_DIED) throw this.failure("writing", result, timeout);
    if (!this.isCurrent()) {
      this.releaseHold(peek(this.words, this.index + HOLD));
      throw this.closedError();
    }
    const guard = this.makeWrite(peek(this.region.memory.words, this.index + HOLD));
    return result === ACQUIRED ? guard : this.tellDeath(guard, options);
  }
}
