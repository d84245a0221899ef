// Samples of holds that find their lock free: such an acquisition and its release are one atomic operation each, and
// have no room for a clock. So a timer marks free locks now and then (protocols/mutex.ts): the next acquisition of a marked
// lock, and its release, go by the slow path, which takes the time (region/record-holds.ts).
//
// Which hold is timed depends on when the timer comes, not on how long holds are: their mean is that of all the holds
// that find the lock free, if those that follow a long pause are no longer than others.

import { load } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { markFree } from "../protocols/mutex.ts";
import { walkHeapLocked } from "../region/allocator.ts";
import {
  B_KIND,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  KIND_MUTEX,
  KIND_REENTRANT_MUTEX,
  KIND_RW_LOCK,
} from "../region/layout.ts";
import { isRecording } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";

/** Milliseconds between two rounds of marks, on average. */
const ROUND_MS = 10;
/** Marks of a round: of more locks, each has its turn. A mark costs its thread a few microseconds. */
const MARKS = 32;
/** Milliseconds after which the locks are listed anew, and how often longer than a listing takes that must be. */
const LIST_MS = 500;
const LIST_SHARE = 200;

/** These keep their kind when they are freed: a mark of a lock that is gone is one of another lock, or of none. */
const KINDS = new Set([KIND_MUTEX, KIND_REENTRANT_MUTEX, KIND_RW_LOCK]);

interface Listed {
  readonly region: WeakRef<Region>;
  readonly index: number;
}

export class HoldSampler {
  readonly #regions: () => readonly Region[];
  #locks: Listed[] = [];
  #listAt = 0;
  #next = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to mark the locks of the regions that `regions` gives. The timer keeps no process alive. */
  constructor(regions: () => readonly Region[]) {
    this.#regions = regions;
    this.round();
    this.#again();
  }

  #again(): void {
    // Not in step with what the program does in equal intervals.
    const ms = ROUND_MS * (0.5 + Math.random());
    this.#timer = setTimeout(() => {
      // Another thread may have ended the recording.
      if (!isRecording()) return;
      this.round();
      this.#again();
    }, ms);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** Marks the locks whose turn it is, as far as they are free. */
  round(): void {
    const begun = now();
    if (begun >= this.#listAt) {
      this.#list();
      // A large heap takes long, and others may wait for the allocator meanwhile.
      this.#listAt = begun + Math.max(LIST_MS, LIST_SHARE * (now() - begun));
    }
    for (let k = Math.min(MARKS, this.#locks.length); k > 0; k--) {
      const { region, index } = this.#locks[this.#next++ % this.#locks.length];
      const words = region.deref()?.memory.words;
      if (words !== undefined) markFree(words, index);
    }
  }

  #list(): void {
    this.#locks = [];
    for (const region of this.#regions()) {
      try {
        this.#listIn(region);
      } catch {
        // A region that can't be read; the profile's notes say so.
      }
    }
  }

  #listIn(region: Region): void {
    const reference = new WeakRef(region);
    const { memory } = region;
    walkHeapLocked(region, (block, _, state) => {
      if (state !== BLOCK_USED || !KINDS.has(load(memory.words, (block >> 2) + B_KIND))) return;
      this.#locks.push({ region: reference, index: (block + BLOCK_HEADER_BYTES) >> 2 });
    });
  }
}
