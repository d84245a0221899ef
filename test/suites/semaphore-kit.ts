// What the parts of the Semaphore suite share: the kinds of semaphores, their makers, and what a wait must leave behind.

import * as assert from "uvu/assert";
import { Semaphore, type SemaphoreOptions } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { taskCell } from "../../src/locks/semaphore-waits.ts";
import { LARGE, STARVER, TASKS, VALUE } from "../../src/protocols/semaphore.ts";
import type { Backend } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";

export const semaphoreWorker = new URL("./semaphore.worker.js", import.meta.url);

export type Kind = Pick<SemaphoreOptions, "owned" | "fair">;
export const kinds: readonly { name: string; options: Kind }[] = [
  { name: "plain", options: {} },
  { name: "owned", options: { owned: true } },
  { name: "fair", options: { fair: true } },
  { name: "owned fair", options: { owned: true, fair: true } },
];

/** That waits which are over have left nothing in the memory. */
export function assertNoTrace(semaphore: Semaphore): void {
  const { words } = semaphore.region.memory;
  for (const word of [STARVER, LARGE, TASKS]) assert.is(words[semaphore.index + word], 0);
  assert.is(awaitingCell(semaphore.region, taskCell(semaphore)), 0);
  assert.is(semaphore.waiters, 0);
  if (semaphore.fair) assert.is(words[semaphore.index + VALUE] < 0, false);
}

export type SemaphoreKit = ReturnType<typeof semaphoreKit>;

/** What the parts of the suite share. */
export function semaphoreKit(backend: Backend, kind: Kind, name: string) {
  const test = suite(`Semaphore, ${name}, over ${backend.name}`);
  const region = backend.create();
  const make = (permits: number, options: SemaphoreOptions = {}): Semaphore =>
    new Semaphore({ region, permits, ...kind, ...options });
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(64 * 4));
  return { test, region, kind, make, words };
}
