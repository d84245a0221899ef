// A change of several keys at once, all or nothing: for the callback, for other threads, and if the thread dies.
//
// The shards of the keys are locked in the order of their places, so two transactions never wait for each other. The
// callback's changes are collected in private memory; what it throws changes nothing. Then the new rows are written,
// into no slot yet, and a record of all changes, which belongs to the first of the changed shards (its home):
//
//   IDLE → list of shards and changes written → PREPARED → every other shard names the home → all versions odd
//        → COMMITTED: one store, from which on the changes count as made → slots stored → homes forgotten → IDLE
//        → all versions even → rows that went are freed
//
// Invariant: while a shard names a home, the home's record is whole and not IDLE. A thread that dies leaves its shards
// locked; whoever comes to one of them makes that shard's changes if the record is COMMITTED, and drops them if not
// (recover.ts). The home's next owner sees to the other shards first (their places are behind its own, so the order
// holds), for the record may then be written anew.
// Readers without the lock see no part of it: no version is even between the first store and the last.

import { type i32, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { ClosedError, HoldfastError } from "../cells/errors.ts";
import { clearSlot, findSlot, isSlotOf } from "../protocols/table-index.ts";
import {
  CHANGE_WORDS,
  COMMITTED,
  IDLE,
  PREPARED,
  R_HASH,
  R_KEY_BYTES,
  RECORD_HEADER,
  S_COUNT,
  S_HOME,
  S_INDEX,
  S_OLD,
  S_RECORD,
  X_CHANGES,
  X_SHARDS,
  X_STATE,
  X_WORDS,
} from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import type { TableCore } from "./core.ts";
import { incoming } from "./image.ts";
import { giveBackSpare, reclaim } from "./reclaim.ts";
import { collect, decodeRow, encodeKey, encodeRow, type Value } from "./row.ts";
import { show } from "./schema.ts";
import { beginChange, endChange, makeRoom, markGone, moveOn, placeRow, writeRow } from "./shard.ts";
import { freeRow, giveBlock, takeBlock } from "./slab.ts";
import type { AnyRow, TableKey, TableTransaction } from "./types.ts";

/** A key of a transaction, and what is to become of its row. */
interface Entry {
  readonly key: TableKey;
  readonly hash: i32;
  readonly shard: i32;
  changed: boolean;
  /** The values of the new row; undefined to delete it. */
  values: Value[] | undefined;
}

/** One change as it stands in the record. */
interface Change {
  readonly shard: i32;
  readonly before: i32;
  readonly after: i32;
}

/** Calls `fn` with the keys locked and commits what it did; returns what it returned. */
export function runTransaction<T>(core: TableCore, keys: Iterable<TableKey>, fn: (tx: TableTransaction) => T): T {
  const { label } = core;
  if (typeof fn !== "function") throw new TypeError(`${label}: transaction needs a function, got ${describe(fn)}`);
  const entries = entriesOf(core, keys);
  const shards = [...new Set([...entries.values()].map((entry) => entry.shard))].sort((a, b) => a - b);
  lockShards(core, shards);
  const tx = new Transaction(core, entries);
  let changing = false;
  let result: T;
  try {
    result = core.runLocked(() => fn(tx));
    if (typeof (result as { then?: unknown } | undefined)?.then === "function") {
      throw new TypeError(
        `${label}: the callback of a transaction must not be async: the locks are held only until it returns`,
      );
    }
    tx.close();
    changing = true;
    commitOrReclaim(
      core,
      [...entries.values()].filter((entry) => entry.changed),
    );
  } catch (error) {
    tx.close();
    for (const shard of shards.reverse()) {
      if (changing) core.failed(shard, error);
      else core.unlock(shard);
    }
    throw error;
  }
  for (const shard of shards.reverse()) core.unlock(shard);
  return result;
}

function entriesOf(core: TableCore, keys: Iterable<TableKey>): Map<TableKey, Entry> {
  if (typeof keys !== "object" || keys === null || typeof keys[Symbol.iterator] !== "function") {
    throw new TypeError(`${core.label}: transaction needs an array of keys, got ${describe(keys)}`);
  }
  const entries = new Map<TableKey, Entry>();
  for (const key of keys) {
    const hash = core.hash(encodeKey(core.schema, key, core.label));
    entries.set(key, { key, hash, shard: core.shardOf(hash), changed: false, values: undefined });
  }
  return entries;
}

function lockShards(core: TableCore, shards: readonly i32[]): void {
  let locked = 0;
  try {
    for (; locked < shards.length; locked++) core.lock(shards[locked]);
  } catch (error) {
    while (locked > 0) core.unlock(shards[--locked]);
    throw error;
  }
}

class Transaction implements TableTransaction {
  readonly #core: TableCore;
  readonly #entries: Map<TableKey, Entry>;
  #open = true;

  constructor(core: TableCore, entries: Map<TableKey, Entry>) {
    this.#core = core;
    this.#entries = entries;
  }

  get(key: TableKey): AnyRow | undefined {
    const entry = this.#entry(key);
    const { schema } = this.#core;
    if (entry.changed) return entry.values === undefined ? undefined : schema.rowOf(entry.values);
    const slot = this.#slot(entry);
    if (slot === 0) return undefined;
    this.#core.copyOut(slot);
    return decodeRow(schema, incoming, 0);
  }

  set(key: TableKey, row: AnyRow): this {
    const values = collect(this.#core.schema, row, this.#core.label);
    const entry = this.#entry(key);
    entry.values = values;
    entry.changed = true;
    return this;
  }

  delete(key: TableKey): boolean {
    const entry = this.#entry(key);
    const present = entry.changed ? entry.values !== undefined : this.#slot(entry) !== 0;
    entry.values = undefined;
    entry.changed = true;
    return present;
  }

  close(): void {
    this.#open = false;
  }

  #slot(entry: Entry): i32 {
    const { schema, label } = this.#core;
    return this.#core.find(entry.shard, entry.hash, encodeKey(schema, entry.key, label));
  }

  #entry(key: TableKey): Entry {
    const { label } = this.#core;
    if (!this.#open) throw new ClosedError("ERR_CLOSED", `${label}: this transaction is over`);
    const entry = this.#entries.get(key);
    if (entry !== undefined) return entry;
    throw new RangeError(`${label}: ${show(key)} is none of the transaction's keys: give every key that it may use`);
  }
}

/** Makes all changes, if need be after what other shards have to spare went back to the region. */
function commitOrReclaim(core: TableCore, entries: readonly Entry[]): void {
  try {
    commit(core, entries);
  } catch (error) {
    reclaim(core, error);
    commit(core, entries);
  }
}

/** Makes all changes; throws ERR_REGION_FULL with none made. The caller holds the locks of their shards. */
function commit(core: TableCore, entries: readonly Entry[]): void {
  if (entries.length === 0) return;
  const { region } = core;
  const shards = [...new Set(entries.map((entry) => entry.shard))].sort((a, b) => a - b);
  for (const shard of shards) moveOn(region, shard);
  const [record, changes] = takeMemory(core, shards, entries);
  if (changes.length === 0) return;
  writeRecord(region, record, shards, changes);
  const words = region.memory.words;
  for (const shard of shards) beginChange(words, shard);
  store(words, record + X_STATE, COMMITTED);
  for (const change of changes) {
    apply(core, change);
    if (change.before !== 0) markGone(words, change.before);
  }
  for (const shard of shards) words[shard + S_HOME] = 0;
  store(words, record + X_STATE, IDLE);
  for (const shard of shards) endChange(words, shard);
  for (const { shard, before } of changes) if (before !== 0) freeRow(region, shard, before);
}

/** What a commit needs: the record and the new rows; if the region is full, all that it took goes back. */
function takeMemory(core: TableCore, shards: readonly i32[], entries: readonly Entry[]): [i32, Change[]] {
  try {
    return [recordOf(core.region, shards[0], shards.length, entries.length), prepare(core, entries)];
  } catch (error) {
    if (error instanceof HoldfastError) for (const shard of shards) giveBackSpare(core.region, shard);
    throw error;
  }
}

/** The record of a shard, large enough. */
function recordOf(region: Region, home: i32, shards: number, changes: number): i32 {
  const needed = RECORD_HEADER + shards + changes * CHANGE_WORDS;
  const has = region.memory.words[home + S_RECORD];
  if (has !== 0 && region.memory.words[has + X_WORDS] >= needed) return has;
  const record = takeBlock(region, home, needed);
  const words = region.memory.words;
  words[record + X_WORDS] = needed;
  words[home + S_RECORD] = record;
  if (has !== 0) giveBlock(region, has);
  return record;
}

/** Writes the new rows and makes room for them; if the region is full, gives back what it took. */
function prepare(core: TableCore, entries: readonly Entry[]): Change[] {
  const { region, schema, label } = core;
  const changes: Change[] = [];
  const inserted = new Map<i32, number>();
  try {
    for (const { key, hash, shard, values } of entries) {
      const keyBytes = encodeKey(schema, key, label);
      const slot = core.find(shard, hash, keyBytes);
      const before = slot === 0 ? 0 : region.memory.words[slot];
      if (values === undefined) {
        if (before !== 0) changes.push({ shard, before, after: 0 });
        continue;
      }
      const length = encodeRow(schema, values, keyBytes);
      if (before === 0) {
        inserted.set(shard, (inserted.get(shard) ?? 0) + 1);
        makeRoom(region, shard, core.firstBuckets, inserted.get(shard) as number);
      }
      changes.push({ shard, before, after: writeRow(region, shard, hash, length) });
    }
  } catch (error) {
    for (const { shard, after } of changes) if (after !== 0) freeRow(region, shard, after);
    throw error;
  }
  return changes;
}

function writeRecord(region: Region, record: i32, shards: readonly i32[], changes: readonly Change[]): void {
  const words = region.memory.words;
  let at = record + RECORD_HEADER;
  for (const shard of shards) words[at++] = shard;
  for (const { shard, before, after } of changes) {
    words[at++] = shard;
    words[at++] = before;
    words[at++] = after;
  }
  words[record + X_SHARDS] = shards.length;
  words[record + X_CHANGES] = changes.length;
  store(words, record + X_STATE, PREPARED);
  for (const shard of shards.slice(1)) words[shard + S_HOME] = shards[0];
}

/** Makes one change, in the index as it is now: it may have grown since the change was prepared. */
function apply(core: TableCore, { shard, before, after }: Change): void {
  const words = core.region.memory.words;
  const { keyWord } = core;
  const index = words[shard + S_INDEX];
  const row = before === 0 ? after : before;
  const hash = words[row + R_HASH];
  if (before === 0) {
    placeRow(words, index, hash, after);
    words[shard + S_COUNT] += 1;
    return;
  }
  const keyBytes = words[before + R_KEY_BYTES];
  let slot = findSlot(words, index, hash, words, before + keyWord, keyBytes, keyWord, 0);
  if (slot === 0) slot = findSlot(words, words[shard + S_OLD], hash, words, before + keyWord, keyBytes, keyWord, 0);
  if (after !== 0) {
    store(words, slot, after);
    return;
  }
  clearSlot(words, isSlotOf(words, index, slot) ? index : words[shard + S_OLD], slot);
  words[shard + S_COUNT] -= 1;
}
