// The read-write lock: a gate for writers (protocols/mutex.ts), a mode, and one reader cell a thread slot, each on a cache
// line of its own, so that readers share no line that any of them writes and a dead reader is known by its cell. After
// the "big reader" locks of kernels; that a reader and a writer can't miss each other is Dekker's argument.
//
//   word 0  GATE 8 words: held by whoever writes, wants to write and is next, or holds the upgradable lock
//        8  DRAIN  sequence of wakes for the one writer that waits for readers
//        9  HIGH   cells in use: those of slots 0 … HIGH-1
//       16  MODE   (own cache line)
//       32  VERSION of the stamped lock (own cache line; protocols/stamped.ts)
//       48  CELLS  maxThreads × 16 words: owner id, count of read holds
//
// MODE   b31 S: a thread or task may sleep on the word | b0 CLOSED: no new reader | b1 DRAINING: the writer may sleep on
//        DRAIN | b2 WRITING: the write lock is held | b3 STARVED: a reader waited long, the next writer lets it in first
//        b4 POISONED: a writer died while it wrote, nobody marked the state consistent yet | b5 GONE: not recoverable
//
// read: count up, then look at MODE; closed → count down again. write: gate, MODE closed, then look at every count.
// Both orders are total (Atomics are sequentially consistent), so one of the two sees the other. A thread that holds a
// read lock already enters without regard to CLOSED: its count was above 0, so the writer is not past it.
//
// A cell is held if its owner is not 0 and its count is not. Only its owner writes the count. A dead owner's holds end by
// one exchange, owner → 0, by a writer or by the slot's next tenant, who clears the count before it sets its own id.
//
// Invariants: WRITING implies CLOSED and that no living thread's read hold is counted, but for arrivals about to back
// off. All of MODE but S and STARVED changes only by the gate's owner; CLOSED without GONE implies that the gate is owned.
// If a writer sleeps on DRAIN with DRAINING set, then a counted reader, or the starving one, or an arrival about to back
// off has yet to bump DRAIN and wake it: the writer read DRAIN before it announced DRAINING, and looked after that.
// If a reader sleeps on MODE then S is set and MODE is CLOSED, or an opener owes a wake of all: opening takes S away.
// All sleepers of a cell are woken together, so sync and async ones share cells: no wake is for one alone.
//
// A freed lock is GONE and its gate retired; its memory then serves other locks of its kind only. Whoever used it too late
// finds that out after acquiring (by the block's serial number) and leaves again: to the new lock that is one more user.
//
// A writer that dies leaves the gate with its id. Whoever finds that takes the gate over, repairs MODE (POISONED if it was
// WRITING; a writer that died while it drained changed nothing) and goes on, or gives the gate back if it only reads.

import { add, cas, type i32, load, peek, store, type Words } from "../cells/atomics.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  HOLD,
  LOCK,
  MUST_WAIT,
  NOT_OWNER,
  OWNER_MASK,
  renew,
  tryLock,
  UNRECOVERABLE,
  unlock,
} from "./mutex.ts";

export const DRAIN: i32 = 8;
export const HIGH: i32 = 9;
export const MODE: i32 = 16;
export const VERSION: i32 = 32;
export const CELLS: i32 = 48;
export const CELL_WORDS: i32 = 16;
export const C_OWNER: i32 = 0;
export const C_COUNT: i32 = 1;

export const MODE_SLEEPERS: i32 = 1 << 31;
export const CLOSED: i32 = 1;
export const DRAINING: i32 = 2;
export const WRITING: i32 = 4;
export const STARVED: i32 = 8;
export const POISONED: i32 = 16;
export const GONE: i32 = 32;

/** Read holds that one thread may have at once. */
export const MAX_READS: i32 = 1 << 30;

/** Results of {@link enterRead} beside those of a mutex step. */
export const NOT_TRIED: i32 = 0;
/** The thread's cell carries another owner: {@link claimCell}, then again. */
export const UNCLAIMED: i32 = 6;
export const OVERFLOW: i32 = 7;
/** As MUST_WAIT, and the caller owes the writer a wake. */
export const BACKED_OFF: i32 = 8;

/** Wakes owed, beside those of the mutex. */
export const WAKE_READERS: i32 = 8;
export const WAKE_WRITER: i32 = 16;

/** Words of a read-write lock of a region with so many thread slots. */
export function rwLockWords(slots: i32): i32 {
  return CELLS + slots * CELL_WORDS;
}

/** Index of the reader cell of the thread with this owner id. */
export function cellOf(index: i32, me: i32): i32 {
  return index + CELLS + (me & 0xfff) * CELL_WORDS;
}

export function isClosed(mode: i32): boolean {
  return (mode & CLOSED) !== 0;
}

export function isWriting(mode: i32): boolean {
  return (mode & WRITING) !== 0;
}

export function isPoisoned(mode: i32): boolean {
  return (mode & POISONED) !== 0;
}

export function isGone(mode: i32): boolean {
  return (mode & GONE) !== 0;
}

