// One sleep of a thread on a cell of a region: announced in the thread's slot (so that a reaper can wake it and others
// can see what it waits for), counted, and never longer than a slice.

import { now } from "../cells/deadline.ts";
import { park, SLICE_MS, TIMED_OUT } from "../cells/park.ts";
import { announceSleep, countPark } from "./threads.ts";
import type { Locker } from "./word-lock.ts";

/** The deadline was over before the sleep began. */
export const EXPIRED = 3;

/**
 * Sleeps while the cell holds `expected`, for a slice at the most, and not past the deadline: WOKEN, TIMED_OUT (a slice
 * ended: look whether those you wait for live), NOT_EQUAL, or EXPIRED. Blocks the thread.
 */
export function sleepOn(
  locker: Locker,
  cell: number,
  expected: number,
  lock: number,
  deadline: number,
  slice: number = SLICE_MS,
): number {
  const begun = now();
  if (begun >= deadline) return EXPIRED;
  const words = locker.memory.words;
  announceSleep(words, locker.seatAt, cell, lock);
  const ended = park(words, cell, expected, Math.min(slice, deadline - begun));
  announceSleep(words, locker.seatAt, 0, 0);
  countPark(words, locker.seatAt, now() - begun);
  return ended === TIMED_OUT && now() >= deadline ? EXPIRED : ended;
}
