// A shard of a table as a model: the shipped shard.ts, slab.ts, recover.ts and table-read.ts over a few hundred words, every
// plain access a step of its own. Readers take no lock; writers replace, insert, delete, change in place, grow and die.
//
// A row has an i32 key and two columns that every whole row has equal. Word DONE holds the last value whose write has
// returned, so a read that begins later, or a cached one that is still valid, must not be older.
//
// The region is a heap that is never used again, with a list of blocks: the allocator is tested for itself, and memory
// that is used anew within a slab is what readers can meet.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import {
  ALWAYS,
  FIRST_COLUMN,
  KEY_BYTES,
  KEY_WORD,
  type Options,
  SECOND_COLUMN,
  ShardPlace,
  type Words,
} from "./shard-place.ts";

export function shardModels(library: Library): readonly Model[] {
  return new ShardModels(library).all();
}

class ShardModels extends ShardPlace {
  all(): readonly Model[] {
    const two = { preemptions: 2 };
    const sample = (schedules: number) => ({ mode: "pct", schedules, seed: 7 }) as const;
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const safe = { crash: false };
    const rows = (count: number) => (w: Words) => this.fill(w, count);
    // The third thread has read the row of key 0 before anything begins.
    const known = (w: Words): void => {
      this.fill(w, 1);
      this.read(w, 2, this.keys[0]);
    };
    // Two threads are searched whole, also with a death at any step of either: those schedules hold the ones without.
    const both = (name: string, fill: (w: Words) => void, bodies: readonly ThreadOptions<Words>[]): Model[] => [
      { ...this.model(name, fill, bodies, {}), short: false },
      this.model(`${name}, a death`, fill, bodies, crash),
    ];
    return [
      ...both("a row is replaced while it is read", rows(1), [this.set(0, 2), this.reader()]),
      ...both("a number changes in place beside a cached row", rows(1), [this.add(0), this.cached()]),
      ...both("a row is replaced beside a cached one", rows(1), [this.set(0, 2), this.cached()]),
      ...both("a row is deleted and its memory used at once", rows(1), [this.reuse(), this.reader(0, true)]),
      ...both("rows move to a larger index", (w) => this.growing(w), [this.set(6, 1), this.reader()]),
      ...both("an insertion begins a growth", rows(5), [this.set(5, 1), this.reader(4)]),
      this.model("two writers", rows(1), [this.set(0, 2), this.set(1, 1), this.reader()], sample(200)),
      this.model("a writer dies", rows(1), [this.set(0, 2), this.set(1, 1, safe), this.reader(0, false, safe)], {
        ...sample(400),
        ...crash,
      }),
      this.model(
        "a row is replaced beside a reader and a cached one",
        known,
        [this.set(0, 2), this.teller(), this.believer()],
        two,
      ),
      this.model(
        "a writer dies beside a cached row",
        known,
        [this.set(0, 2), this.witness(safe), this.believer(safe)],
        { preemptions: 0, ...crash },
      ),
      this.model(
        "a writer dies while rows move",
        (w) => this.growing(w),
        [this.set(6, 1), this.set(7, 1, safe), this.reader(0, false, safe)],
        { ...sample(400), ...crash },
      ),
    ];
  }

  private model(
    name: string,
    fill: (words: Words) => void,
    threads: readonly ThreadOptions<Words>[],
    more: Partial<Options>,
  ): Model {
    const { lib } = this;
    const memory = this.memory(fill);
    const rest = { reset: lib.reset, sliceMs: lib.park.SLICE_MS, plain: "ignore", names: this.names() } as const;
    const final = (w: Words, statuses: readonly ThreadStatus[]): void => this.final(w, statuses);
    return { name: `shard: ${name}`, short: true, options: { memory, threads, final, ...rest, ...more } };
  }

