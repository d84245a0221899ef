// What the Wasm module exports: whole short operations of the protocols, bound to the memory's first byte.
import * as mutex from "../protocols/mutex";
import * as spin from "../protocols/spin";
import * as lockWait from "../protocols/lock-wait";
import * as barrier from "../protocols/barrier";
import * as condition from "../protocols/condition";
import * as reentrant from "../protocols/reentrant-mutex";
import * as rw from "../protocols/rw-lock";
import * as rwSpin from "../protocols/rw-spin";
import * as stamped from "../protocols/stamped";
import * as semaphore from "../protocols/semaphore";
import * as table from "../protocols/table-read";

export function tryLock(index: i32, me: i32): i32 {
  return mutex.tryLock(0, index, me);
}

export function unlock(index: i32, me: i32): i32 {
  return mutex.unlock(0, index, me);
}

export function unlockHold(index: i32, me: i32, ticket: i32): i32 {
  return mutex.unlockHold(0, index, me, ticket);
}

export function lockStep(index: i32, me: i32, slept: i32, starver: i32): i32 {
  return mutex.lockStep(0, index, me, slept, starver);
}

export function spinForLock(index: i32, me: i32, slept: i32, starver: i32, limit: i32): i32 {
  return spin.spinForLock(0, index, me, slept, starver, limit);
}

export function sleepForLock(
  index: i32,
  me: i32,
  seatAt: i32,
  seen: i32,
  how: i32,
  ms: i32,
  limit: i32,
): i32 {
  return lockWait.sleepForLock(0, index, me, seatAt, seen, how, ms, limit);
}

export function waitForLock(
  index: i32,
  me: i32,
  seatAt: i32,
  how: i32,
  ms: i32,
  limit: i32,
): i32 {
  return lockWait.waitForLock(0, index, me, seatAt, how, ms, limit);
}

export function lockReentrant(index: i32, me: i32): i32 {
  return reentrant.lockReentrant(0, index, me);
}

export function unlockReentrant(index: i32, me: i32): i32 {
  return reentrant.unlockReentrant(0, index, me);
}

export function unlockLevel(index: i32, me: i32, ticket: i32): i32 {
  return reentrant.unlockLevel(0, index, me, ticket);
}

export function enterRead(index: i32, cell: i32): i32 {
  return rw.enterRead(0, index, cell);
}

export function leaveRead(index: i32, cell: i32): i32 {
  return rw.leaveRead(0, index, cell);
}

export function tryWrite(index: i32, cell: i32, me: i32): i32 {
  return rw.tryWrite(0, index, cell, me);
}

export function endWrite(index: i32, me: i32, ticket: i32): i32 {
  return rw.endWrite(0, index, me, ticket);
}

export function watchMode(index: i32, limit: i32): i32 {
  return rwSpin.watchMode(0, index, limit);
}

export function watchReaders(index: i32, limit: i32): i32 {
  return rwSpin.watchReaders(0, index, limit);
}

export function optimisticStamp(index: i32): i32 {
  return stamped.optimisticStamp(0, index);
}

export function isVersion(index: i32, stamp: i32): bool {
  return stamped.isVersion(0, index, stamp);
}

export function acquirePermits(index: i32, n: i32): i32 {
  return semaphore.acquireFast(0, index, n);
}

export function spinForPermits(index: i32, n: i32, limit: i32): i32 {
  return semaphore.spinForPermits(0, index, n, limit);
}

export function releasePermits(index: i32, n: i32): i32 {
  return semaphore.release(0, index, n);
}

export function releaseAndWake(index: i32, n: i32): i32 {
  return semaphore.releaseAndWake(0, index, n);
}

export function beginAcquire(index: i32, n: i32, me: i32): i32 {
  return semaphore.beginAcquire(0, index, n, me);
}

export function sleepForPermits(
  index: i32,
  n: i32,
  me: i32,
  seatAt: i32,
  expected: i32,
  ms: i32,
  serialAt: i32,
  serial: i32,
): i32 {
  return semaphore.sleepForPermits(0, index, n, me, seatAt, expected, ms, serialAt, serial);
}

export function readRow(
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
  return table.readRow(0, shards, shift, seed0, seed1, keyWord, endWord, scratch, keyBytes, limit);
}

export function renewedVersion(
  shard: i32,
  row: i32,
  rowVersion: i32,
  epoch: i32,
  serialAt: i32,
  serial: i32,
): i32 {
  return table.renewedVersion(0, shard, row, rowVersion, epoch, serialAt, serial);
}

export function isCurrent(shard: i32, version: i32, serialAt: i32, serial: i32): i32 {
  return table.isCurrent(0, shard, version, serialAt, serial);
}

export function beginWait(table: i32, lock: i32, me: i32, seatAt: i32): i32 {
  return condition.beginWait(0, table, lock, me, seatAt);
}

export function sleepWait(table: i32, lock: i32, me: i32, seatAt: i32, index: i32, ms: i32): i32 {
  return condition.sleepWait(0, table, lock, me, seatAt, index, ms);
}

export function chooseFor(table: i32, lock: i32, me: i32): i32 {
  return condition.chooseFor(0, table, lock, me);
}

export function dueFor(table: i32, lock: i32, me: i32): i32 {
  return condition.dueFor(0, table, lock, me);
}

export function arriveUsual(index: i32, me: i32, seatAt: i32): i32 {
  return barrier.arriveUsual(0, index, me, seatAt);
}

export function sleepForOthers(index: i32, seatAt: i32, ms: i32): i32 {
  return barrier.sleepForOthers(0, index, seatAt, ms);
}
