// The changes of one row: what puts it into its shard, and those that depend on what the row is, done with the shard's lock
// held. A callback of the user's runs before anything is changed.

import type { i32 } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import type { Region } from "../region/region.ts";
import type { TableCore } from "./core.ts";
import { incoming, outgoing } from "./image.ts";
import { checkAmount, numericColumn } from "./numbers.ts";
import { reclaim } from "./reclaim.ts";
import { collect, decodeRow, encodeKey, encodeRow, encodeZeroRow, readNumber, writeValue } from "./row.ts";
import type { Column } from "./schema.ts";
import { beginInPlace, endChange, insertRow, moveOn, removeRow, replaceRow } from "./shard.ts";
import type { TableKey } from "./types.ts";

type Combine = (column: Column, current: number | bigint, operand: number | bigint, where: string) => number | bigint;

/**
 * Puts the outgoing image into the shard, in place of the row in `slot` if that is not 0. Throws ERR_REGION_FULL, with
 * nothing changed, if what the table has to spare does not make room either.
 */
export function putRow(core: TableCore, shard: i32, slot: i32, hash: i32, length: i32): void {
  try {
    writeRow(core, shard, slot, hash, length);
  } catch (error) {
    reclaim(core, error);
    writeRow(core, shard, slot, hash, length);
  }
}

function writeRow(core: TableCore, shard: i32, slot: i32, hash: i32, length: i32): void {
  if (slot !== 0) replaceRow(core.region, shard, slot, hash, length);
  else insertRow(core.region, shard, hash, length, core.firstBuckets);
}

/** Runs `work` with the key's shard locked, and the key's slot or 0. */
export function withSlot(core: TableCore, key: TableKey, work: (shard: i32, slot: i32) => boolean): boolean {
  const keyBytes = encodeKey(core.schema, key, core.label);
  const hash = core.hash(keyBytes);
  const shard = core.shardOf(hash);
  core.lock(shard);
  let result: boolean;
  try {
    moveOn(core.region, shard);
    result = work(shard, core.find(shard, hash, keyBytes));
  } catch (error) {
    core.failed(shard, error);
    throw error;
  }
  core.unlock(shard);
  return result;
}

/** See SharedTable.update. */
export function updateRow<Row extends object>(
  core: TableCore,
  key: TableKey,
  fn: (row: Row | undefined) => Row | undefined,
): Row | undefined {
  if (typeof fn !== "function") throw new TypeError(`${core.label}: update needs a function, got ${describe(fn)}`);
  const keyBytes = encodeKey(core.schema, key, core.label);
  const hash = core.hash(keyBytes);
  const shard = core.shardOf(hash);
  core.lock(shard);
  let changing = true;
  let row: Row | undefined;
  try {
    moveOn(core.region, shard);
    const slot = core.find(shard, hash, keyBytes);
    if (slot !== 0) core.copyOut(slot);
    const before = slot !== 0 ? (decodeRow(core.schema, incoming, 0) as Row) : undefined;
    changing = false;
    const after = core.runLocked(() => {
      const row = fn(before);
      return row === undefined ? undefined : { row, values: collect(core.schema, row, core.label) };
    });
    changing = true;
    // The callback may have used other tables, so the key is encoded again; the slot is still the key's.
    if (after === undefined) {
      if (slot !== 0) removeRow(core.region, shard, slot);
    } else {
      const length = encodeRow(core.schema, after.values, encodeKey(core.schema, key, core.label));
      putRow(core, shard, slot, hash, length);
    }
    row = after?.row;
  } catch (error) {
    if (changing) core.failed(shard, error);
    else core.unlock(shard);
    throw error;
  }
  core.unlock(shard);
  return row;
}

/** Stores what `combine` makes of a number of the row and `operand`, and returns it; a missing row counts as zeros. */
export function combineInto(
  core: TableCore,
  key: TableKey,
  name: string,
  operand: number | bigint,
  combine: Combine,
): number | bigint {
  const { schema, label, region } = core;
  const column = numericColumn(schema, name, label);
  checkAmount(column, operand, label);
  const keyBytes = encodeKey(schema, key, label);
  const hash = core.hash(keyBytes);
  const shard = core.shardOf(hash);
  core.lock(shard);
  let changing = true;
  let next: number | bigint;
  try {
    moveOn(region, shard);
    const slot = core.find(shard, hash, keyBytes);
    const row = slot === 0 ? 0 : region.memory.words[slot];
    const current = slot !== 0 ? readNumber(region.memory, row, column) : column.type === "i64" ? 0n : 0;
    changing = false;
    next = combine(column, current, operand, label);
    changing = true;
    if (slot !== 0) writeInPlace(region, shard, row, column, next);
    else {
      const length = encodeZeroRow(schema, keyBytes);
      writeValue(outgoing, 0, column, next);
      putRow(core, shard, 0, hash, length);
    }
  } catch (error) {
    if (changing) core.failed(shard, error);
    else core.unlock(shard);
    throw error;
  }
  core.unlock(shard);
  return next;
}

/** Changes one number of a row: one store, so no copy is needed. */
function writeInPlace(region: Region, shard: i32, row: i32, column: Column, value: number | bigint): void {
  const words = region.memory.words;
  beginInPlace(words, shard, row);
  writeValue(region.memory, row, column, value);
  endChange(words, shard);
}
