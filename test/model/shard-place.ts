// Where the shard of the models lies, or two of them: their words, their names, and the steps of readers and writers.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";

export type Words = Int32Array;
export type Options = ExploreOptions<Words>;

const SEATS = 3;
const BLOCKS = 12;
const HEAP = 900;
const SEEDS = [7, 8] as const;
/** The upper bit of a key's hash is the number of its shard. */
const SHIFT = 31;
export const KEY_WORD = 6;
export const FIRST_COLUMN = 4;
export const SECOND_COLUMN = 5;
const ROW_WORDS = 7;
export const KEY_BYTES = 4;
export const ALWAYS = 0;

interface Found {
  /** The row's value; 0 if it was not there. */
  readonly value: number;
  readonly version: number;
}

export class ShardPlace {
  protected readonly lib: Library;
  /** The first shard, and all of them. */
  protected readonly shard: number;
  protected readonly shards: readonly number[];
  protected readonly done: number;
  /** The number of blocks, then where each one stands, its words, and the shard that has it, or 0. */
  protected readonly blocks: number;
  protected readonly scratch: number;
  protected readonly heap: number;
  /** Keys of the first shard. */
  protected readonly keys: number[] = [];

  constructor(library: Library, shards = 1) {
    this.lib = library;
    const { tableLayout, tableRead, tableHash } = library;
    this.shard = (library.threads.slotWord(SEATS) + 15) & ~15;
    this.shards = Array.from({ length: shards }, (_, number) => this.shard + number * tableLayout.SHARD_WORDS);
    this.done = this.shard + shards * tableLayout.SHARD_WORDS;
    this.blocks = this.done + 16;
    this.scratch = (this.blocks + 1 + 3 * BLOCKS + 15) & ~15;
    this.heap = (this.scratch + SEATS * tableRead.SCRATCH_WORDS + 15) & ~15;
    for (let key = 1; this.keys.length < 12; key++) {
      if (tableHash.halfSipHash(Int32Array.of(key), 0, KEY_BYTES, ...SEEDS) >= 0) this.keys.push(key);
    }
  }

  protected memory(fill: (words: Words) => void): Words {
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

  protected names(): string[] {
    const names: string[] = [];
    const { tableLayout: l } = this.lib;
    this.shards.forEach((shard, number) => {
      const which = this.shards.length === 1 ? "" : ` ${number}`;
      names[shard] = `lock${which}`;
      names[shard + l.S_VERSION] = `version${which}`;
      names[shard + l.S_INDEX] = `index${which}`;
      names[shard + l.S_OLD] = `old${which}`;
      names[shard + l.S_COUNT] = `count${which}`;
      names[shard + l.S_HOME] = `home${which}`;
    });
    names[this.done] = "done";
    return names;
  }

  protected region(words: Words, index: number): never {
    const { blocks, heap } = this;
    const at = (n: number): number => blocks + 1 + 3 * n;
    return {
      me: (1 << 12) | index,
      seatAt: this.lib.threads.slotWord(index),
      maxThreads: SEATS,
      memory: { words, cover: () => undefined },
      core: undefined,
      allocate: (bytes: number, _: number, shard: number) => {
        const count = words[blocks];
        const place = count === 0 ? heap : words[at(count - 1)] + words[at(count - 1) + 1];
        if (count === BLOCKS || place + (bytes >> 2) > words.length) throw new Error("the model's heap is too small");
        words[at(count)] = place;
        words[at(count) + 1] = ((bytes >> 2) + 15) & ~15;
        words[at(count) + 2] = shard;
        words[blocks] = count + 1;
        return place * 4;
      },
      release: (offset: number) => {
        for (let n = 0; n < words[blocks]; n++) if (words[at(n)] === offset >> 2) words[at(n) + 2] = 0;
      },
      taggedBlocks: (_: number, shard: number) => {
        const offsets: number[] = [];
        for (let n = 0; n < words[blocks]; n++) if (words[at(n) + 2] === shard) offsets.push(words[at(n)] * 4);
        return offsets;
      },
    } as never;
  }

  protected hashOf(key: number): number {
    return this.lib.tableHash.halfSipHash(Int32Array.of(key), 0, KEY_BYTES, ...SEEDS);
  }

  /** The row of a key in the outgoing image; returns its hash. */
  protected encode(key: number, value: number): number {
    const { words } = this.lib.image.outgoing;
    words[this.lib.tableLayout.R_KEY_BYTES] = KEY_BYTES;
    words[FIRST_COLUMN] = value;
    words[SECOND_COLUMN] = value;
    words[KEY_WORD] = key;
    return this.hashOf(key);
  }

  /** The shard of a key. */
  protected shardOf(hash: number): number {
    return this.shards[this.shards.length === 1 ? 0 : hash >>> SHIFT];
  }

  protected locked(words: Words, index: number, work: (region: never) => void, shards = this.shards): void {
    const { mutex, shard: lib } = this.lib;
    const region = this.region(words, index);
    const me = (1 << 12) | index;
    const locks = {
      lockFast: (at: number, owner: number) => mutex.tryLock(words, at, owner),
      unlock: (at: number, owner: number) => mutex.unlock(words, at, owner),
      spin: () => 0,
      wait: () => -7,
      unlockHold: () => 0,
    };
    for (const shard of shards) lib.lockShard({ region, me, locks }, shard);
    work(region);
    for (const shard of shards.toReversed()) lib.unlockShard({ region, me, locks }, shard);
  }

  protected put(words: Words, region: never, key: number, value: number): void {
    const { shard: lib } = this.lib;
    const hash = this.encode(key, value);
    const shard = this.shardOf(hash);
    lib.moveOn(region, shard);
    const slot = lib.findLocked(words, shard, hash, KEY_WORD, KEY_BYTES);
    if (slot !== 0) lib.replaceRow(region, shard, slot, hash, ROW_WORDS);
    else lib.insertRow(region, shard, hash, ROW_WORDS, 1);
  }

  protected fill(words: Words, count: number): void {
    this.locked(words, 0, (region) => {
      for (let i = 0; i < count; i++) this.put(words, region, this.keys[i], 1);
    });
  }

  /** A growth has begun, and one row has yet to move: that of key 0. */
  protected growing(words: Words): void {
    const { shard: lib } = this.lib;
    this.fill(words, 6);
    this.locked(words, 0, (region) => {
      for (let i = 1; i < 5; i++) {
        const hash = this.encode(this.keys[i], 1);
        lib.removeRow(region, this.shard, lib.findLocked(words, this.shard, hash, KEY_WORD, KEY_BYTES));
      }
    });
  }

  /** A read without the lock; undefined if writers did not let it: it would take the lock. */
  protected read(w: Words, index: number, key: number): Found | undefined {
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

  /** Every invariant of a shard's memory, unless a thread died and nobody has come to the lock since. */
  protected final(w: Words, statuses: readonly ThreadStatus[]): void {
    for (const shard of this.shards) {
      if (w[shard] === 0 || statuses.every(({ state }) => state !== "crashed")) this.check(w, shard);
    }
  }

  private check(w: Words, shard: number): void {
    const checked = {
      region: this.region(w, 0),
      schema: { keyWord: KEY_WORD, texts: [], endWord: 0 } as never,
      seed0: SEEDS[0],
      seed1: SEEDS[1],
      shardOf: (hash: number) => this.shardOf(hash),
    };
    this.lib.check.checkShard(checked, shard, (problem) => {
      throw new Error(problem);
    });
  }
}
