// One sleep of a thread on a cell of a region: announced in the thread's slot (so that a reaper can wake it and others
// can see what it waits for), counted, and never longer than a slice.

import { now } from "../cells/deadline.ts";
import { SLICE_MS, TIMED_OUT } from "../cells/park.ts";
import { sleepAnnounced } from "./sleeping.ts";
import { FOR_ANYTHING } from "./waits.ts";
import type { Locker } from "./word-lock.ts";

/** The deadline was over before the sleep began. */
export const EXPIRED = 3;

/**
 * Sleeps while the cell holds `expected`, for a slice at the most, and not past the deadline: WOKEN, TIMED_OUT (a slice
 * ended: look whether those you wait for live), NOT_EQUAL, EXPIRED, or DEADLOCKED (only if `how` says that it waits for
 * threads, see waits.ts). Blocks the thread.
 */
export function sleepOn(
  locker: Locker,
  cell: number,
  expected: number,
  lock: number,
  deadline: number,
  slice: number = SLICE_MS,
  how: number = FOR_ANYTHING,
  argument = 0,
): number {
  const begun = now();
  if (begun >= deadline) return EXPIRED;
  const words = locker.memory.words;
  const ended = sleepAnnounced(words, locker, cell, expected, lock, Math.min(slice, deadline - begun), how, argument);
  return ended === TIMED_OUT && now() >= deadline ? EXPIRED : ended;
}