/**
 * Makes a free lock of zeroed words, or of those of a retired lock, before any thread knows of it. The cells stay: a thread
 * that still uses the retired lock may count itself in and out at this moment, and holds of the dead are given back anyway.
 */
export function renewRwLock(words: Words, index: i32): void {
  renew(words, index);
  store(words, index + MODE, 0);
}

/** Makes the cell this thread's, without a hold. Returns the wakes owed: a dead tenant's hold may have ended with it. */
export function claimCell(words: Words, index: i32, cell: i32, me: i32): i32 {
  const before = load(words, cell + C_OWNER);
  // If the exchange fails, a writer has just given the dead tenant's holds back by the same one.
  if (before !== 0) cas(words, cell + C_OWNER, before, 0);
  store(words, cell + C_COUNT, 0);
  store(words, cell + C_OWNER, me);
  const cells = ((cell - index - CELLS) >> 4) + 1;
  for (;;) {
    const high = load(words, index + HIGH);
    if (high >= cells || cas(words, index + HIGH, high, cells) === high) break;
  }
  return wakeWriterIfDraining(words, index);
}

function wakeWriterIfDraining(words: Words, index: i32): i32 {
  if ((load(words, index + MODE) & DRAINING) === 0) return 0;
  add(words, index + DRAIN, 1);
  return WAKE_WRITER;
}

/**
 * Takes a read hold if no writer is there: ACQUIRED, ACQUIRED_DIED (held, state in doubt), MUST_WAIT, BACKED_OFF,
 * UNRECOVERABLE, UNCLAIMED, OVERFLOW. A thread that has a read hold gets another whatever writers wait.
 */
export function enterRead(words: Words, index: i32, cell: i32, me: i32): i32 {
  // Plain: the word has this thread's id only if this thread wrote it, and nobody takes a living thread's id away.
  if (peek(words, cell + C_OWNER) !== me) return UNCLAIMED;
  const before = add(words, cell + C_COUNT, 1);
  const mode = load(words, index + MODE);
  if (mode === 0 && before < MAX_READS) return ACQUIRED;
  return enterReadSlow(words, index, cell, before, mode);
}

function enterReadSlow(words: Words, index: i32, cell: i32, before: i32, mode: i32): i32 {
  if (before >= MAX_READS) {
    add(words, cell + C_COUNT, -1);
    return OVERFLOW;
  }
  if ((mode & GONE) === 0 && (before > 0 || (mode & CLOSED) === 0)) {
    return (mode & POISONED) !== 0 ? ACQUIRED_DIED : ACQUIRED;
  }
  const owed = leaveRead(words, index, cell);
  if ((mode & GONE) !== 0) return UNRECOVERABLE;
  return owed !== 0 ? BACKED_OFF : MUST_WAIT;
}

/** Ends a read hold of this thread; returns the wakes owed. */
export function leaveRead(words: Words, index: i32, cell: i32): i32 {
  if (add(words, cell + C_COUNT, -1) !== 1) return 0;
  return wakeWriterIfDraining(words, index);
}

/**
 * One step of a reader that is ready to sleep: a result of {@link enterRead} but MUST_WAIT, or the mode to sleep on,
 * which is negative (S set).
 */
export function readStep(words: Words, index: i32, cell: i32, me: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    const nested = load(words, cell + C_COUNT) !== 0;
    if ((mode & GONE) !== 0) return UNRECOVERABLE;
    if ((mode & CLOSED) === 0 || nested || load(words, cell + C_OWNER) !== me) {
      const result = enterRead(words, index, cell, me);
      if (result !== MUST_WAIT) return result;
      continue;
    }
    if (mode < 0) return mode;
    if (cas(words, index + MODE, mode, mode | MODE_SLEEPERS) === mode) return mode | MODE_SLEEPERS;
  }
  return UNRECOVERABLE;
}

/** A reader waited long: the next writer is to let it in first. True if the flag is set now. */
export function announceStarved(words: Words, index: i32): boolean {
  const mode = load(words, index + MODE);
  if ((mode & STARVED) !== 0) return true;
  if ((mode & CLOSED) === 0) return false;
  return cas(words, index + MODE, mode, mode | STARVED) === mode;
}

/** The starving reader is in, or gave up; returns the wakes owed: a writer may wait for just that. */
export function withdrawStarved(words: Words, index: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    if ((mode & STARVED) === 0) return 0;
    if (cas(words, index + MODE, mode, mode & ~STARVED) === mode) break;
  }
  return wakeWriterIfDraining(words, index);
}

/** The first cell from slot `from` on that is held (by a living thread or a dead one), 0 if none is. */
export function firstHeld(words: Words, index: i32, from: i32): i32 {
  const end = index + CELLS + load(words, index + HIGH) * CELL_WORDS;
  for (let cell = index + CELLS + from * CELL_WORDS; cell < end; cell += CELL_WORDS) {
    // A count that a dead tenant left looks held for a moment while the next one claims the cell: its claim wakes us.
    if (load(words, cell + C_COUNT) !== 0 && load(words, cell + C_OWNER) !== 0) return cell;
  }
  return 0;
}

