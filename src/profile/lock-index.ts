// Which object of a region a lock word belongs to: the region's blocks, listed once, and what each of them is.

import { load, peek } from "../cells/atomics.ts";
import { BASE, HOLD, ISSUED, LOCK, RETIRED } from "../protocols/mutex.ts";
import { S_COUNT, SHARD_WORDS } from "../protocols/table-layout.ts";
import { walkHeapLocked } from "../region/allocator.ts";
import { nameOf } from "../region/directory.ts";
import {
  B_KIND,
  B_SERIAL,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  H_ALLOCATOR_LOCK,
  H_DIRECTORY_LOCK,
  H_ID,
  KIND_COUNTER,
  KIND_LOG,
  KIND_MUTEX,
  KIND_ONCE,
  KIND_QUEUE,
  KIND_REENTRANT_MUTEX,
  KIND_RW_LOCK,
  KIND_SEMAPHORE,
  KIND_STAMPED_LOCK,
  KIND_STRING_POOL,
  KIND_TABLE,
  kindName,
} from "../region/layout.ts";
import { regionNumber } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";
import { shardsOf } from "../tables/create.ts";
import { Ring } from "../tables/ring.ts";

/** What a lock is, and where. */
export interface LockPlace {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly part?: { readonly of: string; readonly index: number };
}

/** A lock that is there now, with what it counts itself. */
export interface PresentLock extends LockPlace {
  /** Acquisitions since it was made, uncontended ones too. */
  readonly acquisitions: number;
}

/** A table, or another object that keeps entries under locks of its own. */
export interface TablePlace {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly entries: number;
  /** Ids of its locks, in order. */
  readonly shards: readonly string[];
}

interface Block {
  /** Word indices of the payload's begin and end. */
  readonly at: number;
  readonly end: number;
  readonly kind: number;
  readonly serial: number;
  readonly name: string | undefined;
}

const COUNTING = [KIND_MUTEX, KIND_REENTRANT_MUTEX, KIND_RW_LOCK, KIND_STAMPED_LOCK];
const GUARDED = [KIND_QUEUE, KIND_LOG, KIND_COUNTER, KIND_STRING_POOL];
/** What has a lock in its first words. */
const LOCKS = new Set([...COUNTING, KIND_SEMAPHORE, KIND_ONCE, ...GUARDED]);

export class LockIndex {
  /** The region's number in the recording. */
  readonly number: number;
  readonly #region: Region;
  readonly #blocks: Block[] = [];

  /** Lists the blocks of the region, under the allocator's lock. Throws if the region is corrupt. */
  constructor(region: Region) {
    this.#region = region;
    this.number = regionNumber(region.memory.words, H_ID);
    const used: { at: number; end: number }[] = [];
    walkHeapLocked(region, (block, bytes, state) => {
      const at = (block + BLOCK_HEADER_BYTES) >> 2;
      if (state === BLOCK_USED) used.push({ at, end: (block + bytes) >> 2 });
    });
    const { words } = region.memory;
    for (const { at, end } of used) {
      const header = at - (BLOCK_HEADER_BYTES >> 2);
      const kind = peek(words, header + B_KIND);
      if (kind !== KIND_TABLE && !LOCKS.has(kind)) continue;
      this.#blocks.push({ at, end, kind, serial: peek(words, header + B_SERIAL), name: nameOf(region, at * 4) });
    }
  }

  /** The id that a lock has in a profile. */
  idOf(lock: number, serial: number): string {
    return serial === 0 ? `${this.number}:${lock * 4}` : `${this.number}:${lock * 4}.${serial}`;
  }

  /** What the lock at this word is; `serial` 0: a part of something. */
  describe(lock: number, serial: number): LockPlace {
    const id = this.idOf(lock, serial);
    if (lock === H_ALLOCATOR_LOCK) return { id, name: `allocator${this.#where()}`, kind: "allocator of a region" };
    if (lock === H_DIRECTORY_LOCK) return { id, name: `directory${this.#where()}`, kind: "names of a region" };
    const block = this.#blockOf(lock);
    if (block?.kind === KIND_TABLE && serial === 0) return this.#shard(block, lock, id);
    if (block === undefined || block.at !== lock || block.serial !== serial) {
      return { id, name: `a lock at ${lock * 4} that was freed`, kind: "freed" };
    }
    const name = this.#nameOf(block);
    const place = { id, name, kind: kindName(block.kind) };
    return GUARDED.includes(block.kind) ? { ...place, part: { of: name, index: 0 } } : place;
  }

  /** The name of the lock at this word, as it is now. */
  nameAt(lock: number): string {
    const block = this.#blockOf(lock);
    const { name, kind } = this.describe(lock, block?.at === lock ? block.serial : 0);
    return `${kind} ${name}`;
  }

  #shard(table: Block, lock: number, id: string): LockPlace {
    const { first } = shardsOf(this.#region.memory.words, table.at);
    const index = Math.floor((lock - first) / SHARD_WORDS);
    const of = this.#nameOf(table);
    return { id, name: of, kind: `shard ${index} of ${kindName(KIND_TABLE)}`, part: { of, index } };
  }

  #blockOf(word: number): Block | undefined {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocks[middle].at <= word) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low];
    return block !== undefined && block.at <= word && word < block.end ? block : undefined;
  }

  #nameOf({ name, kind, at }: Block): string {
    return `${name ?? `${kindName(kind)} at ${at * 4}`}${this.#where()}`;
  }

  #where(): string {
    const { name } = this.#region;
    return name === "default" ? "" : ` (region ${name ?? this.number})`;
  }

  /** All locks that count their acquisitions themselves. */
  *locks(): Generator<PresentLock> {
    yield this.#present(H_ALLOCATOR_LOCK, 0);
    yield this.#present(H_DIRECTORY_LOCK, 0);
    for (const block of this.#blocks) {
      if (block.kind === KIND_TABLE) {
        for (const lock of this.#shardsOf(block)) yield this.#present(lock, 0);
      } else if (block.kind !== KIND_SEMAPHORE && block.kind !== KIND_ONCE) yield this.#present(block.at, block.serial);
    }
  }

  #present(lock: number, serial: number): PresentLock {
    const { words } = this.#region.memory;
    const issued = peek(words, lock + ISSUED) || peek(words, lock + HOLD);
    const gone = load(words, lock + LOCK) === RETIRED;
    const acquisitions = gone ? 0 : (issued - peek(words, lock + BASE)) & 0x3fffffff;
    return { ...this.describe(lock, serial), acquisitions };
  }

  *#shardsOf(table: Block): Generator<number> {
    const { first, count } = shardsOf(this.#region.memory.words, table.at);
    for (let index = 0; index < count; index++) yield first + index * SHARD_WORDS;
  }

  /** All tables, queues and logs. */
  *tables(): Generator<TablePlace> {
    const { words } = this.#region.memory;
    for (const block of this.#blocks) {
      const place = { id: this.idOf(block.at, block.serial), name: this.#nameOf(block), kind: kindName(block.kind) };
      if (block.kind === KIND_TABLE) {
        const shards = [...this.#shardsOf(block)];
        const entries = shards.reduce((sum, shard) => sum + peek(words, shard + S_COUNT), 0);
        yield { ...place, entries, shards: shards.map((shard) => this.idOf(shard, 0)) };
      } else if (block.kind === KIND_QUEUE || block.kind === KIND_LOG) {
        yield { ...place, entries: new Ring(this.#region, block.at).count, shards: [place.id] };
      }
    }
  }
}
