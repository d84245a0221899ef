// The shipped condition as a model: wait nodes (protocols/wait-nodes.ts), who chooses and who rescues
// (region/wait-queue.ts), and the mutex that the condition belongs to, all as Condition.wait and notify use them.
//
// Words beside the lock: TOKENS is what waiters wait for; OVER is set by a waiter that has the lock again and whose wait is
// over in its next step; WAITED counts waits that ended notified, CHOSEN those that were chosen.
import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint, scope } from "../../src/testing/markers.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const SEATS = 3;
const NODES = 3;
/** What BELL counts. */
const CHOICE = 1;
const DEATH = 8;

type Words = Int32Array;
/** A thread, as wait-queue.ts and word-lock.ts see it. */
interface Locker {
  readonly memory: never;
  readonly me: number;
  readonly seatAt: number;
  readonly owedWakes: number[];
}
type Options = ExploreOptions<Words>;
type Body = (w: Words, thread: { index: number }) => unknown;

export function conditionModels(library: Library): readonly Model[] {
  return new ConditionModels(library).all();
}

class ConditionModels {
  private readonly lib: Library;
  private readonly lock: number;
  private readonly table: number;
  private readonly tokens: number;
  private readonly over: number;
  private readonly waited: number;
  private readonly chosen: number;
  private readonly bell: number;

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

