// A scratch area for each thread that reads tables, in the region itself, where WebAssembly can reach it: the key goes in
// by it and the row comes out. Only its thread touches it.
//
// An area outlives its thread: the next thread that needs one adopts it, so there are never more areas than threads were
// alive at once, and one that dies leaves nothing behind. Word 0 is the owner's id, taken by compare-exchange.

import { cas, load } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { SCRATCH_OWNER, SCRATCH_WORDS } from "../protocols/table-read.ts";
import { KIND_SCRATCH } from "./layout.ts";
import type { Region } from "./region.ts";
import { isAlive } from "./threads.ts";

const byRegion = new WeakMap<Region, number>();

/** The word of this thread's scratch area, within its views; 0 if the region is too full for one. */
export function scratchOf(region: Region): number {
  let scratch = byRegion.get(region);
  if (scratch === undefined) {
    scratch = adopt(region) ?? make(region);
    byRegion.set(region, scratch);
  }
  return scratch;
}

function claim(region: Region, offset: number): boolean {
  region.memory.cover(offset + SCRATCH_WORDS * 4);
  const words = region.memory.words;
  const owner = load(words, (offset >> 2) + SCRATCH_OWNER);
  if (owner !== 0 && isAlive(words, owner)) return false;
  return cas(words, (offset >> 2) + SCRATCH_OWNER, owner, region.me) === owner;
}

function adopt(region: Region): number | undefined {
  const free = region.taggedBlocks(KIND_SCRATCH, 0).find((offset) => claim(region, offset));
  return free === undefined ? undefined : free >> 2;
}

function make(region: Region): number {
  for (;;) {
    let offset: number;
    try {
      offset = region.allocate(SCRATCH_WORDS * 4, KIND_SCRATCH);
    } catch (error) {
      if (error instanceof RegionError && error.code === "ERR_REGION_FULL") return 0;
      throw error;
    }
    // Another thread may have adopted the block that has no owner yet: then there is one more to use.
    if (claim(region, offset)) return offset >> 2;
  }
}
