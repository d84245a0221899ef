// What the locks that one thread holds at a time share but for acquiring them (exclusive-lock.ts): their words, what they
// tell of themselves, and their end. All state is in the shared memory (protocols/mutex.ts).
//
// Invariant: whatever a subclass keeps about a hold (a reentrant mutex its levels) is set by `began` in the very step by
// which this thread got the lock, before any other code of the thread can run.

import { load, peek, store } from "../cells/atomics.ts";
import { NotOwnerError, RegionError } from "../cells/errors.ts";
import { blockingAllowed, wake } from "../cells/park.ts";
import { lineWords } from "../protocols/fair-line.ts";
import {
  BASE,
  HOLD,
  ISSUED,
  isInconsistent,
  LOCK,
  MUTEX_WORDS,
  markConsistent,
  NOT_OWNER,
  NOT_RECOVERABLE,
  ownerOf,
  POLICY,
  RETIRED,
  renew,
  retire,
  SLOW,
  takeFromDead,
  WAKE_EVERYONE,
  WAKE_NEXT,
  WAKE_SYNC,
} from "../protocols/mutex.ts";
import { wakeLine, wakeNext } from "../region/fair-lock.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import { isRecording } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";
import { countSleepers, isAlive, threadIdOf } from "../region/threads.ts";
import { payChosen } from "../region/wait-queue.ts";
import { ownerIsDead, payRelease } from "../region/word-lock.ts";
import { awaitingHere } from "./async-queue.ts";
import type { SavedHold } from "./condition-lock.ts";
import { checkFair, type ExclusiveOptions, type MutexStats, makeLine } from "./exclusive-options.ts";
import { awaitingFair } from "./fair-queue.ts";
import type { Held } from "./guard.ts";
import type { MutexOperations } from "./mutex-operations.ts";
import { LockObject } from "./place.ts";

/** What the base needs of a guard. */
export interface Releasable {
  release(): void;
  markConsistent(): boolean;
}

/** A lock that one thread holds at a time, but for the ways to acquire it. */
export abstract class ExclusiveBase<G extends Releasable> extends LockObject implements Held {
  /** @internal */
  protected readonly operations: MutexOperations;
  /**
   * Without WebAssembly the fast paths call the protocol's functions by name: V8 inlines those, whatever else the thread has,
   * and `operations` only where all its regions are of one kind (measured: 23 ns a pair in place of 30). @internal
   */
  protected readonly bare: boolean;
  /** @internal Word index of the line of a fair lock's waiters; 0: the lock is not fair. */
  protected readonly line: number;

  protected constructor(
    kind: number,
    tag: string,
    options: ExclusiveOptions,
    operations: (region: Region, mayBlock: boolean) => MutexOperations,
  ) {
    const wanted = checkFair(options);
    super(
      {
        kind,
        tag,
        bytes: () => MUTEX_WORDS * 4,
        init: (words, index, region) => {
          store(words, index + POLICY, wanted === true ? -makeLine(region, index) : 0);
          // A line that was added may have made the region longer.
          renew(region.memory.words, index);
        },
        // A retired lock in the directory was left there by a thread that died in free().
        isWhole: (words, index) => load(words, index + LOCK) !== RETIRED,
      },
      options,
    );
    this.operations = operations(this.region, blockingAllowed());
    this.bare = this.region.core === undefined && blockingAllowed();
    this.line = Math.max(0, -peek(this.words, this.index + POLICY));
    if (wanted !== undefined && wanted !== this.fair) {
      const message = `${this.label()} was made with fair: ${this.fair}, not ${wanted}`;
      throw new RegionError("ERR_REGION_OPTIONS", message, { fair: this.fair });
    }
    if (this.fair) this.region.memory.cover((this.line + lineWords(this.region.maxThreads)) * 4);
  }

  // lock, unlock and releaseHold are each class's own: a call site that both classes shared would see two Wasm functions,
  // and V8 inlines none then (measured: 19 ns a pair in place of 9).
  /** @internal */
  abstract releaseHold(ticket: number): boolean;
  /** @internal The guard of the hold with this ticket. */
  protected abstract guardOf(ticket: number): G;
  /** @internal This thread has just got the lock; `byTask`: for a task. */
  protected abstract began(byTask: boolean): void;
  /** @internal The lock is this thread's already: throws what a second acquisition comes to. */
  protected abstract heldAlready(): never;
  /** @internal The hold as it is now, for a wait. */
  protected abstract saveHold(): SavedHold;
  /** @internal Sets back what {@link saveHold} saved, but for the ticket. */
  protected abstract restoreHold(saved: SavedHold): void;
  /** @internal Gives up the whole hold: the wakes owed. */
  protected abstract releaseAll(): number;

  /** Whether it is first in, first out. */
  get fair(): boolean {
    return this.line !== 0;
  }

