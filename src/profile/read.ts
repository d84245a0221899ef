// What the recording memory holds, as plain data: the areas of all threads, as they are at this moment.

import { load, peek } from "../cells/atomics.ts";
import {
  A_BUSY,
  A_DROPPED,
  A_EARLIER,
  A_LAST_TIMEOUT,
  A_PAIRS,
  A_SESSION,
  A_SPAN_VERSION,
  A_SPANS,
  C_LOST,
  E_AREA,
  E_ID,
  E_STATE,
  ENTRY_ALIVE,
  MAX_PAIRS,
  MAX_SPANS,
  MAX_THREAD_ENTRIES,
  P_HOLDER,
  P_ROW,
  P_WAIT,
  P_WAITER,
  P_WAITS,
  PAIR_WORDS,
  PAIRS_AT,
  R_CONTENDED,
  R_COUNTED,
  R_DEADLOCKS,
  R_DEATHS,
  R_GROWTHS,
  R_HOLD,
  R_HOLDS,
  R_LOCK,
  R_LOCKED_READS,
  R_MAX_HOLD,
  R_MAX_WAIT,
  R_PARKS,
  R_QUEUE,
  R_REGION,
  R_RETRIES,
  R_SERIAL,
  R_SPINS,
  R_TIMED,
  R_TIMEOUTS,
  R_WAIT,
  R_WAITS,
  SPAN_LENGTH,
  SPAN_ROW,
  SPAN_START,
  SPAN_WHAT,
  SPAN_WORDS,
  SPANS_AT,
  THREAD_WORDS,
  THREADS_AT,
  WAIT_SPAN,
} from "../region/record-layout.ts";
import { recordWords } from "../region/record-memory.ts";
import { rowsOf } from "../region/recorder.ts";
import { histogramOf } from "./merge.ts";
import type { Frame, Histogram, LockCounts, Span } from "./types.ts";

/** Which lock it is: the region's number in the recording, the word, the block's serial number or 0. */
export interface LockKey {
  readonly region: number;
  readonly lock: number;
  readonly serial: number;
}

/** What one thread counted of one lock. */
export interface ReadRow extends LockKey {
  readonly counts: LockCounts;
  readonly waits: Histogram;
  readonly holds: Histogram;
  readonly retries: number;
  readonly lockedReads: number;
  readonly growths: number;
}

export interface ReadPair extends LockKey {
  readonly waiter: readonly Frame[];
  readonly holder: readonly Frame[];
  readonly waits: number;
  readonly wait: number;
}

export interface ReadArea {
  readonly rows: readonly ReadRow[];
  readonly pairs: readonly ReadPair[];
  /** Starts are on the clock that all threads share. */
  readonly spans: readonly (LockKey & Pick<Span, "what" | "start" | "length">)[];
  readonly dropped: number;
  /** Ended threads that wrote in the area before this one. */
  readonly earlier: number;
  readonly busy: boolean;
  /** When a wait last ran out of time, 0: none did. */
  readonly lastTimeout: number;
}

export interface ReadThread {
  readonly id: number;
  readonly alive: boolean;
  /** Undefined if it recorded nothing. */
  readonly area: ReadArea | undefined;
}

/** How many threads and locks found no memory to be recorded in. */
export function lostCount(): number {
  return load(recordWords(), C_LOST);
}

/** All threads that ever had a part in recordings, and what they recorded in the one with this number. */
export function readThreads(session: number): ReadThread[] {
  const words = recordWords();
  const threads: ReadThread[] = [];
  for (let k = 0; k < MAX_THREAD_ENTRIES; k++) {
    const at = THREADS_AT + k * THREAD_WORDS;
    const id = load(words, at + E_ID);
    if (id === 0) break;
    const area = load(words, at + E_AREA);
    const current = area !== 0 && load(words, area + A_SESSION) === session;
    const alive = load(words, at + E_STATE) === ENTRY_ALIVE;
    threads.push({ id: id - 1, alive, area: current ? readArea(words, area) : undefined });
  }
  return threads;
}

