// Gives all memory of a table back. Every shard is locked, all are emptied at one moment, then retired (each mutex says "not
// recoverable" for good, each version stays odd), then the block of the table is released, under the directory's lock.
//
// A thread that ends in between leaves all rows or none, and perhaps shards that are retired: whoever frees the table again
// goes on from there.

import type { i32 } from "../cells/atomics.ts";
import { ClosedError, HoldfastError, TableError } from "../cells/errors.ts";
import { wakeAll } from "../cells/park.ts";
import { LOCK, retire } from "../protocols/mutex.ts";
import { S_VERSION } from "../protocols/table-layout.ts";
import { KIND_TABLE_PART } from "../region/layout.ts";
import { emptyShards } from "./clear.ts";
import type { TableCore } from "./core.ts";
import { beginChange } from "./shard.ts";
import { linkedBlocks } from "./walk.ts";

/** Frees the table; everyone who uses it from now on gets ERR_CLOSED. Throws ERR_CLOSED if it was freed before. */
export function freeTable(core: TableCore): void {
  core.assertOpen();
  core.assertIdle();
  const held: i32[] = [];
  try {
    for (const shard of core.allShards()) if (takeShard(core, shard)) held.push(shard);
    const blocks = held.flatMap((shard) => blocksOf(core, shard));
    emptyShards(core.region, core.intent, held, blocks);
  } catch (error) {
    for (const shard of held.reverse()) core.failed(shard, error);
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

/** Locks a shard for good; false if it was out of use: then it gives back what it has. */
function takeShard(core: TableCore, shard: i32): boolean {
  try {
    core.lock(shard);
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error instanceof ClosedError) throw error;
    const words = core.region.memory.words;
    if ((words[shard + S_VERSION] & 1) === 0) beginChange(words, shard);
    // Its memory was overwritten, or an earlier free() did not finish: what it has is known by its tag all the same.
    for (const offset of core.region.taggedBlocks(KIND_TABLE_PART, shard)) core.region.release(offset);
    return false;
  }
}

/** The blocks of a shard; of one whose memory was overwritten as their tags say. */
function blocksOf(core: TableCore, shard: i32): i32[] {
  try {
    return [...linkedBlocks(core.region.memory.words, shard)];
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    return [...core.region.taggedBlocks(KIND_TABLE_PART, shard)].map((offset) => offset >> 2);
  }
}
