// Objects that nobody can reach: made without a name by a thread that died before it gave a handle of them away.
//
// Such an object's block has its maker's owner id, negated, for a tag, from before it counts as in use until share() takes
// it away, before there is a handle. Only its maker knows of an object with such a tag: once that one is dead, nobody does.
// What the object has got is known by positive tags: each is the word of the region, within the object, that has it.
//
// Invariant: an object's parts are given back before the object, so whoever goes on after a death finds all that is left.

import { cas, load, store } from "../cells/atomics.ts";
import { freeBlock, walkHeap } from "./heap.ts";
import { B_BYTES, B_TAG, BLOCK_HEADER_BYTES, BLOCK_USED, H_DEATHS, H_SWEPT } from "./layout.ts";
import { isAlive } from "./threads.ts";
import type { Locker } from "./word-lock.ts";

/** The tag of an object that this thread is about to make; one with a name is never its own. */
export function tagOfMaker(locker: Locker): number {
  return locker.naming === undefined ? -locker.me : 0;
}

/** Others may know of the object at this payload offset from now on. */
export function giveAway(words: Int32Array, payload: number): void {
  const at = ((payload - BLOCK_HEADER_BYTES) >> 2) + B_TAG;
  const tag = load(words, at);
  if (tag < 0) cas(words, at, tag, 0);
}

/**
 * Gives back the objects of threads that died since the last time, and says whether there were any. The caller holds the
 * allocator's mutex.
 */
export function freeOrphans(locker: Locker): boolean {
  const { memory } = locker;
  const deaths = load(memory.words, H_DEATHS);
  if (deaths === load(memory.words, H_SWEPT)) return false;
  // The tag once more: its maker may have shared the object, and died, since it was read. The dead share nothing.
  const orphans = blocksWith(
    locker,
    (tag, at) => tag < 0 && !isAlive(memory.words, -tag) && load(memory.words, at) === tag,
  );
  const { words } = memory;
  const parts = orphans.length === 0 ? [] : blocksWith(locker, (tag) => tag > 0 && isWithin(words, orphans, tag * 4));
  for (const block of [...parts, ...orphans]) freeBlock(words, block);
  store(words, H_SWEPT, deaths);
  return orphans.length > 0;
}

/** Whether the byte lies in one of the blocks, which are in the order of the heap. */
function isWithin(words: Int32Array, blocks: readonly number[], byte: number): boolean {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle] > byte) high = middle;
    else low = middle + 1;
  }
  return low > 0 && byte < blocks[low - 1] + words[(blocks[low - 1] >> 2) + B_BYTES];
}

function blocksWith(locker: Locker, accepts: (tag: number, at: number) => boolean): number[] {
  const found: number[] = [];
  walkHeap(locker, (block, _, state) => {
    const at = (block >> 2) + B_TAG;
    if (state === BLOCK_USED && accepts(locker.memory.words[at], at)) found.push(block);
  });
  return found;
}
