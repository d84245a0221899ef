// The public Condition: a thin handle over a table of wait nodes (protocols/condition.ts), and the lock that it belongs to.

import { load, peek, store } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import {
  type AsyncWaitOptions,
  checkSignal,
  checkTimeout,
  deadlineIn,
  describe,
  now,
  type WaitOptions,
} from "../cells/deadline.ts";
import { NotOwnerError, RegionError } from "../cells/errors.ts";
import { blockingAllowed, SLICE_MS, wakeAll } from "../cells/park.ts";
import {
  conditionCapacity,
  conditionWords,
  LOCK_OFFSET,
  LOCK_SERIAL,
  TABLE,
  WAIT_GOES_ON,
  WAIT_OVER,
} from "../protocols/condition.ts";
import { T_NODE, T_TICKET, T_WAITING } from "../protocols/seat.ts";
import { CAPACITY, freeNode, markOf, publishNode, withdrawNode } from "../protocols/wait-nodes.ts";
import { KIND_CONDITION } from "../region/layout.ts";
import { isRecording } from "../region/record-memory.ts";
import { countPark } from "../region/threads.ts";
import {
  chooseAll,
  chooseOldest,
  countWaiting,
  passOn,
  rescueSignals,
  settleChosen,
  sleepNode,
  takeNode,
} from "../region/wait-queue.ts";
import { AsyncWaiters } from "./async-waiters.ts";
import type { ConditionLock, ReacquireOptions, SavedHold } from "./condition-lock.ts";
import { checkWhole, handleOptions, type LockHandle, LockObject, type PlaceOptions, placedIn } from "./place.ts";
import { type WaitOperations, waitOperations } from "./wait-operations.ts";

const NO_OPTIONS: ConditionWaitOptions = {};
const FOREVER: number = Number.POSITIVE_INFINITY;

/** Options of a Condition; it lies in its lock's region if no other is given. */
export type ConditionOptions = PlaceOptions;
export type ConditionHandle = LockHandle<"condition">;

/** Options of a wait; `recover` is the lock's, for the case that its owner dies before the waiter has it again. */
export interface ConditionWaitOptions extends WaitOptions, ReacquireOptions {}

export interface AsyncConditionWaitOptions extends AsyncWaitOptions, ReacquireOptions {}

/**
 * Lets threads and tasks that hold a lock wait until another one, holding the same lock, notifies them. A wait gives the
 * lock back (all levels of a ReentrantMutex), and has it again when it ends, however it ends; guards of the hold stay good.
 * Of a Mutex, a ReentrantMutex, or an RwLock held for writing.
 *
 * `notify(n)` chooses exactly the n live waiters that have waited longest, sync and async alike: first in, first out. A
 * waiter that dies before its wait is over swallows no signal: it goes to the next one. There are no spurious wake-ups
 * but after two deaths at a time; even so use `waitFor`, or wait in a loop: another thread may have been faster to the lock.
 *
 * Semantics of CPython's threading.Condition. At most twice as many waits as the region has thread slots, at least 64 and
 * at most 1,024, go on at once.
 *
 * @example
 * const mutex = Mutex.named("queue");
 * const filled = Condition.named("queue filled", mutex);
 * mutex.withLock(() => { filled.waitFor(() => items[0] > 0); items[0]--; }); // in one thread
 * mutex.withLock(() => { items[0]++; filled.notify(); }); // in another
 */
export class Condition extends LockObject {
  readonly #lock: ConditionLock;
  readonly #table: number;
  /** The usual course of a wait, if the lock allows it and this thread may block. */
  readonly #operations: WaitOperations | undefined;

