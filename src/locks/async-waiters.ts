// The tasks of one thread that await one cell: one armed waitAsync for all of them, keep-alive, slices, time-outs and
// abort. What "may go on" means is each task's own `attempt`, the protocol's transition; this file only sleeps.
//
// Why no wake is lost: the cell is read before the attempts; an attempt that fails announces its task in the shared
// memory, so a change after it moves the cell, and the wait then does not begin or is woken. An armed wait is left armed
// when its tasks leave (it can't be taken back) and serves the next ones: it ends at the first wake after it was armed.

import { load } from "../cells/atomics.ts";
import { type AsyncWaitOptions, atDeadline, checkSignal, checkTimeout, now } from "../cells/deadline.ts";
import { armWait, holdKeepAlive, releaseKeepAlive } from "../cells/park.ts";
import type { Region } from "../region/region.ts";

/** What an attempt is told. */
export interface Attempt {
  /** Whether this task has slept before. */
  readonly waited: boolean;
  /** Milliseconds since the task came. */
  readonly waitedMs: number;
  /** Whether other tasks stand behind this one. */
  readonly more: boolean;
  /** Whether a slice ended: ask threads that seem alive whether they are. */
  readonly ask: boolean;
  /** Whether the time is over, and this the last look: it asks, too. */
  readonly last: boolean;
  /** Has the waiting tasks attempted again in so many milliseconds, even if nobody wakes them. */
  readonly again: (ms: number) => void;
}

export interface AsyncWait<R> extends AsyncWaitOptions {
  /** The protocol's step: its result, or undefined if the task must wait on. Must announce the wait before it says so. */
  readonly attempt: (how: Attempt) => R | undefined;
  /** Called when the task leaves without a result (time-out, abort): takes its announcement back, passes wakes on. */
  readonly withdraw?: (() => void) | undefined;
}

interface Task {
  readonly since: number;
  waited: boolean;
  /** True if the task is done. */
  attempt(more: boolean, ask: boolean, last?: boolean): boolean;
}

/** Stands for "the time is over" in the promise of {@link AsyncWaiters.wait}. */
export const EXPIRED_ASYNC: unique symbol = Symbol("expired");

const lists = new WeakMap<Region, Map<number, AsyncWaiters>>();

/** This thread's list of tasks for a cell; `fifo`: a task is attempted only when none stands before it. */
export function asyncWaiters(region: Region, cell: number, fifo: boolean): AsyncWaiters {
  let byCell = lists.get(region);
  if (byCell === undefined) {
    byCell = new Map();
    lists.set(region, byCell);
  }
  let list = byCell.get(cell);
  // Another order: the cell was freed, and is part of another object now.
  if (list === undefined || (list.fifo !== fifo && list.length === 0)) {
    list = new AsyncWaiters(region, cell, fifo);
    byCell.set(cell, list);
  }
  return list;
}

/** How many tasks of this thread await the cell. */
export function awaitingCell(region: Region, cell: number): number {
  return lists.get(region)?.get(cell)?.length ?? 0;
}

export class AsyncWaiters {
  readonly #region: Region;
  readonly #cell: number;
  readonly fifo: boolean;
  #tasks: Task[] = [];
  #armed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(region: Region, cell: number, fifo: boolean) {
    this.#region = region;
    this.#cell = cell;
    this.fifo = fifo;
  }

  get length(): number {
    return this.#tasks.length;
  }

  /** Awaits the attempt's result; EXPIRED_ASYNC if the time is over; rejects with the signal's reason or a thrown error. */
  wait<R>(options: AsyncWait<R>): Promise<R | typeof EXPIRED_ASYNC> {
    const timeout = checkTimeout(options.timeout);
    const signal = checkSignal(options.signal);
    return new Promise((resolve, reject) => {
      let callOff = (): void => undefined;
      const leave = (): void => {
        callOff();
        signal?.removeEventListener("abort", onAbort);
      };
      const giveUp = (): void => {
        leave();
        const first = this.#tasks[0] === task;
        this.#remove(task);
        options.withdraw?.();
        // The task behind it has not been attempted yet.
        if (this.fifo && first) this.#pump(false);
      };
      const onAbort = (): void => {
        giveUp();
        reject(signal?.reason);
      };
      const task: Task = {
        since: now(),
        waited: false,
        attempt: (more, ask, last = false) => {
          try {
            const waitedMs = task.waited ? now() - task.since : 0;
            const result = options.attempt({ waited: task.waited, waitedMs, more, ask, last, again: this.#again });
            task.waited = true;
            if (result === undefined) return false;
            resolve(result);
          } catch (error) {
            reject(error);
          }
          leave();
          return true;
        },
      };
      signal?.addEventListener("abort", onAbort);
      if (this.#join(task)) return;
      callOff = atDeadline(task.since, timeout, () => {
        if (timeout > 0 && this.#lookOnce(task)) return;
        giveUp();
        resolve(EXPIRED_ASYNC);
      });
    });
  }

  /** A task comes: true if it need not wait. While others wait, a wait is armed, which will serve it too. */
  #join(task: Task): boolean {
    if (this.#armed && this.#tasks.length > 0) {
      if (!this.fifo && task.attempt(false, false)) return true;
      this.#tasks.push(task);
      return false;
    }
    this.#tasks.push(task);
    this.#pump(false);
    return !this.#tasks.includes(task);
  }

  /** The last look before a task gives up, as a thread that sleeps has one: do those that it waits for live? */
  #lookOnce(task: Task): boolean {
    const at = this.#tasks.indexOf(task);
    if (this.fifo && at > 0) return false;
    if (!task.attempt(at + 1 < this.#tasks.length, true, true)) return false;
    this.#remove(task);
    if (this.fifo) this.#pump(false);
    return true;
  }

  readonly #again = (ms: number): void => {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump(false);
    }, ms);
  };

  readonly #onSlice = (): void => this.#pump(true);

  readonly #onWake = (): void => {
    this.#armed = false;
    this.#pump(false);
  };

  /** Attempts tasks in order, then sees to it that the rest is woken. */
  #pump(ask: boolean): void {
    for (;;) {
      const seen = load(this.#region.memory.words, this.#cell);
      const left: Task[] = [];
      const tasks = this.#tasks;
      for (let at = 0; at < tasks.length; at++) {
        const blocked = this.fifo && left.length > 0;
        if (blocked || !tasks[at].attempt(at + 1 < tasks.length, ask)) left.push(tasks[at]);
      }
      this.#tasks = left;
      if (left.length === 0) break;
      holdKeepAlive(this.#onSlice);
      if (this.#arm(seen)) return;
    }
    this.#rest();
  }

  /** Nobody waits: nothing keeps the process alive. */
  #rest(): void {
    releaseKeepAlive(this.#onSlice);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Arms the one wait of this list; false if the cell has changed since it was read. */
  #arm(seen: number): boolean {
    this.#armed ||= armWait(this.#region.memory.words, this.#cell, seen, this.#onWake);
    return this.#armed;
  }

  #remove(task: Task): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
    if (this.#tasks.length === 0) this.#rest();
  }
}
