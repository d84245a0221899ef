// A table as one thread sees it: where its shards lie, its schema, its locks; attached here. Everything that the public
// class does to memory goes through it.

import { cas, type i32, load } from "../cells/atomics.ts";
import { ClosedError, HoldfastError, NotRecoverableError, WouldDeadlockError } from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import { type MutexOperations, mutexOperations } from "../locks/mutex-operations.ts";
import { halfSipHash } from "../protocols/table-hash.ts";
import { S_HIGH, S_VERSION, SHARD_WORDS, T_BUCKETS, T_CLEAR, T_SEED } from "../protocols/table-layout.ts";
import { rowLength } from "../protocols/table-read.ts";
import { awaitRemoval } from "../region/directory.ts";
import { B_SERIAL, B_STATE, BLOCK_HEADER_BYTES, BLOCK_USED } from "../region/layout.ts";
import { R_LOCKED_READS, R_RETRIES } from "../region/record-layout.ts";
import { isRecording } from "../region/record-memory.ts";
import { countOf } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import { readHeader } from "./create.ts";
import { incoming, outgoing } from "./image.ts";
import { assertSameSchema, type Schema } from "./schema.ts";
import { abandonShard, findInShard, findLocked, lockShard, unlockShard } from "./shard.ts";

/** Tries of a read without the lock before it takes the lock. */
const READ_TRIES = 8;
const MISSING = 0;
const FOUND = 1;
const AGAIN = 2;

/** Says which tables this thread is inside an `update` of, whatever handle is used. */
const busyTables = new WeakMap<Region, Map<number, { depth: number }>>();

export class TableCore {
  readonly region: Region;
  readonly offset: number;
  readonly me: number;
  readonly locks: MutexOperations;
  readonly schema: Schema;
  readonly keyWord: i32;
  readonly label: string;
  readonly firstBuckets: i32;
  readonly shardCount: number;
  readonly seed0: i32;
  readonly seed1: i32;
  /** The word of the first shard, and what takes a hash to the number of its shard. */
  readonly shards: i32;
  readonly shift: i32;
  /** The word of the table's serial number, and the number: another one stands there once the memory has another use. */
  readonly serialAt: number;
  readonly serial: number;
  /** The word in which clear() says how far it came. */
  readonly intent: i32;
  readonly #stateAt: number;
  readonly #unlocked: boolean;
  /** How deep this thread is inside callbacks of this table, which must not use it. */
  readonly inside: { depth: number };

  /** Attaches to the table at `offset`; throws ERR_TABLE_CORRUPT, and ERR_TABLE_SCHEMA if it is not as `declared`. */
  constructor(region: Region, offset: number, declared: Schema | undefined, label: string, unlocked: boolean) {
    const base = offset >> 2;
    const { shards, header, stored } = readHeader(region, offset, label);
    const { words } = region.memory;
    if (declared !== undefined) assertSameSchema(declared, stored, label);
    this.region = region;
    this.offset = offset;
    this.me = region.me;
    this.locks = mutexOperations(region, blockingAllowed());
    this.schema = declared ?? stored;
    this.keyWord = stored.keyWord;
    this.label = label;
    this.firstBuckets = words[base + T_BUCKETS];
    this.shardCount = shards;
    this.intent = base + T_CLEAR;
    this.seed0 = words[base + T_SEED];
    this.seed1 = words[base + T_SEED + 1];
    this.shards = base + header;
    this.shift = 1 + Math.clz32(shards);
    this.serialAt = ((offset - BLOCK_HEADER_BYTES) >> 2) + B_SERIAL;
    this.serial = words[this.serialAt];
    this.#stateAt = ((offset - BLOCK_HEADER_BYTES) >> 2) + B_STATE;
    this.#unlocked = unlocked;
    this.inside = busyFlag(region, offset);
  }

  /** The hash of the key in the outgoing image. */
  hash(keyBytes: i32): i32 {
    return halfSipHash(outgoing.words, this.keyWord, keyBytes, this.seed0, this.seed1);
  }

  /** The word of the shard that keys of this hash belong to: by the upper bits, the index takes the lower ones. */
  shardOf(hash: i32): i32 {
    return this.shards + (hash >>> this.shift) * SHARD_WORDS;
  }

  shardAt(number: number): i32 {
    return this.shards + number * SHARD_WORDS;
  }

  /** The words of all shards, in the order of their locks. */
  allShards(): i32[] {
    return Array.from({ length: this.shardCount }, (_, number) => this.shardAt(number));
  }

