// One shard of a table: its lock, its index with incremental growth, and the commits of its rows.
//
// Protocol of a writer, with the lock held: write a new row completely, make the version odd, commit the row by one atomic
// store of its slot, make the version even, free what the commit replaced. A thread that ends at any point leaves the table before or after the
// commit; what is not in the index is swept up by the next owner (recover.ts).
//
// Growth: a new index of twice the size becomes `index`, the one before `old`; each write moves two buckets of `old`. A
// row that moves is stored in the new index first and then cleared in the old one, and a search looks at the new index
// first, so a row that is there is found at every step. Moving is over long before the new index fills: it takes half
// as many writes as there were buckets.
//
// Readers without the lock validate the version, a sequence lock: odd from before a commit until it is complete, then
// another even number, before anything is reused. So what was read under an even version is right for as long as the
// version stays, in every thread's cache too. A row that leaves the index is marked by its own version, after the store of
// the slot and before the shard's version is even again: so what was read of a row is right for as long as its version
// stays, if its memory was not given back meanwhile (the epoch). A thread that ends between the store and the mark leaves
// a row that is not marked; the repair changes the epoch.

import { add, cas, type i32, load, store, type Words } from "../cells/atomics.ts";
import { HoldfastError } from "../cells/errors.ts";
import type { MutexOperations } from "../locks/mutex-operations.ts";
import {
  ASYNC_WAITERS,
  NOT_OWNER,
  OWNER_DIED,
  ownerOf,
  RELEASED,
  STARVING,
  WAKE_ASYNC,
  WAKE_SYNC,
} from "../protocols/mutex.ts";
import { bucketAt, clearSlot, fillSlot, findSlot, freeSlot, isSlotOf } from "../protocols/table-index.ts";
import {
  B_SLOTS,
  BUCKET_WORDS,
  growAbove,
  I_MASK,
  indexWords,
  PLAIN,
  R_HASH,
  R_TAG,
  R_VERSION,
  S_COUNT,
  S_HIGH,
  S_INDEX,
  S_OLD,
  S_POSITION,
  S_ROW_VERSION,
  S_VERSION,
  SLOTS,
} from "../protocols/table-layout.ts";
import { PART } from "../region/record-holds.ts";
import { R_GROWTHS } from "../region/record-layout.ts";
import { isRecording } from "../region/record-memory.ts";
import { countOf } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import { acquireWord, markWordConsistent, payRelease, payWakes, releaseWord } from "../region/word-lock.ts";
import { outgoing } from "./image.ts";
import { recoverShard } from "./recover.ts";
import { allocateRow, freeRow, giveBlock, takeBlock } from "./slab.ts";
import { assertIndex, corrupt } from "./walk.ts";

/** What the lock of a shard needs of this thread. */
export interface Space {
  readonly region: Region;
  /** This thread's owner id in the region. */
  readonly me: number;
  readonly locks: MutexOperations;
}

/** Buckets of the old index that one write moves. */
const BUCKETS_A_WRITE: i32 = 2;

/**
 * Takes a shard's lock; repairs the shard first if its last owner died. Blocks. The caller makes sure that this thread is
 * inside no other operation of the table.
 */
export function lockShard(space: Space, shard: i32): void {
  if (space.locks.lockFast(shard, space.me) === 0) lockShardSlow(space, shard);
  const memory = space.region.memory;
  const end = memory.words[shard + S_HIGH];
  if (end > memory.words.length) memory.cover(end * 4);
}

function lockShardSlow(space: Space, shard: i32): void {
  const { region, me } = space;
  // Held by this thread, which is in no operation: an operation of its own was thrown out (its stack ran out even for
  // the release), so its lock counts as that of a thread that died.
  if (ownerOf(load(region.memory.words, shard)) === me) abandonShard(space, shard);
  if (acquireWord(region, shard) === 1) return;
  try {
    recoverShard(region, shard, (other) => {
      lockShard(space, other);
      unlockShard(space, other);
    });
    markWordConsistent(region, shard);
  } catch (error) {
    // Released without the mark, the shard is out of use for good, and says so.
    releaseWord(region, shard);
    throw error;
  }
}

/** Releases the shard; `how`: EXCLUSIVE for the lock of an object that has no other. */
export function unlockShard(space: Space, shard: i32, how: number = PART): void {
  const owed = space.locks.unlock(shard, space.me);
  if (owed !== RELEASED && owed !== NOT_OWNER) payRelease(space.region.memory, shard, owed, how);
}

