// Who waits for whom: what each sleeping thread of a region waits for, and which threads it needs for that. Read from the
// shared memory, without a lock; deadlock.ts says when such a reading may be believed.
//
// Invariant: a thread is listed as waiting only while its slot says so, and a thread whose slot says so changes nothing
// about what it holds: the announcement is made before the sleep and taken back before the next step of the protocol.

import { load, peek } from "../cells/atomics.ts";
import { NOT_RECOVERABLE, ownerOf } from "../protocols/mutex.ts";
import { C_COUNT, C_OWNER, CELL_WORDS, CELLS, firstHeld, isClosed, MODE, OPENINGS } from "../protocols/rw-lock.ts";
import { MODE as KIND, OWNED, permitsOf, SEMAPHORE_WORDS, VALUE } from "../protocols/semaphore.ts";
import { H_MAX_THREADS, T_WAIT_ARG, T_WAIT_CELL, T_WAIT_FOR, T_WAIT_HOW, T_WAIT_SEQ } from "./layout.ts";
import { wordsReaching } from "./memory.ts";
import { isAlive, slotWord } from "./threads.ts";

/** Something that no thread in particular can end: an event, a count, a notification. */
export const FOR_ANYTHING = 0;
/** The owner in the low bits of a lock inside another object (a table's shard). */
export const FOR_PART = 1;
/** The owner in the low bits of a lock's first word. */
export const FOR_OWNER = 2;
/** The writer that has closed a read-write lock; the argument is OPENINGS as the reader saw it. */
export const FOR_WRITER = 3;
/** All readers of a read-write lock. */
export const FOR_READERS = 4;
/** So many permits of an owned semaphore as the argument says. */
export const FOR_PERMITS = 5;
/** The thread that runs a Once. */
export const FOR_RUNNER = 6;

/** One sleep of a thread. */
export interface Wait {
  /** Who sleeps: its owner id. */
  readonly owner: number;
  /** The sleep's number. */
  readonly sequence: number;
  readonly cell: number;
  /** Word index of the lock. */
  readonly lock: number;
  readonly how: number;
  readonly argument: number;
  /** The threads that it needs, and what each of them would give: permits, or 1. */
  readonly holders: ReadonlyMap<number, number>;
  /** What there must be more of, were all of them to give: permits; 0: every one of them must. */
  readonly missing: number;
}

/** What the thread waits for; undefined if it runs, is dead, or waits for nobody in particular. */
export function waitOf(words: Int32Array, owner: number): Wait | undefined {
  if (!isAlive(words, owner)) return undefined;
  const at = slotWord(owner & 0xfff);
  const sequence = load(words, at + T_WAIT_SEQ);
  const how = load(words, at + T_WAIT_HOW);
  const argument = load(words, at + T_WAIT_ARG);
  const lock = load(words, at + T_WAIT_FOR);
  const cell = load(words, at + T_WAIT_CELL);
  if (cell === 0 || lock === 0 || how === FOR_ANYTHING) return undefined;
  const needs = needsOf(words, owner, lock, how, argument);
  return needs === undefined ? undefined : { owner, sequence, cell, lock, how, argument, ...needs };
}

type Needs = Pick<Wait, "holders" | "missing">;

function needsOf(known: Int32Array, me: number, lock: number, how: number, argument: number): Needs | undefined {
  // The last word that the lock can have: it may lie beyond this thread's view.
  const words = wordsReaching(known, lock + SEMAPHORE_WORDS);
  if (words === undefined) return undefined;
  switch (how) {
    case FOR_WRITER:
      // It slept through an opening: it will get in.
      if (load(words, lock + OPENINGS) !== argument || !isClosed(load(words, lock + MODE))) return undefined;
      return ownerAt(words, me, lock);
    case FOR_READERS:
      return isClosed(load(words, lock + MODE)) ? readersOf(known, me, lock) : undefined;
    case FOR_PERMITS:
      return permitsOfHolders(known, lock, argument);
    default:
      return ownerAt(words, me, lock);
  }
}

function ownerAt(words: Int32Array, me: number, lock: number): Needs | undefined {
  const owner = ownerOf(load(words, lock));
  if (owner === 0 || owner === NOT_RECOVERABLE || owner === me) return undefined;
  return { holders: new Map([[owner, 1]]), missing: 0 };
}

function readersOf(known: Int32Array, me: number, lock: number): Needs | undefined {
  const words = wordsReaching(known, lock + CELLS + known[H_MAX_THREADS] * CELL_WORDS - 1);
  if (words === undefined) return undefined;
  const holders = new Map<number, number>();
  for (let cell = firstHeld(words, lock, 0); cell !== 0; ) {
    const owner = load(words, cell + C_OWNER);
    if (owner !== 0 && owner !== me && load(words, cell + C_COUNT) > 0) holders.set(owner, 1);
    cell = firstHeld(words, lock, (cell - lock - CELLS) / CELL_WORDS + 1);
  }
  return holders.size === 0 ? undefined : { holders, missing: 0 };
}

function permitsOfHolders(known: Int32Array, lock: number, wanted: number): Needs | undefined {
  const slots = known[H_MAX_THREADS];
  const words = wordsReaching(known, lock + SEMAPHORE_WORDS + 2 * slots - 1);
  if (words === undefined || (load(words, lock + KIND) & OWNED) === 0) return undefined;
  const missing = wanted - permitsOf(load(words, lock + VALUE));
  if (missing <= 0) return undefined;
  const holders = new Map<number, number>();
  for (let slot = 0; slot < slots; slot++) {
    const owner = peek(words, lock + SEMAPHORE_WORDS + 2 * slot);
    const held = peek(words, lock + SEMAPHORE_WORDS + 2 * slot + 1);
    if (owner !== 0 && held > 0) holders.set(owner, held);
  }
  return { holders, missing };
}