/** Ends the holds of a dead owner. */
export function giveBack(words: Words, cell: i32, owner: i32): void {
  cas(words, cell + C_OWNER, owner, 0);
}

/**
 * One step of the gate's owner towards writing: ACQUIRED, ACQUIRED_DIED (held, state in doubt), UNRECOVERABLE, or
 * MUST_WAIT: sleep on DRAIN with the value read before the step. `force` overtakes a starving reader that did not come.
 */
export function writeStep(words: Words, index: i32, force: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    if ((mode & GONE) !== 0) return UNRECOVERABLE;
    if ((mode & CLOSED) === 0) {
      if ((mode & STARVED) === 0 || force !== 0) {
        cas(words, index + MODE, mode, (mode & ~(STARVED | DRAINING)) | CLOSED);
        continue;
      }
    } else if (firstHeld(words, index, 0) === 0) {
      if (cas(words, index + MODE, mode, (mode & ~DRAINING) | WRITING) !== mode) continue;
      return (mode & POISONED) !== 0 ? ACQUIRED_DIED : ACQUIRED;
    }
    if ((mode & DRAINING) !== 0) return MUST_WAIT;
    cas(words, index + MODE, mode, mode | DRAINING);
  }
  return UNRECOVERABLE;
}

/**
 * Takes the write lock if it is to be had at once: the ticket of the hold; 0 if the gate was not free, or this thread
 * reads; minus the ticket if the gate is held now and {@link writeStep} has to go on.
 */
export function tryWrite(words: Words, index: i32, cell: i32, me: i32): i32 {
  if (load(words, cell + C_COUNT) !== 0 && load(words, cell + C_OWNER) === me) return 0;
  const ticket = tryLock(words, index, me);
  if (ticket === 0) return 0;
  if (cas(words, index + MODE, 0, CLOSED) !== 0) return -ticket;
  if (firstHeld(words, index, 0) !== 0) return -ticket;
  return cas(words, index + MODE, CLOSED, CLOSED | WRITING) === CLOSED ? ticket : -ticket;
}

/** Opens the lock to readers (a writer that gives up, or is done); returns the wakes owed. Only the gate's owner. */
export function openMode(words: Words, index: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    if ((mode & GONE) !== 0) return 0;
    if (cas(words, index + MODE, mode, mode & (STARVED | POISONED)) === mode) return mode < 0 ? WAKE_READERS : 0;
  }
  return 0;
}

/** Puts the lock out of use for good; returns the wakes owed. Only the gate's owner. */
export function closeForGood(words: Words, index: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    if (cas(words, index + MODE, mode, CLOSED | GONE) === mode) return mode < 0 ? WAKE_READERS : 0;
  }
  return 0;
}

/** Whether `ticket` is the gate's present hold and this thread's. */
export function holdsGate(words: Words, index: i32, me: i32, ticket: i32): boolean {
  return (load(words, index + LOCK) & OWNER_MASK) === me && peek(words, index + HOLD) === ticket;
}

/** Ends the write hold with this ticket: the wakes owed, or NOT_OWNER. In doubt and unmarked: not recoverable. */
export function endWrite(words: Words, index: i32, me: i32, ticket: i32): i32 {
  if (!holdsGate(words, index, me, ticket)) return NOT_OWNER;
  let owed = 0;
  if (cas(words, index + MODE, CLOSED | WRITING, 0) !== (CLOSED | WRITING)) {
    const doubt = (load(words, index + MODE) & POISONED) !== 0;
    owed = doubt ? closeForGood(words, index) : openMode(words, index);
  }
  return owed | unlock(words, index, me);
}

/** Turns the write hold with this ticket into a read hold: the wakes owed, or NOT_OWNER. The cell is claimed already. */
export function downgradeWrite(words: Words, index: i32, cell: i32, me: i32, ticket: i32): i32 {
  if (!holdsGate(words, index, me, ticket)) return NOT_OWNER;
  // Counted before the lock opens, so the next writer finds it.
  add(words, cell + C_COUNT, 1);
  const owed = openMode(words, index);
  return owed | unlock(words, index, me);
}

/** After the gate was taken from a dead owner: what it left becomes an open lock. Returns the wakes owed. */
export function repairMode(words: Words, index: i32): i32 {
  for (;;) {
    const mode = load(words, index + MODE);
    if ((mode & GONE) !== 0) return 0;
    const doubt = (mode & WRITING) !== 0 ? POISONED : 0;
    const next = (mode & (STARVED | POISONED)) | doubt;
    if (cas(words, index + MODE, mode, next) === mode) return mode < 0 ? WAKE_READERS : 0;
  }
  return 0;
}

/** The writer declares the state repaired; false if it was not in question. Only the gate's owner, while it writes. */
export function clearDoubt(words: Words, index: i32): boolean {
  for (;;) {
    const mode = load(words, index + MODE);
    if ((mode & POISONED) === 0 || (mode & WRITING) === 0) return false;
    if (cas(words, index + MODE, mode, mode & ~POISONED) === mode) return true;
  }
  return false;
}
