// The public Barrier: a thin handle over the words of protocols/barrier.ts.

import { load, peek, store } from "../cells/atomics.ts";
import {
  type AsyncWaitOptions,
  checkTimeout,
  deadlineIn,
  describe,
  now,
  timeoutOf,
  type WaitOptions,
} from "../cells/deadline.ts";
import { WouldDeadlockError } from "../cells/errors.ts";
import { blockingAllowed, SLICE_MS, TIMED_OUT } from "../cells/park.ts";
import {
  ACTING,
  ACTOR,
  act,
  arrive,
  BARRIER_WORDS,
  BROKEN,
  ENDED,
  endBadly,
  GEN,
  IS_ACTING,
  IS_BROKEN,
  LAST,
  NOT_ARRIVED,
  PARTIES,
  STATUS,
  trip,
} from "../protocols/barrier.ts";
import { T_NODE, T_TICKET, T_WAITING } from "../protocols/seat.ts";
import { KIND_BARRIER, MAX_THREADS } from "../region/layout.ts";
import { PART } from "../region/record-holds.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { countPark } from "../region/threads.ts";
import { payRelease } from "../region/word-lock.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "./async-waiters.ts";
import { type Arrival, BarrierBase } from "./barrier-base.ts";
import { checkWhole, handleOptions, type LockHandle, type PlaceOptions } from "./place.ts";
import { type WaitOperations, waitOperations } from "./wait-operations.ts";

export interface BarrierOptions extends PlaceOptions {
  /** How many must arrive: 1 to 4,094. A barrier of this name that exists already keeps its own number. */
  readonly parties?: number | undefined;
  /**
   * Run by the last to arrive, before anyone is let through. It belongs to this object, not to the shared memory: give it
   * in every thread. If it throws, the barrier is broken and the error is passed on in the thread that ran it.
   */
  readonly action?: (() => void) | undefined;
  /** The time-out of waits that give none, in milliseconds. */
  readonly timeout?: number | undefined;
}

export type BarrierHandle = LockHandle<"barrier">;

/** Results of a look at the barrier. */
type Look = "wait" | "passed" | "act";

/**
 * Lets a fixed number of threads wait for each other, again and again. If one of them gives up (time-out, abort), the
 * action throws or its thread dies, the barrier is broken: everyone who waits gets ERR_BROKEN_BARRIER, and so does
 * everyone who comes, until `reset()`.
 *
 * Semantics of CPython's threading.Barrier. A thread that dies while it waits counts as arrived; one that dies in the
 * midst of arriving, or while it runs the action, breaks the barrier.
 *
 * @example
 * const barrier = new Barrier({ name: "step", parties: 4 });
 * const index = barrier.wait({ timeout: 5000 }); // in four threads: 0, 1, 2 and 3, once all have come
 */
export class Barrier extends BarrierBase {
  readonly #action: (() => void) | undefined;
  readonly #timeout: number | undefined;
  /** The usual course of a wait, if this object has neither action nor time-out and this thread may block. */
  readonly #operations: WaitOperations | undefined;

  constructor(options: BarrierOptions = {}) {
    const { parties, action, timeout } = options ?? {};
    if (parties !== undefined) checkWhole("parties", parties, 1, MAX_THREADS);
    if (action !== undefined && typeof action !== "function") {
      throw new TypeError(`action must be a function, got ${describe(action)}`);
    }
    checkTimeout(timeout);
    const init = (words: Int32Array, index: number): void => {
      if (parties === undefined) throw new TypeError("new Barrier needs { parties }: how many must arrive");
      store(words, index + PARTIES, parties);
    };
    super({ kind: KIND_BARRIER, tag: "barrier", bytes: () => BARRIER_WORDS * 4, init }, options);
    this.#action = action;
    this.#timeout = timeout;
    const usual = action === undefined && timeout === undefined && blockingAllowed();
    this.#operations = usual ? waitOperations(this.region) : undefined;
  }

  /** The barrier of this name, made with `options.parties` if there is none yet. */
  static named(name: string, options: Omit<BarrierOptions, "name"> = {}): Barrier {
    return new Barrier({ ...options, name });
  }

  /** Attaches to the barrier of a handle, with this thread's own action and time-out. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: BarrierHandle, options: Pick<BarrierOptions, "action" | "timeout"> = {}): Barrier {
    return new Barrier(Object.assign(handleOptions(KIND_BARRIER, "barrier", handle), options));
  }

  /**
   * Waits until all parties have come; the arrival index, 0 for the first. Blocks the thread.
   * Throws ERR_BROKEN_BARRIER if the barrier is or gets broken, or is reset; a time-out breaks it and throws the same, with
   * `info.timeout`. Throws ERR_WOULD_DEADLOCK from inside the action, ERR_CLOSED, and ERR_BLOCKING_FORBIDDEN on a
   * browser's main thread (use waitAsync).
   */
  wait(options?: WaitOptions): number {
    const arrival: Arrival = { index: undefined, generation: 0, ended: 0 };
    if (this.#operations !== undefined && options === undefined) {
      const index = this.#waitUsual(this.#operations, arrival);
      if (index !== undefined) return index;
    }
    return this.#waitOn(arrival, options === undefined ? {} : options);
  }

