// The public Condition: a thin handle over a table of wait nodes (protocols/condition.ts), and the lock that it belongs to.

import { load, store } from "../cells/atomics.ts";
import { checkFunction, checkSyncFunction } from "../cells/callbacks.ts";
import { checkSignal, deadlineIn, describe, now } from "../cells/deadline.ts";
import { NotOwnerError, RegionError } from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import { conditionCapacity, conditionWords, LOCK_OFFSET, LOCK_SERIAL, TABLE } from "../protocols/condition.ts";
import { CAPACITY, freeNode, markOf, publishNode, TASK } from "../protocols/wait-nodes.ts";
import { KIND_CONDITION } from "../region/layout.ts";
import { isRecording } from "../region/record-memory.ts";
import { chooseAll, chooseOldest, countWaiting, settleChosen, takeNode, wakeDue } from "../region/wait-queue.ts";
import { checkOptions } from "./acquire-options.ts";
import type { ConditionLock } from "./condition-lock.ts";
import {
  type AsyncConditionWaitOptions,
  type ConditionPlace,
  type ConditionWaitOptions,
  NO_OPTIONS,
  sleepAsync,
  waitOn,
  waitUsual,
  wakeNext,
} from "./condition-waits.ts";
import { checkWhole, handleOptions, type LockHandle, LockObject, type PlaceOptions, placedIn } from "./place.ts";
import { type WaitOperations, waitOperations } from "./wait-operations.ts";

export type { AsyncConditionWaitOptions, ConditionWaitOptions };

/** Options of a Condition; it lies in its lock's region if no other is given. */
export type ConditionOptions = PlaceOptions;
export type ConditionHandle = LockHandle<"condition">;

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
export class Condition extends LockObject implements ConditionPlace {
  /** The lock that it belongs to, as given. */
  readonly lock: ConditionLock;
  /** @internal */
  readonly table: number;
  /** The usual course of a wait, if the lock allows it and this thread may block. */
  readonly #operations: WaitOperations | undefined;

