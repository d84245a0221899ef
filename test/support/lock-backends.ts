// The kinds of region that every conformance suite runs on, and what the suites need to see of sleepers.

import { nativePart } from "../../src/cells/native.ts";
import { SLICE_MS } from "../../src/cells/park.ts";
import type { LockObject } from "../../src/locks/place.ts";
import { FIRST_SLICE_MS } from "../../src/region/deadlock.ts";
import { Region } from "../../src/region/region.ts";
import { countSleepers } from "../../src/region/threads.ts";
import { isLong } from "./effort.ts";

export interface Backend {
  readonly name: string;
  readonly create: () => Region;
}

export const backends: readonly Backend[] = [
  { name: "WebAssembly", create: () => Region.create({ maxThreads: 64 }) },
  { name: "JavaScript", create: () => Region.create({ maxThreads: 64, wasm: false }) },
  {
    name: "a given SharedArrayBuffer",
    create: () => Region.over(new SharedArrayBuffer(1 << 20), 0, 1 << 20, { maxThreads: 64 }),
  },
  // Where it is built.
  ...(nativePart() === undefined
    ? []
    : [{ name: "native parking", create: () => Region.create({ maxThreads: 64, parking: "native" }) }]),
];

/**
 * Those for suites that start many threads. A region over a given buffer runs the same JavaScript as one without
 * WebAssembly, and differs in how it is made and in that it can't grow: the long form has it too.
 */
export const threadBackends: readonly Backend[] = backends.filter(
  ({ name }) => isLong || name !== "a given SharedArrayBuffer",
);

/** How many threads sleep, or are about to, for this lock. */
export function sleepers(lock: LockObject): number {
  return countSleepers(lock.region.memory.words, lock.index);
}

/** Comes back once `condition` holds; the run's watchdog ends it if that never comes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** As {@link until}, for a worker: spins. */
export function untilBlocking(condition: () => boolean): void {
  while (!condition());
}

const slices = new Set([FIRST_SLICE_MS, 2 * FIRST_SLICE_MS, 4 * FIRST_SLICE_MS, SLICE_MS]);

/**
 * Turns the slices of this thread's waits off, so that a wake that is lost hangs, and the watchdog sees it. For workers
 * of runs without a death.
 */
export function withoutSlices(): void {
  const { wait } = Atomics;
  const endless = (words: Int32Array, index: number, value: number, ms: number): string =>
    wait(words, index, value, slices.has(ms) ? Number.POSITIVE_INFINITY : ms);
  Atomics.wait = endless as typeof Atomics.wait;
  const real = globalThis.setInterval;
  globalThis.setInterval = ((): unknown => real(() => undefined, 1 << 30)) as unknown as typeof setInterval;
}

/** How often `work` reaches Atomics.notify. */
export function notifies(work: () => void): number {
  const real = Atomics.notify;
  let count = 0;
  Atomics.notify = ((...args: Parameters<typeof real>) => {
    count++;
    return real(...args);
  }) as typeof real;
  try {
    work();
  } finally {
    Atomics.notify = real;
  }
  return count;
}
