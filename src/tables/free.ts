// Gives all memory of a table back. Every shard is locked, emptied and retired (its mutex says "not recoverable" for good,
// its version stays odd), then the block of the table is released, under the directory's lock.
//
// A thread that ends in between leaves shards that are empty or retired: whoever frees the table again goes on from there.

import type { i32 } from "../cells/atomics.ts";
import { ClosedError, HoldfastError } from "../cells/errors.ts";
import { wakeAll } from "../cells/park.ts";
import { LOCK, retire } from "../protocols/mutex.ts";
import { S_VERSION } from "../protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../region/layout.ts";
import { clearShard } from "./clear.ts";
import type { TableCore } from "./core.ts";
import { beginChange } from "./shard.ts";

/** Frees the table; everyone who uses it from now on gets ERR_CLOSED. Throws ERR_CLOSED if it was freed before. */
export function freeTable(core: TableCore): void {
  core.assertOpen();
  core.assertIdle();
  let taken = 0;
  try {
    for (; taken < core.shardCount; taken++) takeShard(core, core.shardAt(taken));
  } catch (error) {
    while (taken > 0) core.failed(core.shardAt(--taken), error);
    throw error;
  }
  core.region.remove(core.offset, () => {
    core.assertOpen();
    const words = core.region.memory.words;
    for (let number = 0; number < core.shardCount; number++) {
      const shard = core.shardAt(number);
      if ((words[shard + S_VERSION] & 1) === 0) beginChange(words, shard);
      retire(words, shard, core.me);
      wakeAll(words, shard + LOCK);
    }
  });
}

/** Locks a shard for good and gives back what it has. */
function takeShard(core: TableCore, shard: i32): void {
  try {
    core.lock(shard);
    clearShard(core.region, shard);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error instanceof ClosedError) throw error;
    const words = core.region.memory.words;
    if ((words[shard + S_VERSION] & 1) === 0) beginChange(words, shard);
    // Its memory was overwritten, or an earlier free() did not finish: what it has is known by its tag all the same.
    for (const offset of core.region.taggedBlocks(KIND_TABLE_PART, shard)) core.region.release(offset);
  }
}
