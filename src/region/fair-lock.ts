// First in, first out, for the locks over a mutex word: who waits stands in a line (protocols/fair-line.ts), and a free
// lock is taken by the first one there, and by nobody else.
//
// Release with waiters (S is set, so the fast path fails): the word becomes S alone, free but for newcomers; then the first
// in line is woken. If there is none, S is cleared, and the line is looked along once more.
// Wait: enter the line; then, until it has the lock: read the node's sequence; if the word is free, or its owner dead, and
// nobody stands before me, take it; else see to it that S is set, and sleep on the sequence.
// A task before me may belong to a thread that blocks elsewhere. So the first thread behind tasks is woken with them; if
// they have not come for the free lock within KEPT_MS, they are passed over until they run again.
//
// Why no wake is lost: whatever makes a waiter the first one, or the lock free, is followed by a look along the line that
// bumps the sequence of whoever is first then: a release, a clearing of S, a leave (time-out, abort), a passing over. The
// waiter read the sequence before it looked at the word and the line, so its sleep does not begin, or ends.
// Who dies between such a change and the wake is covered by the reaper, which wakes all sleepers; tasks have their slice.
// Where nobody hears of a death (a browser, or a parent that is blocked itself), the next in line asks at the end of a slice.
// Invariant: if a waiter sleeps in line, S is set, or some awake one that is in line, leaves it or releases sees to it.

import { cas, load, peek } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { SLICE_MS, TIMED_OUT, wakeAll } from "../cells/park.ts";
import {
  bump,
  drawTicket,
  enterLine,
  isBefore,
  isInLine,
  isLate,
  isTasks,
  leaveLine,
  lengthOf,
  NODE_SEQ,
  nodeAt,
  nodeOf,
  passOver,
  waiterOf,
} from "../protocols/fair-line.ts";
import {
  ACQUIRED_DIED,
  fairTake,
  HELD_BY_ME,
  LOCK,
  MUST_WAIT,
  NOT_RECOVERABLE,
  ownerOf,
  POLICY,
  SYNC_WAITERS,
  takeFromDead,
  UNRECOVERABLE,
} from "../protocols/mutex.ts";
import { DEADLOCKED } from "./deadlock.ts";
import { EXCLUSIVE } from "./record-holds.ts";
import { isRecording } from "./record-memory.ts";
import { recordWait } from "./recording.ts";
import { EXPIRED, sleepOn } from "./sleep.ts";
import { isAlive, probe } from "./threads.ts";
import { FOR_OWNER } from "./waits.ts";
import { type Locker, ownerIsDead, type Perishable } from "./word-lock.ts";

/** Results of a step besides the mutex's: sleep; the same, but the free lock is kept for tasks before this waiter. */
export const SLEEP = 0;
export const KEPT = -1;

/** How long a free lock is kept for a task whose thread may be blocked elsewhere. */
export const KEPT_MS = 2;

/** One waiter's place. */
export interface Place {
  readonly index: number;
  readonly line: number;
  readonly node: number;
  readonly state: number;
  /** Whether the waiter is a task. */
  readonly byTask: boolean;
}

const NOBODY = 0;
const ONLY_TASKS = 1;
const A_THREAD = 2;

/** The state of a node whose waiter is to be reckoned with, or 0; a dead one's is removed. */
function stateOf(words: Int32Array, node: number): number {
  const state = load(words, node);
  if (!isInLine(state) || isLate(state)) return 0;
  if (isAlive(words, waiterOf(words, node))) return state;
  leaveLine(words, node, state);
  return 0;
}

/**
 * Who stands before a waiter. A thread that is about to block need not wait for its own tasks: they can't come. `ask`: those
 * before it that seem alive are asked, since it may be that nobody hears of the end of the first one.
 */
function before(words: Int32Array, me: number, place: Place, ask: boolean): number {
  let found = NOBODY;
  const length = lengthOf(words, place.line);
  const own = place.byTask ? place.node : nodeOf(place.line, me, 1);
  for (let at = 0; at < length; at++) {
    const node = nodeAt(place.line, at);
    if (node === place.node || node === own) continue;
    const state = stateOf(words, node);
    if (state === 0 || !isBefore(state, place.state)) continue;
    const waiter = waiterOf(words, node);
    if (ask && waiter !== me && probe(words, waiter)) {
      leaveLine(words, node, state);
      continue;
    }
    // The rest need not be asked: whoever lives and stands before this waiter asks those before itself.
    if (!isTasks(at)) return A_THREAD;
    found = ONLY_TASKS;
  }
  return found;
}

function passOverTasks(words: Int32Array, place: Place): void {
  const length = lengthOf(words, place.line);
  for (let at = 1; at < length; at += 2) {
    const node = nodeAt(place.line, at);
    if (node === place.node) continue;
    const state = stateOf(words, node);
    if (state === 0 || !isBefore(state, place.state)) continue;
    passOver(words, node, state);
    // It was asleep, or is about to be: once it runs again it counts again.
    wakeNode(words, node);
  }
}

function wakeNode(words: Int32Array, node: number): void {
  bump(words, node);
  wakeAll(words, node + NODE_SEQ);
}

