// The guards of a stamped lock, and the stamps of this thread's read holds: one is given back once only, whether by its
// guard, by unlock() or by a conversion.

import type { Region } from "../region/region.ts";
import { Guard, type Held } from "./guard.ts";

/** What a read guard needs of its lock. */
export interface StampedHeld {
  /** Ends the read hold of this stamp; false if it is over. @internal */
  endStampedRead(stamp: number): boolean;
  /** Whether it is the stamp of a read hold of this thread. @internal */
  isReadStamp(stamp: number): boolean;
}

/** A read hold of a StampedLock. */
export class StampedReadGuard<L extends StampedHeld = StampedHeld> implements Disposable {
  /** The lock that is held. */
  readonly lock: L;
  /** The hold's stamp, for unlock() and the conversions. */
  readonly stamp: number;

  /** @internal */
  constructor(lock: L, stamp: number) {
    this.lock = lock;
    this.stamp = stamp;
  }

  /** Ends this read hold; does nothing if it is over or was converted. Never blocks. */
  release(): void {
    this.lock.endStampedRead(this.stamp);
  }

  /** Whether this guard still holds the lock. */
  get held(): boolean {
    return this.lock.isReadStamp(this.stamp);
  }

  /** Always false: a reader can't repair what a writer left half-changed. */
  markConsistent(): boolean {
    return false;
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** The write hold of a StampedLock. */
export class StampedWriteGuard<L extends Held = Held> extends Guard<L> {
  /** The hold's stamp, for unlock() and the conversions. */
  readonly stamp: number;

  /** @internal */
  constructor(lock: L, ticket: number, stamp: number) {
    super(lock, ticket);
    this.stamp = stamp;
  }
}

let lastRead = 0;

/** A stamp that none of the thread's read holds in `taken` has. */
export function nextReadStamp(taken: Set<number>): number {
  do lastRead = (lastRead & 0x3fffffff) + 1;
  while (taken.has(-lastRead));
  return -lastRead;
}

const readStamps = new WeakMap<Region, Map<number, Set<number>>>();

/** The stamps of this thread's read holds of the lock at a word index: any handle of the lock ends them. */
export function readsOf(region: Region, index: number): Set<number> {
  let byLock = readStamps.get(region);
  if (byLock === undefined) {
    byLock = new Map();
    readStamps.set(region, byLock);
  }
  let stamps = byLock.get(index);
  if (stamps === undefined) {
    stamps = new Set();
    byLock.set(index, stamps);
  }
  return stamps;
}
