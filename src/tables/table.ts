// The table's operations, a key at a time: encode and validate first, then lock one shard, find, commit, unlock. The
// public type and its documentation stand in shared-table.ts.

import type { i32 } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { R_VERSION } from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import { type AnyTableHandle, type AnyTableOptions, locate, optionsOf } from "./attach.ts";
import { copyShard, snapshotTables } from "./bulk.ts";
import { TableCore } from "./core.ts";
import { freeTable } from "./free.ts";
import { incoming, outgoing } from "./image.ts";
import { checkAmount, larger, numericColumn, sum } from "./numbers.ts";
import { TableReader } from "./reader.ts";
import { reclaim } from "./reclaim.ts";
import { collect, decodeRow, encodeKey, encodeRow, encodeZeroRow, readNumber, writeValue } from "./row.ts";
import type { Column, Schema } from "./schema.ts";
import { beginInPlace, endChange, insertRow, moveOn, removeRow, replaceRow } from "./shard.ts";
import { runTransaction } from "./transaction.ts";
import type { AnyRow, TableCheck, TableKey, TableStats, TableTransaction, Versioned } from "./types.ts";
import { checkTable, clearTable, sizeOf, statsOf } from "./whole.ts";

type Combine = (column: Column, current: number | bigint, operand: number | bigint, where: string) => number | bigint;

export class SharedTable<Key extends TableKey, Row extends object> {
  readonly #core: TableCore;
  readonly #reader: TableReader;
  readonly #rowOf: Schema["rowOf"];

