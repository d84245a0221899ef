// SharedCounter: a sum kept in as many cells as the region has thread slots, each on its own cache line, so that threads
// add without touching each other's lines.
//
//   counter   │ mutex × 8 │ base's cell × 8 │ cell of slot 0 │ cell of slot 1 │ …           one cell a cache line
//   cell      │ turn 0 │ number │ number │                    two 8-byte numbers; `turn & 1` says which one counts
//
// Only the thread that sits in a slot writes the slot's cell: it writes the number that does not count, then stores the
// next turn, which commits. A thread that dies in between has not added; what it added before stays, and the slot's next
// tenant adds to it. The base is what the cells had at the last reset: the value is their sum less the base, so a reset
// never writes another thread's cell, and each addition counts before it or after it, never twice. The base's cell is
// written under the mutex.
//
// Why no half number is read: the number that counts is not written until the turn has moved on, so what was read under
// one turn, validated by an exchange of the turn for itself, is whole. (A turn comes again after 2^32 additions.)

import { cas, type i32, load, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { handleOptions, type LockHandle, type PlaceOptions } from "../locks/place.ts";
import { MUTEX_WORDS } from "../protocols/mutex.ts";
import { KIND_COUNTER } from "../region/layout.ts";
import { GuardedObject } from "./guarded.ts";

export type CounterOptions = PlaceOptions;
export type CounterHandle = LockHandle<"counter">;

const BASE: i32 = MUTEX_WORDS;
const CELLS: i32 = 16;
const CELL_WORDS: i32 = 16;
const NUMBERS: i32 = 2;
/** The slot in an owner's id. */
const SLOT_BITS: i32 = 0xfff;

/**
 * A counter that many threads add to at once without slowing each other down; reading it costs a look at every thread
 * slot of the region (64 bytes each, so 16 KiB in a region for 256 threads). Whole numbers up to 2^53 - 1.
 *
 * What a thread has added stays when it ends, however it ends.
 *
 * @example
 * const requests = SharedCounter.named("requests");
 * requests.add(); // in any thread
 * requests.value; // the sum
 */
export class SharedCounter extends GuardedObject {
  readonly #mine: i32;
  readonly #slots: number;

  constructor(options: CounterOptions = {}) {
    super(KIND_COUNTER, "counter", (region) => (CELLS + region.maxThreads * CELL_WORDS) * 4, options);
    this.#mine = this.index + CELLS + (this.me & SLOT_BITS) * CELL_WORDS;
    this.#slots = this.region.maxThreads;
  }

  /** The counter of this name, made (0) if there is none yet. */
  static named(name: string, options: Omit<CounterOptions, "name"> = {}): SharedCounter {
    return new SharedCounter({ ...options, name });
  }

  /** Attaches to the counter of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: CounterHandle): SharedCounter {
    return new SharedCounter(handleOptions(KIND_COUNTER, "counter", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): CounterHandle {
    return super.share() as CounterHandle;
  }

  /**
   * Adds a whole number, which may be negative. Never waits. Throws TypeError or RangeError, with nothing changed, for
   * anything else, and if what this thread added would pass 2^53 - 1.
   */
  add(delta = 1): void {
    if (!Number.isSafeInteger(delta)) throw badDelta(delta);
    this.assertInUse();
    const { words, f64 } = this.region.memory;
    const turn = words[this.#mine];
    const number = (this.#mine + NUMBERS) >> 1;
    const next = f64[number + (turn & 1)] + delta;
    if (!Number.isSafeInteger(next)) throw badDelta(delta);
    f64[number + (~turn & 1)] = next;
    store(words, this.#mine, nextTurn(turn));
  }

  /**
   * The sum of all additions since the last reset. Additions that other threads make meanwhile may be in it or not; what
   * happened before is.
   */
  get value(): number {
    this.assertInUse();
    // The base first: a reset in between then makes the sum too new, never negative.
    const base = this.#read(this.index + BASE);
    return this.#sum() - base;
  }

  /**
   * Sets the counter to 0 and returns what it was. Additions that other threads make meanwhile are in what is returned or
   * in the value afterwards, each in one of the two.
   */
  reset(): number {
    return this.inside(() => {
      const { words, f64 } = this.region.memory;
      const cell = this.index + BASE;
      const sum = this.#sum();
      const value = sum - this.#read(cell);
      const turn = load(words, cell);
      f64[((cell + NUMBERS) >> 1) + (~turn & 1)] = sum;
      store(words, cell, nextTurn(turn));
      return value;
    });
  }

  /** Gives the memory back. Whoever uses the counter later gets ERR_CLOSED. */
  free(): void {
    this.freeGuarded(() => {});
  }

  #sum(): number {
    const { words } = this.region.memory;
    let sum = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const cell = this.index + CELLS + slot * CELL_WORDS;
      // Nobody has added in this slot yet.
      if (words[cell] === 0) continue;
      sum += this.#read(cell);
    }
    return sum;
  }

  #read(cell: i32): number {
    const { words, f64 } = this.region.memory;
    for (;;) {
      const turn = load(words, cell);
      const number = f64[((cell + NUMBERS) >> 1) + (turn & 1)];
      if (cas(words, cell, turn, turn) === turn) return number;
    }
  }

  /** Each change is one store of a turn: nothing to restore. @internal */
  protected override repair(): void {}

  /** @internal */
  protected override describeInside(): string {
    return String(this.value);
  }
}

/** Never 0, which says that nobody has written the cell yet. */
function nextTurn(turn: i32): i32 {
  return (turn + 1) | 0 || 2;
}

function badDelta(delta: unknown): Error {
  if (typeof delta !== "number") return new TypeError(`SharedCounter.add takes a number, got ${describe(delta)}`);
  return new RangeError(`SharedCounter.add takes a whole number that keeps the sum within ±(2^53 - 1), got ${delta}`);
}
