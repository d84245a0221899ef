// A read of a table without its lock: hash, probe, compare, copy out and validate, in one call.
//
// The version of a shard is a sequence lock: odd while a change becomes visible, and another even number after it. A
// reader notes an even version, reads, and validates that the version is still the same; so what it read was the table at
// one moment, and what it noted stays true for as long as the version does (that is what caches rely on). Until it is
// validated, what was read may be anything: every reference is bounded by `limit`, and nothing is decoded. The
// validation is a compare-exchange of the version for itself, since a plain load would not keep the reads before it on
// weakly ordered processors.
//
// What was read outlives the version, too, as long as its row does: a row that leaves the index gets the version 0 before
// the shard's is even again, and one that changes in place gets another. Its memory stays that of a row, whose version no
// earlier row had, until the shard's epoch changes.
//
// The key comes and the row goes by way of a scratch area, which belongs to one thread:
//
//   scratch │ owner 0 0 0 │ shard version found epoch │ known row, its version 0 0 │ 0 × 4 │ key, 64 words │ row, 128 words │

import { cas, type i32, load, peek, poke, type Words } from "../cells/atomics.ts";
import { halfSipHash } from "./table-hash.ts";
import { findSlot } from "./table-index.ts";
import { R_KEY_BYTES, R_VERSION, S_EPOCH, S_HIGH, S_INDEX, S_OLD, S_VERSION, SHARD_WORDS } from "./table-layout.ts";

/** The thread that the area belongs to: its owner id in the region, or 0. */
export const SCRATCH_OWNER: i32 = 0;
/** Where the key belongs, the version under which it was read, the row that was found, and the shard's epoch. */
export const SCRATCH_SHARD: i32 = 4;
export const SCRATCH_VERSION: i32 = 5;
export const SCRATCH_FOUND: i32 = 6;
export const SCRATCH_EPOCH: i32 = 7;
/** A row that the reader has a copy of (0: none), and the version of that row. */
export const SCRATCH_KNOWN_ROW: i32 = 8;
export const SCRATCH_KNOWN_VERSION: i32 = 9;
export const SCRATCH_KEY: i32 = 16;
export const SCRATCH_KEY_WORDS: i32 = 64;
export const SCRATCH_ROW: i32 = SCRATCH_KEY + SCRATCH_KEY_WORDS;
/** A longer row is left where it is: to copy many words, the caller has faster means than a loop. */
export const SCRATCH_ROW_WORDS: i32 = 128;
export const SCRATCH_WORDS: i32 = SCRATCH_ROW + SCRATCH_ROW_WORDS;

/** What a read tells if it is not the length in words of the row that it copied. */
export const MISSING: i32 = 0;
/** The row is the one that the reader has a copy of. */
export const SAME_ROW: i32 = -1;
/** Writers kept changing the shard: take the lock. */
export const CONTENDED: i32 = -2;
/** The row does not fit into the scratch area: it stands at SCRATCH_FOUND as long as the shard has SCRATCH_VERSION. */
export const TOO_LONG: i32 = -3;
/** The shard has memory beyond `limit`: cover it, then try again. */
export const UNCOVERED: i32 = -4;
const UNSETTLED: i32 = -5;

/** Odd, as no version is that a row was read under. */
export const OUTDATED: i32 = 1;

/** Tries of a read before it gives up. */
export const READ_TRIES: i32 = 8;

/** Where a row ends that stands in the index at `row`, in words from its start: the key's end, or the last text's. */
export function rowLength(words: Words, row: i32, keyWord: i32, endWord: i32): i32 {
  const bytes: i32 = peek(words, row + (endWord === 0 ? R_KEY_BYTES : endWord));
  return keyWord + ((bytes + 3) >> 2);
}

/**
 * Reads the row of the key of `keyBytes` bytes in the scratch area into it: the row's length in words, or MISSING,
 * SAME_ROW, CONTENDED, TOO_LONG, UNCOVERED. `shards` is the word of the table's first shard, `shift` takes a hash to the
 * number of its shard; `limit` is the number of words that this thread may read.
 */
