// Where a semaphore lies and of what kind it is: what the files that make up the Semaphore hand to each other; and how its
// wakes are paid.

import { add, load } from "../cells/atomics.ts";
import { wake, wakeAll } from "../cells/park.ts";
import {
  CALL,
  SEQUENCE,
  TASKS,
  VALUE,
  WAKE_ALL,
  WAKE_NOBODY,
  WAKE_SOME,
  WAKE_STARVER,
} from "../protocols/semaphore.ts";
import type { Region } from "../region/region.ts";

export interface SemaphorePlace {
  readonly region: Region;
  /** Word index of its first word. */
  readonly index: number;
  /** This thread's owner id. */
  readonly me: number;
  readonly owned: boolean;
  readonly fair: boolean;
  readonly freed: boolean;
  /** Throws ERR_CLOSED if it was freed. */
  mustBeOpen(): void;
}

/** Wakes those that a release or a leave owes a wake; `n`: how many permits came. */
export function payPermits(place: SemaphorePlace, owed: number, n: number): void {
  if (owed === WAKE_NOBODY) return;
  const words = place.region.memory.words;
  const { index } = place;
  if ((owed & WAKE_STARVER) !== 0) {
    add(words, index + CALL, 1);
    wakeAll(words, index + CALL);
  }
  if ((owed & (WAKE_ALL | WAKE_SOME)) === 0) return;
  if ((owed & WAKE_ALL) !== 0) wakeAll(words, index + VALUE);
  else wake(words, index + VALUE, n);
  if (load(words, index + TASKS) === 0) return;
  // Every thread's tasks are woken: a thread that then blocks elsewhere must not sit on the only wake.
  add(words, index + SEQUENCE, 1);
  wakeAll(words, index + SEQUENCE);
}
