// The version of a stamped lock: a seqlock's counter beside the read-write lock (protocols/rw-lock.ts), whose writer alone
// moves it. After java.util.concurrent's StampedLock and Linux's seqcount.
//
// Word VERSION   even, 2 … 2^30-2: nobody writes; odd: somebody writes, or died while writing and nobody repaired yet
//
// write: lock, VERSION odd, data, VERSION even, unlock. optimistic read: VERSION even? data, VERSION unchanged?
// The second look is an exchange of the version with itself: a plain read of the data may pass a later atomic load, but
// not a read-modify-write. A writer that died leaves the version odd; the next one moves it on, to another odd number, so
// no optimistic read ever validates across the death; it stays odd as long as the state is in doubt.
// A version comes again after 2^29 writes: a read would have to last that long.

import { cas, type i32, load, store, type Words } from "../cells/atomics.ts";
import { VERSION } from "./rw-lock.ts";

const LAST: i32 = 0x3ffffffe;

const FIRST_VERSION: i32 = 2;

/** Makes the version of a new lock: even, and none that was seen before in this place. */
export function renewVersion(words: Words, index: i32): void {
  const version = load(words, index + VERSION) & ~1;
  store(words, index + VERSION, version >= LAST ? FIRST_VERSION : version + 2);
}

/** The stamp of an optimistic read, 0 while somebody writes. */
export function optimisticStamp(words: Words, index: i32): i32 {
  const version = load(words, index + VERSION);
  return (version & 1) === 0 ? version : 0;
}

/** Whether nobody has written since this version. */
export function isVersion(words: Words, index: i32, stamp: i32): boolean {
  return cas(words, index + VERSION, stamp, stamp) === stamp;
}

/** The writer begins: the version is odd, and none that was seen before. Only with the write hold. */
export function beginVersion(words: Words, index: i32): void {
  const version = load(words, index + VERSION);
  store(words, index + VERSION, (version & 1) === 0 ? version + 1 : version >= LAST ? 1 : version + 2);
}

/** The writer is done: the version is even, and none that was seen before. Only with the write hold. */
export function endVersion(words: Words, index: i32): void {
  const version = load(words, index + VERSION);
  store(words, index + VERSION, version >= LAST ? FIRST_VERSION : version + 1);
}
