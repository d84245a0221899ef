// An object of the region whose words change under one robust mutex, its first words. Base of the queue, the log, the
// counter and the string pool.
//
// Protocol: enter, change, leave. Each change is one atomic store of one word (the commit), everything before it writes
// memory that nobody reads yet. So a thread that dies inside leaves the object before or after its change; the mutex
// names it as its owner, and the next thread that enters takes it over and calls `repair` for what is not part of the
// object's value: blocks that were never linked, wakes that the dead thread owed. The repair may itself be cut off.

import { load } from "../cells/atomics.ts";
import { ClosedError, HoldfastError, NotRecoverableError } from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import { type MutexOperations, mutexOperations } from "../locks/mutex-operations.ts";
import { type LockClass, type LockHandle, LockObject, type PlaceOptions } from "../locks/place.ts";
import { ACQUIRED, ACQUIRED_DIED, LOCK, ownerOf, RETIRED, retire } from "../protocols/mutex.ts";
import { DEADLOCKED, deadlockError } from "../region/deadlock.ts";
import { B_SERIAL, B_STATE, BLOCK_USED } from "../region/layout.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import { lockBlocking, markWordConsistent, payWakes, releaseWord } from "../region/word-lock.ts";
import { abandonShard, unlockShard } from "./shard.ts";

export abstract class GuardedObject extends LockObject {
  /** @internal */
  readonly locks: MutexOperations;

  protected constructor(what: Omit<LockClass, "isWhole">, options: PlaceOptions) {
    // A retired object in the directory was left there by a thread that died in free().
    super({ ...what, isWhole: (words, index) => load(words, index + LOCK) !== RETIRED }, options);
    this.locks = mutexOperations(this.region, blockingAllowed());
  }

  /** Restores what a thread left that died inside; called with the mutex held, and again if it was cut off. @internal */
  protected abstract repair(): void;

  /** Acquires the mutex; repairs first if its last owner died. Throws ERR_CLOSED if the object was freed. */
  protected enter(): void {
    this.assertInUse();
    if (this.locks.lockFast(this.index, this.me) === 0) this.#enterSlow();
  }

  #enterSlow(): void {
    const { region, index, me } = this;
    // Held by this thread, which is in no operation: one of its own was thrown out (its stack ran out even for the
    // release), so the mutex counts as that of a thread that died.
    if (ownerOf(load(region.memory.words, index)) === me) abandonShard(this, index);
    const acquired = lockBlocking(region, index, Number.POSITIVE_INFINITY, this);
    if (acquired === ACQUIRED) return;
    if (acquired === DEADLOCKED) throw deadlockError(region);
    if (acquired !== ACQUIRED_DIED) throw this.#lost();
    try {
      this.repair();
      markWordConsistent(region, index);
    } catch (error) {
      // Released without the mark, the object is out of use for good, and says so.
      releaseWord(region, index);
      throw error;
    }
  }

  #lost(): HoldfastError {
    // The word first: its memory gets its next serial number before another object's word replaces RETIRED.
    if (load(this.region.memory.words, this.index + LOCK) === RETIRED || this.freed) return this.closedError();
    return new NotRecoverableError(
      "ERR_NOT_RECOVERABLE",
      `${this.label()}: a thread died inside and its repair did not finish: free it and create it anew`,
    );
  }

  /** Releases the mutex. */
  protected leave(): void {
    unlockShard(this, this.index, EXCLUSIVE);
  }

  /**
   * Releases the mutex after an error. One of ours came before any change; any other (a stack that ran out) may have
   * struck between two stores, so the mutex is left as by a thread that died.
   */
  protected leaveAfter(error: unknown): void {
    if (error instanceof HoldfastError) this.leave();
    else abandonShard(this, this.index);
  }

  /** Does `work` with the mutex held. */
  protected inside<R>(work: () => R): R {
    let result: R;
    this.enter();
    try {
      result = work();
    } catch (error) {
      this.leaveAfter(error);
      throw error;
    }
    this.leave();
    return result;
  }

  /** Throws ERR_CLOSED if the object was freed; a hint, like every use of freed memory. */
  protected assertInUse(): void {
    const words = this.region.memory.words;
    const inUse = words[this.serialAt - B_SERIAL + B_STATE] === BLOCK_USED && words[this.serialAt] === this.serial;
    if (!inUse) throw this.closedError();
  }

  /** Frees the object: `giveBack` gives back what hangs on it, and sees to those who wait. */
  protected freeGuarded(giveBack: () => void): void {
    this.freePlace(() => {
      try {
        this.enter();
      } catch (error) {
        // An object that can't be repaired can be freed all the same.
        if (!(error instanceof NotRecoverableError)) throw error;
      }
      giveBack();
      const { words } = this.region.memory;
      payWakes(words, this.index, retire(words, this.index, this.me));
    });
  }

  override share(): LockHandle {
    this.assertInUse();
    return super.share();
  }

  /** The state in words for toString(), which never throws. */
  protected override describeState(): string {
    try {
      return this.describeInside();
    } catch (error) {
      return error instanceof ClosedError ? "freed" : "not recoverable";
    }
  }

  /** @internal */
  protected abstract describeInside(): string;
}
