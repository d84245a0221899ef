// The block behind a handle: whether it is the one that the handle was made for, without the allocator's mutex.
// Invariant: what is asked of a payload offset is asked within this thread's view of the memory, which is widened first:
// another thread may have made the block beyond it.

import { load } from "../cells/atomics.ts";
import { ClosedError, RegionError } from "../cells/errors.ts";
import {
  B_BYTES,
  B_KIND,
  B_SERIAL,
  B_STATE,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  H_HEAP_AT,
  H_HEAP_TOP,
  kindName,
} from "./layout.ts";
import type { Locker } from "./word-lock.ts";

/** Whether a payload offset can be that of a block at all. */
export function isBlock(locker: Locker, payload: number): boolean {
  const words = locker.memory.words;
  if (!Number.isInteger(payload) || (payload & 63) !== 0) return false;
  if (payload < words[H_HEAP_AT] + BLOCK_HEADER_BYTES || payload > load(words, H_HEAP_TOP)) return false;
  locker.memory.cover(payload);
  return true;
}

/** The serial number of the block in use at this payload offset: it tells a block from a later one at its place. */
export function serialOf(locker: Locker, payload: number): number {
  // Another thread may have made the block beyond this thread's view.
  locker.memory.cover(payload);
  return load(locker.memory.words, ((payload - BLOCK_HEADER_BYTES) >> 2) + B_SERIAL);
}

/** Whether the block with this serial number is still in use. */
export function isInUse(locker: Locker, payload: number, serial: number): boolean {
  locker.memory.cover(payload);
  const at = (payload - BLOCK_HEADER_BYTES) >> 2;
  const words = locker.memory.words;
  return load(words, at + B_STATE) === BLOCK_USED && load(words, at + B_SERIAL) === serial;
}

/**
 * Checks that a handle's block is in use, of the right kind and not a later one. Throws ERR_REGION_* or ERR_CLOSED, with
 * messages that call the object `called`.
 */
export function checkBlock(
  locker: Locker,
  payload: number,
  kind: number,
  serial: number,
  called: string = kindName(kind),
): void {
  const corrupt = (): never => {
    throw new RegionError("ERR_REGION_CORRUPT", `the handle of a ${called} points to no block of its region`, {
      offset: payload,
    });
  };
  if (!isBlock(locker, payload)) corrupt();
  const words = locker.memory.words;
  const at = (payload - BLOCK_HEADER_BYTES) >> 2;
  const bytes = words[at + B_BYTES];
  if (bytes < BLOCK_HEADER_BYTES || (bytes & 63) !== 0) corrupt();
  if (!isInUse(locker, payload, serial)) {
    throw new ClosedError("ERR_CLOSED", `the ${called} of this handle was freed`, { offset: payload });
  }
  const found = words[at + B_KIND];
  if (found !== kind) {
    const message = `the handle is of a ${kindName(found)}, not of a ${called}`;
    throw new RegionError("ERR_REGION_KIND", message, { expected: kindName(kind), found: kindName(found) });
  }
  locker.memory.cover(payload + bytes - BLOCK_HEADER_BYTES);
}
