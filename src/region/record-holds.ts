// How long locks are held, while a recording is on. Off, none of this is called.
//
// An exclusive hold is timed if it began with a wait, or if its lock's word was marked (protocols/mutex.ts): S on a free
// word sends the next acquisition by the slow path, which takes the time, and its release by the slow path too. So a fast
// path has no instruction for it. Of a hold that began with a wait the waiter sets S itself; for the protocol both are a
// wake that finds nobody. Read holds have no word of their own: where they are counted, one of many is timed.
//
// The holder leaves the stack by which it took the lock, with the hold's ticket, before it wakes anybody: so the waiter
// finds who was to blame.

import { cas, load, peek, poke } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { HOLD, LOCK, ownerOf, SLOW, SYNC_WAITERS } from "../protocols/mutex.ts";
import { B_SERIAL, BLOCK_HEADER_BYTES } from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import {
  C_ON,
  C_THRESHOLD,
  HOLD_SPAN,
  R_HOLD,
  R_HOLDS,
  R_MAX_HOLD,
  R_SAMPLED,
  R_SAMPLED_HOLD,
  R_TIMED,
} from "./record-layout.ts";
import { controlWords, isRecording } from "./record-memory.ts";
import type { Row } from "./record-row.ts";
import { captureTrace, isTraceDue } from "./record-stack.ts";
import { Recorder } from "./recorder.ts";

/** What is waited for, as far as the recording must know. */
export const EXCLUSIVE = 0;
/** An exclusive lock inside a larger object: its block has no serial number for it. */
export const PART = 1;
/** A hold that is shared. */
export const SHARED = 2;
/** Permits, which have no holder that would be to blame. */
export const PERMITS = 3;

/** One of so many read holds of a thread is timed. */
const READS_A_SAMPLE = 64;

/** A hold whose end is awaited. */
export interface Hold {
  readonly row: Row;
  readonly begun: number;
  /** The number of the recording in which it began. */
  readonly session: number;
  /** Whether it stands for others, which are not timed. */
  readonly sampled: boolean;
}

interface ExclusiveHold extends Hold {
  readonly trace: Error | undefined;
  readonly ticket: number;
}

interface Holder {
  readonly memory: RegionMemory;
  readonly me: number;
}

const holds = new WeakMap<RegionMemory, Map<number, ExclusiveHold>>();

/** Which lock this thread's timed read hold is of. */
const timedRead: { memory: RegionMemory | undefined; index: number; hold: Hold | undefined } = {
  memory: undefined,
  index: 0,
  hold: undefined,
};
let readsLeft = 1;

function holdFrom(row: Row, begun: number, sampled: boolean): Hold {
  return { row, begun, session: controlWords()[C_ON], sampled };
}

/** An exclusive hold begins, with a wait before it. */
export function beginHold(row: Row, holder: Holder, index: number, begun: number, trace: Error | undefined): void {
  const { words } = holder.memory;
  keep(holder.memory, index, holdFrom(row, begun, false), trace);
  for (;;) {
    const word = load(words, index + LOCK);
    if (word < 0 || ownerOf(word) !== holder.me) return;
    if (cas(words, index + LOCK, word, word | SYNC_WAITERS) === word) return;
  }
}

/** An exclusive hold begins of a lock that was free but came by the slow path: timed if its release comes by it too. */
export function beginFreeHold(row: Row, holder: Holder, index: number): void {
  const { words } = holder.memory;
  const word = load(words, index + LOCK);
  if (word >= 0 || ownerOf(word) !== holder.me) return;
  // The mark sent it there, nobody was in the way.
  poke(words, index + SLOW, peek(words, index + SLOW) - 1);
  keep(holder.memory, index, holdFrom(row, now(), true), undefined);
}

function keep(memory: RegionMemory, index: number, hold: Hold, trace: Error | undefined): void {
  let held = holds.get(memory);
  if (held === undefined) holds.set(memory, (held = new Map()));
  held.set(index, { ...hold, trace, ticket: peek(memory.words, index + HOLD) });
}

