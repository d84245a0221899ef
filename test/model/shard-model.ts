// A shard of a table as a model: the shipped shard.ts, slab.ts, recover.ts and table-read.ts over a few hundred words, every
// plain access a step of its own. Readers take no lock; writers replace, insert, delete, change in place, grow and die.
//
// A row has an i32 key and two columns that every whole row has equal. Word DONE holds the last value whose write has
// returned, so a read that begins later, or a cached one that is still valid, must not be older.
//
// The region is a heap that is never used again, with a list of blocks: the allocator is tested for itself, and memory
// that is used anew within a slab is what readers can meet.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

type Words = Int32Array;
type Options = ExploreOptions<Words>;

const SEATS = 3;
const BLOCKS = 12;
const HEAP = 900;
const SEEDS = [7, 8] as const;
/** Of one shard there is no number: the hashes of the keys have no upper bit. */
const SHIFT = 31;
const KEY_WORD = 6;
const FIRST_COLUMN = 4;
const SECOND_COLUMN = 5;
const ROW_WORDS = 7;
const KEY_BYTES = 4;
const ALWAYS = 0;

interface Found {
  /** The row's value; 0 if it was not there. */
  readonly value: number;
  readonly version: number;
}

export function shardModels(library: Library): readonly Model[] {
  return new ShardModels(library).all();
}

class ShardModels {
  private readonly lib: Library;
  private readonly shard: number;
  private readonly done: number;
  /** The number of blocks, then where each one stands, its words, and whether it is in use. */
  private readonly blocks: number;
  private readonly scratch: number;
  private readonly heap: number;
  private readonly keys: number[] = [];