export function readRow(
  words: Words,
  shards: i32,
  shift: i32,
  seed0: i32,
  seed1: i32,
  keyWord: i32,
  endWord: i32,
  scratch: i32,
  keyBytes: i32,
  limit: i32,
): i32 {
  const hash: i32 = halfSipHash(words, scratch + SCRATCH_KEY, keyBytes, seed0, seed1);
  const shard: i32 = shards + (hash >>> shift) * SHARD_WORDS;
  poke(words, scratch + SCRATCH_SHARD, shard);
  for (let tries: i32 = 0; tries < READ_TRIES; tries++) {
    const result: i32 = tryRead(words, shard, hash, keyWord, endWord, scratch, keyBytes, limit);
    if (result !== UNSETTLED) return result;
  }
  return CONTENDED;
}

function tryRead(
  words: Words,
  shard: i32,
  hash: i32,
  keyWord: i32,
  endWord: i32,
  scratch: i32,
  keyBytes: i32,
  limit: i32,
): i32 {
  const version: i32 = load(words, shard + S_VERSION);
  if ((version & 1) !== 0) return UNSETTLED;
  // A writer raises this before it links a block, so what it linked before the version was read shows here.
  if (peek(words, shard + S_HIGH) > limit) return UNCOVERED;
  const slot: i32 = slotOf(words, shard, hash, scratch + SCRATCH_KEY, keyBytes, keyWord, limit);
  if (slot < 0) return UNSETTLED;
  const length: i32 = slot === 0 ? MISSING : copyRow(words, shard, peek(words, slot), keyWord, endWord, scratch, limit);
  if (length === UNSETTLED) return UNSETTLED;
  if (cas(words, shard + S_VERSION, version, version) !== version) return UNSETTLED;
  poke(words, scratch + SCRATCH_VERSION, version);
  return length;
}

function slotOf(words: Words, shard: i32, hash: i32, keyAt: i32, keyBytes: i32, keyWord: i32, limit: i32): i32 {
  const index: i32 = peek(words, shard + S_INDEX);
  if (index === 0) return 0;
  const slot: i32 = findSlot(words, index, hash, words, keyAt, keyBytes, keyWord, limit);
  if (slot !== 0) return slot;
  const old: i32 = peek(words, shard + S_OLD);
  return old === 0 ? 0 : findSlot(words, old, hash, words, keyAt, keyBytes, keyWord, limit);
}

function copyRow(words: Words, shard: i32, row: i32, keyWord: i32, endWord: i32, scratch: i32, limit: i32): i32 {
  if (row <= 0 || row > limit - keyWord) return UNSETTLED;
  poke(words, scratch + SCRATCH_EPOCH, peek(words, shard + S_EPOCH));
  if (row === peek(words, scratch + SCRATCH_KNOWN_ROW)) {
    if (peek(words, row + R_VERSION) === peek(words, scratch + SCRATCH_KNOWN_VERSION)) return SAME_ROW;
  }
  const length: i32 = rowLength(words, row, keyWord, endWord);
  if (length <= 0 || length > limit - row) return UNSETTLED;
  poke(words, scratch + SCRATCH_FOUND, row);
  if (length > SCRATCH_ROW_WORDS) return TOO_LONG;
  const to: i32 = scratch + SCRATCH_ROW;
  for (let i: i32 = 0; i < length; i++) poke(words, to + i, peek(words, row + i));
  return length;
}

/**
 * Whether what was read under `version` of the shard is still so, and the block of the table (the word of its serial
 * number) is still the one that it was: 1 or 0.
 */
export function isCurrent(words: Words, shard: i32, version: i32, serialAt: i32, serial: i32): i32 {
  if (load(words, shard + S_VERSION) !== version) return 0;
  return peek(words, serialAt) === serial ? 1 : 0;
}

/**
 * Whether a row that was read under an earlier version and this epoch of the shard still stands in the table as it was
 * read: the version under which it does, or OUTDATED if it does not, or may not. The version is read first: what was
 * changed up to then shows in the row. The epoch is read last: had the row's memory been put to another use, the epoch
 * would have changed before.
 */
export function renewedVersion(
  words: Words,
  shard: i32,
  row: i32,
  rowVersion: i32,
  epoch: i32,
  serialAt: i32,
  serial: i32,
): i32 {
  const version: i32 = load(words, shard + S_VERSION);
  if ((version & 1) !== 0) return OUTDATED;
  if (load(words, row + R_VERSION) !== rowVersion) return OUTDATED;
  if (load(words, shard + S_EPOCH) !== epoch) return OUTDATED;
  return peek(words, serialAt) === serial ? version : OUTDATED;
}