  /** A wait without time-out and action: the arrival index, or undefined if more is to be seen to, `arrival` telling how far it is. */
  #waitUsual({ arriveUsual, sleepForOthers }: WaitOperations, arrival: Arrival): number | undefined {
    const { region, index } = this;
    const { seatAt } = region;
    const arrived = arriveUsual(index, this.me, seatAt);
    const { words } = region.memory;
    const owed = peek(words, seatAt + T_TICKET);
    if (owed > 0) payRelease(region.memory, index, owed, PART);
    if (arrived >= LAST) return arrived - LAST;
    if (arrived === NOT_ARRIVED) return undefined;
    arrival.index = arrived;
    arrival.generation = peek(words, seatAt + T_NODE);
    arrival.ended = peek(words, seatAt + T_WAITING);
    const begun = now();
    const passed = sleepForOthers(index, seatAt, SLICE_MS);
    countPark(words, seatAt, now() - begun);
    return passed !== 0 ? arrived : undefined;
  }

  #waitOn(arrival: Arrival, options: WaitOptions): number {
    const timeout = timeoutOf(options, "Barrier.wait", this.#timeout);
    this.mustMayBlock("wait", "waitAsync");
    const deadline = deadlineIn(timeout);
    let ask = false;
    for (;;) {
      const look = this.#look(arrival, ask);
      if (look === "passed") return arrival.index as number;
      if (look === "act") return this.#act(arrival);
      this.#mustNotActHere(arrival);
      const ended = sleepOn(this.region, this.index + GEN, arrival.generation, this.index, deadline);
      if (ended === EXPIRED) return this.#expired(arrival, timeout);
      ask = ended === TIMED_OUT;
    }
  }

  /** As {@link wait}, without blocking the event loop. Aborting breaks the barrier and rejects with `signal.reason`. */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<number> {
    const timeout = timeoutOf(options, "Barrier.waitAsync", this.#timeout);
    const { signal } = options;
    const arrival: Arrival = { index: undefined, generation: 0, ended: 0 };
    const look = await asyncWaiters(this.region, this.index + GEN, false).wait({
      timeout,
      signal,
      attempt: ({ ask }) => {
        const seen = this.#look(arrival, ask);
        return seen === "wait" ? undefined : seen;
      },
      withdraw: () => {
        if (signal?.aborted && arrival.index !== undefined) this.breakUp(arrival.generation);
      },
    });
    if (look === EXPIRED_ASYNC) return this.#expired(arrival, timeout);
    return look === "act" ? this.#act(arrival) : (arrival.index as number);
  }

  /** Arrives if it has not yet, and tells what to do: wait, run the action, or go on. Throws if the barrier broke. */
  #look(arrival: Arrival, ask: boolean): Look {
    for (;;) {
      if (arrival.index !== undefined && this.word(GEN) !== arrival.generation) return this.passed(arrival);
      const look = this.locked((words) => {
        if (arrival.index === undefined && this.#arrive(words, arrival)) {
          if (this.#action !== undefined) {
            act(words, this.index, this.me);
            return "act";
          }
          trip(words, this.index);
          return "passed";
        }
        if (load(words, this.index + GEN) === arrival.generation) this.breakIfActorDied(words, ask);
        return "wait";
      });
      // Of a single party nobody can wait.
      if (look === "passed" && arrival.index !== 0) this.wake();
      // Whatever ended the generation meanwhile, this look at a dead actor included, is told by the next round.
      if (look !== "wait" || this.word(GEN) === arrival.generation) return look;
    }
  }

  /** Arrives, unless the action of the generation before runs; with the mutex held. True if it is the last. */
  #arrive(words: Int32Array, arrival: Arrival): boolean {
    arrival.generation = load(words, this.index + GEN);
    arrival.ended = load(words, this.index + ENDED);
    const index = arrive(words, this.index);
    if (index === IS_BROKEN) throw this.brokenError();
    if (index === IS_ACTING) return false;
    arrival.index = index;
    return index === load(words, this.index + PARTIES) - 1;
  }

  /** The last to arrive: runs the action, without the mutex, and lets the others through. */
  #act(arrival: Arrival): number {
    let completed = false;
    try {
      this.#action?.();
      completed = true;
    } finally {
      if (!completed) this.breakUp(arrival.generation);
    }
    this.locked((words) => {
      if (load(words, this.index + GEN) === arrival.generation) trip(words, this.index);
    });
    this.wake();
    this.passed(arrival);
    return arrival.index as number;
  }

  #mustNotActHere(arrival: Arrival): void {
    if (arrival.index !== undefined || this.word(STATUS) !== ACTING || this.word(ACTOR) !== this.me) return;
    const message = `${this.label()}: this thread runs its action, so waiting for it would never end`;
    throw new WouldDeadlockError("ERR_WOULD_DEADLOCK", message);
  }

  /** The time is over: breaks the generation it arrived in, unless that ended meanwhile. */
  #expired(arrival: Arrival, timeout: number): number {
    if (arrival.index === undefined) throw this.brokenError(timeout);
    const broke = this.locked((words) => {
      if (load(words, this.index + GEN) !== arrival.generation) return false;
      endBadly(words, this.index, BROKEN);
      return true;
    });
    if (broke) {
      this.wake();
      throw this.brokenError(timeout);
    }
    this.passed(arrival);
    return arrival.index;
  }
}
