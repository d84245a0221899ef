// A region's use of the native part: which way its threads sleep, and the hook by which a dying thread says so itself.
//
// All threads of a region sleep in one way, chosen at its creation and recorded in its header, since the sleepers of one
// way are not seen by the other. The hook needs no choice: it is set wherever the native part is there. In a region that
// parks natively it also wakes whoever sleeps; in one that parks by Atomics the parent's `exit` event does, as ever.

import { load } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { nativePart, noNative, prefersNative } from "../cells/native.ts";
import {
  H_DEATHS,
  H_MAX_THREADS,
  H_PARKING,
  SLOT_DEAD,
  SLOT_WORDS,
  T_STATE,
  T_WAIT_CELL,
  THREADS_WORD,
} from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import type { Seat } from "./threads.ts";

/** How a region's threads sleep. */
export type Parking = "atomics" | "native";

/** What a new region's header says of parking. Throws TypeError, or ERR_REGION_NATIVE if it can't be native. */
export function parkingMark(parking: unknown): number {
  if (parking !== undefined && parking !== "atomics" && parking !== "native") {
    throw new TypeError(`parking must be "atomics" or "native", got ${String(parking)}`);
  }
  if (parking === "atomics" || (parking === undefined && !prefersNative())) return 0;
  const native = nativePart();
  if (native === undefined) throw noNative('a region with parking: "native" needs holdfast\'s native part');
  return native.instance();
}

/** Sets this thread's views to the way of parking in the region's header. Throws ERR_REGION_NATIVE if it can't. */
export function adoptParking(memory: RegionMemory): void {
  const { words } = memory;
  const mark = words[H_PARKING];
  // Asked for in any case: HOLDFAST_NATIVE=1 is an error where there is none.
  const native = nativePart();
  if (mark === 0) return;
  const wayOut = 'Install or build it for this thread too, or create the region with parking: "atomics"';
  if (native === undefined) throw noNative(`the region's threads sleep by holdfast's native part. ${wayOut}`);
  if (native.instance() !== mark) {
    throw new RegionError(
      "ERR_REGION_NATIVE",
      "the region's threads sleep by another copy of holdfast's native part, whose sleepers this copy can't wake: use one " +
        'copy of holdfast in all threads, or create the region with parking: "atomics"',
      { found: mark, expected: native.instance() },
    );
  }
  memory.parkNatively({ native, deathsAt: H_DEATHS, seen: load(words, H_DEATHS) });
}

/** Has the seat marked dead when this thread ends, however it ends; returns what ends that, if the native part is there. */
export function watchSeat(words: Int32Array, seat: Seat): (() => void) | undefined {
  const native = nativePart();
  if (native === undefined) return undefined;
  const alive = load(words, seat.at + T_STATE);
  const first = THREADS_WORD + T_WAIT_CELL;
  const slots = words[H_MAX_THREADS];
  const dead = (alive & ~3) | SLOT_DEAD;
  const number = native.watch(words, seat.at + T_STATE, alive, dead, H_DEATHS, first, SLOT_WORDS, slots);
  return () => native.unwatch(number);
}
