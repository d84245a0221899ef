// A ring of values in shared memory: what a queue and a log keep their entries in. All of it is read and written under
// the owner's mutex only.
//
//   owner     │ mutex × 8 │ STORAGE │ END │ CAPACITY │ MAX_BYTES │ …            STORAGE: word of the block below, or 0
//   storage   │ slot mask │ byte mask │ HEAD │ TAIL │ 0 × 12 │ slot │ slot │ … │ bytes …          (a KIND_RING block)
//   slot      │ start │ length │ kind │ high │                   of the entry with a number n: slot (n & slot mask)
//
// HEAD and TAIL are the low 32 bits of the numbers of the oldest entry and of the next; they wrap, their difference is
// the count. `start` counts bytes from the ring's beginning, modulo 2^32: byte (start & byte mask). An entry starts where
// the one before it ends, and the slot before TAIL is kept even when its entry is gone, so the next start is always known.
// `high` has the upper bits of the entry's number. Both sizes are powers of two; there are at least two slots, so the slot
// before TAIL is never the one that is written.
//
// Commits: an append writes bytes and slot behind TAIL, then stores TAIL; a removal stores HEAD; growth copies the entries
// into a new storage and stores STORAGE. A thread that dies before such a store has changed nothing; what it leaves is at
// most a block that STORAGE does not name, tagged with its owner's word, which `sweep` gives back.

import { add, type i32, store } from "../cells/atomics.ts";
import { TableError } from "../cells/errors.ts";
import { MUTEX_WORDS } from "../protocols/mutex.ts";
import { KIND_RING } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { incomingPayload, isKind, type Payload } from "./payload.ts";

export const STORAGE: i32 = MUTEX_WORDS;
/** The end of the storage's block, in words: what a thread's views must cover. */
export const END: i32 = MUTEX_WORDS + 1;
export const CAPACITY: i32 = MUTEX_WORDS + 2;
export const MAX_BYTES: i32 = MUTEX_WORDS + 3;
/** Words of the owner that the ring and its mutex take. */
export const RING_OWNER_WORDS: i32 = 16;

export const MOST_ENTRIES: number = 2 ** 26;
export const MOST_BYTES: number = 2 ** 30;
/** Bytes that the entries of a ring may have together if nothing else is asked for. */
export const DEFAULT_BYTES: number = 64 * 2 ** 20;

const SLOT_MASK: i32 = 0;
const BYTE_MASK: i32 = 1;
const HEAD: i32 = 2;
const TAIL: i32 = 3;
const HEADER: i32 = 16;

const SLOT_SHIFT: i32 = 2;
const START: i32 = 0;
const LENGTH: i32 = 1;
const KIND: i32 = 2;
const HIGH: i32 = 3;

const FIRST_SLOTS: i32 = 16;
const FIRST_BYTES: i32 = 1024;
/** The number of the first entry; the one before it is the empty slot that a new storage begins with. */
const FIRST: i32 = 1;

/** One thread's view of a ring. Every method is called with the owner's mutex held. */
export class Ring {
  readonly #region: Region;
  readonly #owner: i32;

  constructor(region: Region, owner: i32) {
    this.#region = region;
    this.#owner = owner;
  }

  get capacity(): number {
    return this.#region.memory.words[this.#owner + CAPACITY];
  }

  get maxBytes(): number {
    return this.#region.memory.words[this.#owner + MAX_BYTES];
  }

  /** How many entries there are. */
  get count(): number {
    const storage = this.#storage();
    const words = this.#region.memory.words;
    return storage === 0 ? 0 : (words[storage + TAIL] - words[storage + HEAD]) | 0;
  }

  /** Bytes of the entries from the `skipped`-th on. */
  usedBytes(skipped = 0): number {
    const storage = this.#storage();
    const words = this.#region.memory.words;
    if (storage === 0) return 0;
    const from = (words[storage + HEAD] + skipped) | 0;
    const tail = words[storage + TAIL];
    if (from === tail) return 0;
    return (endOf(words, slotOf(words, storage, tail - 1)) - words[slotOf(words, storage, from) + START]) >>> 0;
  }

  /** Bytes of the region that the ring occupies. */
  get reservedBytes(): number {
    const storage = this.#storage();
    if (storage === 0) return 0;
    const words = this.#region.memory.words;
    return storageBytes(words[storage + SLOT_MASK] + 1, words[storage + BYTE_MASK] + 1);
  }

  /** The position of the next entry: how many there were before it since the ring was made. */
  get next(): number {
    const storage = this.#storage();
    if (storage === 0) return 0;
    const words = this.#region.memory.words;
    const last = (words[storage + TAIL] - 1) | 0;
    return words[slotOf(words, storage, last) + HIGH] * 2 ** 32 + (last >>> 0);
  }

