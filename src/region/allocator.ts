// Blocks of shared memory. The heap is tiled from its start to HEAP_TOP by blocks, each with a header that says how long
// it is, so it can always be walked; free blocks hang in one list a size class (16 classes of 64 bytes up to 1 KiB, then
// four a doubling, so at most a quarter of a block is unused).
//
// All changes happen under the allocator's mutex. A thread that dies inside leaves it to the next owner, who rebuilds the
// lists from the blocks' own states: the lists are derived data. The order of stores makes every moment safe:
// a new block's header is written before HEAP_TOP passes it; a block leaves its list before it is marked used, and is
// marked free before it enters one.

import { load, store } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { isBlock } from "./blocks.ts";
import { freeBlock, pushFree, walkHeap } from "./heap.ts";
import {
  B_ASKED,
  B_BYTES,
  B_KIND,
  B_NAME,
  B_NEXT,
  B_SERIAL,
  B_STATE,
  B_TAG,
  BLOCK_FREE,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  FREE_LISTS,
  H_ALLOCATOR_LOCK,
  H_BYTES,
  H_FREE_LISTS,
  H_HEAP_TOP,
  H_MAX_BYTES,
  H_NEXT_SERIAL,
  KIND_SCRATCH,
  keepsKind,
  SIZE_CLASSES,
} from "./layout.ts";
import { freeOrphans } from "./orphans.ts";
import { classBytes, classFor } from "./size-classes.ts";
import { reapDead } from "./threads.ts";
import { type Locker, withWord } from "./word-lock.ts";

/**
 * Allocates a zeroed block and returns the byte offset of its payload, 64-byte aligned. Blocks briefly. `tag` says whose
 * part the block is: an owner that is recovered finds by it what it had and never linked ({@link taggedBlocks}). Negative,
 * it says whose alone it is (orphans.ts).
 * A block of a kind that keeps its kind comes zeroed or as the last object of the kind left it.
 * Throws ERR_REGION_FULL, with nothing changed, if the region can't hold it.
 */
export function allocate(locker: Locker, byteLength: number, kind: number, tag = 0): number {
  if (!Number.isInteger(byteLength) || byteLength < 0) {
    throw new RangeError(`allocate: byteLength must be a whole number of bytes, got ${byteLength}`);
  }
  if (byteLength > 0x7000_0000) throw regionFull(locker, byteLength);
  const needed = (byteLength + BLOCK_HEADER_BYTES + 63) & ~63;
  const sizeClass = classFor(needed);
  const fresh = withAllocator(locker, () => {
    const list = keepsKind(kind) ? SIZE_CLASSES + kind : sizeClass;
    let block = take(locker, list, sizeClass, needed);
    if (block === undefined && reapDead(locker.memory.words, locker.me) > 0)
      block = take(locker, list, sizeClass, needed);
    if (block === undefined) throw regionFull(locker, byteLength);
    const words = locker.memory.words;
    const at = block.offset >> 2;
    const serial = load(words, H_NEXT_SERIAL) + 1;
    store(words, H_NEXT_SERIAL, serial);
    store(words, at + B_SERIAL, serial);
    store(words, at + B_KIND, kind);
    // A scratch area is its thread's, whatever object was made when it was needed.
    const naming = kind === KIND_SCRATCH ? undefined : locker.naming;
    naming?.blocks.push(block.offset + BLOCK_HEADER_BYTES);
    store(words, at + B_NAME, naming?.entry ?? 0);
    store(words, at + B_TAG, tag);
    store(words, at + B_ASKED, byteLength);
    store(words, at + B_STATE, BLOCK_USED);
    return block;
  });
  const payload = fresh.offset + BLOCK_HEADER_BYTES;
  if (fresh.dirty && !fresh.kept) locker.memory.bytes.fill(0, payload, payload + byteLength);
  return payload;
}

/** Gives a block back. Throws ERR_REGION_CORRUPT if there is none in use at this payload offset. */
export function release(locker: Locker, payload: number): void {
  withAllocator(locker, () => {
    const words = locker.memory.words;
    const block = payload - BLOCK_HEADER_BYTES;
    const at = block >> 2;
    if (!isBlock(locker, payload) || load(words, at + B_STATE) !== BLOCK_USED) {
      throw new RegionError("ERR_REGION_CORRUPT", `release: no block is in use at byte ${payload} of the region`, {
        offset: payload,
      });
    }
    freeBlock(words, block);
  });
}

interface Taken {
  readonly offset: number;
  /** Whether the payload may hold old bytes. */
  readonly dirty: boolean;
  /** Whether it was a block of the same kind, of a kind that keeps its kind. */
  readonly kept: boolean;
}

function take(locker: Locker, list: number, sizeClass: number, needed: number): Taken | undefined {
  const bytes = classBytes(sizeClass);
  const free = takeFree(locker, list);
  if (free !== undefined) return free;
  // Before the region grows, what threads left that died serves.
  const { words } = locker.memory;
  const isLong = load(words, H_HEAP_TOP) + bytes <= load(words, H_BYTES);
  return (
    (!isLong && freeOrphans(locker) ? takeFree(locker, list) : undefined) ??
    takeFresh(locker, bytes) ??
    // What is left at the end of a region serves even if it is less than a whole class.
    takeFresh(locker, needed) ??
    takeLarger(locker, sizeClass)
  );
}

