// A read-write lock as an object: where it lies, its state, the ends of its holds, its errors. The state is in the shared
// memory (protocols/rw-lock.ts); acquiring is in rw-base.ts.

import { load } from "../cells/atomics.ts";
import {
  NotOwnerError,
  NotRecoverableError,
  OwnerDiedError,
  TimeoutError,
  WouldDeadlockError,
} from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import {
  ACQUIRED,
  HELD_BY_ME,
  LOCK,
  MUST_WAIT,
  NOT_OWNER,
  ownerOf,
  RELEASED,
  RETIRED,
  retire,
} from "../protocols/mutex.ts";
import {
  C_COUNT,
  C_OWNER,
  CELL_WORDS,
  CELLS,
  cellOf,
  clearDoubt,
  closeForGood,
  firstHeld,
  holdsGate,
  isGone,
  isPoisoned,
  isWriting,
  MAX_READS,
  MODE,
  OVERFLOW,
  rwLockWords,
  writeStep,
} from "../protocols/rw-lock.ts";
import { DEADLOCKED, deadlockError } from "../region/deadlock.ts";
import { isAlive, threadIdOf } from "../region/threads.ts";
import { awaitingHere } from "./async-queue.ts";
import { LockObject, type PlaceOptions } from "./place.ts";
import type { Releasable, RwOptions } from "./rw-guards.ts";
import { type RwOperations, rwOperations } from "./rw-operations.ts";
import {
  claimHere,
  gateIsMine,
  gateNow,
  giveBackDead,
  payRwRelease,
  payRwWakes,
  type RwPlace,
  readsHere,
  recoverDeadWriter,
  releaseGate,
  reopen,
} from "./rw-waiting.ts";

/** Base of the read-write locks: all but acquiring. */
export abstract class RwObject<K extends string = string> extends LockObject<K> implements RwPlace {
  /** Index of this thread's reader cell. @internal */
  readonly cell: number;
  /** @internal */
  protected readonly operations: RwOperations;

  protected constructor(kind: number, tag: K, options: PlaceOptions, init: (words: Int32Array, index: number) => void) {
    super(
      {
        kind,
        tag,
        bytes: (region) => rwLockWords(region.maxThreads) * 4,
        init,
        // A retired lock in the directory was left there by a thread that died in free().
        isWhole: (words, index) => load(words, index + LOCK) !== RETIRED,
      },
      options,
    );
    this.cell = cellOf(this.index, this.me);
    claimHere(this);
    this.operations = rwOperations(this.region, blockingAllowed());
  }

  /** Read holds at this moment, nested ones counted; those of threads that died count for nothing. */
  get readers(): number {
    const { words } = this.region.memory;
    let holds = 0;
    for (let cell = firstHeld(words, this.index, 0); cell !== 0; ) {
      if (isAlive(words, load(words, cell + C_OWNER))) holds += load(words, cell + C_COUNT);
      cell = firstHeld(words, this.index, (cell - this.index - CELLS) / CELL_WORDS + 1);
    }
    return holds;
  }

  /** The thread id (0 is the main thread) of the thread that writes; undefined if none does, or it died. */
  get writer(): number | undefined {
    return isWriting(this.mode()) ? this.gateThread() : undefined;
  }

  /** Whether some thread writes or reads, at this moment. */
  get locked(): boolean {
    return isWriting(this.mode()) || this.readers > 0;
  }

  /** Tasks of this thread that await the right to write. */
  get awaiting(): number {
    return awaitingHere(this.region, this.index);
  }

  /**
   * After ERR_OWNER_DIED, with the lock held for writing: declares the protected state repaired. False if it was not in
   * question. Throws ERR_NOT_OWNER if this thread does not hold the lock for writing.
   */
  markConsistent(): boolean {
    if (!this.writesHere()) throw this.notOwner("markConsistent");
    return clearDoubt(this.region.memory.words, this.index);
  }

  /**
   * Gives the lock's memory back. Everyone who still uses it, or waits for it, gets ERR_CLOSED, even if the memory serves
   * another lock by then. Throws ERR_IN_USE, with nothing changed, if another living thread holds it, or any reads.
   */
  free(): void {
    this.freePlace(() => {
      const { words, index } = this;
      recoverDeadWriter(this, true);
      const gate = gateNow(this);
      if (gate === MUST_WAIT) throw this.inUseError();
      // Closed first, so that no reader comes in behind the look.
      if (!isWriting(this.mode())) writeStep(words, index, 1);
      giveBackDead(this, true);
      if (this.readers > 0) {
        reopen(this);
        if (gate === ACQUIRED) releaseGate(this);
        throw this.inUseError();
      }
      payRwWakes(words, index, closeForGood(words, index) | retire(words, index, this.me));
    });
  }

