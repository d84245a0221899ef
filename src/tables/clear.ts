// Empties shards, all at one moment: for other threads, for readers without the lock, and if the thread dies. The caller
// holds the locks of all of them. `intent` is a word of the table:
//
//   IDLE → every shard names the intent (S_HOME, as a negative number) → all versions odd
//        → COMMITTED: one store, from which on the shards count as empty → each forgets its rows, then the intent
//        → IDLE → all versions even → the blocks that nothing points at any more go back to the region
//
// Invariant: the intent is COMMITTED only while the shards that name it are to be empty. A thread that dies leaves its
// shards locked; whoever comes to one of them makes it forget its rows if the intent is COMMITTED (recover.ts), and lets
// them stand if not. Blocks that are not given back then go with the same repair: it finds them by their tag.
// After a death the intent may stay COMMITTED with no shard that names it; the next clear() has all locks, so all shards
// are repaired, when it makes it IDLE again.

import { type i32, store } from "../cells/atomics.ts";
import { COMMITTED, IDLE, S_HOME } from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import { forgetRows } from "./recover.ts";
import { beginChange, endChange } from "./shard.ts";
import { giveBlock } from "./slab.ts";

/** Takes all rows from the shards, whose memory is `blocks`, and gives it back to the region. */
export function emptyShards(region: Region, intent: i32, shards: readonly i32[], blocks: Iterable<i32>): void {
  const words = region.memory.words;
  store(words, intent, IDLE);
  for (const shard of shards) store(words, shard + S_HOME, -intent);
  for (const shard of shards) beginChange(words, shard);
  store(words, intent, COMMITTED);
  for (const shard of shards) {
    forgetRows(words, shard);
    store(words, shard + S_HOME, 0);
  }
  store(words, intent, IDLE);
  for (const shard of shards) endChange(words, shard);
  for (const block of blocks) giveBlock(region, block);
}
