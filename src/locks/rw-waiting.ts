// Waiting for a read-write lock, sync and async: the loops around the steps of protocols/rw-lock.ts.
//
// Who wakes a reader: whoever opens the mode. Who wakes the writer: the last read hold's end, an arrival that backs off, a
// starving reader that got in, by bumping DRAIN. What if they die: the reaper wakes all who sleep (a slice wakes tasks),
// and every waiter looks after each wake whether those it waits for live. A reader that finds the writer dead takes the
// gate over, repairs the mode and gives the gate back, before it tries again.

import { load } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { SLICE_MS, TIMED_OUT, wakeAll } from "../cells/park.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  HELD_BY_ME,
  LOCK,
  MUST_WAIT,
  markConsistent,
  NOT_OWNER,
  ownerOf,
  takeFromDead,
  tryStep,
  UNRECOVERABLE,
  unlock,
} from "../protocols/mutex.ts";
import {
  announceStarved,
  BACKED_OFF,
  C_COUNT,
  C_OWNER,
  CELL_WORDS,
  CELLS,
  claimCell,
  DRAIN,
  firstHeld,
  giveBack,
  isClosed,
  MODE,
  OPENINGS,
  openMode,
  readStep,
  repairMode,
  WAKE_READERS,
  WAKE_WRITER,
  withdrawStarved,
  writeStep,
} from "../protocols/rw-lock.ts";
import { DEADLOCKED } from "../region/deadlock.ts";
import type { RegionMemory } from "../region/memory.ts";
import { EXCLUSIVE, released, releasing, SHARED } from "../region/record-holds.ts";
import { isRecording } from "../region/record-memory.ts";
import { recordWait } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { isAlive, probe } from "../region/threads.ts";
import { FOR_READERS, FOR_WRITER } from "../region/waits.ts";
import { lockBlocking, ownerIsDead, type Perishable, payRelease, payWakes, STARVING_MS } from "../region/word-lock.ts";

/** How long the lock stays open for a starving reader, should that one have died. */
const RESERVED_MS = 2;

/** A read-write lock as this thread sees it. */
export interface RwPlace extends Perishable {
  readonly region: Region;
  readonly index: number;
  /** Index of this thread's reader cell. */
  readonly cell: number;
  readonly me: number;
}

/** Wakes those that a step owes a wake. */
export function payRwWakes(words: Int32Array, index: number, owed: number): void {
  if ((owed & WAKE_READERS) !== 0) wakeAll(words, index + OPENINGS);
  if ((owed & WAKE_WRITER) !== 0) wakeAll(words, index + DRAIN);
  payWakes(words, index, owed);
}

/** As {@link payRwWakes}, at the end of a write hold: a recording that is on learns of it. */
export function payRwRelease(memory: RegionMemory, index: number, owed: number): void {
  if (!isRecording()) return payRwWakes(memory.words, index, owed);
  releasing(memory, index, EXCLUSIVE);
  payRwWakes(memory.words, index, owed);
  released();
}

/** Read holds of this thread. */
export function readsHere({ region, cell }: RwPlace): number {
  return load(region.memory.words, cell + C_COUNT);
}

/** Whether this thread holds the gate: it writes, is about to, or holds the upgradable lock. */
export function gateIsMine({ region, index, me }: RwPlace): boolean {
  return ownerOf(load(region.memory.words, index + LOCK)) === me;
}

/** Makes the thread's reader cell its own, if it is not yet. */
export function claimHere({ region, index, cell, me }: RwPlace): void {
  const { words } = region.memory;
  if (load(words, cell + C_OWNER) !== me) payRwWakes(words, index, claimCell(words, index, cell, me));
}

/** Repairs what the gate's dead owner left; the gate is this thread's now. */
export function repairAfterDeath({ region, index, me }: RwPlace): void {
  const { words } = region.memory;
  const owed = repairMode(words, index);
  // The gate's own mark goes last: until then, another death leaves the repair to the next one. Doubt is kept in the mode.
  markConsistent(words, index, me);
  payRwWakes(words, index, owed);
}

/** If the gate's owner is dead, takes its place, repairs, and leaves: true if so (look again). */
export function recoverDeadWriter(place: RwPlace, ask: boolean): boolean {
  const { region, index, me } = place;
  const { words } = region.memory;
  const word = load(words, index + LOCK);
  if (!ownerIsDead(words, word, ask)) return false;
  if (takeFromDead(words, index, me, word)) {
    repairAfterDeath(place);
    releaseGate(place);
  }
  return true;
}

/** Gives back the read holds of dead threads; true if there were any, or none is held any more (look again). */
export function giveBackDead({ region, index, me }: RwPlace, ask: boolean): boolean {
  const { words } = region.memory;
  let cell = firstHeld(words, index, 0);
  if (cell === 0) return true;
  let found = false;
  while (cell !== 0) {
    const owner = load(words, cell + C_OWNER);
    if (owner !== 0 && owner !== me && (!isAlive(words, owner) || (ask && probe(words, owner)))) {
      giveBack(words, cell, owner);
      found = true;
    }
    cell = firstHeld(words, index, (cell - index - CELLS) / CELL_WORDS + 1);
  }
  return found;
}