  /**
   * Appends an entry and drops the `dropped` oldest ones. The caller has made sure that the rest stays below capacity and
   * maxBytes. Throws ERR_REGION_FULL with nothing changed.
   */
  append(payload: Payload, dropped = 0): void {
    const bytesNeeded = this.usedBytes(dropped) + payload.length;
    let storage = this.#storage();
    let words = this.#region.memory.words;
    const slotsNeeded = this.count - dropped + 1;
    const fits =
      storage !== 0 && slotsNeeded <= words[storage + SLOT_MASK] + 1 && bytesNeeded <= words[storage + BYTE_MASK] + 1;
    if (!fits) {
      storage = this.#grow(slotsNeeded, bytesNeeded, dropped);
      words = this.#region.memory.words;
    } else if (dropped > 0) add(words, storage + HEAD, dropped);
    const tail = words[storage + TAIL];
    const before = slotOf(words, storage, tail - 1);
    const slot = slotOf(words, storage, tail);
    const start = endOf(words, before);
    this.#copyIn(storage, start, payload.bytes, 0, payload.length);
    words[slot + START] = start;
    words[slot + LENGTH] = payload.length;
    words[slot + KIND] = payload.kind;
    words[slot + HIGH] = words[before + HIGH] + (tail === 0 ? 1 : 0);
    store(words, storage + TAIL, (tail + 1) | 0);
  }

  /** A private copy of the number-th oldest entry; throws ERR_TABLE_CORRUPT. With `keep` it outlives the next copy. */
  copy(number: number, keep: boolean): Payload {
    const storage = this.#storage();
    const { words, bytes } = this.#region.memory;
    const slot = slotOf(words, storage, words[storage + HEAD] + number);
    const length = words[slot + LENGTH];
    const kind = words[slot + KIND];
    const size = words[storage + BYTE_MASK] + 1;
    if (length < 0 || length > size || !isKind(kind)) throw corruptRing(slot);
    const payload = keep ? { bytes: new Uint8Array(length), length, kind } : incomingPayload(length, kind);
    const from = words[slot + START] & (size - 1);
    const first = Math.min(length, size - from);
    const base = bytesOf(words, storage);
    copyBytes(bytes, base + from, payload.bytes, 0, first);
    copyBytes(bytes, base, payload.bytes, first, length - first);
    return payload;
  }

  /** Bytes of the number-th oldest entry. */
  lengthOf(number: number): number {
    const storage = this.#storage();
    const words = this.#region.memory.words;
    return words[slotOf(words, storage, words[storage + HEAD] + number) + LENGTH];
  }