  /** Takes the shard's lock; throws ERR_WOULD_DEADLOCK inside a callback of this table by this thread. */
  lock(shard: i32): void {
    this.assertIdle();
    this.assertOpen();
    try {
      if (!this.#unlocked) lockShard(this, shard);
      else this.cover(shard);
    } catch (error) {
      // Another thread may have freed the table while this one waited: it retires the shards first, then gives the
      // table's block back, both under the directory's lock.
      if (error instanceof NotRecoverableError) awaitRemoval(this.region);
      this.assertOpen();
      throw error;
    }
  }

  /** Takes the shard's lock if it is free and its last owner did not die. */
  tryLock(shard: i32): boolean {
    if (!this.#unlocked && this.locks.lockFast(shard, this.me) === 0) return false;
    this.cover(shard);
    return true;
  }

  unlock(shard: i32): void {
    if (!this.#unlocked) unlockShard(this, shard);
  }

  /**
   * Releases the shard after an error. One of ours came before any change; any other (a stack that ran out) may have struck
   * between two stores, so the shard is left as by a thread that died, for the next owner to repair.
   */
  failed(shard: i32, error: unknown): void {
    if (error instanceof HoldfastError || this.#unlocked) this.unlock(shard);
    else abandonShard(this, shard);
  }

  /** Takes all locks, in order: one moment of the whole table. */
  lockAll(): void {
    let locked = 0;
    try {
      for (; locked < this.shardCount; locked++) this.lock(this.shardAt(locked));
    } catch (error) {
      while (locked > 0) this.unlock(this.shardAt(--locked));
      throw error;
    }
  }

  unlockAll(): void {
    for (let number = this.shardCount - 1; number >= 0; number--) this.unlock(this.shardAt(number));
  }

  /** Whether the table was not freed. Plain reads: a use while another thread frees is told by the lock. */
  get isOpen(): boolean {
    const words = this.region.memory.words;
    return words[this.serialAt] === this.serial && words[this.#stateAt] === BLOCK_USED;
  }

  /** Throws ERR_CLOSED if the table was freed. */
  assertOpen(): void {
    if (this.isOpen) return;
    throw new ClosedError("ERR_CLOSED", `${this.label} was freed`, { offset: this.offset });
  }

  assertIdle(): void {
    if (this.inside.depth === 0) return;
    throw new WouldDeadlockError(
      "ERR_WOULD_DEADLOCK",
      `${this.label}: this thread is inside an update() or transaction() of this table, whose callback must not use the ` +
        "same table (it holds a lock of it): return the new row or use tx, or use the table after the call returned",
    );
  }

  /** Runs code of the user's while this thread holds a lock of the table. */
  runLocked<T>(run: () => T): T {
    this.inside.depth++;
    try {
      return run();
    } finally {
      this.inside.depth--;
    }
  }

  /** The slot of the key in the outgoing image, or 0; the caller holds the lock. Throws ERR_TABLE_CORRUPT. */
  find(shard: i32, hash: i32, keyBytes: i32): i32 {
    return findLocked(this.region.memory.words, shard, hash, this.keyWord, keyBytes);
  }

  /**
   * Copies the row of the key in the outgoing image into the incoming one; without the lock if that succeeds soon. For
   * keys and rows of any length: TableReader has the faster way for short ones.
   */
  read(keyBytes: i32): boolean {
    const hash = this.hash(keyBytes);
    const shard = this.shardOf(hash);
    this.assertIdle();
    this.assertOpen();
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const found = this.#readUnlocked(shard, hash, keyBytes);
      if (found !== AGAIN) return found === FOUND;
      if (isRecording()) countOf(this.region.memory, shard, R_RETRIES, 1);
    }
    if (isRecording()) countOf(this.region.memory, shard, R_LOCKED_READS, 1);
    this.lock(shard);
    try {
      const slot = this.find(shard, hash, keyBytes);
      if (slot !== 0) this.copyOut(slot);
      return slot !== 0;
    } finally {
      this.unlock(shard);
    }
  }

  /** Copies the row in `slot` into the incoming image; the caller holds the lock. */
  copyOut(slot: i32): void {
    const words = this.region.memory.words;
    const row = words[slot];
    incoming.copyIn(words, row, rowLength(words, row, this.keyWord, this.schema.endWord), 0);
  }

  // As tryRead of protocols/table-read.ts, with private memory in place of the scratch area.
  #readUnlocked(shard: i32, hash: i32, keyBytes: i32): number {
    const words = this.region.memory.words;
    const version = load(words, shard + S_VERSION);
    if ((version & 1) !== 0) return AGAIN;
    const slot = findInShard(words, shard, hash, this.keyWord, keyBytes, words.length);
    // A writer raises this before it links a block, so what lay beyond this thread's views shows here.
    if (words[shard + S_HIGH] > words.length) this.cover(shard);
    else if (slot >= 0) return this.#copyUnlocked(words, shard, slot, version);
    return AGAIN;
  }

  #copyUnlocked(words: Int32Array, shard: i32, slot: i32, version: i32): number {
    if (slot > 0) {
      const row = words[slot];
      const length = rowLength(words, row, this.keyWord, this.schema.endWord);
      if (!(length > 0 && row > 0 && row + length <= words.length)) return AGAIN;
      incoming.copyIn(words, row, length, 0);
    }
    if (cas(words, shard + S_VERSION, version, version) !== version) return AGAIN;
    return slot > 0 ? FOUND : MISSING;
  }

  /** Makes this thread's views reach all of the shard's memory. */
  cover(shard: i32): void {
    const memory = this.region.memory;
    const end = memory.words[shard + S_HIGH];
    if (end > memory.words.length) memory.cover(end * 4);
  }
}

function busyFlag(region: Region, offset: number): { depth: number } {
  let tables = busyTables.get(region);
  if (tables === undefined) busyTables.set(region, (tables = new Map()));
  let flag = tables.get(offset);
  if (flag === undefined) tables.set(offset, (flag = { depth: 0 }));
  return flag;
}
