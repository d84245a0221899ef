// Sleeping and waking. Every blocking sleep is sliced: it lasts SLICE_MS at the most, then the caller looks at the world
// again (is the owner alive? is the deadline over?). A slice is insurance against a thread that died at a bad moment;
// without a death no protocol may need one, and the model checker holds them to it.
//
// Asynchronous waits carry no time-out of their own (a pending waitAsync with one leaks until it fires): deadlines are
// timers. They do not keep the process alive either: whoever waits holds the thread's keep-alive, one ref'd timer that
// also gives all asynchronous waiters of the thread their slices.
//
// A region parks in one way, by Atomics or natively (cells/native.ts), which its header records: its views are made known
// here. Sleepers of the one way are not seen by the other. Asynchronous waits are always those of Atomics, so in a region
// that parks natively a wake goes to both. A native sleep also ends when a thread has died since this thread last woke:
// whoever looked who lives before the death, and slept after it, would not be woken by it.

import { load } from "./atomics.ts";
import type { NativePart } from "./native.ts";

/** Milliseconds after which a sleeping thread looks whether the owner it waits for still lives. */
export const SLICE_MS = 250;

/** How a sleep ended. A wake is a hint, never a grant. */
export const WOKEN = 0;
export const TIMED_OUT = 1;
export const NOT_EQUAL = 2;

/** The native parking of a region, in this thread. */
export interface NativeParking {
  readonly native: NativePart;
  /** The word that counts the region's deaths, and how many of them this thread knows of. */
  readonly deathsAt: number;
  seen: number;
}

/** The codes by which the native part says that a thread died, and that the thread shall sleep on if it is not to end. */
const DEATHS = 3;
const LOOK = 4;

/** Views of regions that park natively. Empty unless the native part is in use. */
const nativeViews = new WeakMap<Int32Array, NativeParking>();
let anyNative = false;

/** From now on, sleeps on words of this view are native ones; all views of the region in all threads must be told. */
export function parkNatively(words: Int32Array, parking: NativeParking): void {
  nativeViews.set(words, parking);
  anyNative = true;
}

/**
 * Sleeps while `words[index]` is `expected`, for `ms` milliseconds at the most; a native sleep begins with a spin if `spin`.
 * Blocks the thread.
 */
export function park(words: Int32Array, index: number, expected: number, ms: number, spin = true): number {
  const parking = anyNative ? nativeViews.get(words) : undefined;
  if (parking !== undefined) return parkInSlices(parking, words, index, expected, ms, spin);
  const result = Atomics.wait(words, index, expected, ms);
  if (result === "ok") return WOKEN;
  return result === "timed-out" ? TIMED_OUT : NOT_EQUAL;
}

/**
 * worker.terminate() can't end a thread inside of the native part, which so comes back now and then (native/src/slices.rs tells
 * when): whoever waits for what that thread holds learns so much later of its death. V8 looks whether the thread shall end
 * where a function is called, and only now and then where a loop begins again: each slice is a call.
 */
function parkInSlices(
  parking: NativeParking,
  words: Int32Array,
  index: number,
  expected: number,
  ms: number,
  spin: boolean,
): number {
  let ended = parkSlice(parking, words, index, expected, ms, spin, false);
  while (ended === LOOK) ended = parkSlice(parking, words, index, expected, ms, false, true);
  return ended;
}

function parkSlice(
  parking: NativeParking,
  words: Int32Array,
  index: number,
  expected: number,
  ms: number,
  spin: boolean,
  goesOn: boolean,
): number {
  const { native, deathsAt } = parking;
  const ended = native.park(words, index, expected, deathsAt, parking.seen, ms, spin, goesOn);
  if (ended !== DEATHS) return ended;
  parking.seen = load(words, deathsAt);
  return WOKEN;
}

/** Wakes up to `count` sleepers of the cell, sync and async alike, first come first served; returns how many. */
export function wake(words: Int32Array, index: number, count: number): number {
  const parking = anyNative ? nativeViews.get(words) : undefined;
  if (parking === undefined) return Atomics.notify(words, index, count);
  const woken = parking.native.wake(words, index, count);
  return woken < count ? woken + Atomics.notify(words, index, count - woken) : woken;
}

/** Wakes every sleeper of the cell. */
export function wakeAll(words: Int32Array, index: number): number {
  const parking = anyNative ? nativeViews.get(words) : undefined;
  const woken = parking === undefined ? 0 : parking.native.wake(words, index);
  return woken + Atomics.notify(words, index);
}

/** Whether the threads that sleep on cells of this view can be moved to other cells. */
export function canMoveSleepers(words: Int32Array): boolean {
  return anyNative && nativeViews.has(words);
}

/** Lets the threads that sleep on one cell sleep on at another; only where {@link canMoveSleepers}. */
export function moveSleepers(words: Int32Array, from: number, to: number): void {
  nativeViews.get(words)?.native.requeue(words, from, to, false);
}

/** A promise that settles at the next wake, or undefined if the cell no longer holds `expected`. */
export function parkAsync(words: Int32Array, index: number, expected: number): Promise<unknown> | undefined {
  const armed = Atomics.waitAsync(words, index, expected);
  return armed.async ? armed.value : undefined;
}

/** Whether the runtime has Atomics.waitAsync (asynchronous waits fall back to polling by timer without it). */
export function hasWaitAsync(): boolean {
  return typeof Atomics.waitAsync === "function";
}

/** Milliseconds between the looks of a runtime without waitAsync. */
const POLL_MS = 4;

/** Has `onWake` called once the cell is woken; false, and never called, if it no longer holds `expected`. */
export function armWait(words: Int32Array, index: number, expected: number, onWake: () => void): boolean {
  if (hasWaitAsync()) {
    const promise = parkAsync(words, index, expected);
    if (promise === undefined) return false;
    promise.then(onWake);
  } else {
    const timer: { unref?: () => void } | number = setTimeout(onWake, POLL_MS);
    // As little as an armed waitAsync does it keep the process alive: that is what keep-alive is for.
    if (typeof timer === "object") timer.unref?.();
  }
  return true;
}

let blockingKnown: boolean | undefined;

/** Whether this thread may block in Atomics.wait; false on a browser's main thread. */
export function blockingAllowed(): boolean {
  if (blockingKnown === undefined) {
    try {
      // The cell holds 0, so a permitted wait returns "not-equal" at once; a forbidden one throws TypeError first.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
      blockingKnown = true;
    } catch {
      blockingKnown = false;
    }
  }
  return blockingKnown;
}

const sliceListeners = new Set<() => void>();
let sliceTimer: ReturnType<typeof setInterval> | undefined;

/**
 * Keeps the process alive and calls `onSlice` every SLICE_MS until {@link releaseKeepAlive} is called with the same
 * function. One timer serves all waiters of the thread.
 */
export function holdKeepAlive(onSlice: () => void): void {
  sliceListeners.add(onSlice);
  sliceTimer ??= setInterval(() => {
    // A listener may remove itself or another: the copy is what this slice serves.
    for (const listener of Array.from(sliceListeners)) listener();
  }, SLICE_MS);
}

/** Ends what {@link holdKeepAlive} began. */
export function releaseKeepAlive(onSlice: () => void): void {
  sliceListeners.delete(onSlice);
  if (sliceListeners.size === 0 && sliceTimer !== undefined) {
    clearInterval(sliceTimer);
    sliceTimer = undefined;
  }
}
