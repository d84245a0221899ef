// SharedLog as a model: the shipped log.ts, ring.ts and guarded.ts over a region of two places, the log and its ring. Every
// access is a step; the mutex makes most of them independent. A reader that nobody wakes is a deadlock.
//
// Each writer appends its number and the number of its round, so a reader can tell order, halves and repetitions.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

interface Memory {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}
type Options = ExploreOptions<Memory>;
type Log = InstanceType<Library["log"]["SharedLog"]>;

const SEATS = 3;
const RING_ROOM = 400;

export function logModels(library: Library): readonly Model[] {
  return new LogModels(library).all() as unknown as readonly Model[];
}

class LogModels {
  private readonly lib: Library;
  /** Word of the log; its block's header stands before it. */
  private readonly at: number;
  /** How many rings were allocated, and the word of the first. */
  private readonly rings: number;
  private readonly heap: number;

  constructor(library: Library) {
    this.lib = library;
    this.at = ((library.threads.slotWord(SEATS) + 15) & ~15) + 16;
    this.rings = this.at + 32;
    this.heap = this.rings + 16;
  }

  all(): readonly { name: string; short: boolean; options: Options }[] {
    const two = { preemptions: 2 };
    const sample = (schedules: number) => ({ mode: "pct", schedules, seed: 11 }) as const;
    const crash = { crashes: 1, onCrash: (t: number, { words }: Memory) => this.lib.threads.buryThread(words, t) };
    const safe = { crash: false };
    return [
      this.model("1 writer × 2, 1 reader × 2, at most 2 preemptions", 4, [this.writer(2), this.reader(2)], two, false),
      this.model("1 writer × 2, 1 reader × 2", 4, [this.writer(2), this.reader(2)], {}, false),
      this.model("1 writer, 1 reader, a death", 4, [this.writer(1, safe), this.reader(1)], crash),
      this.model("2 writers, a death", 4, [this.writer(1), this.writer(1)], crash),
      this.model("1 writer, 2 readers", 4, [this.writer(1), this.reader(1), this.reader(1)], sample(200)),
      this.model(
        "2 writers × 2, a reader that is overrun",
        1,
        [this.writer(2), this.writer(2), this.late()],
        sample(200),
      ),
      this.model("a writer dies", 4, [this.writer(1), this.writer(1, safe), this.reader(1, safe)], {
        ...sample(600),
        ...crash,
      }),
    ];
  }

  private model(
    name: string,
    capacity: number,
    threads: readonly ThreadOptions<Memory>[],
    more: Partial<Options>,
    short = true,
  ) {
    const { lib } = this;
    const rest = { reset: lib.reset, sliceMs: lib.park.SLICE_MS, plain: "ignore" } as const;
    const final = (memory: Memory, statuses: readonly ThreadStatus[]): void => this.final(memory, statuses);
    const options: Options = { memory: this.memory(capacity), threads, final, ...rest, ...more };
    return { name: `log: ${name}`, short, options };
  }

  private memory(capacity: number): Memory {
    const { layout, threads } = this.lib;
    const buffer = new SharedArrayBuffer((this.heap + 2 * RING_ROOM) * 4);
    const words = new Int32Array(buffer);
    words[layout.H_MAX_THREADS] = SEATS;
    for (let t = 0; t < SEATS; t++) {
      words[threads.slotWord(t) + layout.T_CLAIM] = t + 1;
      words[threads.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    words[this.at - 16 + layout.B_STATE] = layout.BLOCK_USED;
    words[this.at - 16 + layout.B_SERIAL] = 1;
    const memory = { words, bytes: new Uint8Array(buffer) };
    new this.lib.log.SharedLog({ region: this.region(memory, 0, true), capacity });
    return memory;
  }

  private region({ words, bytes }: Memory, index: number, fresh = false): never {
    return {
      me: (1 << 12) | index,
      seatAt: this.lib.threads.slotWord(index),
      maxThreads: SEATS,
      memory: { words, bytes, cover: () => undefined },
      core: undefined,
      fresh,
      allocateObject: () => this.at * 4,
      allocate: () => {
        const count = words[this.rings];
        if (count === 2) throw new Error("the model's heap is too small");
        words[this.rings] = count + 1;
        return (this.heap + count * RING_ROOM) * 4;
      },
      release: () => undefined,
      taggedBlocks: () => [],
      serialOf: () => 1,
      isInUse: () => true,
      nameOf: () => undefined,
    } as never;
  }

  private open(memory: Memory, index: number): Log {
    return new this.lib.log.SharedLog({ region: this.region(memory, index) } as never);
  }

  private writer(rounds: number, more: Partial<ThreadOptions<Memory>> = {}): ThreadOptions<Memory> {
    const body = (memory: Memory, { index, round }: { index: number; round: number }): void => {
      this.open(memory, index).append(`${index}${round}`);
    };
    return { body, rounds, ...more };
  }

  /** Reads so many entries from the beginning on, and waits for each. */
  private reader(entries: number, more: Partial<ThreadOptions<Memory>> = {}): ThreadOptions<Memory> {
    const body = (memory: Memory, { index }: { index: number }): string => {
      const reader = this.open(memory, index).reader({ from: 0 });
      const read = Array.from({ length: entries }, () => reader.read() as string);
      this.assertOrder(read);
      if (reader.lost !== 0 || reader.position !== entries)
        throw new Error(`${reader.lost} lost of ${reader.position}`);
      return read.join(" ");
    };
    return { body, ...more };
  }

  /** Takes what is there, twice: what it was too slow for is counted. */
  private late(): ThreadOptions<Memory> {
    const body = (memory: Memory, { index }: { index: number }): void => {
      const reader = this.open(memory, index).reader({ from: 0 });
      const read = [reader.tryRead(), reader.tryRead()].filter((entry) => entry !== undefined) as string[];
      this.assertOrder(read);
      if (read.length + reader.lost !== reader.position) throw new Error("an entry was neither read nor lost");
    };
    return { body };
  }

  private assertOrder(entries: readonly string[]): void {
    for (const [i, entry] of entries.entries()) {
      if (!/^[0-2][0-9]$/.test(entry)) throw new Error(`half an entry: ${entry}`);
      const earlier = entries.slice(0, i).filter((other) => other[0] === entry[0]);
      if (earlier.some((other) => other >= entry)) throw new Error(`${entry} after ${earlier.join(" ")}`);
    }
  }

  private final(memory: Memory, statuses: readonly ThreadStatus[]): void {
    if (statuses.some(({ state }) => state === "crashed")) return;
    const { words } = memory;
    if (words[this.at] !== 0) throw new Error("the mutex is held, or somebody is said to wait for it");
  }
}