  constructor(options: AnyTableOptions) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`new SharedTable takes { key, columns, name, region, capacity }, got ${describe(options)}`);
    }
    const label = options.name === undefined ? "SharedTable" : `SharedTable ${JSON.stringify(options.name)}`;
    const { region, offset, declared } = locate(options, label);
    this.#core = new TableCore(region, offset, declared, label, options.unlocked === true);
    this.#reader = new TableReader(this.#core);
    this.#rowOf = this.#core.schema.rowOf;
  }

  static named(name: string, options: Omit<AnyTableOptions, "name"> = {}): SharedTable<TableKey, AnyRow> {
    return new SharedTable({ ...options, name });
  }

  static from(
    handle: AnyTableHandle,
    options: Omit<AnyTableOptions, "name" | "region"> = {},
  ): SharedTable<TableKey, AnyRow> {
    return new SharedTable(optionsOf(handle, options));
  }

  share(): AnyTableHandle {
    const { region, offset, serial } = this.#core;
    this.#core.assertOpen();
    return { holdfast: "table", region: region.share(), offset, serial };
  }

  get region(): Region {
    return this.#core.region;
  }

  get name(): string | undefined {
    this.#core.assertOpen();
    return this.#core.region.nameOf(this.#core.offset);
  }

  get size(): number {
    return sizeOf(this.#core);
  }

  get(key: Key): Row | undefined {
    const values = this.#reader.read(key);
    return values === undefined ? undefined : (this.#rowOf(values) as Row);
  }

  has(key: Key): boolean {
    return this.#reader.find(key) !== undefined;
  }

  getWithVersion(key: Key): Versioned<Row> | undefined {
    const found = this.#withSlot(key, (_, slot) => {
      if (slot !== 0) this.#core.copyOut(slot);
      return slot !== 0;
    });
    if (!found) return undefined;
    return { row: decodeRow(this.#core.schema, incoming, 0) as Row, version: incoming.words[R_VERSION] >>> 0 };
  }

  set(key: Key, row: Row): this {
    const { schema, label, region } = this.#core;
    const values = collect(schema, row, label);
    const keyBytes = encodeKey(schema, key, label);
    const length = encodeRow(schema, values, keyBytes);
    const hash = this.#core.hash(keyBytes);
    const shard = this.#core.shardOf(hash);
    this.#core.lock(shard);
    try {
      moveOn(region, shard);
      this.#put(shard, this.#core.find(shard, hash, keyBytes), hash, length);
    } catch (error) {
      this.#core.failed(shard, error);
      throw error;
    }
    this.#core.unlock(shard);
    return this;
  }

  delete(key: Key): boolean {
    return this.#withSlot(key, (shard, slot) => {
      if (slot !== 0) removeRow(this.#core.region, shard, slot);
      return slot !== 0;
    });
  }

  take(key: Key): Row | undefined {
    const found = this.#withSlot(key, (shard, slot) => {
      if (slot === 0) return false;
      this.#core.copyOut(slot);
      removeRow(this.#core.region, shard, slot);
      return true;
    });
    return found ? (decodeRow(this.#core.schema, incoming, 0) as Row) : undefined;
  }

  compareAndDelete(key: Key, version: number): boolean {
    if (typeof version !== "number") {
      throw new TypeError(`${this.#core.label}: a version is the number that getWithVersion() gave`);
    }
    return this.#withSlot(key, (shard, slot) => {
      const words = this.#core.region.memory.words;
      if (slot === 0 || words[words[slot] + R_VERSION] >>> 0 !== version) return false;
      removeRow(this.#core.region, shard, slot);
      return true;
    });
  }

  getOrInsert(key: Key, row: Row): Row {
    const { schema, label, region } = this.#core;
    const values = collect(schema, row, label);
    // Most keys are there already: a read takes no lock.
    const present = this.#reader.read(key);
    if (present !== undefined) return schema.rowOf(present) as Row;
    const keyBytes = encodeKey(schema, key, label);
    const length = encodeRow(schema, values, keyBytes);
    const hash = this.#core.hash(keyBytes);
    const shard = this.#core.shardOf(hash);
    let found = false;
    this.#core.lock(shard);
    try {
      moveOn(region, shard);
      const slot = this.#core.find(shard, hash, keyBytes);
      found = slot !== 0;
      if (found) this.#core.copyOut(slot);
      else this.#put(shard, 0, hash, length);
    } catch (error) {
      this.#core.failed(shard, error);
      throw error;
    }
    this.#core.unlock(shard);
    return decodeRow(schema, found ? incoming : outgoing, 0) as Row;
  }

  update(key: Key, fn: (row: Row | undefined) => Row | undefined): Row | undefined {
    const core = this.#core;
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
        this.#put(shard, slot, hash, length);
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

  transaction<T>(keys: Iterable<Key>, fn: (tx: TableTransaction<Key, Row>) => T): T {
    return runTransaction(this.#core, keys, fn as unknown as (tx: TableTransaction) => T);
  }

  add(key: Key, column: string, delta: number | bigint): number | bigint {
    return this.#combine(key, column, delta, sum);
  }

  max(key: Key, column: string, value: number | bigint): number | bigint {
    return this.#combine(key, column, value, larger);
  }

  #combine(key: Key, name: string, operand: number | bigint, combine: Combine): number | bigint {
    const core = this.#core;
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
        this.#put(shard, 0, hash, length);
      }
    } catch (error) {
      if (changing) core.failed(shard, error);
      else core.unlock(shard);
      throw error;
    }
    core.unlock(shard);
    return next;
  }

  #put(shard: i32, slot: i32, hash: i32, length: i32): void {
    try {
      this.#write(shard, slot, hash, length);
    } catch (error) {
      reclaim(this.#core, error);
      this.#write(shard, slot, hash, length);
    }
  }

  #write(shard: i32, slot: i32, hash: i32, length: i32): void {
    if (slot !== 0) replaceRow(this.#core.region, shard, slot, hash, length);
    else insertRow(this.#core.region, shard, hash, length, this.#core.firstBuckets);
  }

  #withSlot(key: Key, work: (shard: i32, slot: i32) => boolean): boolean {
    const core = this.#core;
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

  *keys(): IterableIterator<Key> {
    for (let number = 0; number < this.#core.shardCount; number++) {
      const copies = copyShard(this.#core, number);
      for (let i = 0; i < copies.length; i++) yield copies.key(i) as Key;
    }
  }

  *entries(): IterableIterator<[Key, Row]> {
    for (let number = 0; number < this.#core.shardCount; number++) {
      const copies = copyShard(this.#core, number);
      for (let i = 0; i < copies.length; i++) yield [copies.key(i) as Key, copies.row(i) as Row];
    }
  }

  [Symbol.iterator](): IterableIterator<[Key, Row]> {
    return this.entries();
  }

  snapshot(): Map<Key, Row> {
    return snapshotTables([this.#core])[0] as Map<Key, Row>;
  }

  clear(): void {
    clearTable(this.#core);
  }

  free(): void {
    freeTable(this.#core);
  }

  check(): TableCheck {
    return checkTable(this.#core);
  }

  stats(): TableStats {
    return statsOf(this.#core);
  }

  toString(): string {
    const { label, schema, isOpen } = this.#core;
    return `${label}: ${isOpen ? `${this.size} rows of ${schema.source}` : "freed"}`;
  }

  /** What reads this table, for classes that need no row. @internal */
  static readerOf(table: unknown): TableReader {
    if (typeof table !== "object" || table === null || !(#reader in table)) {
      throw new TypeError(`expected a SharedTable, got ${describe(table)}`);
    }
    return table.#reader;
  }

  /** @internal */
  static coreOf(table: unknown): TableCore {
    if (typeof table !== "object" || table === null || !(#core in table)) {
      throw new TypeError(`expected a SharedTable, got ${describe(table)}`);
    }
    return table.#core;
  }
}

/** Changes one number of a row: one store, so no copy is needed. */
function writeInPlace(region: Region, shard: i32, row: i32, column: Column, value: number | bigint): void {
  const words = region.memory.words;
  beginInPlace(words, shard, row);
  writeValue(region.memory, row, column, value);
  endChange(words, shard);
}