/** Releases a shard in the middle of a change as a thread does that dies: the next owner repairs it. */
export function abandonShard(space: Space, shard: i32): void {
  const words = space.region.memory.words;
  for (;;) {
    const word = load(words, shard);
    if (cas(words, shard, word, (word & STARVING) | OWNER_DIED) !== word) continue;
    payWakes(words, shard, (word < 0 ? WAKE_SYNC : 0) | ((word & ASYNC_WAITERS) !== 0 ? WAKE_ASYNC : 0));
    return;
  }
}

/** The slot of the key in the outgoing image, or 0; as {@link findSlot}. */
export function findInShard(words: Words, shard: i32, hash: i32, keyWord: i32, keyBytes: i32, limit: i32): i32 {
  const index = words[shard + S_INDEX];
  if (index === 0) return 0;
  const slot = findSlot(words, index, hash, outgoing.words, keyWord, keyBytes, keyWord, limit);
  if (slot !== 0) return slot;
  const old = words[shard + S_OLD];
  return old === 0 ? 0 : findSlot(words, old, hash, outgoing.words, keyWord, keyBytes, keyWord, limit);
}

/** As {@link findInShard} for the lock's holder: 0 or a slot. Throws ERR_TABLE_CORRUPT where the index was overwritten. */
export function findLocked(words: Words, shard: i32, hash: i32, keyWord: i32, keyBytes: i32): i32 {
  const slot = findInShard(words, shard, hash, keyWord, keyBytes, words.length);
  if (slot >= 0) return slot;
  assertIndexes(words, shard);
  // Sound, but its search is longer than a reader without the lock would believe.
  return findInShard(words, shard, hash, keyWord, keyBytes, 0);
}

function assertIndexes(words: Words, shard: i32): void {
  assertIndex(words, words[shard + S_INDEX]);
  if (words[shard + S_OLD] !== 0) assertIndex(words, words[shard + S_OLD]);
}

/** Puts a row into the index. Throws ERR_TABLE_CORRUPT if there is no slot, where there must be one. */
export function placeRow(words: Words, index: i32, hash: i32, row: i32): void {
  const slot = freeSlot(words, index, hash);
  if (slot === 0) throw corrupt("its index", index);
  fillSlot(words, index, slot, hash, row);
}

/** Copies the outgoing image of `length` words into a new row, which is in no slot yet; throws ERR_REGION_FULL. */
export function writeRow(region: Region, shard: i32, hash: i32, length: i32): i32 {
  const row = allocateRow(region, shard, length);
  const words = region.memory.words;
  const image = outgoing.words;
  image[R_HASH] = hash;
  image[R_VERSION] = nextRowVersion(words, shard);
  if (length > 64) words.set(image.subarray(R_HASH, length), row + R_HASH);
  else for (let i = R_HASH; i < length; i++) words[row + i] = image[i];
  words[row + R_TAG] |= image[R_TAG] & PLAIN;
  return row;
}

/** The version of the next row that the shard writes, never 0; a version comes again after 2^32 writes. */
export function nextRowVersion(words: Words, shard: i32): i32 {
  const version = (words[shard + S_ROW_VERSION] + 1) | 0 || 1;
  words[shard + S_ROW_VERSION] = version;
  return version;
}

/** From here on readers without the lock wait: a change is about to become visible. */
export function beginChange(words: Words, shard: i32): void {
  add(words, shard + S_VERSION, 1);
}

/** A number of the row is about to change where it stands. The row's version first: it must never belong to two values. */
export function beginInPlace(words: Words, shard: i32, row: i32): void {
  beginChange(words, shard);
  words[row + R_VERSION] = nextRowVersion(words, shard);
}

/** The row left the index: whoever has a copy of it must not believe it beyond the change that is under way. */
export function markGone(words: Words, row: i32): void {
  words[row + R_VERSION] = 0;
}

/** The change is complete. */
export function endChange(words: Words, shard: i32): void {
  add(words, shard + S_VERSION, 1);
}

/** Replaces the row in `slot` by the outgoing image; throws ERR_REGION_FULL with nothing changed. */
export function replaceRow(region: Region, shard: i32, slot: i32, hash: i32, length: i32): void {
  const row = writeRow(region, shard, hash, length);
  const words = region.memory.words;
  const before = words[slot];
  beginChange(words, shard);
  store(words, slot, row);
  markGone(words, before);
  endChange(words, shard);
  freeRow(region, shard, before);
}

