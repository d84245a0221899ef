// SharedQueue: what users call. The protocol, its words and its invariant are in queue-steps.ts and queue-wakes.ts; this
// file encodes values, repeats the steps and sleeps between them, sync and async.

import { load } from "../cells/atomics.ts";
import { type AsyncWaitOptions, assertOptions, deadlineIn, timeoutOf, type WaitOptions } from "../cells/deadline.ts";
import { TimeoutError } from "../cells/errors.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "../locks/async-waiters.ts";
import { handleOptions, type LockHandle } from "../locks/place.ts";
import { KIND_QUEUE } from "../region/layout.ts";
import { decodePayload, encodePayload, keepPayload, type Payload } from "./payload.ts";
import { CLOSED, type QueueOptions, QueueSteps, type QueueValue, WAIT } from "./queue-steps.ts";
import { cellOf, FOR_ROOM, ITEM_TASKS, owe, ROOM_TASKS } from "./queue-wakes.ts";
import type { TableCheck } from "./types.ts";

export type QueueHandle = LockHandle<"queue">;

/** What {@link SharedQueue.stats} tells. */
export interface QueueStats {
  entries: number;
  capacity: number;
  /** Bytes of the values in the queue. */
  bytesUsed: number;
  maxBytes: number;
  /** Bytes of the region that the queue occupies; it grows with what it has to hold, and does not shrink. */
  bytesReserved: number;
  closed: boolean;
}

/**
 * A bounded queue of strings and bytes for any number of producers and consumers in any threads. First in, first out;
 * the values of one producer come out in the order in which it pushed them.
 *
 * A thread that is terminated at any point loses at most the value that it was pushing or popping, and blocks nobody.
 * Waiting threads barge: a value that fits may overtake a producer that waits for more bytes. Values are copied; bytes
 * come out as a new Uint8Array. Text may be any JavaScript string.
 *
 * @example
 * const jobs = new SharedQueue({ name: "jobs", capacity: 100 });
 * jobs.push("resize 17.png"); // in a producer: waits while the queue is full
 * for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) work(job); // in consumers: until closed and empty
 */
export class SharedQueue extends QueueSteps {
  // oxlint-disable-next-line no-useless-constructor -- it is public, the one above is not
  constructor(options: QueueOptions) {
    super(options);
  }

  /** The queue of this name, made with `options.capacity` if there is none yet. */
  static named(name: string, options: Omit<QueueOptions, "name"> = {}): SharedQueue {
    return new SharedQueue({ ...options, name });
  }

  /** Attaches to the queue of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: QueueHandle): SharedQueue {
    return new SharedQueue(handleOptions(KIND_QUEUE, "queue", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): QueueHandle {
    return super.share() as QueueHandle;
  }

  /** Values that it holds at the most. */
  get capacity(): number {
    return this.ring.capacity;
  }

  /** Bytes that its values may have together. */
  get maxBytes(): number {
    return this.ring.maxBytes;
  }

  /** How many values there are, at this moment. */
  get size(): number {
    return this.inside(() => this.ring.count);
  }

  /** Whether it was closed. Values may still be in it. */
  get closed(): boolean {
    this.assertInUse();
    return load(this.region.memory.words, this.index + CLOSED) !== 0;
  }

  /**
   * Puts a value at the end; blocks the thread while the queue is full. Throws TypeError or RangeError for a value that it
   * can't hold, ERR_CLOSED once it is closed (while it waits, too), ERR_TIMEOUT, ERR_REGION_FULL, and
   * ERR_BLOCKING_FORBIDDEN on a browser's main thread (use pushAsync); nothing is pushed then.
   */
  push(value: QueueValue, options: WaitOptions = {}): void {
    const timeout = timeoutOf(options, "SharedQueue.push");
    this.mustMayBlock("push", "pushAsync");
    const payload = this.#encode(value, "push");
    if (this.pushStep(payload, 0) === true) return;
    if (this.sleep((slept) => this.pushStep(payload, slept), deadlineIn(timeout)) === WAIT) {
      throw this.#timedOut("no room came", timeout);
    }
  }

  /**
   * Puts a value at the end if there is room, or waits up to `timeout` milliseconds for it if one is given; whether it
   * is in. Throws as {@link push}, except for ERR_TIMEOUT.
   */
  tryPush(value: QueueValue, options: WaitOptions = {}): boolean {
    const timeout = timeoutOf(options, "SharedQueue.tryPush", 0);
    const payload = this.#encode(value, "tryPush");
    if (this.pushStep(payload, 0) === true) return true;
    if (timeout === 0) return false;
    this.mustMayBlock("tryPush with a time-out", "pushAsync");
    return this.sleep((slept) => this.pushStep(payload, slept), deadlineIn(timeout)) === true;
  }

