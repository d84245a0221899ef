// Objects whose maker dies before it shares them: the shipped allocator.ts, heap.ts, orphans.ts and threads.ts, and share() of
// the shipped mutex. An object stays while its maker lives, and once a handle of it is out; what of it is left after a death
// of whoever gives it back is found by the next one.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

type Words = Int32Array;
type Options = ExploreOptions<Words>;
type Thread = ThreadOptions<Words>;

const SEATS = 3;
const HEAP_BYTES = 1024;
const PAYLOAD_BYTES = 64;

export function orphanModels(library: Library): readonly Model[] {
  return new OrphanModels(library).all();
}

/** An object with a part, made before the threads begin: word indices of their blocks. */
interface Made {
  readonly thread: number;
  readonly payload: number;
  readonly blocks: readonly { readonly at: number; readonly serial: number }[];
}

class OrphanModels {
  private readonly lib: Library;
  private readonly heapAt: number;
  private readonly heapEnd: number;
  /** The byte offset of each thread's object, once a handle of it is out. */
  private readonly posted: number;

  constructor(library: Library) {
    this.lib = library;
    this.heapAt = (library.threads.slotWord(SEATS) * 4 + 63) & ~63;
    this.heapEnd = this.heapAt + HEAP_BYTES;
    this.posted = this.heapEnd >> 2;
  }

  all(): readonly Model[] {
    const safe = { crash: false };
    const [sweeper, lasting] = [this.sweeper(), this.sweeper(safe)];
    const mine = (w: Words) => [this.make(w, 0)];
    /** One of a thread that shares, and what a thread that died before left. */
    const both = (w: Words) => [this.make(w, 0), this.bereaved(w, 2)];
    const heir = (w: Words) => [this.bereaved(w, 1), this.make(w, 1)];
    return [
      this.model("shared, its maker dies", mine, [this.sharer(), lasting], 1, true),
      this.model("shared, its maker dies, and so does who gives back", both, [this.sharer(), sweeper, lasting], 2),
      this.model("shared while another needs memory", mine, [this.sharer(), this.taker(safe)], 1, true),
      this.model("given back, and who does so dies", both, [this.keeper(safe), sweeper, lasting], 1, true),
      this.model("a later tenant of the seat shares its own", heir, [lasting, this.sharer(2)], 1, true),
      this.model("a fair mutex is made and shared", () => [], [this.mutexMaker(), lasting], 1),
    ];
  }

  private model(
    name: string,
    fill: (words: Words) => readonly Made[],
    threads: readonly Thread[],
    crashes: number,
    short = false,
  ): Model {
    const { lib } = this;
    const memory = this.memory();
    const made = fill(memory);
    const options: Options = {
      memory,
      threads,
      crashes,
      onCrash: (t, w) => lib.threads.buryThread(w, t),
      invariant: (w, statuses) => this.invariant(w, statuses, made),
      final: (w) => this.final(w),
      reset: lib.reset,
      sliceMs: lib.park.SLICE_MS,
      plain: "ignore",
      names: this.names(),
    };
    return { name: `orphans: ${name}`, short, options };
  }

  private names(): string[] {
    const { layout: l, threads } = this.lib;
    const names: string[] = [];
    names[l.H_ALLOCATOR_LOCK] = "allocator";
    names[l.H_SWEPT] = "swept";
    names[l.H_DEATHS] = "deaths";
    for (let t = 0; t < SEATS; t++) {
      names[threads.slotWord(t) + l.T_STATE] = `state ${t}`;
      names[this.posted + t] = `posted ${t}`;
    }
    return names;
  }

