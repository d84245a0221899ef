// The waiting of SharedQueue as a model: the shipped queue-wakes.ts, with the ring reduced to what the waiting depends on,
// the sizes of its entries, and the mutex (a model of its own) to three states. A deadlock is a waiter that nobody woke.
//
// The steps are those of queue-steps.ts: with the mutex held look, change the ring by one store or announce a waiter,
// release, pay. The ring is a plain word, so two threads inside at once are reported as a race.
//
// Word LOCK: 0 free | owner's number + 1 | DEAD: the last owner died, and the next one repairs. Every release wakes one.

import { checkpoint, scope } from "../../src/testing/markers.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

type Words = Int32Array;
type Options = ExploreOptions<Words>;
interface Me {
  readonly region: never;
  readonly index: number;
}
interface Limits {
  readonly capacity: number;
  readonly maxBytes: number;
}
/** What a step slept on before it waits again, or DONE. */
interface Step {
  readonly waiter: number;
  readonly expected: number;
}

const SEATS = 4;
const DEAD = -1;
const ROOMY: Limits = { capacity: 9, maxBytes: 99 };

export function queueModels(library: Library): readonly Model[] {
  return new QueueModels(library).all();
}

class QueueModels {
  private readonly lib: Library;
  private readonly at: number;
  /** Number and bytes of the entries, in one word, since the ring's store of TAIL or HEAD is one store. */
  private readonly ring: number;
  private readonly wakes: number;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS);
    this.ring = this.at + 1;
    this.wakes = this.ring + 1;
  }

  all(): readonly Model[] {
    const model = (
      name: string,
      short: boolean,
      threads: readonly ThreadOptions<Words>[],
      more: Partial<Options> & { readonly entries?: readonly number[] } = {},
    ): Model => ({
      name: `queue: ${name}`,
      short,
      options: { ...this.base(threads.length, more.entries), threads, ...more },
    });
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.bury(t, w) };
    const one: Limits = { capacity: 1, maxBytes: 99 };
    const tight: Limits = { capacity: 3, maxBytes: 3 };
    const safe = { crash: false };
    const large = { states: 20e6, livelocks: "ignore" } as const;
    const full = { capacity: 2, maxBytes: 3 };
    return [
      model("1 producer × 2, 1 consumer × 2, room for one", true, [this.push(1, one, 2), this.pop(2)]),
      model("1 producer, 1 consumer, room for one, a death", true, [this.push(1, one, 2, safe), this.pop(1)], {
        ...crash,
        livelocks: "ignore",
      }),
      model("2 producers, room for two, a death", true, [this.push(1, ROOMY), this.push(1, ROOMY)], crash),
      model("2 consumers of 2 values, a death", true, [this.pop(), this.pop()], { ...crash, entries: [1, 1] }),
      model("2 tasks of one thread that consume", true, [this.push(1, ROOMY, 2), this.popTasks(2)]),
      model("1 producer × 2, 2 consumers", false, [this.push(1, ROOMY, 2), this.pop(), this.pop()]),
      model("2 producers, room for one", false, [this.push(1, one), this.push(1, one), this.pop(2)], {
        entries: [1],
      }),
      model(
        "a large and a small value wait for bytes",
        false,
        [this.push(3, tight), this.push(1, tight), this.pop(2)],
        {
          entries: [2],
        },
      ),
      model("a large and a small value, a full queue", false, [this.push(3, full), this.push(1, full), this.pop(4)], {
        ...large,
        entries: [1, 2],
      }),
      model("a consumer with a time-out beside a patient one", false, [
        this.push(1, ROOMY, 2),
        this.pop(1, 10),
        this.pop(),
      ]),
      model("a task and a thread that consume", false, [this.push(1, ROOMY, 2), this.popTasks(1), this.pop()]),
      model("2 consumers, one dies", false, [this.push(1, ROOMY, 2, safe), this.pop(), this.pop()], {
        ...crash,
        ...large,
      }),
      model(
        "2 producers, one dies, room for one",
        false,
        [this.push(1, one), this.push(1, one), this.pop(1, undefined, safe)],
        { ...crash, ...large },
      ),
      model(
        "a task and a thread that consume, one dies",
        false,
        [this.push(1, ROOMY, 2, safe), this.popTasks(1), this.pop()],
        { ...crash, ...large, preemptions: 1 },
      ),
      model("3 consumers", false, [this.push(1, ROOMY, 3), this.pop(), this.pop(), this.pop()], {
        preemptions: 2,
        states: 3e6,
      }),
      model(
        "2 producers × 2, 2 consumers × 2, room for one, 500 schedules by PCT",
        true,
        [this.push(1, one, 2), this.push(1, one, 2), this.pop(2), this.pop(2)],
        { mode: "pct", schedules: 500, seed: 5 },
      ),
    ];
  }

  private base(threads: number, entries: readonly number[] = []): Omit<Options, "threads"> {
    const { lib } = this;
    const rest = { reset: lib.reset, sliceMs: lib.park.SLICE_MS };
    return { memory: this.memory(threads, entries), names: this.names(), ...rest };
  }

  private memory(threads: number, entries: readonly number[]): Words {
    const { layout, threads: registry, queueWakes } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.wakes + queueWakes.WAKE_WORDS) * 4));
    w[layout.H_MAX_THREADS] = threads;
    for (let t = 0; t < threads; t++) {
      w[registry.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[registry.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    // Entries are digits of base 10, the oldest first from the right.
    w[this.ring] = entries.reduceRight((sum, size) => sum * 10 + size, 0);
    return w;
  }

  private names(): { name: string }[] {
    const { layout, threads: registry } = this.lib;
    const names: { name: string }[] = [];
    for (let t = 0; t < SEATS; t++) {
      const seat = registry.slotWord(t);
      names[seat + layout.T_STATE] = { name: `seat${t}.state` };
      names[seat + layout.T_WAIT_CELL] = { name: `seat${t}.cell` };
      names[seat + layout.T_WAIT_FOR] = { name: `seat${t}.lock` };
    }
    names[this.at] = { name: "lock" };
    names[this.ring] = { name: "ring" };
    for (const [i, name] of ["flags", "item", "room", "space", "itemTasks", "roomTasks"].entries()) {
      names[this.wakes + i] = { name };
    }
    return names;
  }

  private me(w: Words, index: number): Me {
    const seatAt = this.lib.threads.slotWord(index);
    return { region: { memory: { words: w }, me: (1 << 12) | index, seatAt } as never, index };
  }

  private enter(w: Words, me: Me): void {
    scope(() => this.take(w, me));
  }

  private take(w: Words, { index }: Me): void {
    const { queueWakes: q } = this.lib;
    for (;;) {
      const found = Atomics.compareExchange(w, this.at, 0, index + 1);
      if (found === 0) return;
      if (found === DEAD && Atomics.compareExchange(w, this.at, DEAD, index + 1) === DEAD) break;
      if (found !== DEAD) Atomics.wait(w, this.at, found);
    }
    q.owe(w, this.wakes, 0, q.EVERYONE);
    q.pay(w, this.wakes, q.EVERYONE, true);
  }

  private leave(w: Words): void {
    Atomics.store(w, this.at, 0);
    Atomics.notify(w, this.at, 1);
  }

  private bury(thread: number, w: Words): void {
    if (Atomics.load(w, this.at) === thread + 1) Atomics.store(w, this.at, DEAD);
    Atomics.notify(w, this.at);
    this.lib.threads.buryThread(w, thread);
  }

  /** As popStep: undefined when done. */
  private popStep(w: Words, me: Me, slept: number): Step | undefined {
    const { queueWakes: q } = this.lib;
    this.enter(w, me);
    const entries = w[this.ring];
    let owed = 0;
    let step: Step | undefined;
    if (entries > 0) {
      const left = Math.floor(entries / 10);
      w[this.ring] = left;
      owed = q.afterPop(w, this.wakes, slept, left > 0);
    } else {
      const waiter = slept === q.ITEM_TASKS ? q.ITEM_TASKS : q.ITEM;
      step = { waiter, expected: q.announce(w, this.wakes, waiter) };
    }
    this.leave(w);
    q.pay(w, this.wakes, owed, false);
    return step;
  }

  /** As pushStep: undefined when done. */
  private pushStep(w: Words, me: Me, size: number, { capacity, maxBytes }: Limits, slept: number): Step | undefined {
    const { queueWakes: q } = this.lib;
    this.enter(w, me);
    const digits = w[this.ring] === 0 ? [] : [...String(w[this.ring])].map(Number);
    const full = digits.length >= capacity;
    let owed = 0;
    let step: Step | undefined;
    if (full || digits.reduce((sum, digit) => sum + digit, size) > maxBytes) {
      const waiter = q.waiterForRoom(slept, full);
      step = { waiter, expected: q.announce(w, this.wakes, waiter) };
      if (!full) owed = q.movedFrom(w, this.wakes, slept, q.ROOM);
    } else {
      w[this.ring] = Number([size, ...digits].join(""));
      owed = q.afterPush(w, this.wakes, slept, digits.length + 1 < capacity);
    }
    this.leave(w);
    q.pay(w, this.wakes, owed, false);
    return step;
  }

  /** As the sync loop of the queue: the last step, which waits only if the deadline is over. */
  private block(me: Me, attempt: (slept: number) => Step | undefined, timeout?: number): string {
    const { queueWakes: q, sleep } = this.lib;
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    let step = this.told(() => attempt(0));
    while (step !== undefined) {
      const { waiter: slept, expected } = step;
      checkpoint("sleeps", slept, expected, deadline);
      const cell = q.cellOf(this.wakes, slept);
      const ended = sleep.sleepOn(me.region, cell, expected, cell, deadline);
      step = this.told(() => attempt(slept));
      if (step !== undefined && ended === sleep.EXPIRED) return "timed out";
    }
    return "done";
  }

  /** A step leaves nothing behind but what it returns. */
  private told(work: () => Step | undefined): Step | undefined {
    let step: Step | undefined;
    scope(
      () => {
        step = work();
      },
      () => (step === undefined ? [] : [step.waiter, step.expected]),
    );
    return step;
  }

  private pop(rounds = 1, timeout?: number, more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): string => {
      const me = this.me(w, index);
      return this.block(me, (slept) => this.popStep(w, me, slept), timeout);
    };
    return { body, rounds, ...more };
  }

  private push(
    size: number,
    limits: Limits,
    rounds = 1,
    more: Partial<ThreadOptions<Words>> = {},
  ): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): string => {
      const me = this.me(w, index);
      return this.block(me, (slept) => this.pushStep(w, me, size, limits, slept));
    };
    return { body, rounds, ...more };
  }

  private popTasks(tasks: number): ThreadOptions<Words> {
    const body = async (w: Words, { index }: { index: number }): Promise<void> => {
      const { queueWakes: q, asyncWaiters } = this.lib;
      const me = this.me(w, index);
      const list = asyncWaiters.asyncWaiters(me.region, q.cellOf(this.wakes, q.ITEM_TASKS), true);
      const attempt = (): true | undefined => (this.popStep(w, me, q.ITEM_TASKS) === undefined ? true : undefined);
      await Promise.all(Array.from({ length: tasks }, () => list.wait({ attempt })));
    };
    return { body };
  }
}