/** One look of a reader: a result of the protocol. `waited`: OPENINGS has moved on since it came. Never sleeps. */
export function readLook(place: RwPlace, ask: boolean, waited = 0): number {
  const { region, index, cell } = place;
  const { words } = region.memory;
  for (;;) {
    if (!place.isCurrent()) return UNRECOVERABLE;
    const step = readStep(words, index, cell, waited);
    if (step === BACKED_OFF) payRwWakes(words, index, WAKE_WRITER);
    else if (step !== MUST_WAIT || !recoverDeadWriter(place, ask)) return step;
  }
}

/** Sleeps until a read hold is had: a result of the protocol; MUST_WAIT: time-out; HELD_BY_ME: this thread writes; DEADLOCKED. */
export function readBlocking(place: RwPlace, deadline: number): number {
  if (!isRecording()) return readSleeping(place, deadline);
  return recordWait(place.region, place.index, SHARED, () => readSleeping(place, deadline));
}

function readSleeping(place: RwPlace, deadline: number): number {
  const { region, index } = place;
  const { words } = region.memory;
  const begun = now();
  const came = load(words, index + OPENINGS);
  if (readsHere(place) === 0 && !gateIsMine(place)) region.spinning?.watchMode(index);
  let starving = false;
  let ended = 0;
  for (;;) {
    const sequence = load(words, index + OPENINGS);
    let step = readLook(place, ended === TIMED_OUT || ended === EXPIRED, sequence === came ? 0 : 1);
    if (step === MUST_WAIT && gateIsMine(place)) step = HELD_BY_ME;
    if (step !== MUST_WAIT || ended === EXPIRED || ended === DEADLOCKED) {
      if (starving) payRwWakes(words, index, withdrawStarved(words, index));
      return step === MUST_WAIT && ended === DEADLOCKED ? DEADLOCKED : step;
    }
    if (now() - begun > STARVING_MS) starving = announceStarved(words, index) || starving;
    ended = sleepOn(region, index + OPENINGS, sequence, index, deadline, SLICE_MS, FOR_WRITER, sequence);
  }
}

/** Sleeps until the lock is drained of readers; the gate is this thread's. MUST_WAIT (time-out) or DEADLOCKED: the mode is as it was. */
export function drainBlocking(place: RwPlace, deadline: number): number {
  if (!isRecording()) return drainSleeping(place, deadline);
  return recordWait(place.region, place.index, EXCLUSIVE, () => drainSleeping(place, deadline));
}

function drainSleeping(place: RwPlace, deadline: number): number {
  const { region, index } = place;
  const { words } = region.memory;
  region.spinning?.watchReaders(index);
  let ended = 0;
  let force = 0;
  for (;;) {
    const sequence = load(words, index + DRAIN);
    const step = writeStep(words, index, force);
    if (step !== MUST_WAIT) return step;
    const closed = isClosed(load(words, index + MODE));
    if (closed && giveBackDead(place, ended === TIMED_OUT || ended === EXPIRED)) continue;
    if (ended === EXPIRED) return MUST_WAIT;
    if (ended === DEADLOCKED) return DEADLOCKED;
    const slice = closed ? SLICE_MS : RESERVED_MS;
    ended = sleepOn(region, index + DRAIN, sequence, index, deadline, slice, FOR_READERS);
    // The starving reader that the lock stays open for did not come.
    force = ended === TIMED_OUT && !closed ? 1 : 0;
  }
}

/** Sleeps until the gate is this thread's, in repair if its owner died: a result of the mutex. */
export function gateBlocking(place: RwPlace, deadline: number): number {
  const { region, index, me } = place;
  const spinning = isRecording() ? undefined : region.spinning;
  if (spinning !== undefined && spinning.spinForLock(index, me, 0, 0) !== 0) return ACQUIRED;
  return repaired(place, lockBlocking(place.region, place.index, deadline, place));
}

/** Takes the gate if that needs no wait: a result of the mutex. */
export function gateNow(place: RwPlace): number {
  const { region, index, me } = place;
  const { words } = region.memory;
  const result = tryStep(words, index, me);
  if (result !== MUST_WAIT) return repaired(place, result);
  const word = load(words, index + LOCK);
  const taken = ownerIsDead(words, word, true) && takeFromDead(words, index, me, word);
  return taken ? repaired(place, ACQUIRED_DIED) : MUST_WAIT;
}

/** A result of the mutex for a gate that was taken: repaired, if its owner had died. */
export function repaired(place: RwPlace, result: number): number {
  if (result !== ACQUIRED_DIED) return result;
  repairAfterDeath(place);
  return ACQUIRED;
}

/** Opens the mode again: the writer that drained gives up. The gate stays with this thread. */
export function reopen({ region, index }: RwPlace): void {
  const { words } = region.memory;
  payRwWakes(words, index, openMode(words, index));
}

/** Gives the gate back. */
export function releaseGate({ region, index, me }: RwPlace): void {
  const { words } = region.memory;
  const owed = unlock(words, index, me);
  // Not the owner any more: the lock was freed meanwhile.
  if (owed !== NOT_OWNER) payRelease(region.memory, index, owed, EXCLUSIVE);
}