  constructor(library: Library) {
    this.lib = library;
    const { tableLayout, tableRead, tableHash } = library;
    this.shard = (library.threads.slotWord(SEATS) + 15) & ~15;
    this.done = this.shard + tableLayout.SHARD_WORDS;
    this.blocks = this.done + 16;
    this.scratch = (this.blocks + 1 + 3 * BLOCKS + 15) & ~15;
    this.heap = (this.scratch + SEATS * tableRead.SCRATCH_WORDS + 15) & ~15;
    for (let key = 1; this.keys.length < 12; key++) {
      if (tableHash.halfSipHash(Int32Array.of(key), 0, KEY_BYTES, ...SEEDS) >= 0) this.keys.push(key);
    }
  }

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
    return [
      this.model("a row is replaced while it is read", rows(1), [this.set(0, 2), this.reader()], two),
      this.model("a number changes in place beside a cached row", rows(1), [this.add(0), this.cached()], two),
      this.model("a row is replaced beside a cached one", rows(1), [this.set(0, 2), this.cached()], two),
      this.model("a row is deleted and its memory used at once", rows(1), [this.reuse(), this.reader(0, true)], two),
      this.model("rows move to a larger index", (w) => this.growing(w), [this.set(6, 1), this.reader()], two),
      this.model("an insertion begins a growth", rows(5), [this.set(5, 1), this.reader(4)], sample(200)),
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

  private memory(fill: (words: Words) => void): Words {
    const { layout, threads } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.heap + HEAP) * 4));
    w[layout.H_MAX_THREADS] = SEATS;
    for (let t = 0; t < SEATS; t++) {
      w[threads.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[threads.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    fill(w);
    return w;
  }

  private names(): string[] {
    const names: string[] = [];
    const { tableLayout: l } = this.lib;
    names[this.shard] = "lock";
    names[this.shard + l.S_VERSION] = "version";
    names[this.shard + l.S_INDEX] = "index";
    names[this.shard + l.S_OLD] = "old";
    names[this.shard + l.S_COUNT] = "count";
    names[this.done] = "done";
    return names;
  }

  private region(words: Words, index: number): never {
    const { blocks, heap } = this;
    const at = (n: number): number => blocks + 1 + 3 * n;
    return {
      me: (1 << 12) | index,
      seatAt: this.lib.threads.slotWord(index),
      maxThreads: SEATS,
      memory: { words, cover: () => undefined },
      core: undefined,
      allocate: (bytes: number) => {
        const count = words[blocks];
        const place = count === 0 ? heap : words[at(count - 1)] + words[at(count - 1) + 1];
        if (count === BLOCKS || place + (bytes >> 2) > words.length) throw new Error("the model's heap is too small");
        words[at(count)] = place;
        words[at(count) + 1] = ((bytes >> 2) + 15) & ~15;
        words[at(count) + 2] = 1;
        words[blocks] = count + 1;
        return place * 4;
      },
      release: (offset: number) => {
        for (let n = 0; n < words[blocks]; n++) if (words[at(n)] === offset >> 2) words[at(n) + 2] = 0;
      },
      taggedBlocks: () => {
        const offsets: number[] = [];
        for (let n = 0; n < words[blocks]; n++) if (words[at(n) + 2] === 1) offsets.push(words[at(n)] * 4);
        return offsets;
      },
    } as never;
  }

  private hashOf(key: number): number {
    return this.lib.tableHash.halfSipHash(Int32Array.of(key), 0, KEY_BYTES, ...SEEDS);
  }

  /** The row of a key in the outgoing image; returns its hash. */
  private encode(key: number, value: number): number {
    const { words } = this.lib.image.outgoing;
    words[this.lib.tableLayout.R_KEY_BYTES] = KEY_BYTES;
    words[FIRST_COLUMN] = value;
    words[SECOND_COLUMN] = value;
    words[KEY_WORD] = key;
    return this.hashOf(key);
  }

  private locked(words: Words, index: number, work: (region: never) => void): void {
    const { mutex, shard: lib } = this.lib;
    const region = this.region(words, index);
    const me = (1 << 12) | index;
    const locks = {
      lockFast: (at: number, owner: number) => mutex.tryLock(words, at, owner),
      unlock: (at: number, owner: number) => mutex.unlock(words, at, owner),
      spin: () => 0,
      unlockHold: () => 0,
    };
    lib.lockShard({ region, me, locks }, this.shard);
    work(region);
    lib.unlockShard({ region, me, locks }, this.shard);
  }

  private put(words: Words, region: never, key: number, value: number): void {
    const { shard: lib } = this.lib;
    lib.moveOn(region, this.shard);
    const hash = this.encode(key, value);
    const slot = lib.findLocked(words, this.shard, hash, KEY_WORD, KEY_BYTES);
    if (slot !== 0) lib.replaceRow(region, this.shard, slot, hash, ROW_WORDS);
    else lib.insertRow(region, this.shard, hash, ROW_WORDS, 1);
  }

  private fill(words: Words, count: number): void {
    this.locked(words, 0, (region) => {
      for (let i = 0; i < count; i++) this.put(words, region, this.keys[i], 1);
    });
  }

  /** A growth has begun, and one row has yet to move: that of key 0. */
  private growing(words: Words): void {
    const { shard: lib } = this.lib;
    this.fill(words, 6);
    this.locked(words, 0, (region) => {
      for (let i = 1; i < 5; i++) {
        const hash = this.encode(this.keys[i], 1);
        lib.removeRow(region, this.shard, lib.findLocked(words, this.shard, hash, KEY_WORD, KEY_BYTES));
      }
    });
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

  /** A read without the lock; undefined if writers did not let it: it would take the lock. */
  private read(w: Words, index: number, key: number): Found | undefined {
    const { tableRead: r } = this.lib;
    const scratch = this.scratch + index * r.SCRATCH_WORDS;
    w[scratch + r.SCRATCH_KEY] = key;
    const length = r.readRow(w, this.shard, SHIFT, ...SEEDS, KEY_WORD, 0, scratch, KEY_BYTES, w.length);
    if (length === r.CONTENDED) return undefined;
    const version = w[scratch + r.SCRATCH_VERSION];
    if (length === r.MISSING) return { value: 0, version };
    const row = scratch + r.SCRATCH_ROW;
    if (length !== ROW_WORDS || w[row + KEY_WORD] !== key) throw new Error(`a row of ${w[row + KEY_WORD]}, not ${key}`);
    return { value: w[row + FIRST_COLUMN], version };
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

  /** Every invariant of the shard's memory, unless a thread died and nobody has come to the lock since. */
  private final(w: Words, statuses: readonly ThreadStatus[]): void {
    if (statuses.some(({ state }) => state === "crashed") && w[this.shard] !== 0) return;
    const checked = {
      region: this.region(w, 0),
      schema: { keyWord: KEY_WORD, texts: [], endWord: 0 } as never,
      seed0: SEEDS[0],
      seed1: SEEDS[1],
      shardOf: () => this.shard,
    };
    this.lib.check.checkShard(checked, this.shard, (problem) => {
      throw new Error(problem);
    });
  }
}