  /** One death is yet to be looked for. */
  private memory(): Words {
    const { layout: l, threads } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer(this.heapEnd + 64));
    w[l.H_MAX_THREADS] = SEATS;
    w[l.H_BYTES] = this.heapEnd;
    w[l.H_MAX_BYTES] = this.heapEnd;
    w[l.H_HEAP_AT] = this.heapAt;
    w[l.H_HEAP_TOP] = this.heapAt;
    w[l.H_DEATHS] = 1;
    for (let t = 0; t < SEATS; t++) {
      w[threads.slotWord(t) + l.T_CLAIM] = t + 1;
      w[threads.slotWord(t) + l.T_STATE] = (1 << 2) | l.SLOT_ALIVE;
    }
    return w;
  }

  private region(words: Words, index: number): never {
    const { lib } = this;
    const seatAt = lib.threads.slotWord(index);
    const generation = words[seatAt + lib.layout.T_STATE] >>> 2;
    const locker = {
      me: (generation << 12) | index,
      seatAt,
      maxThreads: SEATS,
      fresh: true,
      core: undefined,
      naming: undefined,
      owedWakes: [],
      memory: {
        words,
        bytes: { fill: (value: number, from: number, to: number) => words.fill(value, from >> 2, to >> 2) },
        byteLength: this.heapEnd,
        cover: () => undefined,
        grow: () => false,
      },
      share: () => ({}),
      allocate: (bytes: number, kind: number, tag = 0) => lib.allocator.allocate(locker as never, bytes, kind, tag),
      allocateObject: (bytes: number, kind: number): number =>
        lib.allocator.allocate(locker as never, bytes, kind, lib.orphans.tagOfMaker(locker as never)),
      giveAway: (offset: number) => lib.orphans.giveAway(words, offset),
      serialOf: (offset: number) => words[this.header(offset) + lib.layout.B_SERIAL],
      release: (offset: number) => lib.allocator.release(locker as never, offset),
    };
    return locker as never;
  }

  /** The first word of the block whose payload begins at this byte. */
  private header(offset: number): number {
    return (offset - this.lib.layout.BLOCK_HEADER_BYTES) >> 2;
  }

  /** The thread in this seat makes an object and a part of it. */
  private make(words: Words, thread: number): Made {
    const { layout: l, allocator, orphans } = this.lib;
    const region = this.region(words, thread);
    const payload = allocator.allocate(region, PAYLOAD_BYTES, l.KIND_RAW, orphans.tagOfMaker(region));
    const part = allocator.allocate(region, PAYLOAD_BYTES, l.KIND_RAW, (payload >> 2) + 3);
    const blocks = [payload, part].map((offset) => {
      const at = this.header(offset);
      return { at, serial: words[at + l.B_SERIAL] };
    });
    return { thread, payload, blocks };
  }

  /** As {@link make}, of a thread that then died: its seat is that of the next one. */
  private bereaved(words: Words, thread: number): Made {
    const { layout: l, threads } = this.lib;
    const made = this.make(words, thread);
    words[threads.slotWord(thread) + l.T_STATE] = (2 << 2) | l.SLOT_ALIVE;
    return { ...made, thread: -1 };
  }

  /** Gives its object away, which is the `number`-th one made, then sends a handle of it. */
  private sharer(number = 1, more: Partial<Thread> = {}): Thread {
    const { BLOCK_HEADER_BYTES } = this.lib.layout;
    // The blocks of the objects lie one behind the other, each with its part.
    const payload = this.heapAt + (number - 1) * 2 * (PAYLOAD_BYTES + BLOCK_HEADER_BYTES) + BLOCK_HEADER_BYTES;
    const body = (w: Words, { index }: { index: number }): void => {
      this.lib.orphans.giveAway(w, payload);
      this.send(w, index, payload);
    };
    return { body, ...more };
  }

  /** Shares nothing, and lives. */
  private keeper(more: Partial<Thread> = {}): Thread {
    return { body: (w: Words) => void Atomics.load(w, this.posted), ...more };
  }

  private sweeper(more: Partial<Thread> = {}): Thread {
    const body = (w: Words, { index }: { index: number }): void => {
      this.lib.allocator.heapUse(this.region(w, index));
    };
    return { body, ...more };
  }

  /** Takes all memory that there is, and writes to it. */
  private taker(more: Partial<Thread> = {}): Thread {
    const { allocator, layout } = this.lib;
    const body = (w: Words, { index }: { index: number }): void => {
      const region = this.region(w, index);
      try {
        for (;;) w[allocator.allocate(region, HEAP_BYTES / 4 - layout.BLOCK_HEADER_BYTES, layout.KIND_RAW) >> 2] = 7;
      } catch (error) {
        if ((error as { code?: string }).code !== "ERR_REGION_FULL") throw error;
      }
    };
    return { body, ...more };
  }

  private mutexMaker(more: Partial<Thread> = {}): Thread {
    const body = (w: Words, { index }: { index: number }): void => {
      const { offset } = new this.lib.mutexClass.Mutex({ region: this.region(w, index), fair: true }).share();
      this.send(w, index, offset);
    };
    return { body, ...more };
  }

  /** A handle is out from now on; and the thread has something left to do, so that it may die after it. */
  private send(w: Words, index: number, payload: number): void {
    Atomics.store(w, this.posted + index, payload);
    Atomics.load(w, this.posted + index);
  }

  private invariant(w: Words, statuses: readonly ThreadStatus[], made: readonly Made[]): void {
    const { layout: l } = this.lib;
    for (const { thread, blocks } of made) {
      const [object, part] = blocks.map(
        ({ at, serial }) => w[at + l.B_STATE] === l.BLOCK_USED && w[at + l.B_SERIAL] === serial,
      );
      if (!object && part) throw new Error("an object was given back before its part");
      if (object && part) continue;
      if (thread >= 0 && w[this.posted + thread] !== 0) throw new Error("what was shared was given back");
      if (thread >= 0 && statuses[thread].state !== "crashed")
        throw new Error("its maker lives, and it was given back");
    }
    for (let t = 0; t < SEATS; t++) {
      const offset = w[this.posted + t];
      if (offset === 0) continue;
      if (w[this.header(offset) + l.B_STATE] !== l.BLOCK_USED) throw new Error("what was shared was given back");
      if (!this.blocks(w).some((at) => this.isPart(w, at, offset))) throw new Error("its part was given back");
    }
  }

  private isPart(w: Words, at: number, offset: number): boolean {
    const { layout: l } = this.lib;
    const tag = w[at + l.B_TAG] * 4;
    return w[at + l.B_STATE] === l.BLOCK_USED && tag >= offset && tag < offset + PAYLOAD_BYTES;
  }

  /** The first words of all blocks. */
  private blocks(w: Words): number[] {
    const { layout: l } = this.lib;
    const found: number[] = [];
    const top = w[l.H_HEAP_TOP] >> 2;
    for (let at = this.heapAt >> 2; at < top; at += w[at + l.B_BYTES] >> 2) {
      if (w[at + l.B_BYTES] < l.BLOCK_HEADER_BYTES) throw new Error(`a block of ${w[at + l.B_BYTES]} bytes`);
      found.push(at);
    }
    return found;
  }

  /** Once all deaths were looked for, nothing of the dead is left; and what is free is in one list, once. */
  private final(w: Words): void {
    const { layout: l, mutex, threads } = this.lib;
    if (mutex.ownerOf(w[l.H_ALLOCATOR_LOCK]) !== 0) return;
    const used = this.blocks(w).filter((at) => w[at + l.B_STATE] === l.BLOCK_USED);
    if (w[l.H_SWEPT] === w[l.H_DEATHS]) {
      for (const at of used) {
        const tag = w[at + l.B_TAG];
        const state = w[threads.slotWord(-tag & 0xfff) + l.T_STATE];
        if (tag < 0 && state !== (((-tag >>> 12) << 2) | l.SLOT_ALIVE)) throw new Error("an object of the dead stayed");
        const isOf = (object: number): boolean => tag > object && tag < object + (w[object + l.B_BYTES] >> 2);
        if (tag > 0 && !used.some(isOf)) throw new Error("a part of what was given back stayed");
      }
    }
    const listed: number[] = [];
    for (let list = 0; list < l.FREE_LISTS; list++) {
      for (let block = w[l.H_FREE_LISTS + list]; block !== 0; block = w[(block >> 2) + l.B_NEXT]) {
        if (listed.includes(block >> 2)) throw new Error("a free block is listed twice");
        listed.push(block >> 2);
      }
    }
    const free = this.blocks(w).filter((at) => w[at + l.B_STATE] === l.BLOCK_FREE);
    if (`${listed.sort((a, b) => a - b)}` !== `${free}`) throw new Error(`free are ${free}, listed ${listed}`);
  }
}
