// Where the condition of the models lies: its words, their names, and the steps of its wait and notify.

import { checkpoint, scope } from "../../src/testing/markers.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";

export const SEATS = 3;
export const NODES = 3;
/** What BELL counts. */
export const CHOICE = 1;
export const DEATH = 8;

export type Words = Int32Array;
/** A thread, as wait-queue.ts and word-lock.ts see it. */
export interface Locker {
  readonly memory: never;
  readonly me: number;
  readonly seatAt: number;
  readonly owedWakes: number[];
  readonly wakesAtOnce: number;
}
export type Options = ExploreOptions<Words>;
export type Body = (w: Words, thread: { index: number }) => unknown;

export class ConditionPlace {
  protected readonly lib: Library;
  protected readonly lock: number;
  protected readonly table: number;
  protected readonly tokens: number;
  protected readonly over: number;
  protected readonly waited: number;
  protected readonly chosen: number;
  protected readonly bell: number;

  constructor(library: Library) {
    this.lib = library;
    this.lock = library.threads.slotWord(SEATS);
    this.table = this.lock + library.mutex.MUTEX_WORDS;
    this.tokens = this.table + library.waitNodes.tableWords(NODES);
    this.over = this.tokens + 1;
    this.waited = this.tokens + 2;
    this.chosen = this.tokens + 3;
    this.bell = this.tokens + 4;
  }

  protected base(): Omit<Options, "threads"> {
    const { lib } = this;
    return { memory: this.memory(), names: this.names(), reset: lib.reset, sliceMs: lib.park.SLICE_MS };
  }

