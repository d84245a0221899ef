// The shipped mutex as a model: the blocking loop of region/word-lock.ts, the async queue of locks/async-queue.ts, the
// protocol under both, and the registry's way of learning of a death.
//
// Every holder checks the lock's promise in two plain words beside it. INSIDE is 1 while a thread is in the critical
// section: whoever finds it 1 must have been told that the last owner died. COUNT counts the holds. Plain accesses that
// race are reported by the checker, so two owners at once cannot go unseen.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const SEATS = 4;
/** As in region/word-lock.ts: how long a free lock is kept for a starving waiter. */
const RESERVED_MS = 2;

type Words = Int32Array;
type Options = ExploreOptions<Words>;

export function mutexModels(library: Library): readonly Model[] {
  return new MutexModels(library).all();
}

class MutexModels {
  private readonly lib: Library;
  private readonly at: number;
  private readonly inside: number;
  private readonly count: number;
  /** Where a dead thread's exit event is left for the reaper, and how to sleep for it. */
  private readonly exits: number;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS);
    this.inside = this.at + library.mutex.MUTEX_WORDS;
    this.count = this.inside + 1;
    this.exits = this.inside + 2;
  }

  all(): readonly Model[] {
    const model = (name: string, short: boolean, options: Partial<Options> & Pick<Options, "threads">): Model => ({
      name,
      short,
      options: { ...this.base(options.threads.length), ...options },
    });
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const slices = [this.lib.park.SLICE_MS, RESERVED_MS];
    const sync = (n: number, o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words>[] =>
      Array.from({ length: n }, () => ({ body: this.blocking(), ...o }));
    return [
      model("2 threads × 2", true, { threads: sync(2, { rounds: 2 }) }),
      model("3 threads × 1", true, { threads: sync(3) }),
      model("2 threads × 2, a death", true, { threads: sync(2, { rounds: 2 }), ...crash }),
      model("3 threads × 1, a death", false, { threads: sync(3), ...crash, states: 20e6 }),
      model("2 threads × 1, two deaths", true, { threads: sync(2), ...crash, crashes: 2 }),
      model("2 threads × 1, a death, a reaper that is itself a thread", true, this.reaped()),
      model("2 threads × 1, a death left unmarked", true, { threads: this.careless(2), ...crash }),
      model("2 threads × 2, time-outs", true, { threads: [...this.timed(2)] }),
      model("3 threads × 1, a time-out", false, { threads: [{ body: this.blocking(10) }, ...sync(2)] }),
      model("2 threads × 1, a time-out, a death", true, {
        threads: [{ body: this.blocking(10) }, ...sync(1)],
        ...crash,
      }),
      model("2 threads × 2, time passes", false, { threads: sync(2, { rounds: 2 }), clockJumps: 1 }),
      // How long a free lock is kept for a starving waiter is insurance against its death, too.
      model("2 threads × 2, time passes, no reservation ends", true, {
        threads: sync(2, { rounds: 2 }),
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("3 threads × 1, time passes, no reservation ends, at most 3 preemptions", false, {
        threads: sync(3),
        clockJumps: 1,
        sliceMs: slices,
        preemptions: 3,
        states: 3e6,
      }),
      model("1 starver beside 3 rounds", true, {
        threads: [...sync(1), ...sync(1, { rounds: 3 })],
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 starver with a time-out beside 3 rounds", false, {
        threads: [{ body: this.blocking(10) }, ...sync(1, { rounds: 3 })],
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 async × 2 and 1 sync, time passes", true, { threads: [this.awaiting(1, 2), ...sync(1)], clockJumps: 1 }),
      model("2 threads × 2, spinning", true, { threads: this.spinning(2, 2) }),
      model("3 threads × 1, spinning", false, { threads: this.spinning(3, 1) }),
      model("2 threads × 1, spinning, a death", true, { threads: this.spinning(2, 1), ...crash }),
      model("1 spinning starver beside 3 rounds", false, {
        threads: [...this.spinning(1, 1), ...sync(1, { rounds: 3 })],
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("2 threads × 1, marked by a recording meanwhile", true, { threads: [...sync(2), this.marking()] }),
      model("2 threads × 2, marked by a recording meanwhile", false, {
        threads: [...sync(2, { rounds: 2 }), this.marking()],
      }),
      model("1 async and 1 sync, marked by a recording meanwhile, a death", false, {
        threads: [this.awaiting(1), ...sync(1), this.marking()],
        ...crash,
      }),
      model("2 guards disposed twice", true, { threads: this.guards(2) }),
      model("tries beside a blocking thread", true, { threads: [{ body: this.trying() }, ...sync(1, { rounds: 2 })] }),
      model("freed and made anew beside a waiter", true, { threads: [this.renewing(), this.outdated()] }),
      model("freed and made anew beside a waiter of either, at most 2 preemptions", false, {
        threads: [this.renewing(), this.outdated(), this.later()],
        preemptions: 2,
        states: 3e6,
      }),
      model("1 async and 1 sync × 2", true, { threads: [this.awaiting(1, 2), ...sync(1, { rounds: 2 })] }),
      model("2 async × 1", true, { threads: [this.awaiting(1), this.awaiting(1)] }),
      model("2 tasks of one thread and 1 sync", true, { threads: [this.awaiting(2), ...sync(1)] }),
      model("2 async and 1 sync", false, { threads: [this.awaiting(1), this.awaiting(1), ...sync(1)], states: 20e6 }),
      model("1 async and 2 sync", false, { threads: [this.awaiting(1), ...sync(2)], states: 20e6 }),
      model("1 async and 1 sync, a death", true, { threads: [this.awaiting(1), ...sync(1)], ...crash }),
      model("1 async with a time-out and 1 sync", true, { threads: [this.awaiting(1, 1, 10), ...sync(1)] }),
      model("2 tasks, one aborted, and 1 sync", false, { threads: [this.aborted(), ...sync(1)] }),
      model("3 threads × 2, at most 2 preemptions", false, {
        threads: sync(3, { rounds: 2 }),
        preemptions: 2,
        states: 3e6,
      }),
      model("4 threads × 3, 2,000 schedules by PCT", true, {
        threads: sync(4, { rounds: 3 }),
        mode: "pct",
        schedules: 2000,
        seed: 7,
      }),
    ];
  }

  private base(threads: number): Omit<Options, "threads"> {
    const { lib, at } = this;
    return {
      memory: this.memory(threads),
      names: this.names(),
      reset: lib.reset,
      sliceMs: lib.park.SLICE_MS,
      final: (w: Words, statuses: readonly ThreadStatus[]) => this.final(w, statuses, lib.mutex, at),
    };
  }

  private final(w: Words, statuses: readonly ThreadStatus[], m: Library["mutex"], at: number): void {
    if (statuses.some((s) => s.state === "crashed")) return;
    if ((w[at] & m.OWNER_MASK) !== 0) throw new Error("the lock is owned although every thread released it");
    if (w[this.inside] !== 0) throw new Error("a thread is still inside");
  }

  private memory(threads: number): Words {
    const { layout, threads: registry } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.exits + 1) * 4));
    w[layout.H_MAX_THREADS] = threads;
    for (let t = 0; t < threads; t++) {
      w[registry.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[registry.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    return w;
  }

  private names(): { name: string; show?: (value: number | bigint) => string }[] {
    const { lib, at } = this;
    const { layout, threads: registry, mutex } = lib;
    const names: { name: string; show?: (value: number | bigint) => string }[] = [];
    for (let t = 0; t < SEATS; t++) {
      const seat = registry.slotWord(t);
      names[seat + layout.T_STATE] = { name: `seat${t}.state` };
      names[seat + layout.T_WAIT_CELL] = { name: `seat${t}.cell` };
      names[seat + layout.T_WAIT_FOR] = { name: `seat${t}.lock` };
    }
    names[at + mutex.LOCK] = { name: "lock", show: (v) => this.word(Number(v)) };
    names[at + mutex.SEQ] = { name: "sequence" };
    names[at + mutex.HOLD] = { name: "hold" };
    names[at + mutex.SLOW] = { name: "slow" };
    names[this.inside] = { name: "inside" };
    names[this.count] = { name: "count" };
    names[this.exits] = { name: "exit" };
    return names;
  }

  private word(v: number): string {
    const { mutex } = this.lib;
    const flags =
      (mutex.hasSyncWaiters(v) ? "S" : "") +
      (mutex.hasAsyncWaiters(v) ? "A" : "") +
      (mutex.isStarving(v) ? "F" : "") +
      (mutex.isInconsistent(v) ? "D" : "");
    const owner = mutex.ownerOf(v);
    const held = owner === 0 ? "free" : owner === mutex.NOT_RECOVERABLE ? "lost" : `t${owner & 0xfff}`;
    return flags === "" ? held : `${held}+${flags}`;
  }

  private me(index: number): number {
    return (1 << 12) | index;
  }

  /** What every holder does; `died` says that it was told of a dead owner. */
  private critical(w: Words, died: boolean): void {
    if (w[this.inside] !== 0 && !died) throw new Error("the last owner died inside, and the next one was not told");
    w[this.inside] = 1;
    w[this.count] = w[this.count] + 1;
    w[this.inside] = 0;
  }

  private unlock(w: Words, me: number): void {
    const { mutex, wordLock } = this.lib;
    const owed = mutex.unlock(w, this.at, me);
    if (owed === mutex.NOT_OWNER) throw new Error("the holder is told that it does not own the lock");
    if (owed !== mutex.RELEASED) wordLock.payWakes(w, this.at, owed);
  }

  /** Mutex.lock, the critical section, unlock. */
  private blocking(timeout?: number): (w: Words, thread: { index: number }) => unknown {
    return (w, { index }) => {
      const { mutex, wordLock, threads } = this.lib;
      const me = this.me(index);
      const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
      let result = mutex.ACQUIRED;
      if (mutex.tryLock(w, this.at, me) === 0) {
        const seatAt = threads.slotWord(index);
        checkpoint("must wait", deadline);
        result = wordLock.lockBlocking({ memory: { words: w } as never, me, seatAt }, this.at, deadline);
      }
      checkpoint("locked", result);
      if (result === mutex.MUST_WAIT && timeout !== undefined) return "timed out";
      return this.hold(w, me, result);
    };
  }

  /** As {@link blocking}, with spins of two looks: before the first sleep, after each, and as a starver. */
  private spinning(n: number, rounds: number): ThreadOptions<Words>[] {
    const body = (w: Words, { index }: { index: number }): unknown => {
      const { mutex, spin, threads, wordLock } = this.lib;
      const me = this.me(index);
      const spinForLock = (at: number, by: number, slept: number, starver: number): number =>
        spin.spinStep(w, at, by, slept, starver, 3) === 0 ? 0 : w[at + mutex.HOLD];
      if (mutex.tryLock(w, this.at, me) !== 0 || spinForLock(this.at, me, 0, 0) !== 0) {
        return this.hold(w, me, mutex.ACQUIRED);
      }
      const seatAt = threads.slotWord(index);
      const locker = { memory: { words: w } as never, me, seatAt, spinning: { limit: 3, spinForLock } };
      return this.hold(w, me, wordLock.lockBlocking(locker, this.at, Number.POSITIVE_INFINITY));
    };
    return Array.from({ length: n }, () => ({ body, rounds }));
  }

  /** Marks the lock when it finds it free, twice: whatever path that sends the others on, they must get the lock. */
  private marking(): ThreadOptions<Words> {
    return { body: (w) => this.lib.mutex.markFree(w, this.at), rounds: 2 };
  }

  /** `whole`: the rest of the body is nothing but this, so that what was before can be forgotten. */
  private hold(w: Words, me: number, result: number, whole = true): string {
    const { mutex } = this.lib;
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`lock returned ${result}`);
    const died = result === mutex.ACQUIRED_DIED;
    if (died && !mutex.markConsistent(w, this.at, me)) throw new Error("told of a death, but there is nothing to mark");
    this.critical(w, died);
    if (whole) checkpoint("unlock");
    this.unlock(w, me);
    return "held";
  }

  private timed(n: number): ThreadOptions<Words>[] {
    return Array.from({ length: n }, () => ({ body: this.blocking(10), rounds: 2 }));
  }

  /** Told of a death, it releases without marking: the lock must be lost for good, and everyone told so. */
  private careless(n: number): ThreadOptions<Words>[] {
    const body = (w: Words, { index }: { index: number }): unknown => {
      const { mutex, wordLock, threads } = this.lib;
      const me = this.me(index);
      let result = mutex.ACQUIRED;
      if (mutex.tryLock(w, this.at, me) === 0) {
        const seatAt = threads.slotWord(index);
        const locker = { memory: { words: w } as never, me, seatAt };
        result = wordLock.lockBlocking(locker, this.at, Number.POSITIVE_INFINITY);
      }
      if (result === mutex.UNRECOVERABLE) return "lost";
      if (result === mutex.ACQUIRED) this.critical(w, false);
      this.unlock(w, me);
      const word = Atomics.load(w, this.at);
      const lost = (word & mutex.OWNER_MASK) === mutex.NOT_RECOVERABLE;
      if (result === mutex.ACQUIRED_DIED && !lost) throw new Error("released unmarked, and yet recoverable");
      return "released";
    };
    return Array.from({ length: n }, () => ({ body, rounds: 2 }));
  }

  /** The parent learns of the death by an event and buries the thread step by step, beside the others. */
  private reaped(): Pick<Options, "threads" | "crashes" | "onCrash"> {
    const reaper = (w: Words): void => {
      let dead = Atomics.load(w, this.exits);
      if (dead === 0) {
        Atomics.wait(w, this.exits, 0);
        dead = Atomics.load(w, this.exits);
      }
      this.lib.threads.buryThread(w, dead - 1);
    };
    return {
      threads: [
        { body: this.blocking() },
        { body: this.blocking() },
        { body: reaper, name: "reaper", daemon: true, crash: false },
      ],
      crashes: 1,
      onCrash: (t, w) => {
        Atomics.store(w, this.exits, t + 1);
        Atomics.notify(w, this.exits);
      },
    };
  }

  /** A guard disposed twice must not release someone else's later hold, nor a later one of its own thread. */
  private guards(n: number): ThreadOptions<Words>[] {
    const body = (w: Words, { index }: { index: number }): void => {
      const { mutex, wordLock, threads } = this.lib;
      this.lib.numberHolds();
      const me = this.me(index);
      const lock = (): number => {
        const seatAt = threads.slotWord(index);
        const ticket = mutex.tryLock(w, this.at, me);
        if (ticket !== 0) return ticket;
        wordLock.lockBlocking({ memory: { words: w } as never, me, seatAt }, this.at, Number.POSITIVE_INFINITY);
        return w[this.at + mutex.HOLD];
      };
      const release = (ticket: number): boolean => {
        const owed = mutex.unlockHold(w, this.at, me, ticket);
        if (owed > 0) wordLock.payWakes(w, this.at, owed);
        return owed !== mutex.NOT_OWNER;
      };
      const first = lock();
      this.critical(w, false);
      if (!release(first)) throw new Error("a guard did not release its own hold");
      if (index > 0) return;
      if (release(first)) throw new Error("a spent guard released another thread's hold");
      const second = lock();
      if (release(first)) throw new Error("a spent guard released a later hold");
      this.critical(w, false);
      release(second);
    };
    return Array.from({ length: n }, () => ({ body }));
  }

  /** Frees the lock while it holds it, and uses its memory for another one. SERIAL (the exit word) tells them apart. */
  private renewing(): ThreadOptions<Words> {
    const body = (w: Words, thread: { index: number }): unknown => {
      const { mutex, wordLock } = this.lib;
      this.acquire(w, thread.index);
      this.critical(w, false);
      wordLock.payWakes(w, this.at, mutex.retire(w, this.at, this.me(thread.index)));
      Atomics.store(w, this.exits, 1);
      mutex.renew(w, this.at);
      Atomics.store(w, this.exits, 2);
      Atomics.notify(w, this.exits);
      return this.blocking()(w, thread);
    };
    return { body };
  }

  /** Knows the first lock only: it must come to an end, and leave the second one as it was. */
  private outdated(): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): unknown => {
      const { mutex } = this.lib;
      const isCurrent = (): boolean => Atomics.load(w, this.exits) === 0;
      const result = this.acquire(w, index, { isCurrent });
      if (result === mutex.UNRECOVERABLE) return "closed";
      if (result !== mutex.ACQUIRED) throw new Error(`lock returned ${result}`);
      const current = isCurrent();
      if (current) this.critical(w, false);
      this.unlock(w, this.me(index));
      return current ? "held" : "given back";
    };
    return { body };
  }

  /** Waits until there is a second lock, and uses it. */
  private later(): ThreadOptions<Words> {
    const body = (w: Words, thread: { index: number }): unknown => {
      for (;;) {
        const serial = Atomics.load(w, this.exits);
        if (serial === 2) return this.blocking()(w, thread);
        Atomics.wait(w, this.exits, serial);
      }
    };
    return { body };
  }

  private acquire(w: Words, index: number, what?: { isCurrent(): boolean }): number {
    const { mutex, wordLock, threads } = this.lib;
    const me = this.me(index);
    if (mutex.tryLock(w, this.at, me) !== 0) return mutex.ACQUIRED;
    const locker = { memory: { words: w } as never, me, seatAt: threads.slotWord(index) };
    return wordLock.lockBlocking(locker, this.at, Number.POSITIVE_INFINITY, what);
  }

  private trying(): (w: Words, thread: { index: number }) => unknown {
    return (w, { index }) => {
      const { mutex } = this.lib;
      const result = mutex.tryStep(w, this.at, this.me(index));
      return result === mutex.MUST_WAIT ? "busy" : this.hold(w, this.me(index), result);
    };
  }

  /** `tasks` tasks of one thread, each of which awaits the lock `rounds` times. */
  private awaiting(tasks: number, rounds = 1, timeout?: number): ThreadOptions<Words> {
    const body = async (w: Words, { index }: { index: number }): Promise<string> => {
      const region = { memory: { words: w }, me: this.me(index) } as never;
      const task = async (): Promise<string> => {
        let last = "";
        for (let r = 0; r < rounds; r++) last = await this.awaitOnce(w, region, index, { timeout });
        return last;
      };
      return (await Promise.all(Array.from({ length: tasks }, task))).join();
    };
    return { body };
  }

  private async awaitOnce(w: Words, region: never, index: number, options: object): Promise<string> {
    const { mutex, asyncQueue } = this.lib;
    const { result } = await asyncQueue.asyncQueue(region, this.at).acquire(options, { isCurrent: () => true });
    if (result === mutex.MUST_WAIT && "timeout" in options && options.timeout !== undefined) return "timed out";
    return this.hold(w, this.me(index), result, false);
  }

  private aborted(): ThreadOptions<Words> {
    const body = async (w: Words, { index }: { index: number }): Promise<string> => {
      const region = { memory: { words: w }, me: this.me(index) } as never;
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("enough")), 5);
      const one = this.awaitOnce(w, region, index, { signal: controller.signal }).catch(
        (error: Error) => error.message,
      );
      const two = this.awaitOnce(w, region, index, {});
      const ends = await Promise.all([one, two]);
      if (ends[1] !== "held" || !["held", "enough"].includes(ends[0])) throw new Error(`ended with ${ends.join()}`);
      return ends.join();
    };
    return { body };
  }
}
