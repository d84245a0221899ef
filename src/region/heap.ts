// The heap of a region as its blocks stand: size classes, free lists and the walk over all blocks. Who calls holds the
// allocator's mutex (allocator.ts), but for a walk that can bear changes under way.

import { load, store } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import {
  B_BYTES,
  B_KIND,
  B_NEXT,
  B_STATE,
  BLOCK_FREE,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  H_FREE_LISTS,
  H_HEAP_AT,
  H_HEAP_TOP,
  keepsKind,
  SIZE_CLASSES,
} from "./layout.ts";
import { classBytes, classFor } from "./size-classes.ts";
import type { Locker } from "./word-lock.ts";

/** Free list of a block: by its kind if that stays, else by the largest class whose blocks are no longer than it. */
function listFor(bytes: number, kind: number): number {
  if (keepsKind(kind)) return SIZE_CLASSES + kind;
  const sizeClass = classFor(bytes);
  return classBytes(sizeClass) > bytes ? sizeClass - 1 : sizeClass;
}

/** Puts a free block into its list. */
export function pushFree(words: Int32Array, block: number, bytes: number, kind: number): void {
  const head = H_FREE_LISTS + listFor(bytes, kind);
  store(words, (block >> 2) + B_NEXT, load(words, head));
  store(words, head, block);
}

/** A block in use is free from now on. */
export function freeBlock(words: Int32Array, block: number): void {
  const at = block >> 2;
  store(words, at + B_STATE, BLOCK_FREE);
  pushFree(words, block, words[at + B_BYTES], words[at + B_KIND]);
}

/** Visits every block of the heap in order. Throws ERR_REGION_CORRUPT where the blocks do not tile it. */
export function walkHeap(locker: Locker, visit: (block: number, bytes: number, state: number) => void): void {
  const memory = locker.memory;
  const top = load(memory.words, H_HEAP_TOP);
  memory.cover(top);
  const words = memory.words;
  for (let block = words[H_HEAP_AT]; block < top; ) {
    const bytes = words[(block >> 2) + B_BYTES];
    const state = load(words, (block >> 2) + B_STATE);
    if (bytes < BLOCK_HEADER_BYTES || (bytes & 63) !== 0 || block + bytes > top || state > BLOCK_USED || state < 0) {
      throw new RegionError("ERR_REGION_CORRUPT", `the block at byte ${block} of the region is corrupt`, { block });
    }
    visit(block, bytes, state);
    block += bytes;
  }
}