  /** Whether some thread holds the lock, at this moment. A dead one holds it until the next owner takes it over. */
  get locked(): boolean {
    return ownerOf(this.word()) !== 0;
  }

  /** Whether this thread (any task of it) holds the lock. */
  get heldByMe(): boolean {
    return ownerOf(this.word()) === this.me;
  }

  /** The thread id (0 is the main thread) of the thread that holds the lock; undefined if none does, or it died. */
  get owner(): number | undefined {
    const owner = ownerOf(this.word());
    return owner === 0 || owner === NOT_RECOVERABLE ? undefined : threadIdOf(this.region.memory.words, owner);
  }

  /** Threads that sleep for the lock, and tasks of this thread that await it. */
  get waiters(): number {
    const tasks = this.fair ? awaitingFair(this.region, this.line) : awaitingHere(this.region, this.index);
    return countSleepers(this.region.memory.words, this.index) + tasks;
  }

  /** Acquisitions so far, and how many of them were contended. */
  stats(): MutexStats {
    const { words } = this;
    const issued = peek(words, this.index + ISSUED) || peek(words, this.index + HOLD);
    const acquisitions = (issued - peek(words, this.index + BASE)) & 0x3fffffff;
    return { acquisitions, contended: peek(words, this.index + SLOW) };
  }

  /**
   * After ERR_OWNER_DIED, with the lock held: declares the protected state repaired. False if it was not in question.
   * Throws ERR_NOT_OWNER if this thread does not hold the lock.
   */
  markConsistent(): boolean {
    if (!this.heldByMe) throw this.notOwner("markConsistent");
    return markConsistent(this.region.memory.words, this.index, this.me);
  }

  /** @internal */
  isHold(ticket: number): boolean {
    return this.heldByMe && peek(this.region.memory.words, this.index + HOLD) === ticket;
  }

  /**
   * Gives the lock's memory back. Everyone who still uses it, or waits for it, gets ERR_CLOSED, even if the memory serves
   * another lock by then. Throws ERR_IN_USE, with nothing changed, if another living thread holds it.
   */
  free(): void {
    this.freePlace(() => {
      const { words } = this;
      let owed = retire(words, this.index, this.me);
      if (owed === NOT_OWNER) {
        const word = this.word();
        const ours = ownerIsDead(words, word, true) && takeFromDead(words, this.index, this.me, word);
        if (ours) owed = retire(words, this.index, this.me);
      }
      if (owed === NOT_OWNER) throw this.inUseError();
      this.pay(owed);
      if (this.fair) this.region.release(this.line * 4);
    });
  }

  /** @internal */
  override get freed(): boolean {
    // The word first: its memory gets its next serial number before another lock's word replaces RETIRED.
    return this.word() === RETIRED || !this.isCurrent();
  }

  /** @internal */
  isHeldForWait(): boolean {
    return this.heldByMe;
  }

  /** @internal */
  isLost(): boolean {
    return ownerOf(this.word()) === NOT_RECOVERABLE || super.freed;
  }

  /** @internal */
  get plainMutex(): number {
    return 0;
  }

  /** Pays the wakes that a release owes. @internal */
  protected pay(owed: number): void {
    const { memory, owedWakes } = this.region;
    const { words } = memory;
    if (owed === WAKE_SYNC && owedWakes.length === 0 && !isRecording()) {
      // The usual case by the shortest way: the core of the thread that is woken may be idle until then.
      wake(words, this.index + LOCK, 1);
      return;
    }
    if (owedWakes.length > 0) payChosen(this.region, this.index);
    payRelease(memory, this.index, owed, EXCLUSIVE);
    // Of the lock whose memory it is: another one's, if this one was freed between its taking and its giving back.
    const line = -peek(words, this.index + POLICY);
    if ((owed & WAKE_NEXT) !== 0 && line > 0) wakeNext(words, this.index, line);
    if ((owed & WAKE_EVERYONE) !== 0 && this.fair) wakeLine(words, this.line);
  }

  /** @internal */
  protected word(): number {
    return load(this.region.memory.words, this.index + LOCK);
  }

  /** @internal */
  protected override describeState(): string {
    const word = this.word();
    const owner = ownerOf(word);
    if (owner === 0) return "free";
    if (owner === NOT_RECOVERABLE) return "not recoverable";
    const { words } = this.region.memory;
    const doubt = isInconsistent(word) ? ", state inconsistent since an owner died" : "";
    if (owner === this.me) return `held by this thread (${threadIdOf(words, owner)})${doubt}`;
    return isAlive(words, owner) ? `held by thread ${threadIdOf(words, owner)}${doubt}` : "held by a thread that died";
  }

  /** @internal */
  protected notOwner(call: string): NotOwnerError {
    const message = `${call}: this thread does not hold ${this.label()}, which is ${this.describeState()}`;
    return new NotOwnerError("ERR_NOT_OWNER", message, { owner: this.owner });
  }
}
