// Empties a shard: the slots first, which is what removes the rows; then the memory is made one slab again, the other
// blocks go back to the region. The caller holds the lock; a thread that ends in between leaves fewer rows.

import { add, type i32, store } from "../cells/atomics.ts";
import type { Region } from "../region/region.ts";
import { bucketAt } from "./buckets.ts";
import {
  B_OVERFLOW,
  CLASSES,
  I_MASK,
  L_BUMP,
  L_NEXT,
  L_WORDS,
  S_COUNT,
  S_FREE,
  S_INDEX,
  S_LARGE,
  S_OLD,
  S_POSITION,
  S_SLAB_WORDS,
  S_SLABS,
  S_USED_WORDS,
  S_VERSION,
  SLAB_HEADER,
} from "./layout.ts";
import { eachSlot } from "./recover.ts";
import { giveBlock } from "./slab.ts";

export function clearShard(region: Region, shard: i32): void {
  const words = region.memory.words;
  const index = words[shard + S_INDEX];
  const old = words[shard + S_OLD];
  for (const table of [index, old]) {
    if (table === 0) continue;
    eachSlot(words, table, (slot) => store(words, slot, 0));
    for (let bucket = words[table + I_MASK]; bucket >= 0; bucket--) words[bucketAt(table, bucket) + B_OVERFLOW] = 0;
  }
  words[shard + S_COUNT] = 0;
  words[shard + S_OLD] = 0;
  words[shard + S_POSITION] = 0;
  add(words, shard + S_VERSION, 2);
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) words[shard + S_FREE + sizeClass] = 0;
  words[shard + S_USED_WORDS] = 0;
  if (old !== 0) giveBlock(region, old);
  giveAll(region, shard + S_LARGE);
  const first = words[shard + S_SLABS];
  if (first !== 0) {
    giveAll(region, first + L_NEXT);
    words[first + L_BUMP] = first + SLAB_HEADER;
  }
  words[shard + S_SLAB_WORDS] = first === 0 ? 0 : words[first + L_WORDS];
}

/** Unlinks and gives back all slabs behind the link at word `link`. */
function giveAll(region: Region, link: i32): void {
  const words = region.memory.words;
  for (let slab = words[link]; slab !== 0; slab = words[link]) {
    words[link] = words[slab + L_NEXT];
    giveBlock(region, slab);
  }
}