  all(): readonly Model[] {
    const model = (name: string, short: boolean, options: Partial<Options> & Pick<Options, "threads">): Model => ({
      name: `condition: ${name}`,
      short,
      options: { ...this.base(), ...options },
    });
    const onCrash = (t: number, w: Words): void => {
      this.lib.threads.buryThread(w, t);
      this.ring(w, DEATH);
    };
    const crash = { crashes: 1, onCrash };
    const last = { crash: false, daemon: true };
    return [
      model("a taker and a giver × 2", true, {
        threads: [
          { body: this.taker(), rounds: 2 },
          { body: this.giver(), rounds: 2 },
        ],
      }),
      model("2 takers and a giver of 2", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2) }],
        preemptions: 2,
        states: 3e6,
      }),
      model("2 takers, and a giver of 2 that wakes all", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2, true) }],
        preemptions: 2,
        states: 3e6,
      }),
      model("a waiter is chosen by one that dies", true, {
        memory: this.published(),
        threads: [{ body: this.chosenOne(), crash: false }, { body: this.giver(1, true) }],
        ...crash,
      }),
      model("a waiter with a time-out beside a giver", true, {
        threads: [{ body: this.waiter(10) }, { body: this.chooser(1) }],
        final: this.countsAgree,
      }),
      model("2 waiters, one with a time-out, and one is chosen", false, {
        threads: [{ body: this.waiter(10) }, { body: this.waiter(), daemon: true }, { body: this.chooser(1) }],
        final: this.countsAgree,
        preemptions: 2,
        states: 3e6,
      }),
      model("a node is claimed while the mark is lowered", false, {
        threads: [
          { body: this.claimer(), rounds: 2 },
          { body: this.claimer(), rounds: 2 },
        ],
      }),
      model("a chosen waiter leaves: the signal is passed on", true, {
        memory: this.published(),
        threads: [{ body: this.leaver() }, { body: this.sleeper(), daemon: true }, { body: this.bareChooser() }],
        final: this.notSwallowed,
      }),
      model("a waiter dies, another one waits", true, {
        memory: this.published(),
        threads: [{ body: this.sleeper() }, { body: this.survivor(), ...last }, { body: this.bareChooser(), ...last }],
        ...crash,
        final: this.notSwallowed,
      }),
      model("two rescue the signal of a dead waiter", true, {
        memory: this.published(),
        threads: [{ body: this.sleeper() }, { body: this.survivor(), ...last }, { body: this.rescuer(), ...last }],
        ...crash,
        final: this.notSwallowed,
      }),
    ];
  }

  private base(): Omit<Options, "threads"> {
    const { lib } = this;
    return { memory: this.memory(), names: this.names(), reset: lib.reset, sliceMs: lib.park.SLICE_MS };
  }

  private memory(): Words {
    const { layout, threads, waitNodes } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.bell + 1) * 4));
    w[layout.H_MAX_THREADS] = SEATS;
    for (let t = 0; t < SEATS; t++) {
      const seat = threads.slotWord(t);
      w[seat + layout.T_CLAIM] = t + 1;
      w[seat + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
      // Just enough probes, and asked just now: no thread arms any or asks. Deaths are told by the hook.
      w[seat + layout.T_PROBES] = 16;
      w[seat + layout.T_PROBED_AT] = Math.floor(performance.timeOrigin + 1) % 2 ** 30;
    }
    w[this.table + waitNodes.CAPACITY] = NODES;
    return w;
  }

  private names(): { name: string; show?: (value: number | bigint) => string }[] {
    const { mutex, waitNodes } = this.lib;
    const names: { name: string; show?: (value: number | bigint) => string }[] = [];
    names[this.lock] = { name: "lock" };
    names[this.lock + mutex.HOLD] = { name: "hold" };
    names[this.table + waitNodes.TICKETS] = { name: "tickets" };
    names[this.table + waitNodes.USED] = { name: "used" };
    const kinds = ["free", "claimed", "waiting", "signaled", "relayed"];
    const show = (v: number | bigint): string => `${kinds[Number(v) >> 28]} ${Number(v) & 0xfffffff}`;
    for (let at = 0; at < NODES; at++) names[waitNodes.nodeAt(this.table, at)] = { name: `node${at}`, show };
    names[this.tokens] = { name: "tokens" };
    names[this.over] = { name: "over" };
    names[this.waited] = { name: "waited" };
    names[this.chosen] = { name: "chosen" };
    names[this.bell] = { name: "bell" };
    return names;
  }

  private locker(w: Words, index: number): Locker {
    const seatAt = this.lib.threads.slotWord(index);
    return { memory: { words: w } as never, me: (1 << 12) | index, seatAt, owedWakes: [] };
  }

  private acquire(w: Words, locker: Locker): void {
    scope(() => this.takeLock(w, locker));
  }

  private takeLock(w: Words, locker: Locker): void {
    const { mutex, wordLock } = this.lib;
    this.lib.numberHolds();
    if (mutex.tryLock(w, this.lock, locker.me) !== 0) return;
    const result = wordLock.lockBlocking(locker, this.lock, Number.POSITIVE_INFINITY);
    if (result === mutex.ACQUIRED_DIED) mutex.markConsistent(w, this.lock, locker.me);
    else if (result !== mutex.ACQUIRED) throw new Error(`lock returned ${result}`);
  }

  /** The release of ExclusiveLock: with S, which owingWakes sets, it pays what it owes. */
  private release(w: Words, locker: Locker): void {
    scope(
      () => this.giveLock(w, locker),
      () => locker.owedWakes,
    );
  }

  private giveLock(w: Words, locker: Locker): void {
    const owed = this.lib.mutex.unlock(w, this.lock, locker.me);
    if (owed === this.lib.mutex.NOT_OWNER) throw new Error("the lock that a wait took again is not held");
    if (owed > 0) this.payRelease(w, locker, owed);
  }

  private payRelease(w: Words, locker: Locker, owed: number): void {
    this.lib.waitQueue.payChosen(locker, this.lock);
    this.lib.wordLock.payWakes(w, this.lock, owed);
  }

  /** What ExclusiveLock.owingWakes does. */
  private owingWakes(w: Words, locker: Locker): number {
    this.lib.mutex.announceSleeper(w, this.lock, locker.me);
    return this.lock;
  }

  /** Condition.wait, with the lock held: whether it was notified. */
  private wait(w: Words, locker: Locker, timeout?: number): boolean {
    const { waitNodes, waitQueue, mutex } = this.lib;
    if (timeout === undefined) return this.waitUsual(w, locker);
    const deadline = performance.now() + timeout;
    const node = waitQueue.takeNode(locker, this.table);
    if (node === 0) throw new Error("no node is free");
    const waiting = waitNodes.publishNode(w, this.table, node, locker.me);
    const ticket = w[this.lock + mutex.HOLD];
    this.release(w, locker);
    return this.waitOn(w, locker, { node, waiting, ticket }, deadline);
  }

  /** Condition.waitUsual. */
  private waitUsual(w: Words, locker: Locker): boolean {
    const { condition, park, seat, waitQueue } = this.lib;
    const { me, seatAt } = locker;
    const owed = condition.beginWait(w, this.table, this.lock, me, seatAt);
    if (owed < 0) throw new Error(`a wait began with ${owed}`);
    if (owed > 0) this.payRelease(w, locker, owed);
    const ended = condition.sleepWait(w, this.table, this.lock, me, seatAt, this.table, park.SLICE_MS);
    if (ended === condition.WAIT_OVER) return true;
    if (ended === condition.WAIT_GOES_ON) waitQueue.rescueSignals(locker, this.table, true);
    const [node, waiting, ticket] = [seat.T_NODE, seat.T_WAITING, seat.T_TICKET].map((at) => w[seatAt + at]);
    return this.waitOn(w, locker, { node, waiting, ticket }, Number.POSITIVE_INFINITY);
  }

  private waitOn(
    w: Words,
    locker: Locker,
    { node, waiting, ticket }: { node: number; waiting: number; ticket: number },
    deadline: number,
  ): boolean {
    const { waitNodes, waitQueue, mutex } = this.lib;
    const what = { table: this.table, node, waiting, lock: node };
    const notified = waitQueue.sleepNode(locker, what, deadline, () => false);
    this.acquire(w, locker);
    mutex.resumeHold(w, this.lock, ticket);
    if (notified) waitNodes.freeNode(w, this.table, node);
    return notified;
  }

  /** Condition.notify of one. */
  private notify(w: Words, locker: Locker): boolean {
    const { condition, waitQueue } = this.lib;
    const node = condition.chooseFor(w, this.table, this.lock, locker.me);
    if (node < 0) throw new Error("the lock is not held");
    if (node === 0) return false;
    if (waitQueue.settleChosen(locker, this.table, node, this.lock)) return true;
    return waitQueue.chooseOldest(locker, this.table, this.owingWakes(w, locker));
  }

  private taker(): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      for (;;) {
        checkpoint("locked", ...locker.owedWakes);
        if (w[this.tokens] !== 0) break;
        this.wait(w, locker);
      }
      w[this.tokens]--;
      this.release(w, locker);
    };
  }

  /** Notifies as many as it gives, or all. */
  private giver(tokens = 1, all = false): Body {
    return (w, { index }) => {
      const { waitQueue } = this.lib;
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      w[this.tokens] += tokens;
      if (all) waitQueue.chooseAll(locker, this.table, this.owingWakes(w, locker));
      else for (let k = 0; k < tokens; k++) this.notify(w, locker);
      this.release(w, locker);
    };
  }

  /** Waits already, and goes on with the lock once it is chosen, or nobody is left who could. */
  private chosenOne(): Body {
    return (w, { index }) => {
      const { threads, waitQueue, waitNodes } = this.lib;
      const locker = this.locker(w, index);
      const { node, waiting } = this.nodeOf(index);
      const what = { table: this.table, node, waiting, lock: node };
      const chosen = waitQueue.sleepNode(
        locker,
        what,
        Number.POSITIVE_INFINITY,
        () => !threads.isAlive(w, (1 << 12) | 1),
      );
      this.acquire(w, locker);
      if (chosen) waitNodes.freeNode(w, this.table, node);
      this.release(w, locker);
    };
  }

  private waiter(timeout?: number): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      // What was chosen before it waits is not for it.
      if (this.wait(w, locker, timeout)) w[this.waited]++;
      else if (timeout === undefined) throw new Error("a wait without a time-out timed out");
      this.release(w, locker);
      return index;
    };
  }

  private chooser(n: number): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      for (let k = 0; k < n; k++) {
        if (this.notify(w, locker)) w[this.chosen]++;
      }
      this.release(w, locker);
    };
  }

  /** Exactly those that were chosen were notified. */
  private readonly countsAgree = (w: Words): void => {
    if (w[this.waited] !== w[this.chosen]) throw new Error(`${w[this.chosen]} chosen, ${w[this.waited]} notified`);
    this.tableIsWhole(w);
  };

  private tableIsWhole(w: Words): void {
    const { waitNodes } = this.lib;
    const mark = w[this.table + waitNodes.USED] & ((1 << 14) - 1);
    for (let at = 0; at < NODES; at++) {
      const state = w[waitNodes.nodeAt(this.table, at)];
      // A thread that died between its claim and the mark leaves a claimed node: it has not been published.
      if (state !== 0 && !waitNodes.isClaimed(state) && at >= mark) throw new Error("a node in use lies past the mark");
      if (waitNodes.isSignaled(state) || waitNodes.isRelayed(state)) throw new Error("a signal is left behind");
    }
  }

  private claimer(): Body {
    return (w, { index }) => {
      const { waitNodes, waitQueue } = this.lib;
      const locker = this.locker(w, index);
      const node = waitQueue.takeNode(locker, this.table);
      const state = waitNodes.publishNode(w, this.table, node, locker.me);
      const at = (node - waitNodes.nodeAt(this.table, 0)) / waitNodes.NODE_WORDS;
      if (at >= waitNodes.markOf(w, this.table)) throw new Error("a published node lies past the mark");
      if (!waitNodes.withdrawNode(w, this.table, node, state)) throw new Error("it was chosen by nobody");
    };
  }

  /** Threads 0 and 1 wait already, in this order. */
  private published(): Words {
    const { waitNodes } = this.lib;
    const w = this.memory();
    for (const thread of [0, 1]) {
      const node = waitNodes.claimNode(w, this.table, this.locker(w, thread).me);
      waitNodes.publishNode(w, this.table, node, this.locker(w, thread).me);
    }
    return w;
  }

  private nodeOf(thread: number): { node: number; waiting: number } {
    const node = this.lib.waitNodes.nodeAt(this.table, thread);
    return { node, waiting: (2 << 28) | (thread + 1) };
  }

  /** A waiter without the lock. */
  private sleeper(): Body {
    return (w, { index }) => {
      const { node, waiting } = this.nodeOf(index);
      while (Atomics.load(w, node) === waiting) Atomics.wait(w, node, waiting);
      Atomics.add(w, this.over, 1);
      this.lib.waitNodes.freeNode(w, this.table, node);
    };
  }

  /** A waiter that is aborted, at any moment. */
  private leaver(): Body {
    return (w, { index }) => {
      const { waitNodes, waitQueue } = this.lib;
      const { node, waiting } = this.nodeOf(index);
      if (!waitNodes.withdrawNode(w, this.table, node, waiting)) {
        waitQueue.passOn(this.locker(w, index), this.table, node);
      }
    };
  }

  /** Lets those that sleep on BELL look again. */
  private ring(w: Words, what: number): void {
    Atomics.add(w, this.bell, what);
    Atomics.notify(w, this.bell);
  }

  /** Sleeps until what BELL counts fits. */
  private until(w: Words, fits: (bell: number) => boolean): void {
    for (;;) {
      const bell = Atomics.load(w, this.bell);
      if (fits(bell)) return;
      Atomics.wait(w, this.bell, bell);
    }
  }

  /** Waits until the other one is known to be dead and the choice was made, and rescues then. */
  private survivor(): Body {
    return (w, { index }) => {
      const { node, waiting } = this.nodeOf(index);
      this.until(w, (bell) => (bell & DEATH) !== 0 && (bell & CHOICE) !== 0);
      this.lib.waitQueue.rescueSignals(this.locker(w, index), this.table, false);
      if (Atomics.load(w, node) !== waiting) Atomics.add(w, this.over, 1);
    };
  }

  /** Chooses one of the two. */
  private bareChooser(): Body {
    return (w, { index }) => {
      if (this.lib.waitQueue.chooseOldest(this.locker(w, index), this.table)) Atomics.add(w, this.chosen, 1);
      this.ring(w, CHOICE);
    };
  }

  private rescuer(): Body {
    return (w, thread) => {
      this.bareChooser()(w, thread);
      this.until(w, (bell) => (bell & DEATH) !== 0);
      this.lib.waitQueue.rescueSignals(this.locker(w, thread.index), this.table, false);
    };
  }

  /** Whoever was chosen: a wait came to its end, or the survivor has the signal, or nobody alive was left waiting. */
  private readonly notSwallowed = (w: Words, statuses: readonly ThreadStatus[]): void => {
    const { waitNodes } = this.lib;
    const states = Array.from({ length: NODES }, (_, at) => w[waitNodes.nodeAt(this.table, at)]);
    const waits = states.some((state, at) => {
      const owner = w[waitNodes.nodeAt(this.table, at) + waitNodes.N_OWNER];
      return waitNodes.isWaiting(state) && statuses[owner & 0xfff].state !== "crashed";
    });
    if (w[this.chosen] > 0 && w[this.over] === 0 && waits) {
      throw new Error("the signal was swallowed: it was chosen for, and nobody's wait is over");
    }
  };
}
