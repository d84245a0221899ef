// Where the read-write lock of the models lies: its words, their names, and what every holder checks.

import type { Spinning } from "../../src/region/spinning.ts";
import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";

export const SEATS = 4;
/** As in locks/rw-waiting.ts: how long the lock stays open for a starving reader. */
export const RESERVED_MS = 2;
export const NEVER = Number.POSITIVE_INFINITY;

export type Words = Int32Array;
export type Options = ExploreOptions<Words>;
export type Thread = { readonly index: number };

export interface Place {
  readonly region: never;
  readonly index: number;
  readonly cell: number;
  readonly me: number;
  isCurrent(): boolean;
}

export class RwLockPlace {
  protected readonly lib: Library;
  protected readonly at: number;
  protected readonly one: number;
  protected readonly two: number;
  /** Whether the body that runs at the moment spins. */
  protected spins = false;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS);
    this.one = this.at + library.rwLock.rwLockWords(SEATS);
    this.two = this.one + 1;
  }

  protected base(threads: number): Omit<Options, "threads"> {
    return {
      memory: this.memory(threads),
      names: this.names(),
      reset: this.lib.reset,
      sliceMs: this.lib.park.SLICE_MS,
      final: (w: Words, statuses: readonly ThreadStatus[]) => this.final(w, statuses),
    };
  }

  protected final(w: Words, statuses: readonly ThreadStatus[]): void {
    if (statuses.some((s) => s.state === "crashed")) return;
    const { rwLock, mutex } = this.lib;
    if ((w[this.at] & mutex.OWNER_MASK) !== 0) throw new Error("the gate is owned although every thread released it");
    if ((w[this.at + rwLock.MODE] & ~rwLock.STARVED) !== 0) throw new Error("the mode is not that of a free lock");
    for (let t = 0; t < SEATS; t++) {
      const cell = rwLock.cellOf(this.at, this.me(t));
      if (w[cell + rwLock.C_OWNER] !== 0 && w[cell + rwLock.C_COUNT] !== 0) throw new Error(`cell ${t} is held`);
    }
    if (w[this.one] !== w[this.two]) throw new Error("the data is half-written");
  }

  protected memory(threads: number): Words {
    const { layout, threads: registry, stamped, rwLock } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.two + 1) * 4));
    w[layout.H_MAX_THREADS] = threads;
    stamped.renewVersion(w, this.at);
    // Cells are claimed, as by an earlier read; "a dead reader's slot has a new tenant" is about claiming.
    w[this.at + rwLock.HIGH] = threads;
    for (let t = 0; t < threads; t++) {
      w[rwLock.cellOf(this.at, this.me(t)) + rwLock.C_OWNER] = this.me(t);
      w[registry.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[registry.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    return w;
  }

  protected names(): { name: string; show?: (value: number | bigint) => string }[] {
    const { layout, threads: registry, mutex, rwLock } = this.lib;
    const names: { name: string; show?: (value: number | bigint) => string }[] = [];
    for (let t = 0; t < SEATS; t++) {
      const seat = registry.slotWord(t);
      names[seat + layout.T_STATE] = { name: `seat${t}.state` };
      names[seat + layout.T_WAIT_CELL] = { name: `seat${t}.cell` };
      names[seat + layout.T_WAIT_FOR] = { name: `seat${t}.lock` };
      const cell = rwLock.cellOf(this.at, this.me(t));
      names[cell + rwLock.C_OWNER] = { name: `cell${t}.owner` };
      names[cell + rwLock.C_COUNT] = { name: `cell${t}.count` };
    }
    names[this.at + mutex.LOCK] = { name: "gate" };
    names[this.at + mutex.SEQ] = { name: "gate.sequence" };
    names[this.at + mutex.HOLD] = { name: "gate.hold" };
    names[this.at + mutex.SLOW] = { name: "gate.slow" };
    names[this.at + rwLock.DRAIN] = { name: "drain" };
    names[this.at + rwLock.HIGH] = { name: "high" };
    names[this.at + rwLock.MODE] = { name: "mode", show: (v) => this.mode(Number(v)) };
    names[this.at + rwLock.OPENINGS] = { name: "openings" };
    names[this.at + rwLock.VERSION] = { name: "version" };
    names[this.one] = { name: "one" };
    names[this.two] = { name: "two" };
    return names;
  }

  protected mode(v: number): string {
    const { rwLock } = this.lib;
    const bits: [number, string][] = [
      [rwLock.MODE_SLEEPERS, "S"],
      [rwLock.CLOSED, "closed"],
      [rwLock.DRAINING, "draining"],
      [rwLock.WRITING, "writing"],
      [rwLock.STARVED, "starved"],
      [rwLock.POISONED, "poisoned"],
      [rwLock.GONE, "gone"],
    ];
    const set = bits.filter(([bit]) => (v & bit) !== 0).map(([, name]) => name);
    return set.length === 0 ? "open" : set.join("+");
  }

  protected me(index: number): number {
    return (1 << 12) | index;
  }

  protected spinningOver(w: Words): Pick<Spinning, "spinForLock" | "watchMode" | "watchReaders"> {
    const { mutex, rwSpin, spin } = this.lib;
    return {
      spinForLock: (at, by, slept, starver) =>
        spin.spinStep(w, at, by, slept, starver, 1) === 0 ? 0 : w[at + mutex.HOLD],
      watchMode: (at) => rwSpin.watchMode(w, at, 1),
      watchReaders: (at) => rwSpin.watchReaders(w, at, 1),
    };
  }

  protected place(w: Words, index: number, me: number = this.me(index)): Place {
    const spinning = this.spins ? this.spinningOver(w) : undefined;
    const region = { memory: { words: w }, me, seatAt: this.lib.threads.slotWord(index), spinning } as never;
    return { region, index: this.at, cell: this.lib.rwLock.cellOf(this.at, me), me, isCurrent: () => true };
  }

  protected pay(w: Words, owed: number): void {
    if (owed !== 0) this.lib.rwWaiting.payRwWakes(w, this.at, owed);
  }

  protected deadline(timeout?: number): number {
    return timeout === undefined ? NEVER : performance.now() + timeout;
  }

  /** What every reader looks at; `died` says that it was told of a dead writer. */
  protected look(w: Words, died: boolean): void {
    if (w[this.one] !== w[this.two] && !died) throw new Error("a reader sees half-written data and was not told");
  }

  protected change(w: Words, died: boolean): void {
    this.look(w, died);
    w[this.one] = w[this.one] + 1;
    w[this.two] = w[this.one];
  }
}