  /**
   * Makes a condition of `lock`, or attaches to the one of that name. Throws TypeError for what is no such lock,
   * ERR_REGION_OPTIONS if the condition belongs to another lock, ERR_REGION_FULL, ERR_REGION_KIND.
   */
  constructor(lock: ConditionLock, options: ConditionOptions = {}) {
    const { offset, serial } = checkLock(lock).share();
    super(
      {
        kind: KIND_CONDITION,
        tag: "condition",
        bytes: (region) => conditionWords(conditionCapacity(region.maxThreads)) * 4,
        init: (words, index, region) => {
          store(words, index + LOCK_OFFSET, offset);
          store(words, index + LOCK_SERIAL, serial);
          store(words, index + TABLE + CAPACITY, conditionCapacity(region.maxThreads));
        },
      },
      placedIn(options, lock.region),
    );
    this.#lock = lock;
    this.#table = this.index + TABLE;
    const plain = lock.plainMutex !== 0 && lock.region === this.region && blockingAllowed();
    this.#operations = plain ? waitOperations(this.region) : undefined;
    const { words } = this.region.memory;
    if (load(words, this.index + LOCK_OFFSET) !== offset || load(words, this.index + LOCK_SERIAL) !== serial) {
      const message = `${this.label()} belongs to another lock than ${lock.label()}: use the one it was made with`;
      throw new RegionError("ERR_REGION_OPTIONS", message, { lock: lock.label() });
    }
  }

  /** The condition of this name and lock, made if there is none yet. Throws as the constructor. */
  static named(name: string, lock: ConditionLock, options: Omit<ConditionOptions, "name"> = {}): Condition {
    return new Condition(lock, { ...options, name });
  }

  /** Attaches to the condition of a handle; `lock` is its lock. Throws as the constructor, and ERR_CLOSED. */
  static from(handle: ConditionHandle, lock: ConditionLock): Condition {
    return new Condition(lock, handleOptions(KIND_CONDITION, "condition", handle));
  }

  /** A small handle for workerData or postMessage; send the lock's along. */
  override share(): ConditionHandle {
    return super.share() as ConditionHandle;
  }

  /** The lock that it belongs to, as given. */
  get lock(): ConditionLock {
    return this.#lock;
  }

