// The public Latch: a thin handle over one latch word (protocols/latch.ts).

import { load, store } from "../cells/atomics.ts";
import { type AsyncWaitOptions, assertOptions, deadlineIn, timeoutOf, type WaitOptions } from "../cells/deadline.ts";
import { wakeAll } from "../cells/park.ts";
import { countDown, countOf, LATCH_MAX, LATCH_WORDS, latchStep, OPEN } from "../protocols/latch.ts";
import { KIND_LATCH } from "../region/layout.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "./async-waiters.ts";
import { checkWhole, handleOptions, type LockHandle, LockObject, type PlaceOptions } from "./place.ts";

export interface LatchOptions extends PlaceOptions {
  /** What it counts down from: 0 to 2^31 - 1. A latch of this name that exists already keeps its own count. */
  readonly count?: number | undefined;
}

export type LatchHandle = LockHandle<"latch">;

/**
 * Counts down to zero, once, and lets everyone through then. It has no owner: a thread that dies before it counted down
 * leaves the count as it is, so give waits a time-out where that may happen.
 *
 * Semantics of java.util.concurrent.CountDownLatch: counting down an open latch does nothing.
 *
 * @example
 * const started = new Latch({ name: "started", count: 4 });
 * started.countDown(); // in each of four workers
 * started.wait(); // until all four did
 */
export class Latch extends LockObject<"latch"> {
  constructor(options: LatchOptions = {}) {
    const count = options?.count === undefined ? undefined : checkWhole("count", options.count, 0, LATCH_MAX);
    const init = (words: Int32Array, index: number): void => {
      if (count === undefined) throw new TypeError("new Latch needs { count }: what it counts down from");
      store(words, index, count);
    };
    super({ kind: KIND_LATCH, tag: "latch", bytes: () => LATCH_WORDS * 4, init }, options);
  }

  /** The latch of this name, made with `options.count` if there is none yet. */
  static named(name: string, options: Omit<LatchOptions, "name"> = {}): Latch {
    return new Latch({ ...options, name });
  }

  /** Attaches to the latch of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: LatchHandle): Latch {
    return new Latch(handleOptions(KIND_LATCH, "latch", handle));
  }

  /** What is left to count down, at this moment. */
  get count(): number {
    return countOf(load(this.region.memory.words, this.index));
  }

  /** Counts down by `n` (1 or more), to zero at the least; at zero everyone who waits is woken. Never blocks. */
  countDown(n = 1): void {
    checkWhole("n", n, 1, LATCH_MAX);
    const { words } = this.region.memory;
    if (countDown(words, this.index, n) !== 0) wakeAll(words, this.index);
  }

  /**
   * Waits until the count is zero: true, or false if `timeout` milliseconds passed first. Blocks the thread.
   * Throws ERR_BLOCKING_FORBIDDEN on a browser's main thread (use waitAsync).
   */
  wait(options: WaitOptions = {}): boolean {
    const deadline = deadlineIn(timeoutOf(options, "Latch.wait"));
    this.mustMayBlock("wait", "waitAsync");
    const { words } = this.region.memory;
    for (;;) {
      const step = latchStep(words, this.index);
      if (step === OPEN) return true;
      if (sleepOn(this.region, this.index, step, this.index, deadline) === EXPIRED) return this.count === 0;
    }
  }

  /** As {@link wait}, without blocking the event loop. Keeps the process alive. Rejects with `signal.reason` if aborted. */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<boolean> {
    assertOptions(options, "Latch.waitAsync");
    const { words } = this.region.memory;
    const attempt = (): true | undefined => (latchStep(words, this.index) === OPEN ? true : undefined);
    return (await asyncWaiters(this.region, this.index, false).wait({ ...options, attempt })) !== EXPIRED_ASYNC;
  }

  /** Gives the memory back. Those who wait are let through. */
  free(): void {
    this.freePlace(() => {
      const { words } = this.region.memory;
      store(words, this.index, 0);
      wakeAll(words, this.index);
    });
  }

  /** @internal */
  protected override describeState(): string {
    return this.count === 0 ? "open" : `${this.count} to count down`;
  }
}