  /**
   * As {@link push}, without blocking the event loop. Keeps the process alive while it waits. The value is copied at once.
   * Rejects with `signal.reason` if aborted; the value is not pushed then.
   */
  async pushAsync(value: QueueValue, options: AsyncWaitOptions = {}): Promise<void> {
    assertOptions(options, "SharedQueue.pushAsync");
    const payload = keepPayload(this.#encode(value, "pushAsync"));
    const pushed = await asyncWaiters(this.region, cellOf(this.wakes, ROOM_TASKS), true).wait({
      ...options,
      attempt: () => (this.pushStep(payload, ROOM_TASKS) === true ? true : undefined),
    });
    if (pushed === EXPIRED_ASYNC) throw this.#timedOut("no room came", options.timeout as number);
  }

  /**
   * Takes the first value; blocks the thread while the queue is empty. Undefined once it is closed and empty. Throws
   * ERR_TIMEOUT, and ERR_BLOCKING_FORBIDDEN on a browser's main thread (use popAsync).
   */
  pop(options: WaitOptions = {}): QueueValue | undefined {
    const timeout = timeoutOf(options, "SharedQueue.pop");
    this.mustMayBlock("pop", "popAsync");
    let value = this.popStep(0);
    if (value === WAIT) value = this.sleep((slept) => this.popStep(slept), deadlineIn(timeout));
    if (value === WAIT) throw this.#timedOut("nothing came", timeout);
    return value;
  }

  /**
   * Takes the first value if there is one, or waits up to `timeout` milliseconds for one if a time is given; undefined
   * if there is none.
   */
  tryPop(options: WaitOptions = {}): QueueValue | undefined {
    const timeout = timeoutOf(options, "SharedQueue.tryPop", 0);
    let value = this.popStep(0);
    if (value === WAIT && timeout !== 0) {
      this.mustMayBlock("tryPop with a time-out", "popAsync");
      value = this.sleep((slept) => this.popStep(slept), deadlineIn(timeout));
    }
    return value === WAIT ? undefined : value;
  }

  /** As {@link pop}, without blocking the event loop. Keeps the process alive while it waits; aborted, it takes nothing. */
  async popAsync(options: AsyncWaitOptions = {}): Promise<QueueValue | undefined> {
    assertOptions(options, "SharedQueue.popAsync");
    const popped = await asyncWaiters(this.region, cellOf(this.wakes, ITEM_TASKS), true).wait({
      ...options,
      attempt: () => {
        const value = this.popStep(ITEM_TASKS);
        return value === WAIT ? undefined : { value };
      },
    });
    if (popped === EXPIRED_ASYNC) throw this.#timedOut("nothing came", options.timeout as number);
    return popped.value;
  }

  /** The values as they come, each taken out, until the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<QueueValue, void, undefined> {
    for (;;) {
      const value = await this.popAsync();
      if (value === undefined) return;
      yield value;
    }
  }

  /** Takes all values that there are at this moment, in order. Never waits. */
  drain(): QueueValue[] {
    let owed = 0;
    const payloads: Payload[] = this.inside(() => {
      const taken: Payload[] = [];
      const count = this.ring.count;
      for (let number = 0; number < count; number++) taken.push(this.ring.copy(number, true));
      if (count > 0) {
        this.ring.drop(count);
        owed = owe(this.region.memory.words, this.wakes, FOR_ROOM, 0);
      }
      return taken;
    });
    this.pay(owed);
    return payloads.map(decodePayload);
  }

  /** Closes the queue for good: push throws from now on, pop gives what is left. Wakes everyone; a second call does nothing. */
  close(): void {
    this.inside(() => this.shut());
    this.payEveryone();
  }

  /** Verifies every invariant of the queue's memory, and says what is wrong. */
  check(): TableCheck {
    const problems: string[] = [];
    this.inside(() => this.ring.check((problem) => problems.push(problem)));
    return { ok: problems.length === 0, problems };
  }

  /** Numbers of the queue, at this moment. */
  stats(): QueueStats {
    return this.inside(() => ({
      entries: this.ring.count,
      capacity: this.ring.capacity,
      bytesUsed: this.ring.usedBytes(),
      maxBytes: this.ring.maxBytes,
      bytesReserved: this.ring.reservedBytes,
      closed: load(this.region.memory.words, this.index + CLOSED) !== 0,
    }));
  }

  /** Gives the memory back, with all values. Everyone who waits, or uses it later, gets ERR_CLOSED. */
  free(): void {
    this.freeGuarded(() => {
      this.shut();
      this.ring.release();
    });
    this.payEveryone();
  }

  #encode(value: QueueValue, call: string): Payload {
    return encodePayload(value, this.ring.maxBytes, `SharedQueue.${call}`);
  }

  #timedOut(what: string, timeout: number): TimeoutError {
    return new TimeoutError("ERR_TIMEOUT", `${this.label()}: ${what} within ${timeout} ms: ${this.describeState()}`, {
      timeout,
    });
  }

  /** @internal */
  protected override describeInside(): string {
    const { entries, capacity, closed } = this.stats();
    return `${entries} of ${capacity} values${closed ? ", closed" : ""}`;
  }
}