  /** Threads and tasks that wait and have not been chosen yet, at this moment. */
  get waiters(): number {
    return countWaiting(this.region, this.#table);
  }

  /**
   * Gives the lock back, waits until notified, and takes the lock again: true, or false if `timeout` milliseconds passed
   * before it was notified (it still waits for the lock then, without a limit). Blocks the thread.
   * Throws ERR_NOT_OWNER without the lock held, ERR_REGION_FULL if too many wait, ERR_BLOCKING_FORBIDDEN (a browser's main
   * thread: use waitAsync), all with nothing changed; ERR_OWNER_DIED with the lock held (see the lock's `recover`);
   * ERR_NOT_RECOVERABLE or ERR_CLOSED, without it, if the lock was lost.
   */
  wait(options: ConditionWaitOptions = NO_OPTIONS): boolean {
    if (this.#operations !== undefined && options === NO_OPTIONS && !isRecording()) {
      const ended = this.#waitUsual(this.#operations);
      if (ended !== undefined) return ended;
    }
    const deadline = deadlineIn(checkWait(options));
    this.mustMayBlock("wait", "waitAsync");
    const node = this.#takeNode("wait");
    const waiting = this.#publish(node);
    return this.#waitOn(node, waiting, this.#lock.releaseForWait(), deadline, options);
  }

  /** The rest of a wait that has given the lock back. */
  #waitOn(node: number, waiting: number, saved: SavedHold, deadline: number, options: ConditionWaitOptions): boolean {
    const what = { table: this.#table, node, waiting, lock: this.index };
    const notified = sleepNode(this.region, what, deadline, () => this.#lock.isLost());
    try {
      this.#lock.reacquire(saved, options);
    } finally {
      // Only now: a waiter that died while it waited for the lock has not swallowed its signal.
      if (notified) freeNode(this.region.memory.words, this.#table, node);
    }
    return notified;
  }

  /** A wait without options, of a lock that allows it; undefined, with nothing changed, if it can't be begun like this. */
  #waitUsual({ beginWait, sleepWait }: WaitOperations): boolean | undefined {
    const { region, me } = this;
    const { seatAt } = region;
    const lock = this.#lock.plainMutex;
    if (this.freed || !this.#lock.isCurrent()) return undefined;
    const owed = beginWait(this.#table, lock, me, seatAt);
    if (owed < 0) return undefined;
    if (owed > 0) this.#lock.payRelease(owed);
    const begun = now();
    const ended = sleepWait(this.#table, lock, me, seatAt, this.index, SLICE_MS);
    const { words } = region.memory;
    countPark(words, seatAt, now() - begun);
    // Of a lock that was freed meanwhile the memory is another one's now: reacquire says so, and gives it back.
    if (ended === WAIT_OVER && this.#lock.isCurrent()) return true;
    const saved = { ticket: peek(words, seatAt + T_TICKET), depth: 1, mode: 0 };
    const node = peek(words, seatAt + T_NODE);
    // A death that was seen before the sleep, or ended it, may have left a signal behind.
    if (ended === WAIT_GOES_ON) rescueSignals(region, this.#table, true);
    if (ended !== WAIT_OVER) return this.#waitOn(node, peek(words, seatAt + T_WAITING), saved, FOREVER, NO_OPTIONS);
    this.#lock.reacquire(saved, NO_OPTIONS);
    return true;
  }

  /**
   * Waits until `predicate` returns something truthy, which is returned; it is called with the lock held, first before any
   * wait. After `timeout` milliseconds in all the predicate's last, falsy, result is returned. Blocks. Throws as wait(),
   * and what the predicate throws, with the lock held.
   */
  waitFor<T>(predicate: () => T, options: ConditionWaitOptions = {}): T {
    const deadline = deadlineIn(checkWait(options));
    this.#mustHold("waitFor");
    checkSyncFunction("waitFor", "waitForAsync", predicate);
    for (;;) {
      const result = predicate();
      const left = deadline - now();
      if (result || left <= 0) return result;
      this.wait({ ...options, timeout: left });
    }
  }

  /**
   * As {@link wait}, without blocking the event loop. Keeps the process alive. Rejects with `signal.reason` if aborted,
   * with the lock held; if it had been notified already, the signal goes to the next waiter.
   * That the lock is held is checked for the thread; that it is this task which holds it is up to you.
   */
  async waitAsync(options: AsyncConditionWaitOptions = {}): Promise<boolean> {
    checkWait(options);
    checkSignal(options.signal);
    const { words } = this.region.memory;
    const node = this.#takeNode("waitAsync");
    const waiting = this.#publish(node);
    const saved = this.#lock.releaseForWait();
    let notified = false;
    try {
      notified = await this.#sleepAsync(node, waiting, options);
    } catch (reason) {
      await this.#lock.reacquireAsync(saved, options);
      throw reason;
    }
    try {
      await this.#lock.reacquireAsync(saved, options);
    } finally {
      if (notified) freeNode(words, this.#table, node);
    }
    return notified;
  }

  async #sleepAsync(node: number, waiting: number, options: AsyncConditionWaitOptions): Promise<boolean> {
    const { words } = this.region.memory;
    let left = false;
    const attempt = ({ ask }: { ask: boolean }): true | undefined => {
      if (load(words, node) !== waiting) return true;
      rescueSignals(this.region, this.#table, ask);
      if (!this.#lock.isLost()) return load(words, node) !== waiting ? true : undefined;
      leave();
      return true;
    };
    const leave = (): void => {
      left = withdrawNode(words, this.#table, node, waiting);
      if (!left && options.signal?.aborted) {
        passOn(this.region, this.#table, node);
        left = true;
      }
      // Ends the waitAsync that may still be armed on the node.
      wakeAll(words, node);
    };
    const { timeout, signal } = options;
    // A list of its own: the node's next waiter may be of another thread, and this one's cell is nobody else's.
    const tasks = new AsyncWaiters(this.region, node, false);
    await tasks.wait({ timeout, signal, attempt, withdraw: leave });
    // A time-out that comes after the choice counts as notified.
    return !left;
  }

  /** As {@link waitFor}, without blocking the event loop; the predicate may be async. */
  async waitForAsync<T>(predicate: () => T | Promise<T>, options: AsyncConditionWaitOptions = {}): Promise<T> {
    const deadline = deadlineIn(checkWait(options));
    checkSignal(options.signal);
    this.#mustHold("waitForAsync");
    checkFunction("waitForAsync", predicate);
    for (;;) {
      const result = await predicate();
      const left = deadline - now();
      if (result || left <= 0) return result;
      await this.waitAsync({ ...options, timeout: left });
    }
  }

  /**
   * Chooses the `n` waiters that have waited longest, or all if there are fewer; returns how many. They are woken when this
   * thread gives the lock back (an RwLock: at once). Never blocks. Throws ERR_NOT_OWNER without the lock held.
   */
  notify(n = 1): number {
    if (n === 1 && this.#operations !== undefined && !this.freed && this.#lock.isCurrent()) {
      const node = this.#operations.chooseFor(this.#table, this.#lock.plainMutex, this.me);
      if (node === 0) return 0;
      // A chosen waiter that was dead by then has nobody to go on: the oldest of the others does.
      if (node > 0)
        return settleChosen(this.region, this.#table, node, this.#lock.plainMutex) || this.#chooseOldest() ? 1 : 0;
    }
    checkWhole("n", n, 0, Number.MAX_SAFE_INTEGER);
    this.#mustHold("notify");
    let chosen = 0;
    while (chosen < n && this.#chooseOldest()) chosen++;
    return chosen;
  }

  #chooseOldest(): boolean {
    if (markOf(this.region.memory.words, this.#table) === 0) return false;
    return chooseOldest(this.region, this.#table, this.#lock.owingWakes());
  }

  /** As {@link notify}, for every waiter; returns how many there were. Throws ERR_NOT_OWNER without the lock held. */
  notifyAll(): number {
    this.#mustHold("notifyAll");
    const mark = markOf(this.region.memory.words, this.#table);
    if (mark === 0) return 0;
    return chooseAll(this.region, this.#table, this.#lock.owingWakes(), mark > 1 && this.#lock.movesSleepers);
  }

  /** Gives the condition's memory back. Throws ERR_IN_USE, with nothing changed, while a thread or task waits. */
  free(): void {
    this.freePlace(() => {
      if (this.waiters > 0) throw this.inUseError();
    });
  }

  /** @internal */
  protected override describeState(): string {
    return `of ${this.#lock.label()}, ${this.waiters} waiting`;
  }

  #mustHold(call: string): void {
    if (this.freed) throw this.closedError();
    if (this.#lock.isHeldForWait()) return;
    const message = `${call}: this thread does not hold ${this.#lock.label()}, to which ${this.label()} belongs`;
    throw new NotOwnerError("ERR_NOT_OWNER", message);
  }

  #takeNode(call: string): number {
    this.#mustHold(call);
    const node = takeNode(this.region, this.#table);
    if (node !== 0) return node;
    const limit = load(this.region.memory.words, this.#table + CAPACITY);
    const message = `${call}: ${limit} threads and tasks wait on ${this.label()} already, which is the most`;
    throw new RegionError("ERR_REGION_FULL", message, { limit });
  }

  #publish(node: number): number {
    return publishNode(this.region.memory.words, this.#table, node, this.me);
  }
}

function checkWait(options: ConditionWaitOptions): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`wait takes an object of options, got ${describe(options)}`);
  }
  if (options.recover !== undefined && typeof options.recover !== "function") {
    throw new TypeError(`recover must be a function, got ${describe(options.recover)}`);
  }
  return checkTimeout(options.timeout);
}

function checkLock(lock: ConditionLock): ConditionLock {
  if (typeof lock === "object" && lock !== null && typeof lock.releaseForWait === "function") return lock;
  throw new TypeError(
    `a Condition belongs to a Mutex, a ReentrantMutex or an RwLock; give it as the lock, got ${describe(lock)}`,
  );
}
