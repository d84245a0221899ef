// What a Semaphore is made with, and what of that its memory holds.

import { store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { BOUND, FAIR, MAX_PERMITS, MODE, OWNED, SEMAPHORE_WORDS, VALUE } from "../protocols/semaphore.ts";
import { KIND_SEMAPHORE } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { checkWhole, type LockClass, type PlaceOptions } from "./place.ts";
import { holderWords } from "./semaphore-holders.ts";
import { queueWords } from "./semaphore-queue.ts";

export interface SemaphoreOptions extends PlaceOptions {
  /** Permits at the start: 0 to 2^30. A semaphore of this name that exists already keeps its own number and kind. */
  readonly permits?: number | undefined;
  /** True: a release past the permits at the start is an error, as for CPython's BoundedSemaphore. */
  readonly bounded?: boolean | undefined;
  /**
   * True: first in, first out, as for a fair java.util.concurrent.Semaphore: a request waits behind all that came before
   * it, even if it could be met at once. Only tryAcquire() without a time-out overtakes.
   */
  readonly fair?: boolean | undefined;
  /**
   * True: permits belong to the thread that acquired them; only it can release them, and they come back if it dies.
   * Otherwise they belong to nobody, and any thread may release (signalling). An owned semaphore is bounded.
   */
  readonly owned?: boolean | undefined;
}

/** How a semaphore with these options is made. Throws TypeError, RangeError. */
export function semaphoreClass({ permits, bounded, owned, fair }: SemaphoreOptions): LockClass<"semaphore"> {
  if (permits !== undefined) checkWhole("permits", permits, 0, MAX_PERMITS);
  const mode = (flag("owned", owned) ? OWNED : 0) | (flag("fair", fair) ? FAIR : 0);
  const bound = flag("bounded", bounded) || owned ? (permits ?? 0) : MAX_PERMITS;
  const init = (words: Int32Array, index: number): void => {
    if (permits === undefined) throw new TypeError("new Semaphore needs { permits }: how many there are at the start");
    store(words, index + VALUE, permits);
    store(words, index + BOUND, bound);
    store(words, index + MODE, mode);
  };
  return { kind: KIND_SEMAPHORE, tag: "semaphore", bytes: (region) => wordsOf(region, mode) * 4, init };
}

/** Words of a semaphore of this mode. */
export function wordsOf(region: Region, mode: number): number {
  const holders = (mode & OWNED) !== 0 ? holderWords(region) : 0;
  return SEMAPHORE_WORDS + holders + ((mode & FAIR) !== 0 ? queueWords(region) : 0);
}

function flag(what: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`${what} must be true or false, got ${describe(value)}`);
  }
  return value === true;
}
