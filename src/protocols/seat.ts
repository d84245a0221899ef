// What a thread says of itself in its slot of the region's registry when it sleeps, so that a reaper can wake it and others
// see what it waits for. The words of a slot are those of region/layout.ts; these are the ones that the protocols use.
//
// Word WAIT_CELL   what it sleeps on, 0: it is awake | WAIT_FOR for which lock | WAIT_SEQ number of the sleep
// Word WAIT_HOW, WAIT_ARG   what it waits for there (region/waits.ts)
// Word DEATHS      the region's count of deaths as the thread last saw it before a sleep
// Words NODE, WAITING, TICKET   a wait that the thread has begun (condition.ts, barrier.ts): plain, its own
//
// Invariant: WAIT_CELL is announced last and taken back before the next sleep's number: who reads one number twice has read
// of one sleep.

import { type i32, load, peek, poke, store, type Words } from "../cells/atomics.ts";

export const H_DEATHS: i32 = 19;
/** Words of a slot, and the bits of an owner id that are its number. */
export const SLOT_WORDS: i32 = 32;
const SLOT_MASK: i32 = 0xfff;
/** The tenancy's number, and in b0-1 whether a thread has it. */
export const T_STATE: i32 = 1;
export const SLOT_ALIVE: i32 = 1;
export const T_WAIT_CELL: i32 = 2;
export const T_WAIT_FOR: i32 = 3;
/** How many waits are armed on the probe cell. */
export const T_PROBES: i32 = 5;
/** How often the thread has slept: its own. */
export const T_PARKS: i32 = 6;
/** Number of the sleep, before anything else of it is written. */
export const T_WAIT_SEQ: i32 = 8;
/** What the thread waits for there (region/waits.ts), and what more there is to know of it. */
export const T_WAIT_HOW: i32 = 9;
export const T_WAIT_ARG: i32 = 10;
/** The number of a sleep whose sleeper another thread asks to look for a deadlock. */
export const T_NUDGE: i32 = 11;
/** H_DEATHS as the thread last saw it before it slept. */
export const T_DEATHS: i32 = 12;
export const T_NODE: i32 = 13;
export const T_WAITING: i32 = 14;
export const T_TICKET: i32 = 15;

/** Probes that a thread keeps armed; each costs it about a microsecond once. */
export const PROBES_ARMED: i32 = 32;

/** Says what this thread is about to sleep on, for which lock, and what it waits for there. */
export function announce(words: Words, seatAt: i32, cell: i32, lock: i32, how: i32, argument: i32): void {
  numberSleep(words, seatAt, how, argument);
  store(words, seatAt + T_WAIT_FOR, lock);
  store(words, seatAt + T_WAIT_CELL, cell);
}

function numberSleep(words: Words, seatAt: i32, how: i32, argument: i32): void {
  store(words, seatAt + T_WAIT_SEQ, peek(words, seatAt + T_WAIT_SEQ) + 1);
  store(words, seatAt + T_WAIT_HOW, how);
  store(words, seatAt + T_WAIT_ARG, argument);
}

/** Takes back what was announced: this thread is awake again. */
export function awake(words: Words, seatAt: i32): void {
  store(words, seatAt + T_WAIT_FOR, 0);
  store(words, seatAt + T_WAIT_CELL, 0);
}

/** Whether so many probes were used up that the thread should arm more before it sleeps. */
export function lacksProbes(words: Words, seatAt: i32): boolean {
  return load(words, seatAt + T_PROBES) < PROBES_ARMED / 2;
}

/**
 * Whether a thread has died since this one last asked, which must be after it announced its sleep: the reaper may have
 * looked for sleepers before that. The reaper counts the death first, so either it sees the sleeper or this sees the death.
 */
export function sawNewDeath(words: Words, seatAt: i32): boolean {
  const deaths = load(words, H_DEATHS);
  if (peek(words, seatAt + T_DEATHS) === deaths) return false;
  poke(words, seatAt + T_DEATHS, deaths);
  return true;
}

/** Counts a sleep that is over. */
export function countSleep(words: Words, seatAt: i32): void {
  poke(words, seatAt + T_PARKS, peek(words, seatAt + T_PARKS) + 1);
}

/** Whether the thread of this owner id, 0 for none, lives as far as its slot tells; `seatAt` is the slot of thread `me`. */
export function isSeated(words: Words, seatAt: i32, me: i32, owner: i32): boolean {
  if (owner === 0) return true;
  const at = seatAt + ((owner & SLOT_MASK) - (me & SLOT_MASK)) * SLOT_WORDS;
  return load(words, at + T_STATE) === (((owner >>> 12) << 2) | SLOT_ALIVE);
}
