// Empties a shard: forgetting its index is the one store that removes all rows; then its blocks are unlinked and given
// back. The caller holds the lock. A thread that ends in between leaves the shard full or empty, and blocks that the
// next owner gives back.

import { type i32, store } from "../cells/atomics.ts";
import {
  CLASSES,
  S_COUNT,
  S_FREE,
  S_INDEX,
  S_LARGE,
  S_OLD,
  S_RECORD,
  S_SLAB_WORDS,
  S_SLABS,
  S_USED_WORDS,
} from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import { beginChange, endChange, finishMoving } from "./shard.ts";
import { giveBlock, nextEpoch } from "./slab.ts";
import { linkedBlocks } from "./walk.ts";

export function clearShard(region: Region, shard: i32): void {
  if (region.memory.words[shard + S_OLD] !== 0) finishMoving(region, shard);
  const words = region.memory.words;
  const blocks = linkedBlocks(words, shard);
  beginChange(words, shard);
  store(words, shard + S_INDEX, 0);
  words[shard + S_COUNT] = 0;
  nextEpoch(words, shard);
  endChange(words, shard);
  for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) words[shard + S_FREE + sizeClass] = 0;
  words[shard + S_RECORD] = 0;
  words[shard + S_SLABS] = 0;
  words[shard + S_LARGE] = 0;
  words[shard + S_SLAB_WORDS] = 0;
  words[shard + S_USED_WORDS] = 0;
  for (const block of blocks) giveBlock(region, block);
}
