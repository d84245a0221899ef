// The table's operations, a key at a time: encode and validate first, then lock one shard, find, commit, unlock. The
// public type and its documentation stand in shared-table.ts.

import { describe } from "../cells/deadline.ts";
import { R_VERSION } from "../protocols/table-layout.ts";
import type { Region } from "../region/region.ts";
import { type AnyTableHandle, type AnyTableOptions, locate, optionsOf } from "./attach.ts";
import { copyShard, snapshotTables } from "./bulk.ts";
import { combineInto, putRow, setValues, updateRow, withSlot } from "./change.ts";
import { TableCore } from "./core.ts";
import { freeTable } from "./free.ts";
import { incoming, outgoing } from "./image.ts";
import { larger, sum } from "./numbers.ts";
import { TableReader } from "./reader.ts";
import { collect, decodeRow, encodeKey, encodeRow } from "./row.ts";
import type { Schema } from "./schema.ts";
import { moveOn, removeRow } from "./shard.ts";
import { runTransaction } from "./transaction.ts";
import type { AnyRow, TableCheck, TableKey, TableStats, TableTransaction, Versioned } from "./types.ts";
import { checkTable, clearTable, sizeOf, statsOf } from "./whole.ts";

export class SharedTable<Key extends TableKey, Row extends object> {
  readonly #core: TableCore;
  readonly #reader: TableReader;
  readonly #copyOf: Schema["copyOf"];

  constructor(options: AnyTableOptions) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`new SharedTable takes { key, columns, name, region, capacity }, got ${describe(options)}`);
    }
    const called = options.face?.className ?? "SharedTable";
    const label = options.name === undefined ? called : `${called} ${JSON.stringify(options.name)}`;
    const { region, offset, declared } = locate(options, label);
    this.#core = new TableCore(region, offset, declared, label, options.unlocked === true);
    this.#reader = new TableReader(this.#core);
    this.#copyOf = this.#core.schema.copyOf;
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
    this.#core.assertOpen();
    this.#core.region.giveAway(this.#core.offset);
    return this.handle();
  }

  /** What {@link share} gives, for this thread's own use: nobody else gets to know of the table by it. @internal */
  handle(): AnyTableHandle {
    const { region, offset, serial } = this.#core;
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
    const kept = this.#reader.find(key);
    return kept === undefined ? undefined : (this.#copyOf(kept) as Row);
  }

  has(key: Key): boolean {
    return this.#reader.find(key) !== undefined;
  }

  getWithVersion(key: Key): Versioned<Row> | undefined {
    const found = withSlot(this.#core, key, (_, slot) => {
      if (slot !== 0) this.#core.copyOut(slot);
      return slot !== 0;
    });
    if (!found) return undefined;
    return { row: decodeRow(this.#core.schema, incoming, 0) as Row, version: incoming.words[R_VERSION] >>> 0 };
  }

  set(key: Key, row: Row): this {
    const core = this.#core;
    setValues(core, key, collect(core.schema, row, core.label));
    return this;
  }

  delete(key: Key): boolean {
    return withSlot(this.#core, key, (shard, slot) => {
      if (slot !== 0) removeRow(this.#core.region, shard, slot);
      return slot !== 0;
    });
  }

  take(key: Key): Row | undefined {
    const found = withSlot(this.#core, key, (shard, slot) => {
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
    return withSlot(this.#core, key, (shard, slot) => {
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
    const present = this.#reader.find(key);
    if (present !== undefined) return schema.copyOf(present) as Row;
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
      else putRow(this.#core, shard, 0, hash, length);
    } catch (error) {
      this.#core.failed(shard, error);
      throw error;
    }
    this.#core.unlock(shard);
    return decodeRow(schema, found ? incoming : outgoing, 0) as Row;
  }

  update(key: Key, fn: (row: Row | undefined) => Row | undefined): Row | undefined {
    return updateRow(this.#core, key, fn);
  }

  transaction<T>(keys: Iterable<Key>, fn: (tx: TableTransaction<Key, Row>) => T): T {
    return runTransaction(this.#core, keys, fn as unknown as (tx: TableTransaction) => T);
  }

  add(key: Key, column: string, delta: number | bigint): number | bigint {
    return combineInto(this.#core, key, column, delta, sum);
  }

  max(key: Key, column: string, value: number | bigint): number | bigint {
    return combineInto(this.#core, key, column, value, larger);
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
      throw new TypeError(`expected a SharedTable, or the .table of a collection, got ${describe(table)}`);
    }
    return table.#core;
  }
}