function takeFree(locker: Locker, list: number): Taken | undefined {
  const words = locker.memory.words;
  const head = load(words, H_FREE_LISTS + list);
  if (head === 0) return undefined;
  locker.memory.cover(head + BLOCK_HEADER_BYTES);
  locker.memory.cover(head + locker.memory.words[(head >> 2) + B_BYTES]);
  store(words, H_FREE_LISTS + list, locker.memory.words[(head >> 2) + B_NEXT]);
  return { offset: head, dirty: true, kept: list >= SIZE_CLASSES };
}

function takeFresh(locker: Locker, bytes: number): Taken | undefined {
  const memory = locker.memory;
  const top = load(memory.words, H_HEAP_TOP);
  const end = top + bytes;
  if (end > load(memory.words, H_BYTES)) {
    if (!memory.grow(end, memory.words[H_MAX_BYTES])) return undefined;
    store(memory.words, H_BYTES, memory.byteLength);
  }
  memory.cover(end);
  store(memory.words, (top >> 2) + B_BYTES, bytes);
  store(memory.words, (top >> 2) + B_STATE, BLOCK_FREE);
  store(memory.words, H_HEAP_TOP, end);
  return { offset: top, dirty: false, kept: false };
}

/** The last resort of a full region: a larger free block, split. */
function takeLarger(locker: Locker, sizeClass: number): Taken | undefined {
  for (let larger = sizeClass + 1; larger < SIZE_CLASSES; larger++) {
    const taken = takeFree(locker, larger);
    if (taken === undefined) continue;
    const words = locker.memory.words;
    const at = taken.offset >> 2;
    const bytes = classBytes(sizeClass);
    const rest = words[at + B_BYTES] - bytes;
    if (rest >= 2 * BLOCK_HEADER_BYTES) {
      // The rest gets its header before the front is cut, so the heap can be walked at every moment.
      const restAt = (taken.offset + bytes) >> 2;
      store(words, restAt + B_BYTES, rest);
      store(words, restAt + B_STATE, BLOCK_FREE);
      store(words, restAt + B_KIND, 0);
      store(words, at + B_BYTES, bytes);
      pushFree(words, taken.offset + bytes, rest, 0);
    }
    return taken;
  }
  return undefined;
}

function withAllocator<T>(locker: Locker, work: () => T): T {
  return withWord(locker, H_ALLOCATOR_LOCK, rebuildFreeLists, work);
}

function rebuildFreeLists(locker: Locker): void {
  for (let list = 0; list < FREE_LISTS; list++) store(locker.memory.words, H_FREE_LISTS + list, 0);
  walkHeap(locker, (block, bytes, state) => {
    const words = locker.memory.words;
    if (state === BLOCK_FREE) pushFree(words, block, bytes, words[(block >> 2) + B_KIND]);
  });
}

/** Visits every block of the heap in order, while no other thread allocates or releases one. */
export function walkHeapLocked(locker: Locker, visit: (block: number, bytes: number, state: number) => void): void {
  withAllocator(locker, () => walkHeap(locker, visit));
}

/** The payload offsets of all blocks in use of this kind and tag. */
export function taggedBlocks(locker: Locker, kind: number, tag: number): number[] {
  const found: number[] = [];
  walkHeap(locker, (block, _, state) => {
    const words = locker.memory.words;
    const at = block >> 2;
    // A block gets its kind and tag before its state, so a block in use never shows those of its last owner.
    if (state !== BLOCK_USED || words[at + B_KIND] !== kind || words[at + B_TAG] !== tag) return;
    found.push(block + BLOCK_HEADER_BYTES);
  });
  return found;
}

/** Bytes of the heap in use, free within it, and what the region may still grow by. */
export function heapUse(locker: Locker): { bytesUsed: number; bytesFree: number; bytesLeft: number } {
  return withAllocator(locker, () => {
    freeOrphans(locker);
    let bytesUsed = 0;
    let bytesFree = 0;
    walkHeap(locker, (_, bytes, state) => {
      if (state === BLOCK_USED) bytesUsed += bytes;
      else bytesFree += bytes;
    });
    return { bytesUsed, bytesFree, bytesLeft: limit(locker) - load(locker.memory.words, H_HEAP_TOP) };
  });
}

function limit(locker: Locker): number {
  const words = locker.memory.words;
  return locker.memory.wasm === undefined ? words[H_BYTES] : words[H_MAX_BYTES];
}

function regionFull(locker: Locker, byteLength: number): RegionError {
  const left = Math.max(0, limit(locker) - load(locker.memory.words, H_HEAP_TOP) - BLOCK_HEADER_BYTES);
  const message =
    `the region is full: ${byteLength} bytes were asked for, ${left} of its ${limit(locker)} bytes are left and no freed ` +
    "block is large enough; create the region with a larger maxByteLength, or free what is no longer used";
  return new RegionError("ERR_REGION_FULL", message, { needed: byteLength, left, limit: limit(locker) });
}