  private set(key: number, value: number, more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): void => {
      this.locked(w, index, (region) => this.put(w, region, this.keys[key], value));
      if (key === ALWAYS) Atomics.store(w, this.done, value);
    };
    return { body, ...more };
  }

  /** As add() of a table: the first column becomes 2, where the row stands. */
  private add(key: number): ThreadOptions<Words> {
    const { shard: lib } = this.lib;
    const body = (w: Words, { index }: { index: number }): void => {
      this.locked(w, index, () => {
        const slot = lib.findLocked(w, this.shard, this.encode(this.keys[key], 0), KEY_WORD, KEY_BYTES);
        const row = w[slot];
        lib.beginInPlace(w, this.shard, row);
        w[row + FIRST_COLUMN] = 2;
        lib.endChange(w, this.shard);
      });
      Atomics.store(w, this.done, 2);
    };
    return { body };
  }

  /** Deletes key 0, whose memory key 1 then gets. */
  private reuse(): ThreadOptions<Words> {
    const { shard: lib } = this.lib;
    const body = (w: Words, { index }: { index: number }): void => {
      this.locked(w, index, (region) => {
        const hash = this.encode(this.keys[0], 0);
        lib.removeRow(region, this.shard, lib.findLocked(w, this.shard, hash, KEY_WORD, KEY_BYTES));
        this.put(w, region, this.keys[1], 5);
      });
    };
    return { body };
  }

  private reader(key = 0, mayMiss = false, more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const { tableRead: r } = this.lib;
    const body = (w: Words, { index }: { index: number }): string => {
      const done = key === ALWAYS && !mayMiss ? Atomics.load(w, this.done) : 0;
      const found = this.read(w, index, this.keys[key]);
      if (found === undefined) return "contended";
      if (found.value === 0 && !mayMiss) throw new Error("a row that was there throughout was not found");
      const row = this.scratch + index * r.SCRATCH_WORDS + r.SCRATCH_ROW;
      if (found.value !== 0 && w[row + SECOND_COLUMN] !== found.value) throw new Error("half a row");
      if (found.value < done) throw new Error(`${found.value} was read after ${done} was written`);
      if (found.value === 5) throw new Error("the value of another key");
      return "read";
    };
    return { body, ...more };
  }

  /** Tells what stands at key 0, seen under the lock. */
  private witness(more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const { shard: lib } = this.lib;
    const body = (w: Words, { index }: { index: number }): void => {
      let value = 0;
      this.locked(w, index, () => {
        const slot = lib.findLocked(w, this.shard, this.encode(this.keys[0], 0), KEY_WORD, KEY_BYTES);
        value = w[w[slot] + FIRST_COLUMN];
      });
      Atomics.store(w, this.done, value);
    };
    return { body, ...more };
  }

  /** Tells what it read of key 0 without the lock: from then on nobody may believe an older value. */
  private teller(): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): string => {
      const found = this.read(w, index, this.keys[0]);
      if (found === undefined) return "contended";
      if (found.value > 1) Atomics.store(w, this.done, found.value);
      return "read";
    };
    return { body };
  }

  /** Reads, and later believes the copy as long as it may. */
  private cached(): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): string => {
      if (this.read(w, index, this.keys[0]) === undefined) return "contended";
      this.believe(w, index);
      return "read";
    };
    return { body };
  }

  /** Has read before the search begins. */
  private believer(more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    return { body: (w: Words, { index }: { index: number }): void => this.believe(w, index), ...more };
  }

  /** Believes the row in the scratch area as long as the shard's version or the row's own says that it may. */
  private believe(w: Words, index: number): void {
    const { tableRead: r, tableLayout: l } = this.lib;
    const scratch = this.scratch + index * r.SCRATCH_WORDS;
    const copy = scratch + r.SCRATCH_ROW;
    const value = w[copy + FIRST_COLUMN];
    const serial = [this.done + 1, 0] as const;
    const done = Atomics.load(w, this.done);
    const current = r.isCurrent(w, this.shard, w[scratch + r.SCRATCH_VERSION], ...serial) === 1;
    if (current && value < done) throw new Error(`the cache says ${value} after ${done} was written`);
    const [row, epoch] = [w[scratch + r.SCRATCH_FOUND], w[scratch + r.SCRATCH_EPOCH]];
    const renewed = r.renewedVersion(w, this.shard, row, w[copy + l.R_VERSION], epoch, ...serial);
    if (renewed === r.OUTDATED || value >= done) return;
    throw new Error(`the row's version says ${value} after ${done} was written`);
  }
}
