// The steps of a SharedQueue: a ring of values (ring.ts) under one robust mutex (guarded.ts), and five cells to wait on
// (queue-wakes.ts). The public class is in queue.ts.
//
// Words   mutex and ring × 16 │ FLAGS, cells × 6 │ CLOSED │ …
//
// Each operation is one step with the mutex held: look, and change the ring by one store, or announce a waiter. Sync and
// async calls share the steps and differ in how they sleep. Order: entries leave as they came, and a thread's values come
// in the order of its calls (its tasks are served in order), so the order per producer is kept.
//
// A thread that dies: before the ring's store its value was not pushed (was not popped), after it it was (it is gone with
// its consumer). Holding the mutex it is taken over, and everyone who waits looks again. A wake that it owed or had got
// is made good by the reaper.

import { load, store } from "../cells/atomics.ts";
import { ClosedError, HoldfastError } from "../cells/errors.ts";
import { checkWhole, type PlaceOptions } from "../locks/place.ts";
import { KIND_QUEUE } from "../region/layout.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { GuardedObject } from "./guarded.ts";
import { decodePayload, type Payload, type Value } from "./payload.ts";
import {
  afterPop,
  afterPush,
  announce,
  cellOf,
  EVERYONE,
  ITEM,
  ITEM_TASKS,
  movedFrom,
  owe,
  pay,
  ROOM,
  WAKE_WORDS,
  waiterForRoom,
} from "./queue-wakes.ts";
import { CAPACITY, DEFAULT_BYTES, MAX_BYTES, MOST_BYTES, MOST_ENTRIES, RING_OWNER_WORDS, Ring } from "./ring.ts";

/** What a queue holds. */
export type QueueValue = Value;

export interface QueueOptions extends PlaceOptions {
  /** Values that it holds at the most: 1 to 2^26. Needed to make a queue; one of this name that exists keeps its own. */
  readonly capacity?: number | undefined;
  /** Bytes that its values may have together, and so a value alone (text in UTF-8): 1 to 2^30, default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

const WAKES = RING_OWNER_WORDS;
export const CLOSED = WAKES + WAKE_WORDS;
const QUEUE_WORDS = 32;

export const WAIT: unique symbol = Symbol("must wait");

export abstract class QueueSteps extends GuardedObject {
  protected readonly ring: Ring;
  /** The word of FLAGS. */
  protected readonly wakes: number;
  /** Where the last step that must wait may sleep, and on what. */
  #waiter = 0;
  #expected = 0;

  protected constructor(options: QueueOptions) {
    const { capacity, maxBytes } = options ?? {};
    if (capacity !== undefined) checkWhole("capacity", capacity, 1, MOST_ENTRIES);
    if (maxBytes !== undefined) checkWhole("maxBytes", maxBytes, 1, MOST_BYTES);
    super(
      {
        kind: KIND_QUEUE,
        tag: "queue",
        bytes: () => QUEUE_WORDS * 4,
        init: (words, index) => {
          if (capacity === undefined) {
            throw new TypeError("new SharedQueue needs { capacity }: how many values it holds at the most");
          }
          store(words, index + CAPACITY, capacity);
          store(words, index + MAX_BYTES, maxBytes ?? DEFAULT_BYTES);
        },
      },
      options,
    );
    this.ring = new Ring(this.region, this.index);
    this.wakes = this.index + WAKES;
  }

  /** Pushes if it may: true, or WAIT with the waiter announced. `slept`: what it slept on before, 0, or ROOM_TASKS. */
  protected pushStep(payload: Payload, slept: number): true | typeof WAIT {
    const ring = this.ring;
    let owed = 0;
    let result: true | typeof WAIT = WAIT;
    this.enter();
    try {
      const words = this.region.memory.words;
      if (load(words, this.index + CLOSED) !== 0) throw this.#closedForPush();
      const full = ring.count >= ring.capacity;
      if (full || ring.usedBytes() + payload.length > this.ring.maxBytes) {
        this.#announce(waiterForRoom(slept, full));
        if (!full) owed = movedFrom(words, this.wakes, slept, ROOM);
      } else {
        ring.append(payload);
        result = true;
        owed = afterPush(this.region.memory.words, this.wakes, slept, ring.count < ring.capacity);
      }
    } catch (error) {
      this.#failed(error, slept, ROOM);
      throw error;
    }
    this.leave();
    this.pay(owed);
    return result;
  }

  /** Pops if it may: the value (undefined: closed and empty), or WAIT with the waiter announced. */
  protected popStep(slept: number): QueueValue | undefined | typeof WAIT {
    const ring = this.ring;
    let owed = 0;
    let payload: Payload | typeof WAIT | undefined = WAIT;
    this.enter();
    try {
      const words = this.region.memory.words;
      if (ring.count > 0) {
        payload = ring.copy(0, false);
        ring.drop(1);
        owed = afterPop(words, this.wakes, slept, ring.count > 0);
      } else if (load(words, this.index + CLOSED) !== 0) payload = undefined;
      else this.#announce(slept === ITEM_TASKS ? ITEM_TASKS : ITEM);
    } catch (error) {
      this.#failed(error, slept, ITEM);
      throw error;
    }
    this.leave();
    this.pay(owed);
    return payload === WAIT || payload === undefined ? payload : decodePayload(payload);
  }

  #announce(waiter: number): void {
    this.#waiter = waiter;
    this.#expected = announce(this.region.memory.words, this.wakes, waiter);
  }

  /** Leaves after an error; a woken waiter that fails passes its wake on. */
  #failed(error: unknown, slept: number, waiter: number): void {
    const ours = error instanceof HoldfastError;
    const owed = ours ? movedFrom(this.region.memory.words, this.wakes, slept, waiter) : 0;
    this.leaveAfter(error);
    this.pay(owed);
  }

  /** Sleeps and steps until a step is done or the deadline is over. Comes after a step that must wait. */
  protected sleep<R>(step: (slept: number) => R, deadline: number): R {
    for (;;) {
      const slept = this.#waiter;
      const cell = cellOf(this.wakes, slept);
      const ended = sleepOn(this.region, cell, this.#expected, cell, deadline);
      const result = step(slept);
      if (result !== WAIT || ended === EXPIRED) return result;
    }
  }

  protected shut(): void {
    const { words } = this.region.memory;
    store(words, this.index + CLOSED, 1);
    owe(words, this.wakes, 0, EVERYONE);
  }

  protected pay(owed: number): void {
    if (owed !== 0) pay(this.region.memory.words, this.wakes, owed, false);
  }

  protected payEveryone(): void {
    pay(this.region.memory.words, this.wakes, EVERYONE, true);
  }

  /** @internal */
  protected override repair(): void {
    this.ring.sweep();
    owe(this.region.memory.words, this.wakes, 0, EVERYONE);
    this.payEveryone();
  }

  #closedForPush(): ClosedError {
    return new ClosedError("ERR_CLOSED", `${this.label()} is closed: nothing can be pushed any more`);
  }
}
