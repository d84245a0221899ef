// The registry of attached threads: who a lock's owner is, whether it lives, and what each thread sleeps on.
//
// An owner's id is generation16 << 12 | slot12, never 0 and never all ones: the generation makes a slot's later tenant
// another owner, so a lock that names a thread of an earlier generation names a dead one. Slots go round, so an id comes
// again only after 65,535 tenants of one slot.
//
// A slot's life, all by compare-exchange on its state word:
//
//   FREE g → CLAIMED g+1 (mine) → ALIVE g+1 (attached) → DEAD g+1 (the thread is gone) → FREE g+1
//
// A reaper may be ended at any point: whoever finds a slot DEAD does its work again, which is waking and clearing. The
// claim word tells the thread's id; ids never come again, so a late reaper's exchange can't clear a later tenant's.
//
// Death is learnt from the parent's `exit` event, and from probes where the parent is itself blocked or gone: each thread
// keeps some waitAsync armed on its probe cell; notify(cell, 1) finds one while the thread lives, even blocked, and none
// once it is gone. PROBES counts what is armed and is taken before the notify, so a used-up supply reads as "unknown",
// never as "dead". A thread arms again when its event loop turns and before each sleep; one that computes on and on has
// what is armed, so the supply is spent ever more slowly: the last one comes after hours.

import { add, cas, load, peek, poke, store } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { hasWaitAsync, parkAsync, wake, wakeAll } from "../cells/park.ts";
import { announce, awake, countSleep, lacksProbes, PROBES_ARMED } from "../protocols/seat.ts";
import { threadId } from "./host.ts";
import {
  H_DEATHS,
  H_MAX_THREADS,
  H_NEXT_SLOT,
  PROBE_CELLS,
  SLOT_ALIVE,
  SLOT_CLAIMED,
  SLOT_DEAD,
  SLOT_FREE,
  SLOT_WORDS,
  T_CLAIM,
  T_PARKED_US,
  T_PARKS,
  T_PROBE,
  T_PROBED_AT,
  T_PROBES,
  T_STATE,
  T_WAIT_CELL,
  T_WAIT_FOR,
  THREADS_WORD,
} from "./layout.ts";
import { wordsReaching } from "./memory.ts";

/** Milliseconds between two probes of one thread, while more than half of its probes are left; then doubling. */
const PROBE_MS = 100;

export function slotWord(slot: number): number {
  return THREADS_WORD + slot * SLOT_WORDS;
}

function slotOf(owner: number): number {
  return owner & 0xfff;
}

function nextGeneration(state: number): number {
  return ((state >>> 2) % 0xffff) + 1;
}

/** This thread's seat in a region. */
export interface Seat {
  /** The owner id that locks carry. */
  readonly me: number;
  /** Index of the slot's first word. */
  readonly at: number;
}

/** Takes a slot for this thread. Throws ERR_REGION_THREADS if all belong to living threads. */
export function takeSeat(words: Int32Array): Seat {
  let seat = claimSeat(words);
  if (seat === undefined) {
    reapDead(words);
    // Though it may have found none: another thread that looked at the same time may have freed them all.
    seat = claimSeat(words);
  }
  if (seat !== undefined) return seat;
  const slots = words[H_MAX_THREADS];
  throw new RegionError(
    "ERR_REGION_THREADS",
    `all ${slots} thread slots of the region belong to living threads; create it with a larger maxThreads`,
    { maxThreads: slots },
  );
}

function claimSeat(words: Int32Array): Seat | undefined {
  const slots = words[H_MAX_THREADS];
  const start = add(words, H_NEXT_SLOT, 1) >>> 0;
  for (let k = 0; k < slots; k++) {
    const slot = (start + k) % slots;
    const at = slotWord(slot);
    const state = load(words, at + T_STATE);
    if ((state & 3) !== SLOT_FREE) continue;
    const generation = nextGeneration(state);
    if (cas(words, at + T_STATE, state, (generation << 2) | SLOT_CLAIMED) !== state) continue;
    // From here to the next line a death costs the slot: nobody can tell whose it was.
    store(words, at + T_CLAIM, threadId() + 1);
    for (const field of [T_WAIT_CELL, T_WAIT_FOR, T_PROBES, T_PROBED_AT, T_PARKS, T_PARKED_US]) {
      store(words, at + field, 0);
    }
    const tenancy = (generation << 2) | SLOT_ALIVE;
    // Armed before the thread counts as alive, so that whoever is alive can be probed.
    armProbes(words, at, tenancy, PROBES_ARMED);
    store(words, at + T_STATE, tenancy);
    return { me: (generation << 12) | slot, at };
  }
  return undefined;
}

