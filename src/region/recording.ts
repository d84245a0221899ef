// What the waiting code calls while a recording is on: a wait begins and ends. Off, a call costs one look at one word, and
// all of the calls are on slow paths: an acquisition that finds its lock free passes none of them.
//
// Who is to blame for a wait: the waiter reads who held the lock, and under which ticket, when it came. The holder leaves
// the stack by which it took the lock, with that ticket (record-holds.ts); so the waiter finds the two together.

import { load, peek } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { HoldfastError } from "../cells/errors.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  HELD_BY_ME,
  HOLD,
  LOCK,
  MUST_WAIT,
  NOT_RECOVERABLE,
  ownerOf,
} from "../protocols/mutex.ts";
import { DEADLOCKED } from "./deadlock.ts";
import { H_MAX_THREADS, H_NEXT_SLOT, T_PARKS, T_STATE, T_WAIT_FOR } from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import { beginFreeHold, beginHold, beginReadHold, PART, PERMITS, SHARED, serialBefore } from "./record-holds.ts";
import {
  C_SAMPLE,
  C_THRESHOLD,
  R_CONTENDED,
  R_DEADLOCKS,
  R_DEATHS,
  R_MAX_WAIT,
  R_PARKS,
  R_QUEUE,
  R_SPINS,
  R_TIMEOUTS,
  R_WAIT,
  R_WAITS,
  WAIT_SPAN,
} from "./record-layout.ts";
import { controlWords, isRecording } from "./record-memory.ts";
import type { Row } from "./record-row.ts";
import { captureTrace, isTraceDue } from "./record-stack.ts";
import { Recorder } from "./recorder.ts";
import { turns } from "./spinning.ts";
import { slotWord, threadIdOf } from "./threads.ts";

interface Waiter {
  readonly memory: RegionMemory;
  readonly me: number;
  readonly seatAt: number;
}

/** A wait under way. */
export interface Waiting {
  readonly recorder: Recorder;
  readonly row: Row;
  readonly waiter: Waiter;
  readonly index: number;
  readonly how: number;
  readonly begun: number;
  /** Owner id and ticket of the hold that stood in the way; 0: none did. */
  readonly owner: number;
  readonly ticket: number;
  readonly parks: number;
  readonly turns: number;
  /** Whether a task waits, which sleeps beside its thread. */
  readonly byTask: boolean;
  trace: Error | undefined;
}

/** Recorded waits of this thread, one inside another: only the outermost counts. */
let depth = 0;

/** A wait begins; undefined if it is not recorded: no recording is on, or the wait is a part of another one. */
export function beginWait(
  waiter: Waiter,
  index: number,
  how: number,
  byTask = false,
  begun: number = now(),
): Waiting | undefined {
  if (!isRecording() || depth > 0) return undefined;
  const recorder = Recorder.ofThread();
  const { memory, me, seatAt } = waiter;
  const row = recorder?.rowOf(memory, index, how === PART ? 0 : serialBefore(memory, index));
  if (recorder === undefined || row === undefined) return undefined;
  recorder.flush();
  const words = memory.words;
  const owner = how === PERMITS ? 0 : ownerOf(load(words, index + LOCK));
  const ticket = peek(words, index + HOLD);
  let trace: Error | undefined;
  // Of a free lock it is captured only if it comes to a wait.
  if (owner !== 0 && (owner !== me || byTask) && isTraceDue(begun)) trace = captureTrace();
  const parks = peek(words, seatAt + T_PARKS);
  return { recorder, row, waiter, index, how, begun, owner, ticket, parks, turns: turns.taken, byTask, trace };
}