/** Writes the time of a hold that ends now: how long it was, undefined if it began in an earlier recording. */
function end(recorder: Recorder, { row, begun, session, sampled }: Hold, ended: number): number | undefined {
  if (session !== controlWords()[C_ON]) return undefined;
  const length = Math.max(0, ended - begun) * 1e6;
  recorder.enter();
  row.add(R_TIMED, 1);
  row.time(R_HOLD, R_MAX_HOLD, R_HOLDS, length);
  if (sampled) {
    row.add(R_SAMPLED, 1);
    row.sum(R_SAMPLED_HOLD, length);
  }
  recorder.span(row, HOLD_SPAN, begun, length);
  recorder.leave();
  return length;
}

/** The lock was released by the slow path; those who wait have not been woken yet. */
export function releasing(memory: RegionMemory, index: number, how: number): void {
  const held = holds.get(memory);
  const hold = held?.get(index);
  const recorder = Recorder.ofThread();
  if (recorder === undefined) return;
  const ended = now();
  if (hold !== undefined && held !== undefined) {
    held.delete(index);
    const length = end(recorder, hold, ended);
    if (length === undefined) return;
    // What was no long wait may be a long hold.
    const trace = hold.trace ?? (length >= controlWords()[C_THRESHOLD] * 1000 ? captureTrace() : undefined);
    if (trace !== undefined) recorder.leaveSite(hold.row, trace, hold.ticket);
  } else if (isTraceDue(ended)) {
    // Taken by the fast path, and someone waits: the place where it is given back has to do.
    const row = recorder.rowOf(memory, index, how === PART ? 0 : serialBefore(memory, index));
    if (row !== undefined) recorder.leaveSite(row, captureTrace(), peek(memory.words, index + HOLD));
  }
}

/** Those who wait have been woken: there is time now for what {@link releasing} left. */
export function released(): void {
  Recorder.ofThread()?.flush();
}

/** A read hold begins after a wait. */
export function beginReadHold(row: Row, memory: RegionMemory, index: number, begun: number): void {
  timedRead.memory = memory;
  timedRead.index = index;
  timedRead.hold = holdFrom(row, begun, false);
}

/** The row of the lock that this thread read last: most reads are of the same one again. */
const lastRead: {
  memory: RegionMemory | undefined;
  index: number;
  serial: number;
  session: number;
  row: Row | undefined;
} = { memory: undefined, index: 0, serial: 0, session: 0, row: undefined };

/** Counts a read hold that was had at once, and times one of many; what is timed ends at the next {@link endReadHold}. */
export function countRead(memory: RegionMemory, index: number): void {
  const session = controlWords()[C_ON];
  if (session === 0) return;
  const serial = serialBefore(memory, index);
  const last = lastRead;
  if (last.index !== index || last.memory !== memory || last.session !== session || last.serial !== serial) {
    last.row = Recorder.ofThread()?.rowOf(memory, index, serial);
    last.memory = memory;
    last.index = index;
    last.serial = serial;
    last.session = session;
  }
  const { row } = last;
  if (row === undefined) return;
  row.count();
  if (--readsLeft > 0) return;
  readsLeft = READS_A_SAMPLE;
  timedRead.memory = memory;
  timedRead.index = index;
  timedRead.hold = holdFrom(row, now(), true);
}

/** The innermost read hold that this thread has of the lock ends. */
export function endReadHold(memory: RegionMemory, index: number): void {
  if (timedRead.index !== index || timedRead.memory !== memory) return;
  const { hold } = timedRead;
  const recorder = Recorder.ofThread();
  timedRead.index = 0;
  timedRead.hold = undefined;
  if (hold !== undefined && recorder !== undefined) end(recorder, hold, now());
}

/** What others wait for begins to run, in a place that is not hot. */
export function beginRun(memory: RegionMemory, index: number): Hold | undefined {
  if (!isRecording()) return undefined;
  const row = Recorder.ofThread()?.rowOf(memory, index, serialBefore(memory, index));
  return row === undefined ? undefined : holdFrom(row, now(), false);
}

/** It is through. */
export function endRun(run: Hold | undefined): void {
  const recorder = run === undefined ? undefined : Recorder.ofThread();
  if (run !== undefined && recorder !== undefined) end(recorder, run, now());
}

/** The serial number of the block that has the lock in its first words. */
export function serialBefore(memory: RegionMemory, index: number): number {
  const at = index - (BLOCK_HEADER_BYTES >> 2) + B_SERIAL;
  return at < 0 ? 0 : load(memory.words, at);
}