function readArea(words: Int32Array, area: number): ReadArea {
  const floats = new Float64Array(words.buffer, 0, words.length >> 1);
  return {
    rows: rowsOf(words, area).map((row) => readRow(words, floats, row)),
    pairs: readPairs(words, floats, area),
    spans: readSpans(words, floats, area),
    dropped: peek(words, area + A_DROPPED),
    earlier: peek(words, area + A_EARLIER),
    busy: load(words, area + A_BUSY) !== 0,
    lastTimeout: floats[(area + A_LAST_TIMEOUT) >> 1],
  };
}

function keyOf(words: Int32Array, row: number): LockKey {
  return {
    region: load(words, row + R_REGION),
    lock: peek(words, row + R_LOCK),
    serial: peek(words, row + R_SERIAL),
  };
}

function readRow(words: Int32Array, floats: Float64Array, row: number): ReadRow {
  // Whole nanoseconds: the clock has no finer ones.
  const float = (field: number): number => Math.round(floats[(row + field) >> 1]);
  const count = (field: number): number => peek(words, row + field);
  const contended = count(R_CONTENDED);
  return {
    ...keyOf(words, row),
    counts: {
      acquisitions: contended + float(R_COUNTED),
      contended,
      wait: float(R_WAIT),
      maxWait: float(R_MAX_WAIT),
      hold: float(R_HOLD),
      maxHold: float(R_MAX_HOLD),
      timedHolds: count(R_TIMED),
      spins: count(R_SPINS),
      parks: count(R_PARKS),
      timeouts: count(R_TIMEOUTS),
      ownerDeaths: count(R_DEATHS),
      deadlocks: count(R_DEADLOCKS),
      longestQueue: count(R_QUEUE),
    },
    waits: readHistogram(words, row + R_WAITS),
    holds: readHistogram(words, row + R_HOLDS),
    retries: count(R_RETRIES),
    lockedReads: count(R_LOCKED_READS),
    growths: count(R_GROWTHS),
  };
}

function readHistogram(words: Int32Array, at: number): Histogram {
  return histogramOf((bucket) => peek(words, at + bucket));
}

function readPairs(words: Int32Array, floats: Float64Array, area: number): ReadPair[] {
  const pairs: ReadPair[] = [];
  const count = Math.min(load(words, area + A_PAIRS), MAX_PAIRS);
  for (let k = 0; k < count; k++) {
    const at = area + PAIRS_AT + k * PAIR_WORDS;
    const row = load(words, at + P_ROW);
    if (row === 0) continue;
    pairs.push({
      ...keyOf(words, row),
      waiter: readFrames(words, peek(words, at + P_WAITER)),
      holder: readFrames(words, peek(words, at + P_HOLDER)),
      waits: peek(words, at + P_WAITS),
      wait: Math.round(floats[(at + P_WAIT) >> 1]),
    });
  }
  return pairs;
}

function readFrames(words: Int32Array, at: number): Frame[] {
  if (at === 0) return [];
  const length = peek(words, at);
  let text = "";
  for (let unit = 0; unit < length; unit++) {
    text += String.fromCharCode((peek(words, at + 1 + (unit >> 1)) >>> ((unit & 1) << 4)) & 0xffff);
  }
  return text.split("\n").map((line) => {
    const [name, file, row, column] = line.split("\t");
    return { name, file, line: Number(row), column: Number(column) };
  });
}

function readSpans(words: Int32Array, floats: Float64Array, area: number): ReadArea["spans"] {
  // The thread moves its spans together when they fill the buffer: read again if it did so meanwhile.
  for (let tries = 0; ; tries++) {
    const version = load(words, area + A_SPAN_VERSION);
    const spans: (LockKey & Pick<Span, "what" | "start" | "length">)[] = [];
    const count = Math.min(load(words, area + A_SPANS), MAX_SPANS);
    for (let k = 0; k < count; k++) {
      const at = area + SPANS_AT + k * SPAN_WORDS;
      const row = peek(words, at + SPAN_ROW);
      if (row === 0) continue;
      spans.push({
        ...keyOf(words, row),
        what: peek(words, at + SPAN_WHAT) === WAIT_SPAN ? "wait" : "hold",
        start: Math.round(floats[(at + SPAN_START) >> 1]),
        length: Math.round(floats[(at + SPAN_LENGTH) >> 1]),
      });
    }
    // A thread that was killed while it moved them leaves an odd version for good.
    if ((version & 1) === 0 && load(words, area + A_SPAN_VERSION) === version) return spans;
    if (tries > 10) return spans;
  }
}
