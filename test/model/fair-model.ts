// The shipped fair mutex as a model: the line of region/fair-lock.ts, the tasks of locks/fair-queue.ts, and the registry's
// way of learning of a death. Holders check the lock's promise as in mutex-model.ts: INSIDE and COUNT are plain words.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const SEATS = 3;

type Words = Int32Array;
type Options = ExploreOptions<Words>;
type Body = (w: Words, thread: { index: number }) => unknown;

export function fairModels(lib: Library): readonly Model[] {
  const { mutex, fairLock, fairLine, fairQueue, wordLock, threads, layout, park } = lib;
  const at = threads.slotWord(SEATS);
  const line = at + mutex.MUTEX_WORDS;
  const inside = line + fairLine.lineWords(SEATS);
  const count = inside + 1;
  const meOf = (index: number): number => (1 << 12) | index;
  const isCurrent = (): boolean => true;

  function memory(seats: number): Words {
    const w = new Int32Array(new SharedArrayBuffer((count + 1) * 4));
    w[layout.H_MAX_THREADS] = seats;
    for (let t = 0; t < seats; t++) {
      w[threads.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[threads.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    w[at + mutex.POLICY] = -line;
    return w;
  }

  function unlock(w: Words, me: number): void {
    const owed = mutex.unlock(w, at, me);
    if (owed === mutex.NOT_OWNER) throw new Error("the holder is told that it does not own the lock");
    if (owed === mutex.RELEASED) return;
    wordLock.payWakes(w, at, owed);
    if ((owed & mutex.WAKE_NEXT) !== 0) fairLock.wakeNext(w, at, line);
    if ((owed & mutex.WAKE_EVERYONE) !== 0) fairLock.wakeLine(w, line);
  }

  /** `whole`: the rest of the body is nothing but this, so that what was before can be forgotten. */
  function hold(w: Words, me: number, result: number, whole = true): string {
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`lock returned ${result}`);
    const died = result === mutex.ACQUIRED_DIED;
    if (died && !mutex.markConsistent(w, at, me)) throw new Error("told of a death, but there is nothing to mark");
    if (w[inside] !== 0 && !died) throw new Error("the last owner died inside, and the next one was not told");
    w[inside] = 1;
    w[count] = w[count] + 1;
    w[inside] = 0;
    if (whole) checkpoint("unlock");
    unlock(w, me);
    return "held";
  }

  const blocking =
    (timeout?: number): Body =>
    (w, { index }) => {
      const me = meOf(index);
      let result = mutex.ACQUIRED;
      if (mutex.tryLock(w, at, me) === 0) {
        const locker = { memory: { words: w } as never, me, seatAt: threads.slotWord(index) };
        const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
        checkpoint("must wait", deadline);
        result = fairLock.lockFair(locker, at, line, deadline, { isCurrent });
      }
      checkpoint("locked", result);
      return result === mutex.MUST_WAIT && timeout !== undefined ? "timed out" : hold(w, me, result);
    };

  const awaiting = (tasks: number, timeout?: number): ThreadOptions<Words> => {
    const body = async (w: Words, { index }: { index: number }): Promise<string> => {
      const region = { memory: { words: w }, me: meOf(index) } as never;
      const task = async (): Promise<string> => {
        let taken = "";
        const { result } = await fairQueue.acquireFair(region, at, line, { timeout }, { isCurrent }, () => {
          taken = "taken";
        });
        if (result === mutex.MUST_WAIT && timeout !== undefined) return "timed out";
        if (taken === "") throw new Error("the task was not told in the step that took the lock");
        return hold(w, meOf(index), result, false);
      };
      return (await Promise.all(Array.from({ length: tasks }, task))).join();
    };
    return { body };
  };

  const trying: Body = (w, { index }) => {
    const result = mutex.tryStep(w, at, meOf(index));
    return result === mutex.MUST_WAIT ? "busy" : hold(w, meOf(index), result);
  };

  function final(w: Words, statuses: readonly ThreadStatus[]): void {
    if (statuses.some((s) => s.state === "crashed")) return;
    if ((w[at] & mutex.OWNER_MASK) !== 0) throw new Error("the lock is owned although every thread released it");
    for (let k = 0; k < 2 * SEATS; k++) {
      if (w[fairLine.nodeAt(line, k)] !== 0) throw new Error("somebody who left stands in line");
    }
  }

  const model = (name: string, short: boolean, options: Partial<Options> & Pick<Options, "threads">): Model => ({
    name,
    short,
    options: {
      memory: memory(options.threads.length),
      reset: lib.reset,
      sliceMs: [park.SLICE_MS, fairLock.KEPT_MS],
      final,
      ...options,
    },
  });
  const crash = { crashes: 1, onCrash: (t: number, w: Words) => threads.buryThread(w, t) };
  const sync = (n: number, o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words>[] =>
    Array.from({ length: n }, () => ({ body: blocking(), ...o }));
  return [
    model("fair, 2 threads × 1", true, { threads: sync(2) }),
    model("fair, 2 threads × 1, a death", true, { threads: sync(2), ...crash }),
    model("fair, 1 thread × 2 beside 1 × 1", true, { threads: [...sync(1, { rounds: 2 }), ...sync(1)] }),
    model("fair, 2 threads × 2", false, { threads: sync(2, { rounds: 2 }) }),
    model("fair, 2 threads × 2, a death", false, { threads: sync(2, { rounds: 2 }), ...crash, states: 20e6 }),
    model("fair, 3 threads × 1", true, { threads: sync(3) }),
    // As if nothing were said at checkpoints: a body that goes round for ever is seen at once then.
    model("fair, 3 threads × 1, a death, at most 1 preemption", false, {
      threads: sync(3),
      ...crash,
      preemptions: 1,
      checkpoints: "ignore",
    }),
    model("fair, 3 threads × 1, a death", false, { threads: sync(3), ...crash, states: 20e6, livelocks: "ignore" }),
    model("fair, 2 threads × 2, time-outs", false, { threads: sync(2, { body: blocking(10), rounds: 2 }) }),
    model("fair, 2 threads × 1, time-outs", true, { threads: sync(2, { body: blocking(10) }) }),
    model("fair, 3 threads × 1, a time-out", false, {
      threads: [{ body: blocking(10) }, ...sync(2)],
      states: 20e6,
      livelocks: "ignore",
    }),
    model("fair, 2 threads × 1, a time-out, a death", true, {
      threads: [{ body: blocking(10) }, ...sync(1)],
      ...crash,
    }),
    model("fair, 2 threads × 1, marked by a recording meanwhile", true, {
      threads: [...sync(2), { body: (w) => mutex.markFree(w, at) }],
    }),
    model("fair, a try beside 2 rounds", true, { threads: [{ body: trying }, ...sync(1, { rounds: 2 })] }),
    model("fair, 1 async and 1 sync", true, { threads: [awaiting(1), ...sync(1)] }),
    model("fair, 2 tasks of one thread and 1 sync", false, { threads: [awaiting(2), ...sync(1)] }),
    model("fair, 1 async with a time-out and 1 sync", false, { threads: [awaiting(1, 10), ...sync(1)] }),
    model("fair, 1 async and 1 sync, a death", true, { threads: [awaiting(1), ...sync(1)], ...crash }),
    model("fair, 1 async and 2 sync", false, {
      threads: [awaiting(1), ...sync(2)],
      states: 20e6,
      livelocks: "ignore",
    }),
  ];
}