/** Wakes the first thread in line and the tasks before it; false if nobody stands there. */
function wakeFirst(words: Int32Array, line: number): boolean {
  const length = lengthOf(words, line);
  let first = 0;
  let oldest = 0;
  let tasks = false;
  for (let at = 0; at < length; at++) {
    const node = nodeAt(line, at);
    const state = stateOf(words, node);
    if (state === 0) continue;
    if (isTasks(at)) tasks = true;
    else if (first === 0 || isBefore(state, oldest)) {
      first = node;
      oldest = state;
    }
  }
  for (let at = 1; tasks && at < length; at += 2) {
    const node = nodeAt(line, at);
    const state = stateOf(words, node);
    if (state !== 0 && (first === 0 || isBefore(state, oldest))) wakeNode(words, node);
  }
  if (first !== 0) wakeNode(words, first);
  return tasks || first !== 0;
}

/** Pays what the release of a fair lock owes: wakes whoever is first in line. */
export function wakeNext(words: Int32Array, index: number, line: number): void {
  if (wakeFirst(words, line)) return;
  // Nobody waits: newcomers may take the fast path again.
  if (-peek(words, index + POLICY) !== line) return;
  if (cas(words, index + LOCK, SYNC_WAITERS, 0) === SYNC_WAITERS) wakeFirst(words, line);
}

/** Wakes everyone in line: the lock is lost. */
export function wakeLine(words: Int32Array, line: number): void {
  const length = lengthOf(words, line);
  for (let at = 0; at < length; at++) wakeNode(words, nodeAt(line, at));
}

/**
 * One step of a waiter in line: ACQUIRED, ACQUIRED_DIED, UNRECOVERABLE, or SLEEP or KEPT. `ask`: a sleep ended without a
 * wake, so ask the owner whether it lives; `overtake`: the tasks before this waiter have had their time to come.
 */
export function fairStep(words: Int32Array, me: number, place: Place, ask: boolean, overtake: boolean): number {
  const { index } = place;
  for (;;) {
    const word = load(words, index + LOCK);
    const owner = ownerOf(word);
    if (owner === NOT_RECOVERABLE) return UNRECOVERABLE;
    const dead = owner !== me && ownerIsDead(words, word, ask);
    let kept = false;
    if (owner === 0 || dead) {
      const ahead = before(words, me, place, ask);
      if (ahead === NOBODY) {
        if (dead && takeFromDead(words, index, me, word)) return ACQUIRED_DIED;
        const taken = dead ? MUST_WAIT : fairTake(words, index, me, word);
        if (taken !== MUST_WAIT) return taken;
        continue;
      }
      kept = ahead === ONLY_TASKS;
      if (kept && overtake) {
        passOverTasks(words, place);
        overtake = false;
        continue;
      }
      // Whoever should have woken the first one, or the first one itself, may have died just then.
      if (ask) wakeFirst(words, place.line);
    }
    if (word >= 0 && cas(words, index + LOCK, word, word | SYNC_WAITERS) !== word) continue;
    return kept ? KEPT : SLEEP;
  }
}

/** The waiter goes: with the lock, or without it, which may make another one the first. */
export function quit(words: Int32Array, place: Place, result: number): void {
  leaveLine(words, place.node, place.state);
  if (result === MUST_WAIT) wakeNext(words, place.index, place.line);
  // The line may be another lock's by now, and the wake one of its waiters'.
  else if (result === UNRECOVERABLE) wakeLine(words, place.line);
}

/**
 * As lockBlocking, for a fair lock: sleeps until this thread's turn comes, the lock can't be had, the deadline is over, or
 * it is the one of a deadlock that must give up. Blocks.
 */
export function lockFair(locker: Locker, index: number, line: number, deadline: number, what: Perishable): number {
  if (!isRecording()) return standInLine(locker, index, line, deadline, what);
  return recordWait(locker, index, EXCLUSIVE, () => standInLine(locker, index, line, deadline, what));
}

function standInLine(locker: Locker, index: number, line: number, deadline: number, what: Perishable): number {
  const { me } = locker;
  const { words } = locker.memory;
  if (ownerOf(load(words, index + LOCK)) === me) return HELD_BY_ME;
  const node = nodeOf(line, me, 0);
  const place: Place = { index, line, node, state: drawTicket(words, line), byTask: false };
  enterLine(words, line, node, me, place.state);
  let ask = false;
  let kept = false;
  let deadlocked = false;
  for (;;) {
    const sequence = load(words, node + NODE_SEQ);
    let step: number = what.isCurrent() ? fairStep(words, me, place, ask, kept && ask) : UNRECOVERABLE;
    // However little time was given: the last look asks whether those live that it waits for.
    if (step <= SLEEP && (deadlocked || (ask && now() >= deadline))) step = MUST_WAIT;
    if (step > SLEEP) {
      quit(words, place, step);
      return step === MUST_WAIT && deadlocked ? DEADLOCKED : step;
    }
    kept = step === KEPT;
    const slice = kept ? KEPT_MS : SLICE_MS;
    const ended = sleepOn(locker, node + NODE_SEQ, sequence, index, deadline, slice, FOR_OWNER);
    deadlocked = ended === DEADLOCKED;
    ask = ended === TIMED_OUT || ended === EXPIRED;
  }
}
