// What the threads of the benchmark of deaths tell each other.

import type { EventHandle, MutexHandle } from "../src/index.ts";

/** Cells of {@link DeathData.control}. */
export const HELD = 0;
export const WAITING = 1;
export const TOLD = 2;
/** 1: the survivor was told that the last owner died. */
export const DIED = 3;

export interface DeathData {
  readonly handle: MutexHandle;
  /** Never set. */
  readonly event: EventHandle;
  /** Whether the holder waits for the event, or computes. */
  readonly asleep: boolean;
  readonly control: Int32Array;
  /** When the survivor was told, in milliseconds. */
  readonly time: Float64Array;
}
