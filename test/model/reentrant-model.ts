// The shipped reentrant mutex as a model: protocols/reentrant-mutex.ts over the mutex, with the blocking loop of
// region/word-lock.ts, as ReentrantMutex.lock and unlock use them. Each thread enters its hold twice, and leaves it twice.
import { checkpoint } from "../../src/testing/markers.ts";
import type { ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { MutexPlace, type Options, type Words } from "./mutex-place.ts";

export function reentrantModels(library: Library): readonly Model[] {
  return new ReentrantModels(library).all();
}

class ReentrantModels extends MutexPlace {
  all(): readonly Model[] {
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const model = (
      name: string,
      short: boolean,
      threads: ThreadOptions<Words>[],
      more: Partial<Options> = {},
    ): Model => ({
      name: `reentrant: ${name}`,
      short,
      options: { ...this.base(threads.length), threads, ...more },
    });
    const twice = (n: number, rounds = 1): ThreadOptions<Words>[] =>
      Array.from({ length: n }, () => ({ body: this.nested(), rounds }));
    return [
      model("2 threads × 2", true, twice(2, 2)),
      model("2 threads × 1, a death", true, twice(2), crash),
      model("2 threads × 2, a death", false, twice(2, 2), crash),
      model("3 threads × 1", false, twice(3)),
      model("3 threads × 1, a death", false, twice(3), { ...crash, states: 20e6 }),
      model("a time-out beside a thread × 2", true, [{ body: this.nested(10) }, ...twice(1, 2)]),
      model("a thread beside a task's hold", true, [...twice(1), { body: this.asTask() }]),
    ];
  }

  private nested(timeout?: number): (w: Words, thread: { index: number }) => string {
    return (w, { index }) => {
      const { mutex, reentrant } = this.lib;
      const me = this.me(index);
      const result = this.enter(w, index, timeout);
      checkpoint("locked", result);
      if (timeout !== undefined && result === mutex.MUST_WAIT) return "timed out";
      const died = result === mutex.ACQUIRED_DIED;
      if (result !== mutex.ACQUIRED && !died) throw new Error(`lock returned ${result}`);
      if (died && !mutex.markConsistent(w, this.at, me))
        throw new Error("told of a death, but nothing is to be marked");
      this.mustHave(w, 1);
      if (reentrant.lockReentrant(w, this.at, me) === 0) throw new Error("the owner can't enter again");
      this.mustHave(w, 2);
      this.leave(w, me);
      this.mustHave(w, 1);
      this.critical(w, died);
      checkpoint("unlock");
      this.leave(w, me);
      return "held";
    };
  }

  /** A task of a thread holds the lock, and enters it once more through its guard. */
  private asTask(): (w: Words, thread: { index: number }) => string {
    return (w, { index }) => {
      const { mutex, reentrant } = this.lib;
      const me = this.me(index);
      if (mutex.tryLock(w, this.at, me) === 0) return "busy";
      reentrant.beginHold(w, this.at, 1);
      if (reentrant.lockReentrant(w, this.at, me) !== 0) throw new Error("the thread entered the hold of its task");
      if (reentrant.enterAgain(w, this.at, 1) !== 0) throw new Error("the guard can't enter again");
      this.leave(w, me);
      this.critical(w, false);
      this.leave(w, me);
      return "held";
    };
  }

  private enter(w: Words, index: number, timeout?: number): number {
    const { mutex, reentrant, threads, wordLock } = this.lib;
    const me = this.me(index);
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    if (reentrant.lockReentrant(w, this.at, me) !== 0) return mutex.ACQUIRED;
    checkpoint("must wait", deadline);
    const locker = { memory: { words: w } as never, me, seatAt: threads.slotWord(index) };
    const result = wordLock.lockBlocking(locker, this.at, deadline);
    if (result === mutex.ACQUIRED || result === mutex.ACQUIRED_DIED) reentrant.beginHold(w, this.at, 0);
    return result;
  }

  private mustHave(w: Words, levels: number): void {
    const found = this.lib.reentrant.holdsOf(w[this.at + this.lib.reentrant.COUNT]);
    if (found !== levels) throw new Error(`the hold has ${found} levels, not ${levels}`);
  }

  private leave(w: Words, me: number): void {
    const { mutex, reentrant, wordLock } = this.lib;
    const owed = reentrant.unlockReentrant(w, this.at, me);
    if (owed === mutex.NOT_OWNER) throw new Error("the holder is told that it does not own the lock");
    if (owed !== mutex.RELEASED) wordLock.payWakes(w, this.at, owed);
  }
}