/** The wait ended with this result of the protocol. */
export function endWait(wait: Waiting, result: number): void {
  const { recorder, row, waiter, index, how, owner } = wait;
  const { words } = waiter.memory;
  const parks = wait.byTask ? 1 : peek(words, waiter.seatAt + T_PARKS) - wait.parks;
  if (result === HELD_BY_ME) return;
  // A time-out may be over before the first sleep.
  if ((owner === 0 || owner === waiter.me) && parks === 0 && result !== MUST_WAIT) {
    // It was to be had at once; an exclusive lock has counted that itself.
    if (result !== ACQUIRED || wait.byTask) return;
    if (how > PART) row.count();
    else beginFreeHold(row, waiter, index);
    return;
  }
  const ended = now();
  const length = Math.max(0, ended - wait.begun) * 1e6;
  recorder.enter();
  row.add(R_CONTENDED, 1);
  row.add(R_PARKS, parks);
  row.add(R_SPINS, turns.taken - wait.turns);
  if (result === MUST_WAIT) {
    row.add(R_TIMEOUTS, 1);
    recorder.timedOut();
  }
  if (result === ACQUIRED_DIED) row.add(R_DEATHS, 1);
  if (result === DEADLOCKED) row.add(R_DEADLOCKS, 1);
  row.time(R_WAIT, R_MAX_WAIT, R_WAITS, length);
  row.atLeast(R_QUEUE, sleepersBeside(words, index) + 1);
  recorder.span(row, WAIT_SPAN, wait.begun, length);
  if (length >= controlWords()[C_THRESHOLD] * 1000 && recorder.isNext(controlWords()[C_SAMPLE])) {
    wait.trace ??= captureTrace();
    const holder = owner === 0 || owner === NOT_RECOVERABLE ? undefined : threadIdOf(words, owner);
    const until = peek(words, index + HOLD);
    const exclusive = how !== PERMITS;
    recorder.keep({ row, trace: wait.trace, length, holder, ticket: wait.ticket, until, exclusive });
  }
  recorder.leave();
  const held = result === ACQUIRED || result === ACQUIRED_DIED;
  if (held && how === SHARED) beginReadHold(row, waiter.memory, index, ended);
  if (held && how <= PART) beginHold(row, waiter, index, ended, wait.trace);
  else recorder.flush();
}

/** Records `wait`, a wait for the lock at `index` that gives a result of the protocol. */
export function recordWait(waiter: Waiter, index: number, how: number, wait: () => number): number {
  const waiting = beginWait(waiter, index, how);
  if (waiting === undefined) return wait();
  let result = MUST_WAIT;
  depth++;
  try {
    result = wait();
  } catch (error) {
    result = resultOfError(error);
    throw error;
  } finally {
    depth--;
    endWait(waiting, result);
  }
  return result;
}

function resultOfError(error: unknown): number {
  if (!(error instanceof HoldfastError)) return 0;
  if (error.code === "ERR_TIMEOUT") return MUST_WAIT;
  return error.code === "ERR_DEADLOCK" ? DEADLOCKED : 0;
}

/** Records an awaited acquisition: `run` calls back when the lock is not to be had at once. */
export function recordAwait<R>(
  waiter: Waiter,
  index: number,
  how: number,
  run: (blocked: () => void) => Promise<R>,
): Promise<R> {
  return isRecording() ? awaitRecorded(waiter, index, how, run) : run(() => {});
}

async function awaitRecorded<R>(
  waiter: Waiter,
  index: number,
  how: number,
  run: (blocked: () => void) => Promise<R>,
): Promise<R> {
  const came = now();
  let waiting: Waiting | undefined;
  let known = false;
  let result = 0;
  try {
    const awaited = await run(() => {
      if (!known) waiting = beginWait(waiter, index, how, true, came);
      known = true;
    });
    result = resultOf(awaited);
    return awaited;
  } finally {
    if (waiting !== undefined) endWait(waiting, result);
  }
}

/** A result of the protocol, bare or in an object; anything else stands for a time that is over. */
function resultOf(awaited: unknown): number {
  if (typeof awaited === "number") return awaited;
  const { result } = Object(awaited) as { result?: unknown };
  return typeof result === "number" ? result : MUST_WAIT;
}

/** Counts an acquisition that found a lock free which does not count them itself. */
export function countFree(memory: RegionMemory, index: number): void {
  if (isRecording()) Recorder.ofThread()?.rowOf(memory, index, serialBefore(memory, index))?.count();
}

/** Counts something else of the lock at `index`, which is a part of a table. */
export function countOf(memory: RegionMemory, index: number, field: number, count: number): void {
  Recorder.ofThread()?.rowOf(memory, index, 0)?.add(field, count);
}

/** How many threads sleep for the lock beside this one. */
function sleepersBeside(words: Int32Array, index: number): number {
  // Seats are taken in order: what lies behind the last one taken has never been used.
  const used = Math.min(words[H_MAX_THREADS], words[H_NEXT_SLOT] >>> 0);
  let sleepers = 0;
  for (let slot = 0; slot < used; slot++) {
    const at = slotWord(slot);
    if (load(words, at + T_WAIT_FOR) === index && (load(words, at + T_STATE) & 3) === 1) sleepers++;
  }
  return sleepers;
}
