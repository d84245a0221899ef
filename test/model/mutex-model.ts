// The shipped mutex as a model: the blocking loop of region/word-lock.ts, the async queue of locks/async-queue.ts, the
// protocol under both, and the registry's way of learning of a death.
//
// Every holder checks the lock's promise in two plain words beside it. INSIDE is 1 while a thread is in the critical
// section: whoever finds it 1 must have been told that the last owner died. COUNT counts the holds. Plain accesses that
// race are reported by the checker, so two owners at once cannot go unseen.

import type { ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { MutexBodies } from "./mutex-bodies.ts";
import { type Options, RESERVED_MS, type Words } from "./mutex-place.ts";

export function mutexModels(library: Library): readonly Model[] {
  return new MutexModels(library).all();
}

class MutexModels extends MutexBodies {
  all(): readonly Model[] {
    const model = (name: string, short: boolean, options: Partial<Options> & Pick<Options, "threads">): Model => ({
      name,
      short,
      options: { ...this.base(options.threads.length), ...options },
    });
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const large: Partial<Options> = { states: 20e6, livelocks: "ignore" };
    const slices = [this.lib.park.SLICE_MS, RESERVED_MS];
    const sync = (n: number, o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words>[] =>
      Array.from({ length: n }, () => ({ body: this.blocking(), ...o }));
    return [
      model("2 threads × 2", false, { threads: sync(2, { rounds: 2 }) }),
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
      model("2 threads × 2, time passes, no reservation ends", false, {
        threads: sync(2, { rounds: 2 }),
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("3 threads × 1, time passes, no reservation ends", false, {
        threads: sync(3),
        clockJumps: 1,
        sliceMs: slices,
        ...large,
      }),
      model("3 threads × 1, a time-out, a death", false, {
        threads: [{ body: this.blocking(10) }, ...sync(2)],
        ...crash,
        ...large,
      }),
      model("2 threads × 2, time-outs, a death", false, { threads: [...this.timed(2)], ...crash }),
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
      model("1 async × 2 and 1 sync, time passes", false, {
        threads: [this.awaiting(1, 2), ...sync(1)],
        clockJumps: 1,
      }),
      model("2 threads × 2, spinning", true, { threads: this.spinning(2, 2) }),
      model("3 threads × 1, spinning", false, { threads: this.spinning(3, 1) }),
      model("3 threads × 1, spinning, a death", false, { threads: this.spinning(3, 1), ...crash, ...large }),
      model("2 threads × 1, spinning, a death", true, { threads: this.spinning(2, 1), ...crash }),
      model("1 spinning starver beside 3 rounds", false, {
        threads: [...this.spinning(1, 1), ...sync(1, { rounds: 3 })],
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("2 threads × 2, sleeping in one operation", true, { threads: this.sleeping(2, 2) }),
      model("2 threads × 1, sleeping in one operation, a death", true, { threads: this.sleeping(2, 1), ...crash }),
      model("3 threads × 1, sleeping in one operation", false, { threads: this.sleeping(3, 1) }),
      model("3 threads × 1, sleeping in one operation, a death", false, { threads: this.sleeping(3, 1), ...crash }),
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
      model("freed and made anew beside a waiter of either", false, {
        threads: [this.renewing(), this.outdated(), this.later()],
      }),
      model("1 async and 1 sync × 2", true, { threads: [this.awaiting(1, 2), ...sync(1, { rounds: 2 })] }),
      model("2 async × 1", true, { threads: [this.awaiting(1), this.awaiting(1)] }),
      model("2 tasks of one thread and 1 sync", false, { threads: [this.awaiting(2), ...sync(1)] }),
      model("2 async and 1 sync", false, { threads: [this.awaiting(1), this.awaiting(1), ...sync(1)], states: 20e6 }),
      model("1 async and 2 sync", false, { threads: [this.awaiting(1), ...sync(2)], states: 20e6 }),
      model("1 async and 1 sync, a death", true, { threads: [this.awaiting(1), ...sync(1)], ...crash }),
      model("1 async with a time-out and 1 sync", true, { threads: [this.awaiting(1, 1, 10), ...sync(1)] }),
      model("2 tasks, one aborted, and 1 sync", false, { threads: [this.aborted(), ...sync(1)] }),
      model("3 threads × 2", false, { threads: sync(3, { rounds: 2 }), ...large }),
      model("4 threads × 3, 2,000 schedules by PCT", true, {
        threads: sync(4, { rounds: 3 }),
        mode: "pct",
        schedules: 2000,
        seed: 7,
      }),
    ];
  }
}
