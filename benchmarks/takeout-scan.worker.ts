// One worker of the comparison "with locks, without": reads pages, looks their numbers up, writes their messages, by the
// code of the example.
//
// Without locks the tables can't be shared (they break within a second: that is what the locks are for), so each worker
// has them to itself: a copy of the whole region, taken before anything is in it, and shards whose locks do nothing. What
// is left is the same work by the same workers, with nothing to wait for.

import { parentPort, workerData } from "node:worker_threads";
import { NameList } from "../examples/takeout/name-list.ts";
import { isFailed, readPage, scanPage } from "../examples/takeout/scan-page.ts";
import type { RegionHandle } from "../src/region/region.ts";
import { ConversationStats, type ConversationStatsHandle } from "../src/systems/conversation-stats.ts";
import { PhoneLookup, type PhoneLookupHandle } from "../src/systems/phone-lookup.ts";
import { TableCore } from "../src/tables/core.ts";

export interface ScanTask {
  readonly locks: boolean;
  readonly calls: string;
  readonly pages: SharedArrayBuffer;
  readonly ownNumber: string;
  readonly lookup: PhoneLookupHandle;
  readonly stats: ConversationStatsHandle;
  /** [0] 1: begin; [1] workers ready; [2] pages claimed; [3] messages written. */
  readonly control: Int32Array;
}

const CHUNK = 32;
const task = workerData as ScanTask;

function takeLocksOut(): void {
  const none = { lockFast: () => 1, unlock: () => 0, unlockHold: () => 0 };
  const { lock } = TableCore.prototype;
  TableCore.prototype.lock = function (this: TableCore, shard: number): void {
    (this as unknown as { locks: typeof none }).locks = none;
    lock.call(this, shard);
  };
}

/** The handle with every region in it replaced by a private copy. */
function withPrivateRegion<T>(handle: T, copies: Map<unknown, WebAssembly.Memory>): T {
  if (typeof handle !== "object" || handle === null || ArrayBuffer.isView(handle)) return handle;
  const region = handle as unknown as RegionHandle;
  if (region.holdfast === "region") {
    const from = new Uint8Array((region.memory as WebAssembly.Memory).buffer);
    let memory = copies.get("memory");
    if (memory === undefined) {
      memory = new WebAssembly.Memory({ initial: from.length / 65536, maximum: 32767, shared: true });
      new Uint8Array(memory.buffer).set(from);
      copies.set("memory", memory);
    }
    return { ...region, memory } as T;
  }
  return Object.fromEntries(Object.entries(handle).map(([key, value]) => [key, withPrivateRegion(value, copies)])) as T;
}

const copies = new Map<unknown, WebAssembly.Memory>();
if (!task.locks) takeLocksOut();
const lookup = PhoneLookup.from(task.locks ? task.lookup : withPrivateRegion(task.lookup, copies));
const stats = ConversationStats.from(task.locks ? task.stats : withPrivateRegion(task.stats, copies));
const pages = new NameList(task.pages);

Atomics.add(task.control, 1, 1);
Atomics.wait(task.control, 0, 0);
let messages = 0;
for (;;) {
  const from = Atomics.add(task.control, 2, CHUNK);
  if (from >= pages.length) break;
  for (let rank = from; rank < Math.min(from + CHUNK, pages.length); rank++) {
    const page = readPage(task.calls, pages.at(rank), task.ownNumber);
    if (isFailed(page)) throw new Error(page.message);
    messages += scanPage(page, rank, lookup, stats);
  }
}
Atomics.add(task.control, 3, messages);
parentPort?.postMessage("done");
