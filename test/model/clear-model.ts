// clear() of a table of two shards as a model: the shipped clear.ts, recover.ts, shard.ts and table-read.ts. Both shards have
// a row at first. Whoever finds one of them empty must find the other one empty, too, whatever step a thread dies at.

import type { ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { KEY_BYTES, KEY_WORD, type Options, ShardPlace, type Words } from "./shard-place.ts";

/** The samples, and what dies beside others than a reader, are in the long form: there each takes seconds. */
const SHORT: ReadonlySet<string> = new Set(["beside a reader", "dies beside a reader"]);

export function clearModels(library: Library): readonly Model[] {
  return new ClearModels(library).all();
}

const GONE = 1;

class ClearModels extends ShardPlace {
  /** The word in which a clear says how far it came. */
  private readonly intent: number;
  /** A key of each shard. */
  private readonly both: readonly [number, number];

  constructor(library: Library) {
    super(library, 2);
    this.intent = this.done + 2;
    let key = 1;
    while (this.hashOf(key) >= 0) key++;
    this.both = [this.keys[0], key];
  }

  all(): readonly Model[] {
    const two = { preemptions: 2 };
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const sample = (schedules: number) => ({ mode: "pct", schedules, seed: 5 }) as const;
    const safe = { crash: false };
    const stale = (w: Words): void => this.stale(w);
    const fill = (w: Words): void => this.rows(w);
    return [
      this.model("beside a reader", fill, [this.clear(), this.reader(0, 1)], {}),
      this.model("beside a reader, the other way round", fill, [this.clear(), this.reader(1, 0)], {}),
      this.model("dies beside a reader", fill, [this.clear(), this.reader(0, 1, safe)], crash),
      this.model("dies beside a reader, the other way round", fill, [this.clear(), this.reader(1, 0, safe)], crash),
      this.model("dies beside one that takes the locks", fill, [this.clear(), this.looker(1, 0, safe)], crash),
      this.model("dies, after one that died with its intention left", stale, [this.clear(), this.looker(0, 1, safe)], {
        ...crash,
      }),
      this.model("dies beside one more", fill, [this.clear(), this.clear(safe), this.looker(0, 1, safe)], {
        ...sample(300),
        ...crash,
      }),
      this.model(
        "dies, and whoever repairs it dies",
        fill,
        [this.clear(), this.looker(0, 1), this.looker(1, 0, safe)],
        {
          ...sample(600),
          ...crash,
          crashes: 2,
        },
      ),
      this.model("dies beside a writer", fill, [this.clear(), this.writer(safe), this.looker(0, 1, safe)], {
        ...two,
        ...sample(300),
        ...crash,
      }),
    ];
  }

  private model(
    name: string,
    fill: (words: Words) => void,
    threads: readonly ThreadOptions<Words>[],
    more: Partial<Options>,
  ): Model {
    const { lib } = this;
    const names = this.names();
    names[this.intent] = "intent";
    const rest = { reset: lib.reset, sliceMs: lib.park.SLICE_MS, plain: "ignore", names } as const;
    const final: Options["final"] = (w, statuses) => this.final(w, statuses);
    return {
      name: `clear: ${name}`,
      short: SHORT.has(name),
      options: { memory: this.memory(fill), threads, final, ...rest, ...more },
    };
  }

  private rows(words: Words): void {
    this.locked(words, 0, (region) => {
      for (const key of this.both) this.put(words, region, key, 1);
    });
  }

  /** As after a clear that was cut off once it counted as made, and the repair of both shards; then new rows. */
  private stale(words: Words): void {
    this.rows(words);
    words[this.intent] = this.lib.tableLayout.COMMITTED;
  }

  private clear(more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): void => {
      this.locked(w, index, (region) => {
        const blocks = this.shards.flatMap((shard) => [...this.lib.walk.linkedBlocks(w, shard)]);
        this.lib.clear.emptyShards(region, this.intent, this.shards, blocks);
      });
      Atomics.store(w, this.done, GONE);
    };
    return { body, ...more };
  }

  /** Puts a row into the second shard, anew if it was taken away. */
  private writer(more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): void => {
      this.locked(w, index, (region) => this.put(w, region, this.both[1], 2), [this.shards[1]]);
      const found = this.lookUp(w, index, 1);
      if (found !== 0 && found !== 2) throw new Error(`${found} in place of what was written`);
    };
    return { body, ...more };
  }

  /** Looks without the locks at one shard, then at the other; with its lock where that fails. */
  private reader(first: number, then: number, more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    const look = (w: Words, index: number, shard: number): number => {
      const found = this.read(w, index, this.both[shard]);
      return found === undefined ? this.lookUp(w, index, shard) : found.value;
    };
    return this.inOrder(look, first, then, more);
  }

  private looker(first: number, then: number, more: Partial<ThreadOptions<Words>> = {}): ThreadOptions<Words> {
    return this.inOrder((w, index, shard) => this.lookUp(w, index, shard), first, then, more);
  }

  private inOrder(
    look: (w: Words, index: number, shard: number) => number,
    first: number,
    then: number,
    more: Partial<ThreadOptions<Words>>,
  ): ThreadOptions<Words> {
    const body = (w: Words, { index }: { index: number }): string => {
      const done = Atomics.load(w, this.done);
      const before = look(w, index, first);
      if (before === 1 && done === GONE) throw new Error("a row was there after the clear");
      if (before === 0) Atomics.store(w, this.done, GONE);
      const after = look(w, index, then);
      if (before === 0 && after === 1) throw new Error("one shard was empty and the other was not");
      return `${before} ${after}`;
    };
    return { body, ...more };
  }

  private lookUp(w: Words, index: number, shard: number): number {
    const { shard: lib } = this.lib;
    const hash = this.encode(this.both[shard], 0);
    const at = this.shards[shard];
    let value = 0;
    const look = (): void => {
      // Anew: other threads have used the image meanwhile.
      this.encode(this.both[shard], 0);
      const slot = lib.findLocked(w, at, hash, KEY_WORD, KEY_BYTES);
      if (slot !== 0) value = w[w[slot] + 4];
    };
    this.locked(w, index, look, [at]);
    return value;
  }
}