/** Gives the seat back: what the thread still holds counts as left by a dead owner. */
export function leaveSeat(words: Int32Array, seat: Seat): void {
  const tenancy = ((seat.me >>> 12) << 2) | SLOT_ALIVE;
  if (load(words, seat.at + T_STATE) !== tenancy) return;
  // The armed probes hold the buffer. Uncounted first, so that nobody takes the empty cell for anything but the leave.
  store(words, seat.at + T_PROBES, 0);
  wakeAll(words, probeCell(seat.at, tenancy));
  bury(words, seat.at, tenancy);
}

function probeCell(at: number, tenancy: number): number {
  return at + T_PROBE + ((tenancy >>> 2) & (PROBE_CELLS - 1));
}

function armProbes(words: Int32Array, at: number, tenancy: number, count: number): void {
  if (!hasWaitAsync()) return;
  const rearm = (): void => {
    if (load(words, at + T_STATE) === tenancy && load(words, at + T_PROBES) < PROBES_ARMED) {
      armProbes(words, at, tenancy, 1);
    }
  };
  for (let k = 0; k < count; k++) parkAsync(words, probeCell(at, tenancy), 0)?.then(rearm);
  // Counted only once they are armed, so the count never promises more than there are.
  add(words, at + T_PROBES, count);
}

/** Whether the thread with this owner id lives as far as the registry knows; cheap. */
export function isAlive(words: Int32Array, owner: number): boolean {
  const slot = slotOf(owner);
  // An id of no slot is in an overwritten word only: nobody lives by it.
  if (slot >= words[H_MAX_THREADS]) return false;
  return load(words, slotWord(slot) + T_STATE) === (((owner >>> 12) << 2) | SLOT_ALIVE);
}

/**
 * Asks the thread itself: buries it and returns true if it is gone. Unknown counts as alive, and so does a thread that
 * was asked a moment ago, unless `force` is set.
 */
export function probe(words: Int32Array, owner: number, force = false): boolean {
  if (!isAlive(words, owner)) return true;
  const at = slotWord(slotOf(owner));
  const tenancy = ((owner >>> 12) << 2) | SLOT_ALIVE;
  for (;;) {
    if (load(words, at + T_STATE) !== tenancy) return true;
    const armed = load(words, at + T_PROBES);
    if (armed <= 0 || !(force || isDue(words, at, armed))) return false;
    if (cas(words, at + T_PROBES, armed, armed - 1) === armed) break;
  }
  if (wake(words, probeCell(at, tenancy), 1) > 0) return false;
  bury(words, at, tenancy);
  return true;
}

/** Whether it is time for another probe, with so many left. Clocks of threads may differ: it is only about thrift. */
function isDue(words: Int32Array, at: number, armed: number): boolean {
  const time = Math.floor(performance.timeOrigin + performance.now()) % 2 ** 30;
  const last = load(words, at + T_PROBED_AT);
  const interval = PROBE_MS * 2 ** Math.max(0, PROBES_ARMED / 2 + 1 - armed);
  if (last !== 0 && Math.abs(time - last) < interval) return false;
  return cas(words, at + T_PROBED_AT, last, time) === last;
}

/** A thread is known to be gone: its slot is freed, and all who sleep look at the world again. */
function bury(words: Int32Array, at: number, tenancy: number): void {
  const claim = load(words, at + T_CLAIM);
  const dead = (tenancy & ~3) | SLOT_DEAD;
  if (cas(words, at + T_STATE, tenancy, dead) === tenancy) add(words, H_DEATHS, 1);
  if (load(words, at + T_STATE) !== dead) return;
  // It may have swallowed a wake, or owed one, or held what others sleep for: all of them try again.
  wakeAllSleepers(words);
  if (claim !== 0) cas(words, at + T_CLAIM, claim, 0);
  cas(words, at + T_STATE, dead, (tenancy & ~3) | SLOT_FREE);
}

/** Wakes every thread that sleeps on any cell of the region. A wake is a hint: it costs them one look. */
export function wakeAllSleepers(words: Int32Array): void {
  const slots = words[H_MAX_THREADS];
  for (let slot = 0; slot < slots; slot++) {
    const cell = load(words, slotWord(slot) + T_WAIT_CELL);
    if (cell === 0) continue;
    // The sleeper may have grown the memory beyond this thread's view.
    const reaching = wordsReaching(words, cell);
    if (reaching !== undefined) wakeAll(reaching, cell);
  }
}

