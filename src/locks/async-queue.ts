// The tasks of one thread that await one mutex: first come, first served among themselves, one armed waitAsync for all of
// them on the lock's sequence cell. They share no wake token with sync waiters: unlock wakes one sleeper of the lock word
// in S's name and, in A's name, bumps the sequence and wakes every thread's armed wait, so a thread that blocks elsewhere
// sits on nobody's wake.
//
// Why no wake is lost: the sequence is read before the step that sets A; a release after that step bumps it, and the wait
// then does not begin. An armed wait is left armed when its tasks leave (it can't be taken back) and serves the next ones:
// it ends at the first bump after it was armed, and a task that comes while it is armed sets A before it relies on it.

import { load, peek } from "../cells/atomics.ts";
import { type AsyncWaitOptions, atDeadline, checkSignal, checkTimeout, now } from "../cells/deadline.ts";
import { armWait, holdKeepAlive, releaseKeepAlive } from "../cells/park.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  announceStarving,
  asyncStep,
  HOLD,
  LOCK,
  MUST_WAIT,
  SEQ,
  takeFromDead,
  UNRECOVERABLE,
  withdrawStarving,
} from "../protocols/mutex.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import { beginWait, endWait, type Waiting } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import { ownerIsDead, type Perishable, payWakes, STARVING_MS } from "../region/word-lock.ts";

/** What an awaited acquisition came to: a result of the protocol, and the hold's ticket if it holds. */
export interface Acquired {
  readonly result: number;
  readonly ticket: number;
}

interface Task {
  readonly what: Perishable;
  readonly since: number;
  waited: boolean;
  /** Called in the step that got the lock, before any other code of the thread can run. */
  readonly taken: (() => void) | undefined;
  settle(acquired: Acquired): void;
}

const queues = new WeakMap<Region, Map<number, AsyncQueue>>();

/** This thread's queue for the mutex at a word index. */
export function asyncQueue(region: Region, index: number): AsyncQueue {
  let byIndex = queues.get(region);
  if (byIndex === undefined) {
    byIndex = new Map();
    queues.set(region, byIndex);
  }
  let queue = byIndex.get(index);
  if (queue === undefined) {
    queue = new AsyncQueue(region, index);
    byIndex.set(index, queue);
  }
  return queue;
}

/** How many tasks of this thread await the mutex. */
export function awaitingHere(region: Region, index: number): number {
  return queues.get(region)?.get(index)?.length ?? 0;
}

class AsyncQueue {
  readonly #region: Region;
  readonly #index: number;
  readonly #tasks: Task[] = [];
  #armed = false;
  #starver = false;

  constructor(region: Region, index: number) {
    this.#region = region;
    this.#index = index;
  }

  get length(): number {
    return this.#tasks.length;
  }

  /**
   * Awaits the lock: its result, MUST_WAIT if the time is over, UNRECOVERABLE also if `what` is no longer current;
   * rejects with the signal's reason if it is aborted. `taken` is called in the step that got the lock, before any other
   * code of the thread can run.
   */
  acquire(options: AsyncWaitOptions, what: Perishable, taken?: () => void): Promise<Acquired> {
    const timeout = checkTimeout(options.timeout);
    const signal = checkSignal(options.signal);
    return new Promise((resolve, reject) => {
      let callOff = (): void => undefined;
      const leave = (): void => {
        callOff();
        signal?.removeEventListener("abort", onAbort);
      };
      const recorded: { wait?: Waiting | undefined } = {};
      const task: Task = {
        what,
        since: now(),
        waited: false,
        taken,
        settle: (acquired) => {
          leave();
          if (recorded.wait !== undefined) endWait(recorded.wait, acquired.result);
          resolve(acquired);
        },
      };
      const onAbort = (): void => {
        leave();
        this.#remove(task);
        if (recorded.wait !== undefined) endWait(recorded.wait, 0);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort);
      this.#tasks.push(task);
      this.#pump(false);
      if (!this.#tasks.includes(task)) return;
      recorded.wait = beginWait(this.#region, this.#index, EXCLUSIVE, true);
      holdKeepAlive(this.#onSlice);
      callOff = atDeadline(task.since, timeout, () => {
        // The last look before giving up, as a thread that sleeps has one: is the owner alive?
        if (timeout > 0) this.#pump(true);
        if (!this.#tasks.includes(task)) return;
        this.#remove(task);
        task.settle({ result: MUST_WAIT, ticket: 0 });
      });
    });
  }

  readonly #onSlice = (): void => this.#pump(true);

  readonly #onWake = (): void => {
    this.#armed = false;
    this.#pump(false);
  };

  /** Serves tasks as long as the lock can be had, then sees to it that the rest is woken. */
  #pump(ask: boolean): void {
    const index = this.#index;
    const words = this.#region.memory.words;
    const me = this.#region.me;
    for (;;) {
      const task = this.#tasks[0];
      if (task === undefined) break;
      if (!task.what.isCurrent()) {
        this.#tasks.shift();
        task.settle({ result: UNRECOVERABLE, ticket: 0 });
        continue;
      }
      const sequence = load(words, index + SEQ);
      let result = asyncStep(words, index, me, task.waited ? 1 : 0, this.#tasks.length > 1 ? 1 : 0);
      if (result === MUST_WAIT) {
        const word = load(words, index + LOCK);
        if (ownerIsDead(words, word, ask)) {
          if (!takeFromDead(words, index, me, word)) continue;
          result = ACQUIRED_DIED;
        }
      }
      if (result === MUST_WAIT) {
        if (!this.#arm(sequence)) continue;
        if (task.waited && now() - task.since > STARVING_MS && announceStarving(words, index)) this.#starver = true;
        task.waited = true;
        return;
      }
      if (result === ACQUIRED || result === ACQUIRED_DIED) task.taken?.();
      const ticket = peek(words, index + HOLD);
      this.#tasks.shift();
      this.#stopStarving();
      task.settle({ result, ticket });
    }
    this.#rest();
  }

  /** Nobody awaits the lock any more. */
  #rest(): void {
    this.#stopStarving();
    releaseKeepAlive(this.#onSlice);
    if (!this.#armed) queues.get(this.#region)?.delete(this.#index);
  }

  /** Arms the one wait of this queue; false if the sequence has moved on. */
  #arm(sequence: number): boolean {
    this.#armed ||= armWait(this.#region.memory.words, this.#index + SEQ, sequence, this.#onWake);
    return this.#armed;
  }

  #remove(task: Task): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
    if (this.#tasks.length === 0) this.#rest();
  }

  #stopStarving(): void {
    if (!this.#starver) return;
    this.#starver = false;
    const words = this.#region.memory.words;
    payWakes(words, this.#index, withdrawStarving(words, this.#index));
  }
}
