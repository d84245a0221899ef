// What concerns all shards of a table: its size, clear(), check() and stats().

import { load } from "../cells/atomics.ts";
import { S_COUNT } from "../protocols/table-layout.ts";
import { checkShard, measureShard } from "./check.ts";
import { clearShard } from "./clear.ts";
import type { TableCore } from "./core.ts";
import type { TableCheck, TableStats } from "./types.ts";

const MAX_PROBLEMS = 100;

export function sizeOf(core: TableCore): number {
  core.assertOpen();
  const words = core.region.memory.words;
  let size = 0;
  for (let number = 0; number < core.shardCount; number++) size += load(words, core.shardAt(number) + S_COUNT);
  return size;
}

/** Empties the table at one moment: every shard is locked before the first is emptied. */
export function clearTable(core: TableCore): void {
  core.lockAll();
  try {
    for (let number = 0; number < core.shardCount; number++) clearShard(core.region, core.shardAt(number));
  } catch (error) {
    // Which shard it was does not matter: a repair of a sound one finds nothing to do.
    for (let number = 0; number < core.shardCount; number++) core.failed(core.shardAt(number), error);
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
