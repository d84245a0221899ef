// What the tests of the collections share: errors by their code, and a thread that dies at a chosen store.

import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import type { Region } from "../../src/region/region.ts";
import type { TableCore } from "../../src/tables/core.ts";
import { runMortal } from "./mortal-memory.ts";

/** The code of the error of ours that `work` throws, or name and message of another. */
export function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return nameOf(error);
  }
  return "nothing thrown";
}

/** As {@link errorOf} for a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return nameOf(error);
  }
  return "nothing thrown";
}

function nameOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.code;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

export function assertThrows(work: () => unknown, expected: RegExp): void {
  assert.match(errorOf(work), expected);
}

/** An object of the region under one mutex. */
export interface Guarded {
  readonly region: Region;
  readonly index: number;
  readonly me: number;
}

/** Runs `work` until it is done or has made `stores` changes of the memory; true if it died, its locks as of the dead. */
export function dieAfter({ region, index, me }: Guarded, stores: number, work: () => void): boolean {
  const core = { region, me, shardCount: 1, shardAt: () => index };
  return runMortal(core as unknown as TableCore, stores, work);
}

/** A region in one thread, for {@link dieAfter}: no Wasm, nothing grows. */
export const MORTAL_REGION = { byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4, wasm: false } as const;

/** Numbers below `below`, the same ones in each run. */
export function random(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
