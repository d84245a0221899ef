// The reader of a SharedLog: a cursor that only its thread knows. What it does to memory are the log's steps (log.ts); this
// file sleeps between them, sync and async.

import { type AsyncWaitOptions, assertOptions, deadlineIn, timeoutOf, type WaitOptions } from "../cells/deadline.ts";
import { TimeoutError } from "../cells/errors.ts";
import { type AsyncWaiters, EXPIRED_ASYNC } from "../locks/async-waiters.ts";
import type { Value } from "./payload.ts";

/** What a log holds. */
export type LogValue = Value;

/** Where a reader stands. */
export interface Cursor {
  position: number;
  lost: number;
}

export const WAIT: unique symbol = Symbol("must wait");

/** What a reader needs of its log. */
export interface LogSource<Log> {
  readonly log: Log;
  /** The entry at the cursor, which moves on; WAIT if there is none, announced as a waiter if `wait`. */
  step(cursor: Cursor, wait: boolean): LogValue | typeof WAIT;
  /** Sleeps after a step that must wait; true if the deadline is over. */
  sleep(deadline: number): boolean;
  /** This thread's tasks that wait for news. */
  tasks(): AsyncWaiters;
  /** Throws ERR_BLOCKING_FORBIDDEN where the thread may not block. */
  assertBlocking(): void;
}

/** One reader of a {@link SharedLog}, made by its `reader()`. It belongs to its thread; many may read one log. */
export class LogReader<Log = unknown> {
  readonly #source: LogSource<Log>;
  readonly #cursor: Cursor;

  /** @internal */
  constructor(position: number, source: LogSource<Log>) {
    this.#source = source;
    this.#cursor = { position, lost: 0 };
  }

  /** The log that it reads. */
  get log(): Log {
    return this.#source.log;
  }

  /** The position of the entry that comes next; `log.reader({ from: position })` goes on there, in any thread. */
  get position(): number {
    return this.#cursor.position;
  }

  /** How many entries were overwritten before this reader came to them. It counts them when it reads on. */
  get lost(): number {
    return this.#cursor.lost;
  }

  /**
   * The next entry; blocks the thread until there is one. Throws ERR_TIMEOUT, ERR_CLOSED if the log is freed, and
   * ERR_BLOCKING_FORBIDDEN on a browser's main thread (use readAsync).
   */
  read(options: WaitOptions = {}): LogValue {
    const timeout = timeoutOf(options, "LogReader.read");
    this.#source.assertBlocking();
    const value = this.#sleepingStep(deadlineIn(timeout));
    if (value === WAIT) throw this.#timedOut(timeout);
    return value;
  }

  /** The next entry if there is one, or undefined; it waits up to `timeout` milliseconds for one if a time is given. */
  tryRead(options: WaitOptions = {}): LogValue | undefined {
    const timeout = timeoutOf(options, "LogReader.tryRead", 0);
    if (timeout !== 0) this.#source.assertBlocking();
    const value = timeout === 0 ? this.#source.step(this.#cursor, false) : this.#sleepingStep(deadlineIn(timeout));
    return value === WAIT ? undefined : value;
  }

  /** As {@link read}, without blocking the event loop. Keeps the process alive while it waits; aborted, it reads nothing. */
  async readAsync(options: AsyncWaitOptions = {}): Promise<LogValue> {
    assertOptions(options, "LogReader.readAsync");
    const value = await this.#source.tasks().wait({
      ...options,
      attempt: () => {
        const value = this.#source.step(this.#cursor, true);
        return value === WAIT ? undefined : value;
      },
    });
    if (value === EXPIRED_ASYNC) throw this.#timedOut(options.timeout as number);
    return value;
  }

  /** The entries as they come, without an end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<LogValue, never, undefined> {
    for (;;) yield await this.readAsync();
  }

  #sleepingStep(deadline: number): LogValue | typeof WAIT {
    for (let last = false; ; ) {
      const value = this.#source.step(this.#cursor, !last);
      if (value !== WAIT || last) return value;
      last = this.#source.sleep(deadline);
    }
  }

  #timedOut(timeout: number): TimeoutError {
    const { position } = this.#cursor;
    const message = `${this.#source.log}: no entry came at position ${position} within ${timeout} ms`;
    return new TimeoutError("ERR_TIMEOUT", message, { timeout, position });
  }
}
