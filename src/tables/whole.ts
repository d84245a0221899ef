// What concerns all shards of a table: its size, clear(), check() and stats().

import { type i32, load } from "../cells/atomics.ts";
import { S_COUNT, S_VERSION } from "../protocols/table-layout.ts";
import { checkShard, measureShard } from "./check.ts";
import { emptyShards } from "./clear.ts";
import type { TableCore } from "./core.ts";
import type { TableCheck, TableStats } from "./types.ts";
import { linkedBlocks } from "./walk.ts";

const MAX_PROBLEMS = 100;
/** Looks at a shard's version before the lock is taken. */
const READ_TRIES = 8;

export function sizeOf(core: TableCore): number {
  core.assertOpen();
  let size = 0;
  for (const shard of core.allShards()) size += countOf(core, shard);
  return size;
}

/** The rows of a shard. While its version is odd a change is under way, or was cut off: the lock tells how it ended. */
function countOf(core: TableCore, shard: i32): number {
  const words = core.region.memory.words;
  for (let tries = 0; tries < READ_TRIES; tries++) {
    if ((load(words, shard + S_VERSION) & 1) === 0) return load(words, shard + S_COUNT);
  }
  // In a callback of this table no lock may be waited for.
  if (core.inside.depth > 0) return load(words, shard + S_COUNT);
  core.lock(shard);
  const count = words[shard + S_COUNT];
  core.unlock(shard);
  return count;
}

/** Empties the table at one moment, or not at all. */
export function clearTable(core: TableCore): void {
  const shards = core.allShards();
  core.lockAll();
  try {
    const { words } = core.region.memory;
    const blocks = shards.flatMap((shard) => [...linkedBlocks(words, shard)]);
    emptyShards(core.region, core.intent, shards, blocks);
  } catch (error) {
    // Which shard it was does not matter: a repair of a sound one finds nothing to do.
    for (const shard of shards) core.failed(shard, error);
    throw error;
  }
  core.unlockAll();
}

export function checkTable(core: TableCore): TableCheck {
  const problems: string[] = [];
  for (let number = 0; number < core.shardCount; number++) {
    const shard = core.shardAt(number);
    core.lock(shard);
    try {
      checkShard(core, shard, (problem) => {
        if (problems.length < MAX_PROBLEMS) problems.push(`shard ${number}: ${problem}`);
      });
    } finally {
      core.unlock(shard);
    }
  }
  return { ok: problems.length === 0, problems };
}

export function statsOf(core: TableCore): TableStats {
  const sizes = { entries: 0, capacity: 0, load: 0, maxProbe: 0, bytesUsed: 0, bytesFree: 0, bytesIndex: 0 };
  const stats = { ...sizes, acquisitions: 0, contended: 0 };
  for (let number = 0; number < core.shardCount; number++) {
    const shard = core.shardAt(number);
    core.lock(shard);
    try {
      measureShard(core.region.memory.words, shard, stats);
    } finally {
      core.unlock(shard);
    }
  }
  stats.load = stats.capacity === 0 ? 0 : stats.entries / stats.capacity;
  return stats;
}