  /** @internal */
  override get freed(): boolean {
    // The word first: its memory gets its next serial number before another lock's word replaces RETIRED.
    return load(this.words, this.index + LOCK) === RETIRED || !this.isCurrent();
  }

  /** Ends one read hold of this thread. @internal */
  endRead(): void {
    const owed = this.operations.leaveRead(this.index, this.cell);
    if (owed !== 0) payRwWakes(this.region.memory.words, this.index, owed);
  }

  /** Ends the write hold with this ticket; false if it is over. @internal */
  releaseHold(ticket: number): boolean {
    const owed = this.operations.endWrite(this.index, this.me, ticket);
    if (owed === NOT_OWNER) return false;
    if (owed !== RELEASED) payRwRelease(this.region.memory, this.index, owed);
    return true;
  }

  /** Whether the write hold with this ticket is the present one. @internal */
  isHold(ticket: number): boolean {
    return this.writesHere() && holdsGate(this.region.memory.words, this.index, this.me, ticket);
  }

  /** The write hold has just been taken. @internal */
  protected granted(): void {}

  /** @internal */
  protected mode(): number {
    return load(this.region.memory.words, this.index + MODE);
  }

  /** @internal */
  protected writesHere(): boolean {
    return isWriting(this.mode()) && gateIsMine(this);
  }

  /** @internal */
  protected gateThread(): number | undefined {
    const { words } = this.region.memory;
    const owner = ownerOf(load(words, this.index + LOCK));
    return owner === 0 ? undefined : threadIdOf(words, owner);
  }

  /** @internal */
  protected override describeState(): string {
    const mode = this.mode();
    if (isGone(mode)) return "not recoverable";
    const doubt = isPoisoned(mode) ? ", state inconsistent since a writer died" : "";
    const { words } = this.region.memory;
    const owner = ownerOf(load(words, this.index + LOCK));
    const who = isAlive(words, owner) ? `thread ${threadIdOf(words, owner)}` : "a thread that died";
    if (isWriting(mode)) return `held for writing by ${who}${doubt}`;
    const { readers } = this;
    const reading = readers === 0 ? "free" : `held for reading (${readers} holds)`;
    const gate = owner === 0 ? "" : `, ${who} is next to write`;
    return `${reading}${gate}${doubt}`;
  }

  /** Tells the new holder that a writer died, and lets it repair. @internal */
  protected tellDeath<G extends Releasable>(guard: G, options: RwOptions<G>): G {
    if (options.recover === undefined) {
      throw OwnerDiedError.holding(
        guard,
        `${this.label()}: a writer died while it held the lock, and nobody has marked the state consistent since. The ` +
          "lock is yours now, through error.guard; only a writer can repair: guard.markConsistent(), then guard.release()",
      );
    }
    let repaired = false;
    try {
      options.recover(guard);
      repaired = true;
    } finally {
      if (repaired) guard.markConsistent();
      else guard.release();
    }
    return guard;
  }

  /** The error for a result that is no hold. @internal */
  protected failure(what: string, result: number, timeout: number): Error {
    if (result === MUST_WAIT) {
      const message = `${this.label()} was not acquired for ${what} within ${timeout} ms: it is ${this.describeState()}`;
      return new TimeoutError("ERR_TIMEOUT", message, { timeout, writer: this.writer, readers: this.readers });
    }
    if (result === HELD_BY_ME) return this.wouldDeadlock(what);
    if (result === DEADLOCKED) return deadlockError(this.region);
    if (result === OVERFLOW) return new RangeError(`${this.label()}: this thread has ${MAX_READS} read holds already`);
    if (this.freed) return this.closedError();
    return new NotRecoverableError(
      "ERR_NOT_RECOVERABLE",
      `${this.label()}: a writer died while it held the lock, and the next one released it without markConsistent(): ` +
        "what it protects may be half-changed; make a new lock over repaired state",
    );
  }

  /** @internal */
  protected wouldDeadlock(what: string): WouldDeadlockError {
    const reads = readsHere(this);
    const held =
      reads > 0
        ? `for reading (${reads} holds)`
        : this.writesHere()
          ? "for writing"
          : "by its upgradable lock or a task";
    return new WouldDeadlockError(
      "ERR_WOULD_DEADLOCK",
      `${this.label()} is held by this thread already, ${held}: acquiring it for ${what} would wait for itself; release it ` +
        "first, upgrade() an upgradable guard, or await the async call in another task",
      { readers: reads, writer: this.writer },
    );
  }

  /** @internal */
  protected notOwner(call: string): NotOwnerError {
    const message = `${call}: this thread does not hold ${this.label()} in that way; it is ${this.describeState()}`;
    return new NotOwnerError("ERR_NOT_OWNER", message, { writer: this.writer });
  }
}
