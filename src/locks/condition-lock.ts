// What a Condition needs of its lock; Mutex, ReentrantMutex and RwLock implement it. Public classes carry these members as
// internal ones.
//
// A wait is: isHeldForWait() → the waiter publishes its node → releaseForWait() → sleeps → reacquire(saved). The lock is
// held again when the wait ends, whatever ended it (notified, time-out, abort): so reacquire takes no time-out.
//
// Invariant: after reacquire the hold is the one before releaseForWait, in depth, mode and ticket, so that every guard of
// it is good again and no other guard is. Between the two, those guards release nothing.
//
// For an implementor (RwLock: the write hold, over its gate's mutex words):
//   releaseForWait   saved = { ticket: peek(HOLD), depth, mode }, then a full release as unlock does, wakes paid;
//   reacquire        as lock() without a time-out, then resumeHold(words, index, saved.ticket) (protocols/mutex.ts) and
//                    depth and mode put back BEFORE anything else of this thread can run or an error is thrown;
//   the last owner died: resume the hold first, then `recover`, or throw ERR_OWNER_DIED with a guard of the resumed hold;
//   not to be had for good: throw ERR_NOT_RECOVERABLE or ERR_CLOSED, with nothing held.

import type { Region } from "../region/region.ts";

/** A hold that was given back for a wait. */
export interface SavedHold {
  /** The hold's ticket: what its guards carry. */
  readonly ticket: number;
  /** How many levels a reentrant hold had; 1 for the others. */
  readonly depth: number;
  /** Whatever else the lock wants back (a reentrant mutex: whether a task holds it). */
  readonly mode: number;
}

/** Options of a reacquisition: those of the lock's acquiring calls that are about an owner's death. */
export interface ReacquireOptions {
  // Each lock has guards of its own; the condition only hands this on.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly recover?: ((guard: any) => void) | undefined;
}

/** A lock that a Condition can belong to. */
export interface ConditionLock {
  readonly region: Region;
  /** Where it lies: the condition's memory records it, so that all threads pair it with the same lock. @internal */
  handle(): { readonly offset: number; readonly serial: number };
  /** Word index of its mutex, if its hold is that mutex's and nothing but a ticket; 0: it is more. @internal */
  readonly plainMutex: number;
  /** How messages call it. @internal */
  label(): string;
  /** Whether this thread holds it in the way a wait needs (an RwLock: for writing). @internal */
  isHeldForWait(): boolean;
  /** Whether nobody can ever hold it again: not recoverable, or freed. Those who wait must then be told. @internal */
  isLost(): boolean;
  /** Whether the memory is still this lock's. @internal */
  isCurrent(): boolean;
  /** Pays the wakes that a release of its mutex owes. @internal */
  payRelease(owed: number): void;
  /** Gives the whole hold back, all levels of it. The caller has checked that it is held. Never blocks. @internal */
  releaseForWait(): SavedHold;
  /** Takes the hold back; blocks until it has it. @internal */
  reacquire(saved: SavedHold, options: ReacquireOptions): void;
  /** The same for a task. Not abortable: the task must have the lock before it can go on. @internal */
  reacquireAsync(saved: SavedHold, options: ReacquireOptions): Promise<void>;
  /**
   * With the lock held: from now until it is given back, those that are chosen are owed a wake by this thread's next
   * release (payChosen in region/wait-queue.ts). Returns the lock's number for that; 0: it can't, wake them at once.
   * @internal
   */
  owingWakes(): number;
  /**
   * Whether those whom a notification of all chooses may be moved to the lock's own sleepers, of which each release wakes
   * one; reacquire takes the lock as such a sleeper then.
   * @internal
   */
  readonly movesSleepers: boolean;
}
