// A full region: what all shards of a table have to spare goes back to it, so that memory of rows deleted in one shard
// serves a write in another.

import { type i32, load } from "../cells/atomics.ts";
import { HoldfastError } from "../cells/errors.ts";
import { ownerOf } from "../protocols/mutex.ts";
import { IDLE, S_RECORD, X_STATE } from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import type { TableCore } from "./core.ts";
import { giveBlock, trimShard } from "./slab.ts";

/**
 * After a write threw `error`: returns if it is worth another try, since the region was full and got memory back; throws
 * `error` otherwise. The caller holds one shard's lock or several; another shard whose lock is taken is left alone, for
 * to wait for it might be to wait for each other.
 */
export function reclaim(core: TableCore, error: unknown): void {
  if (!(error instanceof HoldfastError) || error.code !== "ERR_REGION_FULL") throw error;
  let worth = false;
  for (let number = 0; number < core.shardCount; number++) {
    if (trimIfFree(core, core.shardAt(number))) worth = true;
  }
  if (!worth) throw error;
}

function trimIfFree(core: TableCore, shard: i32): boolean {
  if (ownerOf(load(core.region.memory.words, shard)) === core.me) return trimShard(core.region, shard);
  if (!core.tryLock(shard)) return false;
  try {
    return trimShard(core.region, shard);
  } finally {
    core.unlock(shard);
  }
}

/** After a transaction that failed: what it took goes back, the record of its changes too. The shard is the caller's. */
export function giveBackSpare(region: Region, shard: i32): void {
  const words = region.memory.words;
  const record = words[shard + S_RECORD];
  if (record !== 0 && load(words, record + X_STATE) === IDLE) {
    words[shard + S_RECORD] = 0;
    giveBlock(region, record);
  }
  trimShard(region, shard);
}