/** The worker with this thread id has ended. */
export function buryThread(words: Int32Array, id: number): void {
  const slots = words[H_MAX_THREADS];
  for (let slot = 0; slot < slots; slot++) {
    const at = slotWord(slot);
    for (;;) {
      const state = load(words, at + T_STATE);
      if ((state & 3) === SLOT_FREE || load(words, at + T_CLAIM) !== id + 1) break;
      // The slot may have changed hands between the two loads: then the state is not that of this thread.
      if (load(words, at + T_STATE) !== state) continue;
      if ((state & 3) === SLOT_CLAIMED) {
        cas(words, at + T_CLAIM, id + 1, 0);
        cas(words, at + T_STATE, state, (state & ~3) | SLOT_FREE);
      } else bury(words, at, (state & ~3) | SLOT_ALIVE);
      break;
    }
  }
}

/**
 * Probes every seat; if `me` is given those that are due, but for that one. Returns how many were found dead or left
 * half-buried.
 */
export function reapDead(words: Int32Array, me = 0): number {
  const slots = words[H_MAX_THREADS];
  let buried = 0;
  for (let slot = 0; slot < slots; slot++) {
    const at = slotWord(slot);
    const state = load(words, at + T_STATE);
    if ((state & 3) === SLOT_DEAD) {
      bury(words, at, (state & ~3) | SLOT_ALIVE);
      buried++;
      continue;
    }
    const owner = ((state >>> 2) << 12) | slot;
    if ((state & 3) === SLOT_ALIVE && owner !== me && probe(words, owner, me === 0)) buried++;
  }
  return buried;
}

/** How many threads are attached and alive. */
export function countAlive(words: Int32Array): number {
  const slots = words[H_MAX_THREADS];
  let alive = 0;
  for (let slot = 0; slot < slots; slot++) {
    if ((load(words, slotWord(slot) + T_STATE) & 3) === SLOT_ALIVE) alive++;
  }
  return alive;
}

/** The host's thread id of an owner, or undefined if it is gone. */
export function threadIdOf(words: Int32Array, owner: number): number | undefined {
  const at = slotWord(slotOf(owner));
  const id = load(words, at + T_CLAIM) - 1;
  return isAlive(words, owner) ? id : undefined;
}

/** How many threads sleep for the lock at this word. */
export function countSleepers(words: Int32Array, lock: number): number {
  const slots = words[H_MAX_THREADS];
  let sleepers = 0;
  for (let slot = 0; slot < slots; slot++) {
    const at = slotWord(slot);
    if (load(words, at + T_WAIT_FOR) === lock && (load(words, at + T_STATE) & 3) === SLOT_ALIVE) sleepers++;
  }
  return sleepers;
}

/**
 * Tells the others what this thread is about to sleep on, for which lock, and what it waits for there (region/waits.ts);
 * cell 0: awake again.
 */
export function announceSleep(
  words: Int32Array,
  seatAt: number,
  cell: number,
  lock: number,
  how = 0,
  argument = 0,
): void {
  if (cell === 0) {
    awake(words, seatAt);
    return;
  }
  announce(words, seatAt, cell, lock, how, argument);
  // A thread that sleeps does not turn its event loop, and may still be probed for as long as it sleeps.
  if (!lacksProbes(words, seatAt)) return;
  armProbes(words, seatAt, load(words, seatAt + T_STATE), PROBES_ARMED - load(words, seatAt + T_PROBES));
}

/**
 * Says in the slot of a thread that sleeps on `from` that it sleeps on `to`, where the caller is about to move it; false
 * if it does not sleep there. Only while that thread can't begin another sleep on `from`.
 */
export function announceMove(words: Int32Array, owner: number, from: number, to: number): boolean {
  return isAlive(words, owner) && cas(words, slotWord(slotOf(owner)) + T_WAIT_CELL, from, to) === from;
}

/** Counts a sleep of this thread, for the statistics. */
export function countPark(words: Int32Array, seatAt: number, milliseconds: number): void {
  countSleep(words, seatAt);
  countParked(words, seatAt, milliseconds);
}

/** The time of a sleep that is counted already. */
export function countParked(words: Int32Array, seatAt: number, milliseconds: number): void {
  poke(words, seatAt + T_PARKED_US, peek(words, seatAt + T_PARKED_US) + Math.round(milliseconds * 1000));
}
