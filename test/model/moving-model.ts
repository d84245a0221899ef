// Conditions of a region that parks natively: who is chosen with all the others is moved to the lock's own sleepers, of which
// each release wakes one (chooseAll and sleepMovable in region/wait-queue.ts, takeAgain in locks/exclusive-lock.ts).
//
// The native part is modelled by a word a thread that says on which cell it sleeps (0: on none): a wake takes the words that
// name its cell back to 0, a move lets them name another cell. Finer steps than the real ones, which are taken under a lock.
import { ConditionBodies } from "./condition-bodies.ts";
import { type Locker, SEATS, type Words } from "./condition-place.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const [WOKEN, TIMED_OUT, NOT_EQUAL, DEATHS] = [0, 1, 2, 3];

export function movingModels(library: Library): readonly Model[] {
  return new MovingModels(library).all();
}

class MovingModels extends ConditionBodies {
  /** Of the thread that runs. */
  private parking: Parameters<Library["park"]["parkNatively"]>[1] | undefined;

  all(): readonly Model[] {
    this.lib.hide(() => this.parked());
    const base = this.base();
    const onCrash = (t: number, w: Words): void => this.lib.threads.buryThread(w, t);
    const both = [{ body: this.taker() }, { body: this.taker() }];
    return [
      {
        name: "moved: a taker, and a giver that wakes all, × 2",
        short: false,
        options: {
          ...base,
          threads: [
            { body: this.taker(), rounds: 2 },
            { body: this.giver(1, true), rounds: 2 },
          ],
        },
      },
      {
        name: "moved: 2 takers, and a giver that wakes all",
        short: false,
        options: { ...base, threads: [...both, { body: this.giver(2, true) }], livelocks: "ignore", states: 20e6 },
      },
      {
        name: "moved: 2 takers, and a giver that wakes all, at most 1 preemption",
        short: true,
        options: { ...base, threads: [...both, { body: this.giver(2, true) }], preemptions: 1, states: 3e6 },
      },
      {
        name: "moved: 2 takers, and a giver that wakes all; one dies",
        short: true,
        options: {
          ...base,
          memory: this.memory(),
          threads: [...both, { body: this.giver(2, true), crash: false }],
          preemptions: 0,
          crashes: 1,
          onCrash,
          // The slices of one waiter may end again and again, and that of another never: no clock is so unfair.
          livelocks: "ignore",
          states: 3e6,
        },
      },
    ];
  }

  /** What parking natively remembers: the deaths that it has seen. */
  private parked(): readonly number[] {
    return this.parking === undefined ? [] : [this.parking.seen];
  }

  protected override remembered(locker: Locker): readonly number[] {
    return [...super.remembered(locker), ...this.parked()];
  }

  /** The word that says on which cell the thread sleeps natively. */
  private asleep(index: number): number {
    return this.bell + 1 + index;
  }

  /** A thread that parks natively: the module that parks is the same for all threads of a model. */
  protected override locker(w: Words, index: number): Locker {
    const { layout, park } = this.lib;
    const seen = Atomics.load(w, layout.H_DEATHS);
    this.parking = { native: this.native(index) as never, deathsAt: layout.H_DEATHS, seen };
    park.parkNatively(w, this.parking);
    return super.locker(w, index);
  }

  private native(index: number) {
    const mine = this.asleep(index);
    const { SLICE_MS } = this.lib.park;
    const leave = (w: Words, why: number): number => (Atomics.exchange(w, mine, 0) === 0 ? WOKEN : why);
    return {
      park: (w: Words, at: number, expected: number, deathsAt: number, seen: number): number => {
        Atomics.store(w, mine, at);
        if (Atomics.load(w, deathsAt) !== seen) return leave(w, DEATHS);
        if (Atomics.load(w, at) !== expected) return leave(w, NOT_EQUAL);
        for (;;) {
          const on = Atomics.load(w, mine);
          if (on === 0) return WOKEN;
          if (Atomics.wait(w, mine, on, SLICE_MS) === "timed-out") return leave(w, on === at ? TIMED_OUT : WOKEN);
        }
      },
      wake: (w: Words, at: number, count = SEATS): number => {
        let woken = 0;
        for (let t = 0; t < SEATS && woken < count; t++) {
          if (Atomics.compareExchange(w, this.asleep(t), at, 0) !== at) continue;
          Atomics.notify(w, this.asleep(t));
          woken++;
        }
        return woken;
      },
      requeue: (w: Words, from: number, to: number): number => {
        let moved = 0;
        for (let t = 0; t < SEATS; t++) if (Atomics.compareExchange(w, this.asleep(t), from, to) === from) moved++;
        return moved;
      },
    };
  }

  protected override sleepWait(_w: Words, locker: Locker): number {
    return this.lib.waitQueue.sleepMovable(locker, this.table, this.lock, this.table, this.lib.park.SLICE_MS);
  }

  protected override acquireAgain(w: Words, locker: Locker): void {
    const { mutex } = this.lib;
    const step = mutex.lockStep(w, this.lock, locker.me, 1, 0);
    if (step < 0) this.acquire(w, locker);
    else if (step !== mutex.ACQUIRED) throw new Error(`lock returned ${step}`);
  }

  protected override notifyAll(w: Words, locker: Locker): void {
    this.lib.waitQueue.chooseAll(locker, this.table, this.owingWakes(w, locker), true);
  }
}
