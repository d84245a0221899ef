// What the threads of the mutex's models do.

import { FOR_OWNER } from "../../src/region/waits.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { ThreadOptions } from "../../src/testing/options.ts";
import { MutexPlace, type Options, type Words } from "./mutex-place.ts";

export class MutexBodies extends MutexPlace {
  /** Mutex.lock, the critical section, unlock. */
  protected blocking(timeout?: number): (w: Words, thread: { index: number }) => unknown {
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
  protected spinning(n: number, rounds: number): ThreadOptions<Words>[] {
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
  protected marking(): ThreadOptions<Words> {
    return { body: (w) => this.lib.mutex.markFree(w, this.at), rounds: 2 };
  }

  /** As {@link blocking}, where the usual course of a wait is one operation, and that of each further sleep another. */
  protected sleeping(n: number, rounds: number, limit = 0): ThreadOptions<Words>[] {
    const body = (w: Words, { index }: { index: number }): unknown => {
      const { lockWait, mutex, park, threads, wordLock } = this.lib;
      const me = this.me(index);
      if (mutex.tryLock(w, this.at, me) !== 0) return this.hold(w, me, mutex.ACQUIRED);
      const sleeping = {
        sleepForLock: (at: number, by: number, seat: number, seen: number, how: number): number =>
          lockWait.sleepForLock(w, at, by, seat, seen, how, park.SLICE_MS, limit),
        waitForLock: (at: number, by: number, seat: number, how: number): number =>
          lockWait.waitForLock(w, at, by, seat, how, park.SLICE_MS, limit),
      };
      const locker = { memory: { words: w } as never, me, seatAt: threads.slotWord(index), sleeping };
      const came = wordLock.waitUsual(locker, sleeping, this.at, FOR_OWNER);
      checkpoint("waited", came);
      if (came > 0) return this.hold(w, me, mutex.ACQUIRED);
      const result = wordLock.lockBlocking(locker, this.at, Number.POSITIVE_INFINITY, undefined, came);
      return this.hold(w, me, result);
    };
    return Array.from({ length: n }, () => ({ body, rounds }));
  }

  protected timed(n: number): ThreadOptions<Words>[] {
    return Array.from({ length: n }, () => ({ body: this.blocking(10), rounds: 2 }));
  }

  /** Told of a death, it releases without marking: the lock must be lost for good, and everyone told so. */
  protected careless(n: number): ThreadOptions<Words>[] {
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
  protected reaped(): Pick<Options, "threads" | "crashes" | "onCrash"> {
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
  protected guards(n: number): ThreadOptions<Words>[] {
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
  protected renewing(): ThreadOptions<Words> {
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
  protected outdated(): ThreadOptions<Words> {
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
  protected later(): ThreadOptions<Words> {
    const body = (w: Words, thread: { index: number }): unknown => {
      for (;;) {
        const serial = Atomics.load(w, this.exits);
        if (serial === 2) return this.blocking()(w, thread);
        Atomics.wait(w, this.exits, serial);
      }
    };
    return { body };
  }

  protected acquire(w: Words, index: number, what?: { isCurrent(): boolean }): number {
    const { mutex, wordLock, threads } = this.lib;
    const me = this.me(index);
    if (mutex.tryLock(w, this.at, me) !== 0) return mutex.ACQUIRED;
    const locker = { memory: { words: w } as never, me, seatAt: threads.slotWord(index) };
    return wordLock.lockBlocking(locker, this.at, Number.POSITIVE_INFINITY, what);
  }

  protected trying(): (w: Words, thread: { index: number }) => unknown {
    return (w, { index }) => {
      const { mutex } = this.lib;
      const result = mutex.tryStep(w, this.at, this.me(index));
      return result === mutex.MUST_WAIT ? "busy" : this.hold(w, this.me(index), result);
    };
  }

  /** `tasks` tasks of one thread, each of which awaits the lock `rounds` times. */
  protected awaiting(tasks: number, rounds = 1, timeout?: number): ThreadOptions<Words> {
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

  protected async awaitOnce(w: Words, region: never, index: number, options: object): Promise<string> {
    const { mutex, asyncQueue } = this.lib;
    const { result } = await asyncQueue.asyncQueue(region, this.at).acquire(options, { isCurrent: () => true });
    if (result === mutex.MUST_WAIT && "timeout" in options && options.timeout !== undefined) return "timed out";
    return this.hold(w, this.me(index), result, false);
  }

  protected aborted(): ThreadOptions<Words> {
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
