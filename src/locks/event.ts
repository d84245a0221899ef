// The public Event: a thin handle over one event word (protocols/event.ts).

import { load } from "../cells/atomics.ts";
import { type AsyncWaitOptions, assertOptions, deadlineIn, timeoutOf, type WaitOptions } from "../cells/deadline.ts";
import { wakeAll } from "../cells/park.ts";
import { clearEvent, EVENT_WORDS, eventStep, generationOf, isSet, PASSED, setEvent } from "../protocols/event.ts";
import { KIND_EVENT } from "../region/layout.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "./async-waiters.ts";
import { handleOptions, type LockHandle, LockObject, type PlaceOptions } from "./place.ts";

export type EventOptions = PlaceOptions;
export type EventHandle = LockHandle<"event">;

/**
 * A flag that threads wait for. `set()` lets everyone through, those that wait now and those that come later, until
 * `clear()`. A waiter whose event was set goes on even if the event is cleared before the waiter runs.
 *
 * Semantics of CPython's threading.Event. It has no owner: a thread that dies leaves it as it is.
 *
 * @example
 * const ready = Event.named("ready");
 * ready.set(); // in one thread
 * ready.wait({ timeout: 1000 }); // in another: true, or false after a second
 */
export class Event extends LockObject<"event"> {
  constructor(options: EventOptions = {}) {
    super({ kind: KIND_EVENT, tag: "event", bytes: () => EVENT_WORDS * 4 }, options);
  }

  /** The event of this name, made (unset) if there is none yet. */
  static named(name: string, options: Omit<EventOptions, "name"> = {}): Event {
    return new Event({ ...options, name });
  }

  /** Attaches to the event of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: EventHandle): Event {
    return new Event(handleOptions(KIND_EVENT, "event", handle));
  }

  /** Sets the event and wakes everyone who waits. Never blocks; setting a set event does nothing. */
  set(): void {
    const { words } = this.region.memory;
    if (setEvent(words, this.index) !== 0) wakeAll(words, this.index);
  }

  /** Clears the event. Never blocks. */
  clear(): void {
    clearEvent(this.region.memory.words, this.index);
  }

  /** Whether it is set, at this moment. */
  get isSet(): boolean {
    return isSet(load(this.region.memory.words, this.index));
  }

  /**
   * Waits until the event is set: true, or false if `timeout` milliseconds passed first. Blocks the thread.
   * Throws ERR_BLOCKING_FORBIDDEN on a browser's main thread (use waitAsync).
   */
  wait(options: WaitOptions = {}): boolean {
    const deadline = deadlineIn(timeoutOf(options, "Event.wait"));
    this.mustMayBlock("wait", "waitAsync");
    const { words } = this.region.memory;
    const generation = generationOf(load(words, this.index));
    for (;;) {
      const step = eventStep(words, this.index, generation);
      if (step === PASSED) return true;
      if (sleepOn(this.region, this.index, step, this.index, deadline) === EXPIRED) {
        return eventStep(words, this.index, generation) === PASSED;
      }
    }
  }

  /** As {@link wait}, without blocking the event loop. Keeps the process alive. Rejects with `signal.reason` if aborted. */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<boolean> {
    assertOptions(options, "Event.waitAsync");
    const { words } = this.region.memory;
    const generation = generationOf(load(words, this.index));
    const attempt = (): true | undefined => (eventStep(words, this.index, generation) === PASSED ? true : undefined);
    return (await asyncWaiters(this.region, this.index, false).wait({ ...options, attempt })) !== EXPIRED_ASYNC;
  }

  /** Gives the memory back. Those who wait are woken; whoever still uses the event gets what its memory holds then. */
  free(): void {
    this.freePlace(() => this.set());
  }

  /** @internal */
  protected override describeState(): string {
    return this.isSet ? "set" : "not set";
  }
}