  protected memory(): Words {
    const { layout, threads, waitNodes } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.bell + 1 + SEATS) * 4));
    w[layout.H_MAX_THREADS] = SEATS;
    for (let t = 0; t < SEATS; t++) {
      const seat = threads.slotWord(t);
      w[seat + layout.T_CLAIM] = t + 1;
      w[seat + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    w[this.table + waitNodes.CAPACITY] = NODES;
    return w;
  }

  protected names(): { name: string; show?: (value: number | bigint) => string }[] {
    const { mutex, waitNodes } = this.lib;
    const names: { name: string; show?: (value: number | bigint) => string }[] = [];
    names[this.lock] = { name: "lock" };
    names[this.lock + mutex.HOLD] = { name: "hold" };
    names[this.table + waitNodes.TICKETS] = { name: "tickets" };
    names[this.table + waitNodes.USED] = { name: "used" };
    const kinds = ["free", "claimed", "waiting", "signaled", "relayed", "due"];
    const show = (v: number | bigint): string => `${kinds[Number(v) >> 28]} ${Number(v) & 0xfffffff}`;
    for (let at = 0; at < NODES; at++) names[waitNodes.nodeAt(this.table, at)] = { name: `node${at}`, show };
    names[this.tokens] = { name: "tokens" };
    names[this.over] = { name: "over" };
    names[this.waited] = { name: "waited" };
    names[this.chosen] = { name: "chosen" };
    names[this.bell] = { name: "bell" };
    return names;
  }

  protected locker(w: Words, index: number): Locker {
    const seatAt = this.lib.threads.slotWord(index);
    return { memory: { words: w } as never, me: (1 << 12) | index, seatAt, owedWakes: [], wakesAtOnce: 1 };
  }

  /** What outlives each function of a thread, beside the memory. */
  protected remembered(locker: Locker): readonly number[] {
    return locker.owedWakes;
  }

  protected acquire(w: Words, locker: Locker): void {
    scope(
      () => this.takeLock(w, locker),
      () => this.remembered(locker),
    );
  }

  protected takeLock(w: Words, locker: Locker): void {
    const { mutex, wordLock } = this.lib;
    this.lib.numberHolds();
    if (mutex.tryLock(w, this.lock, locker.me) !== 0) return;
    const result = wordLock.lockBlocking(locker, this.lock, Number.POSITIVE_INFINITY);
    if (result === mutex.ACQUIRED_DIED) mutex.markConsistent(w, this.lock, locker.me);
    else if (result !== mutex.ACQUIRED) throw new Error(`lock returned ${result}`);
  }

  /** The release of ExclusiveLock: with S, which owingWakes sets, it pays what it owes. */
  protected release(w: Words, locker: Locker): void {
    scope(
      () => this.giveLock(w, locker),
      () => this.remembered(locker),
    );
  }

  protected giveLock(w: Words, locker: Locker): void {
    const owed = this.lib.mutex.unlock(w, this.lock, locker.me);
    if (owed === this.lib.mutex.NOT_OWNER) throw new Error("the lock that a wait took again is not held");
    if (owed > 0) this.payRelease(w, locker, owed);
  }

  /** What ExclusiveLock.reacquire does. */
  protected acquireAgain(w: Words, locker: Locker): void {
    this.acquire(w, locker);
  }

  protected payRelease(w: Words, locker: Locker, owed: number): void {
    this.lib.waitQueue.payChosen(locker, this.lock);
    this.lib.wordLock.payWakes(w, this.lock, owed);
  }

  /** What ExclusiveLock.owingWakes does. */
  protected owingWakes(w: Words, locker: Locker): number {
    this.lib.mutex.announceSleeper(w, this.lock, locker.me);
    return this.lock;
  }

  /** Condition.wait, with the lock held: whether it was notified. */
  protected wait(w: Words, locker: Locker, timeout?: number): boolean {
    const { waitNodes, waitQueue, mutex } = this.lib;
    if (timeout === undefined) return this.waitUsual(w, locker);
    const deadline = performance.now() + timeout;
    const node = waitQueue.takeNode(locker, this.table);
    if (node === 0) throw new Error("no node is free");
    const waiting = waitNodes.publishNode(w, this.table, node, locker.me);
    const ticket = w[this.lock + mutex.HOLD];
    this.release(w, locker);
    checkpoint("waits", node, waiting, ticket, deadline, ...this.remembered(locker));
    return this.waitOn(w, locker, { node, waiting, ticket }, deadline);
  }

  /** Condition.waitUsual. */
  protected waitUsual(w: Words, locker: Locker): boolean {
    const { condition, seat, waitQueue } = this.lib;
    const { me, seatAt } = locker;
    const owed = condition.beginWait(w, this.table, this.lock, me, seatAt);
    if (owed < 0) throw new Error(`a wait began with ${owed}`);
    if (owed > 0) this.payRelease(w, locker, owed);
    checkpoint("waits", ...this.remembered(locker));
    const ended = this.sleepWait(w, locker);
    checkpoint("slept", ended, ...this.remembered(locker));
    if (ended === condition.WAIT_OVER) {
      this.wakeNext(w, locker);
      return true;
    }
    if (ended === condition.WAIT_GOES_ON) waitQueue.rescueSignals(locker, this.table, true);
    const [node, waiting, ticket] = [seat.T_NODE, seat.T_WAITING, seat.T_TICKET].map((at) => w[seatAt + at]);
    return this.waitOn(w, locker, { node, waiting, ticket }, Number.POSITIVE_INFINITY);
  }

  protected sleepWait(w: Words, { me, seatAt }: Locker): number {
    return this.lib.condition.sleepWait(w, this.table, this.lock, me, seatAt, this.table, this.lib.park.SLICE_MS);
  }

  protected waitOn(
    w: Words,
    locker: Locker,
    { node, waiting, ticket }: { node: number; waiting: number; ticket: number },
    deadline: number,
  ): boolean {
    const { waitNodes, waitQueue, mutex } = this.lib;
    const what = { table: this.table, node, waiting, lock: node };
    const notified = waitQueue.sleepNode(locker, what, deadline, () => false);
    checkpoint("slept on", node, ticket, notified, ...this.remembered(locker));
    this.acquireAgain(w, locker);
    checkpoint("again", node, ticket, notified, ...this.remembered(locker));
    mutex.resumeHold(w, this.lock, ticket);
    if (notified) waitNodes.freeNode(w, this.table, node);
    this.wakeNext(w, locker);
    return notified;
  }

  /** What ends a wait: the next of the chain. */
  protected wakeNext(w: Words, locker: Locker): void {
    const node = this.lib.condition.dueFor(w, this.table, this.lock, locker.me);
    if (node !== 0) locker.owedWakes.push(this.lock, node);
  }

  /** Condition.notify of one. */
  protected notify(w: Words, locker: Locker): boolean {
    const { condition, waitQueue } = this.lib;
    const node = condition.chooseFor(w, this.table, this.lock, locker.me);
    if (node < 0) throw new Error("the lock is not held");
    if (node === 0) return false;
    if (waitQueue.settleChosen(locker, this.table, node, this.lock)) return true;
    return waitQueue.chooseOldest(locker, this.table, this.owingWakes(w, locker));
  }

  protected nodeOf(thread: number): { node: number; waiting: number } {
    const node = this.lib.waitNodes.nodeAt(this.table, thread);
    return { node, waiting: (2 << 28) | (thread + 1) };
  }

  /** Lets those that sleep on BELL look again. */
  protected ring(w: Words, what: number): void {
    Atomics.add(w, this.bell, what);
    Atomics.notify(w, this.bell);
  }

  /** Sleeps until what BELL counts fits. */
  protected until(w: Words, fits: (bell: number) => boolean): void {
    for (;;) {
      const bell = Atomics.load(w, this.bell);
      if (fits(bell)) return;
      Atomics.wait(w, this.bell, bell);
    }
  }

  protected notifyAll(w: Words, locker: Locker): void {
    this.lib.waitQueue.chooseAll(locker, this.table, this.owingWakes(w, locker));
  }
}
