// A place in the model's memory for the public lock classes: the shipped Event, Latch, Once, Barrier and Semaphore run as
// they are, over a region that consists of seats for three threads and of fixed places.
// Invariant: a body makes its own region object each time it runs, so nothing that is keyed by it is remembered.
import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { Body, ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

export const SEATS = 3;
/** Words of a block's header, which stands before each object. */
const HEADER = 16;
/** Words for one object, its tables and its header included. */
const ROOM = 96;

export type Words = Int32Array;
export type Options = ExploreOptions<Words>;
/** Where a body stands: its region for one of the two places, and the words beside them. */
export interface Here {
  readonly words: Words;
  readonly index: number;
  readonly round: number;
  /** For the `region` option of a lock class. */
  region(place?: number): never;
}

export class Places {
  readonly lib: Library;
  /** First word of place 0. */
  readonly at: number;
  /** Plain words for what the threads do. */
  readonly data: number;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS) + HEADER;
    this.data = this.at + 2 * ROOM;
  }

  /** A body that is told where it stands. */
  body(run: (here: Here) => unknown): Body<Words> {
    return (words, { index, round }) =>
      run({ words, index, round, region: (place = 0) => this.region(words, index, place, false) });
  }

  /** The same, with one look before a sleep. */
  spinning(run: (here: Here) => unknown): Body<Words> {
    return this.spinningWith(
      (words) => ({ spinForPermits: (at: number, n: number) => this.lib.permits.spinForPermits(words, at, n, 1) }),
      run,
    );
  }

  /** The same, with spins of the model's own. */
  protected spinningWith(spins: (words: Words) => object, run: (here: Here) => unknown): Body<Words> {
    return (words, { index, round }) => {
      const spinning = { limit: 1, ...spins(words) };
      const region = (place = 0): never =>
        ({ ...(this.region(words, index, place, false) as object), spinning }) as never;
      return run({ words, index, round, region });
    };
  }

  crash(): Pick<Options, "crashes" | "onCrash"> {
    return { crashes: 1, onCrash: (t, w) => this.lib.threads.buryThread(w, t) };
  }

  /** `make` builds the objects, as their first thread would. */
  model(
    name: string,
    short: boolean,
    make: (region: (place?: number) => never) => void,
    threads: readonly (Body<Words> | ThreadOptions<Words>)[],
    more: Partial<Options> = {},
  ): Model {
    const { lib } = this;
    const base = { memory: this.memory(make), names: this.names(), reset: lib.reset, sliceMs: lib.park.SLICE_MS };
    return { name, short, options: { ...base, threads, ...more } };
  }

  private region(words: Words, index: number, place: number, fresh: boolean): never {
    // A condition is made after its lock, and lies behind it.
    let next = place;
    const allocate = (): number => (this.at + next++ * ROOM) * 4;
    return {
      me: (1 << 12) | index,
      seatAt: this.lib.threads.slotWord(index),
      maxThreads: SEATS,
      memory: { words, cover: () => undefined },
      core: undefined,
      fresh,
      parking: "atomics",
      owedWakes: [],
      wakesAtOnce: 1,
      share: () => ({}),
      allocate,
      allocateObject: allocate,
      serialOf: () => 1,
      isInUse: () => true,
      nameOf: () => undefined,
    } as never;
  }

  private memory(make: (region: (place?: number) => never) => void): Words {
    const { layout, threads } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.data + 4) * 4));
    w[layout.H_MAX_THREADS] = SEATS;
    for (let t = 0; t < SEATS; t++) {
      w[threads.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[threads.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    for (const place of [0, 1]) w[this.at + place * ROOM - HEADER + layout.B_SERIAL] = 1;
    make((place = 0) => this.region(w, 0, place, true));
    return w;
  }

  private names(): string[] {
    const names: string[] = [];
    for (let t = 0; t < SEATS; t++) names[this.lib.threads.slotWord(t) + this.lib.layout.T_STATE] = `seat${t}`;
    for (let i = 0; i < ROOM; i++) {
      names[this.at + i] = i === 0 ? "word" : `word+${i}`;
      names[this.at + ROOM + i] = i === 0 ? "other" : `other+${i}`;
    }
    for (let i = 0; i < 4; i++) names[this.data + i] = `data${i}`;
    return names;
  }
}

/** What the bodies that came to their end gave. */
export function values(statuses: readonly ThreadStatus[]): unknown[] {
  return statuses.filter((s) => s.state === "ended").map((s) => s.value);
}

/** Runs `wait`: what it gives, or "timed out" if it threw one of these codes. */
export function unless<T>(codes: readonly string[], wait: () => T): T | "timed out" {
  try {
    return wait();
  } catch (error) {
    if (codes.includes((error as { code?: string }).code ?? "")) return "timed out";
    throw error;
  }
}