  /** Removes the `count` oldest entries. */
  drop(count: number): void {
    const words = this.#region.memory.words;
    add(words, this.#storage() + HEAD, count);
  }

  /** Gives back what a dead thread allocated and never linked, or unlinked and never gave back. */
  sweep(): void {
    const storage = this.#storage();
    for (const offset of this.#region.taggedBlocks(KIND_RING, this.#owner)) {
      if (offset >> 2 !== storage) this.#region.release(offset);
    }
  }

  /** Gives all memory back. */
  release(): void {
    const words = this.#region.memory.words;
    store(words, this.#owner + STORAGE, 0);
    store(words, this.#owner + END, 0);
    this.sweep();
  }

  /** Verifies every invariant and reports what is wrong. */
  check(report: (problem: string) => void): void {
    const unlinked = this.#region.taggedBlocks(KIND_RING, this.#owner).filter((at) => at >> 2 !== this.#storage());
    if (unlinked.length > 0) report(`${unlinked.length} blocks belong to the ring and are not linked`);
    const storage = this.#storage();
    if (storage === 0) return;
    const words = this.#region.memory.words;
    const head = words[storage + HEAD];
    const count = this.count;
    if (count < 0 || count > words[storage + SLOT_MASK] + 1) report(`it has ${count} entries, more than its slots`);
    if (count > this.capacity) report(`it has ${count} entries, more than its capacity of ${this.capacity}`);
    if (this.usedBytes() > Math.min(this.maxBytes, words[storage + BYTE_MASK] + 1)) report("its entries overlap");
    for (let number = 0; number < count; number++) {
      const slot = slotOf(words, storage, head + number);
      if (!isKind(words[slot + KIND])) report(`entry ${number} is neither text nor bytes`);
      if (words[slot + LENGTH] < 0) report(`entry ${number} has a negative length`);
      if (number > 0 && words[slot + START] !== endOf(words, slotOf(words, storage, head + number - 1))) {
        report(`entry ${number} does not start where the one before it ends`);
      }
    }
  }

  /** The storage's word; this thread's views reach to its end. */
  #storage(): i32 {
    const memory = this.#region.memory;
    const end = memory.words[this.#owner + END];
    if (end > memory.words.length) memory.cover(end * 4);
    return memory.words[this.#owner + STORAGE];
  }

  /** Moves all entries but the `dropped` oldest into a larger storage. */
  #grow(slotsNeeded: number, bytesNeeded: number, dropped: number): i32 {
    const region = this.#region;
    const old = this.#storage();
    let slots = old === 0 ? FIRST_SLOTS : region.memory.words[old + SLOT_MASK] + 1;
    let size = old === 0 ? FIRST_BYTES : region.memory.words[old + BYTE_MASK] + 1;
    while (slots < slotsNeeded) slots *= 2;
    while (size < bytesNeeded) size *= 2;
    const offset = region.allocate(storageBytes(slots, size), KIND_RING, this.#owner);
    const words = region.memory.words;
    const storage = offset >> 2;
    words[storage + SLOT_MASK] = slots - 1;
    words[storage + BYTE_MASK] = size - 1;
    words[storage + HEAD] = FIRST;
    words[storage + TAIL] = FIRST;
    if (old !== 0) this.#copyEntries(old, storage, dropped);
    store(words, this.#owner + END, Math.max(words[this.#owner + END], storage + (storageBytes(slots, size) >> 2)));
    store(words, this.#owner + STORAGE, storage);
    if (old !== 0) region.release(old * 4);
    return storage;
  }

  #copyEntries(old: i32, storage: i32, dropped: number): void {
    const { words, bytes } = this.#region.memory;
    const tail = words[old + TAIL];
    const head = (words[old + HEAD] + dropped) | 0;
    words[storage + HEAD] = head;
    words[storage + TAIL] = tail;
    const empty = head === tail;
    const last = slotOf(words, old, tail - 1);
    const base = empty ? endOf(words, last) : words[slotOf(words, old, head) + START];
    for (let left = empty ? 1 : (tail - head) | 0; left > 0; left--) {
      const from = slotOf(words, old, tail - left);
      const to = slotOf(words, storage, tail - left);
      words[to + START] = (words[from + START] - base) | 0;
      for (let word = LENGTH; word <= HIGH; word++) words[to + word] = words[from + word];
    }
    const used = (endOf(words, last) - base) >>> 0;
    const oldSize = words[old + BYTE_MASK] + 1;
    const at = base & (oldSize - 1);
    const first = Math.min(used, oldSize - at);
    const [source, target] = [bytesOf(words, old), bytesOf(words, storage)];
    if (first > 0) bytes.set(bytes.subarray(source + at, source + at + first), target);
    if (used > first) bytes.set(bytes.subarray(source, source + used - first), target + first);
  }

  #copyIn(storage: i32, start: i32, from: Uint8Array, at: number, length: number): void {
    const { words, bytes } = this.#region.memory;
    const size = words[storage + BYTE_MASK] + 1;
    const base = bytesOf(words, storage);
    const to = start & (size - 1);
    const first = Math.min(length, size - to);
    copyBytes(from, at, bytes, base + to, first);
    copyBytes(from, at + first, bytes, base, length - first);
  }
}

function slotOf(words: Int32Array, storage: i32, number: i32): i32 {
  return storage + HEADER + ((number & words[storage + SLOT_MASK]) << SLOT_SHIFT);
}

function endOf(words: Int32Array, slot: i32): i32 {
  return (words[slot + START] + words[slot + LENGTH]) | 0;
}

/** The byte where the bytes of a storage begin. */
function bytesOf(words: Int32Array, storage: i32): number {
  return (storage + HEADER + ((words[storage + SLOT_MASK] + 1) << SLOT_SHIFT)) * 4;
}

function storageBytes(slots: number, size: number): number {
  return (HEADER + (slots << SLOT_SHIFT)) * 4 + size;
}

function copyBytes(from: Uint8Array, at: number, to: Uint8Array, target: number, length: number): void {
  if (length > 64) to.set(from.subarray(at, at + length), target);
  else for (let i = 0; i < length; i++) to[target + i] = from[at + i];
}

function corruptRing(at: number): TableError {
  const message = `the memory of a shared queue or log was overwritten: an entry (byte ${at * 4} of the region) is no longer valid`;
  return new TableError("ERR_TABLE_CORRUPT", message, { offset: at * 4 });
}