  /**
   * Makes a condition of `lock`, or attaches to the one of that name. Throws TypeError for what is no such lock,
   * ERR_REGION_OPTIONS if the condition belongs to another lock, ERR_REGION_FULL, ERR_REGION_KIND.
   */
  constructor(lock: ConditionLock, options: ConditionOptions = {}) {
    const { offset, serial } = checkLock(lock).handle();
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
    this.lock = lock;
    this.table = this.index + TABLE;
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

  /** Threads and tasks that wait and have not been chosen yet, at this moment. */
  get waiters(): number {
    return countWaiting(this.region, this.table);
  }

  /**
   * Gives the lock back, waits until notified, and takes the lock again: true, or false if `timeout` milliseconds passed
   * before it was notified (it still waits for the lock then, without a limit). Blocks the thread.
   * Throws ERR_NOT_OWNER without the lock held, ERR_REGION_FULL if too many wait, ERR_BLOCKING_FORBIDDEN (a browser's main
   * thread: use waitAsync), all with nothing changed; ERR_OWNER_DIED with the lock held (see the lock's `recover`);
   * ERR_NOT_RECOVERABLE or ERR_CLOSED, without it, if the lock was lost.
   */
  wait(options: ConditionWaitOptions = NO_OPTIONS): boolean {
    if (this.#operations !== undefined && options === NO_OPTIONS && !isRecording() && this.#isUsable()) {
      const ended = waitUsual(this, this.#operations);
      if (ended !== undefined) return ended;
    }
    const deadline = deadlineIn(checkOptions(options, "wait options"));
    this.mustMayBlock("wait", "waitAsync");
    const node = this.#takeNode("wait");
    const waiting = this.#publish(node, this.me);
    return waitOn(this, node, waiting, this.lock.releaseForWait(), deadline, options);
  }

  /**
   * Waits until `predicate` returns something truthy, which is returned; it is called with the lock held, first before any
   * wait. After `timeout` milliseconds in all the predicate's last, falsy, result is returned. Blocks. Throws as wait(),
   * and what the predicate throws, with the lock held.
   */
  waitFor<T>(predicate: () => T, options: ConditionWaitOptions = {}): T {
    const deadline = deadlineIn(checkOptions(options, "wait options"));
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
    checkOptions(options, "wait options");
    checkSignal(options.signal);
    const { words } = this.region.memory;
    const node = this.#takeNode("waitAsync");
    const waiting = this.#publish(node, this.me | TASK);
    const saved = this.lock.releaseForWait();
    let notified = false;
    try {
      notified = await sleepAsync(this, node, waiting, options);
    } catch (reason) {
      await this.lock.reacquireAsync(saved, options);
      throw reason;
    }
    try {
      await this.lock.reacquireAsync(saved, options);
    } finally {
      if (notified) freeNode(words, this.table, node);
      wakeNext(this);
    }
    return notified;
  }

  /** As {@link waitFor}, without blocking the event loop; the predicate may be async. */
  async waitForAsync<T>(predicate: () => T | Promise<T>, options: AsyncConditionWaitOptions = {}): Promise<T> {
    const deadline = deadlineIn(checkOptions(options, "wait options"));
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
   * thread gives the lock back (an RwLock: at once), of many some, and each of them wakes another when it does. Never blocks. Throws ERR_NOT_OWNER without the lock held.
   */
  notify(n = 1): number {
    if (n === 1 && this.#operations !== undefined && this.#isUsable()) {
      const node = this.#operations.chooseFor(this.table, this.lock.plainMutex, this.me);
      if (node === 0) return 0;
      // A chosen waiter that was dead by then has nobody to go on: the oldest of the others does.
      if (node > 0)
        return settleChosen(this.region, this.table, node, this.lock.plainMutex) || this.#chooseOldest() ? 1 : 0;
    }
    checkWhole("n", n, 0, Number.MAX_SAFE_INTEGER);
    this.#mustHold("notify");
    let chosen = 0;
    while (chosen < n && this.#chooseOldest()) chosen++;
    return chosen;
  }

  /** Whether neither it nor its lock was freed. */
  #isUsable(): boolean {
    return !this.freed && this.lock.isCurrent();
  }

  #chooseOldest(): boolean {
    if (markOf(this.region.memory.words, this.table) === 0) return false;
    return chooseOldest(this.region, this.table, this.lock.owingWakes());
  }

  /** As {@link notify}, for every waiter; returns how many there were. Throws ERR_NOT_OWNER without the lock held. */
  notifyAll(): number {
    this.#mustHold("notifyAll");
    const mark = markOf(this.region.memory.words, this.table);
    if (mark === 0) return 0;
    return chooseAll(this.region, this.table, this.lock.owingWakes(), mark > 1 && this.lock.movesSleepers);
  }

  /** Gives the condition's memory back. Throws ERR_IN_USE, with nothing changed, while a thread or task waits. */
  free(): void {
    this.freePlace(() => {
      if (this.waiters > 0) throw this.inUseError();
      wakeDue(this.region, this.table);
    });
  }

  /** @internal */
  protected override describeState(): string {
    return `of ${this.lock.label()}, ${this.waiters} waiting`;
  }

  #mustHold(call: string): void {
    if (this.freed) throw this.closedError();
    if (this.lock.isHeldForWait()) return;
    const message = `${call}: this thread does not hold ${this.lock.label()}, to which ${this.label()} belongs`;
    throw new NotOwnerError("ERR_NOT_OWNER", message);
  }

  #takeNode(call: string): number {
    this.#mustHold(call);
    const node = takeNode(this.region, this.table);
    if (node !== 0) return node;
    const limit = load(this.region.memory.words, this.table + CAPACITY);
    const message = `${call}: ${limit} threads and tasks wait on ${this.label()} already, which is the most`;
    throw new RegionError("ERR_REGION_FULL", message, { limit });
  }

  #publish(node: number, who: number): number {
    return publishNode(this.region.memory.words, this.table, node, who);
  }
}

function checkLock(lock: ConditionLock): ConditionLock {
  if (typeof lock === "object" && lock !== null && typeof lock.releaseForWait === "function") return lock;
  throw new TypeError(
    `a Condition belongs to a Mutex, a ReentrantMutex or an RwLock; give it as the lock, got ${describe(lock)}`,
  );
}