/** Adds the outgoing image as a row of a key that the shard has not; throws ERR_REGION_FULL with nothing changed. */
export function insertRow(region: Region, shard: i32, hash: i32, length: i32, firstBuckets: i32): void {
  makeRoom(region, shard, firstBuckets, 1);
  const row = writeRow(region, shard, hash, length);
  const words = region.memory.words;
  const index = words[shard + S_INDEX];
  beginChange(words, shard);
  placeRow(words, index, hash, row);
  words[shard + S_COUNT] += 1;
  endChange(words, shard);
}

/** Removes the row in `slot`. */
export function removeRow(region: Region, shard: i32, slot: i32): void {
  const words = region.memory.words;
  const row = words[slot];
  const index = words[shard + S_INDEX];
  beginChange(words, shard);
  clearSlot(words, isSlotOf(words, index, slot) ? index : words[shard + S_OLD], slot);
  words[shard + S_COUNT] -= 1;
  markGone(words, row);
  endChange(words, shard);
  freeRow(region, shard, row);
}

/** Moves a few buckets if the shard is growing: every write begins with it. */
export function moveOn(region: Region, shard: i32): void {
  if (region.memory.words[shard + S_OLD] !== 0) moveBuckets(region, shard, BUCKETS_A_WRITE);
}

/** Moves all that is left of the old index. */
function finishMoving(region: Region, shard: i32): void {
  moveBuckets(region, shard, 0x7fffffff);
}

function moveBuckets(region: Region, shard: i32, count: i32): void {
  const words = region.memory.words;
  assertIndexes(words, shard);
  const old = words[shard + S_OLD];
  const buckets = words[old + I_MASK] + 1;
  let position = words[shard + S_POSITION];
  for (let left = count; left > 0 && position < buckets; left--) {
    moveBucket(words, shard, old, position);
    words[shard + S_POSITION] = ++position;
  }
  if (position < buckets) return;
  words[shard + S_OLD] = 0;
  words[shard + S_POSITION] = 0;
  // A reader without the lock may still be in the old index: it must not believe what it finds there from now on.
  add(words, shard + S_VERSION, 2);
  giveBlock(region, old);
}

function moveBucket(words: Words, shard: i32, old: i32, position: i32): void {
  const index = words[shard + S_INDEX];
  const bucket = bucketAt(old, position);
  for (let slot = bucket + B_SLOTS + 1; slot < bucket + BUCKET_WORDS; slot += 2) {
    const row = words[slot];
    if (row === 0) continue;
    const hash = words[slot - 1];
    placeRow(words, index, hash, row);
    // A reader without the lock that missed the row in the new index must not look in the old one after this.
    add(words, shard + S_VERSION, 2);
    clearSlot(words, old, slot);
  }
}

/** Makes sure that the index takes `more` rows; throws ERR_REGION_FULL with nothing changed. */
export function makeRoom(region: Region, shard: i32, firstBuckets: i32, more: i32): void {
  const words = region.memory.words;
  const index = words[shard + S_INDEX];
  const wanted = words[shard + S_COUNT] + more;
  const has = index === 0 ? 0 : words[index + I_MASK] + 1;
  if (wanted <= growAbove(has)) return;
  let buckets = index === 0 ? firstBuckets : has * 2;
  while (wanted > growAbove(buckets)) buckets *= 2;
  if (words[shard + S_OLD] !== 0) finishMoving(region, shard);
  try {
    startIndex(region, shard, buckets);
  } catch (error) {
    // A full region only means that the index fills up beyond its usual load.
    if (!(error instanceof HoldfastError) || error.code !== "ERR_REGION_FULL" || wanted > has * SLOTS) throw error;
  }
}

function startIndex(region: Region, shard: i32, buckets: i32): void {
  const index = takeBlock(region, shard, indexWords(buckets));
  const words = region.memory.words;
  if (isRecording() && words[shard + S_INDEX] !== 0) countOf(region.memory, shard, R_GROWTHS, 1);
  words[index + I_MASK] = buckets - 1;
  words[shard + S_POSITION] = 0;
  // Both words name the same index for a moment: nothing is lost, and a search reads it twice at worst.
  words[shard + S_OLD] = words[shard + S_INDEX];
  store(words, shard + S_INDEX, index);
}
