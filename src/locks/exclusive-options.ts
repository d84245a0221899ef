// The options of the locks that one thread holds at a time, and what is checked of them.

import { type AsyncWaitOptions, describe, type WaitOptions } from "../cells/deadline.ts";
import { lineWords, renewLine } from "../protocols/fair-line.ts";
import { KIND_FAIR_LINE } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import type { PlaceOptions } from "./place.ts";

/** Options of the constructor of a lock that one thread holds at a time. */
export interface ExclusiveOptions extends PlaceOptions {
  /**
   * First in, first out: a lock that is given up goes to the thread or task that has waited longest. Costs a switch of
   * threads for every acquisition under contention, where the default lets threads barge, and 32 bytes of shared memory
   * for each thread slot of the region. Attaching to a lock with another value than it was made with is
   * ERR_REGION_OPTIONS; without one takes it as it is.
   */
  readonly fair?: boolean | undefined;
}

/** Options of an acquisition that gives a guard of type G. */
export interface AcquireOptions<G> extends WaitOptions {
  /**
   * Called with the lock held if the last owner died while it held it. If it returns, the state counts as consistent and
   * the acquisition goes on; if it throws, the lock becomes not recoverable and the error is passed on.
   */
  readonly recover?: ((guard: G) => void) | undefined;
}

export interface AsyncAcquireOptions<G> extends AsyncWaitOptions, Pick<AcquireOptions<G>, "recover"> {}

/** Numbers of a lock since it was made. */
export interface MutexStats {
  /** Acquisitions, modulo 2^30. */
  readonly acquisitions: number;
  /** Acquisitions that found the lock held, or awaited by others. */
  readonly contended: number;
}

/** Checks the option of that name. */
export function checkFair(options: ExclusiveOptions): boolean | undefined {
  const fair = options?.fair;
  if (fair === undefined || typeof fair === "boolean") return fair;
  throw new TypeError(`fair must be true or false, got ${describe(fair)}`);
}

/** The line of a new fair lock, which lies at word `lock`: its word index. */
export function makeLine(region: Region, lock: number): number {
  const line = region.allocate(lineWords(region.maxThreads) * 4, KIND_FAIR_LINE, lock) >> 2;
  renewLine(region.memory.words, line, region.maxThreads);
  return line;
}
