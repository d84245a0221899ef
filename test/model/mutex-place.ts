// Where the mutex of the models lies: its words, their names, and what every holder checks.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";

const SEATS = 4;
/** As in region/word-lock.ts: how long a free lock is kept for a starving waiter. */
export const RESERVED_MS = 2;

export type Words = Int32Array;
export type Options = ExploreOptions<Words>;

export class MutexPlace {
  protected readonly lib: Library;
  protected readonly at: number;
  protected readonly inside: number;
  protected readonly count: number;
  /** Where a dead thread's exit event is left for the reaper, and how to sleep for it. */
  protected readonly exits: number;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS);
    this.inside = this.at + library.mutex.MUTEX_WORDS;
    this.count = this.inside + 1;
    this.exits = this.inside + 2;
  }

  protected base(threads: number): Omit<Options, "threads"> {
    const { lib, at } = this;
    return {
      memory: this.memory(threads),
      names: this.names(),
      reset: lib.reset,
      sliceMs: lib.park.SLICE_MS,
      final: (w: Words, statuses: readonly ThreadStatus[]) => this.final(w, statuses, lib.mutex, at),
    };
  }

  protected final(w: Words, statuses: readonly ThreadStatus[], m: Library["mutex"], at: number): void {
    if (statuses.some((s) => s.state === "crashed")) return;
    if ((w[at] & m.OWNER_MASK) !== 0) throw new Error("the lock is owned although every thread released it");
    if (w[this.inside] !== 0) throw new Error("a thread is still inside");
  }

  protected memory(threads: number): Words {
    const { layout, threads: registry } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.exits + 1) * 4));
    w[layout.H_MAX_THREADS] = threads;
    for (let t = 0; t < threads; t++) {
      w[registry.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[registry.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    return w;
  }

  protected names(): { name: string; show?: (value: number | bigint) => string }[] {
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

  protected word(v: number): string {
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

  protected me(index: number): number {
    return (1 << 12) | index;
  }

  /** What every holder does; `died` says that it was told of a dead owner. */
  protected critical(w: Words, died: boolean): void {
    if (w[this.inside] !== 0 && !died) throw new Error("the last owner died inside, and the next one was not told");
    w[this.inside] = 1;
    w[this.count] = w[this.count] + 1;
    w[this.inside] = 0;
  }

  protected unlock(w: Words, me: number): void {
    const { mutex, wordLock } = this.lib;
    const owed = mutex.unlock(w, this.at, me);
    if (owed === mutex.NOT_OWNER) throw new Error("the holder is told that it does not own the lock");
    if (owed !== mutex.RELEASED) wordLock.payWakes(w, this.at, owed);
  }

  /** `whole`: the rest of the body is nothing but this, so that what was before can be forgotten. */
  protected hold(w: Words, me: number, result: number, whole = true): string {
    const { mutex } = this.lib;
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`lock returned ${result}`);
    const died = result === mutex.ACQUIRED_DIED;
    if (died && !mutex.markConsistent(w, this.at, me)) throw new Error("told of a death, but there is nothing to mark");
    this.critical(w, died);
    if (whole) checkpoint("unlock");
    this.unlock(w, me);
    return "held";
  }
}
