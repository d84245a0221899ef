// What the recording memory holds, as plain data: the areas of all threads, as they are at this moment.

import { load, peek } from "../cells/atomics.ts";
import * as layout from "../region/record-layout.ts";
import { recordWords } from "../region/record-memory.ts";
import { rowsOf } from "../region/record-row.ts";
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
  return load(recordWords(), layout.C_LOST);
}

/** All threads that ever had a part in recordings, and what they recorded in the one with this number. */
export function readThreads(session: number): ReadThread[] {
  const words = recordWords();
  const threads: ReadThread[] = [];
  for (let k = 0; k < layout.MAX_THREAD_ENTRIES; k++) {
    const at = layout.THREADS_AT + k * layout.THREAD_WORDS;
    const id = load(words, at + layout.E_ID);
    if (id === 0) break;
    const area = load(words, at + layout.E_AREA);
    const current = area !== 0 && load(words, area + layout.A_SESSION) === session;
    const alive = load(words, at + layout.E_STATE) === layout.ENTRY_ALIVE;
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
    dropped: peek(words, area + layout.A_DROPPED),
    earlier: peek(words, area + layout.A_EARLIER),
    busy: load(words, area + layout.A_BUSY) !== 0,
    lastTimeout: floats[(area + layout.A_LAST_TIMEOUT) >> 1],
  };
}

function keyOf(words: Int32Array, row: number): LockKey {
  return {
    region: load(words, row + layout.R_REGION),
    lock: peek(words, row + layout.R_LOCK),
    serial: peek(words, row + layout.R_SERIAL),
  };
}

function readRow(words: Int32Array, floats: Float64Array, row: number): ReadRow {
  // Whole nanoseconds: the clock has no finer ones.
  const float = (field: number): number => Math.round(floats[(row + field) >> 1]);
  const count = (field: number): number => peek(words, row + field);
  const contended = count(layout.R_CONTENDED);
  return {
    ...keyOf(words, row),
    counts: {
      acquisitions: contended + float(layout.R_COUNTED),
      contended,
      wait: float(layout.R_WAIT),
      maxWait: float(layout.R_MAX_WAIT),
      hold: float(layout.R_HOLD),
      maxHold: float(layout.R_MAX_HOLD),
      timedHolds: count(layout.R_TIMED),
      sampledHold: float(layout.R_SAMPLED_HOLD),
      sampledHolds: count(layout.R_SAMPLED),
      spins: count(layout.R_SPINS),
      parks: count(layout.R_PARKS),
      timeouts: count(layout.R_TIMEOUTS),
      ownerDeaths: count(layout.R_DEATHS),
      deadlocks: count(layout.R_DEADLOCKS),
      longestQueue: count(layout.R_QUEUE),
    },
    waits: readHistogram(words, row + layout.R_WAITS),
    holds: readHistogram(words, row + layout.R_HOLDS),
    retries: count(layout.R_RETRIES),
    lockedReads: count(layout.R_LOCKED_READS),
    growths: count(layout.R_GROWTHS),
  };
}

function readHistogram(words: Int32Array, at: number): Histogram {
  return histogramOf((bucket) => peek(words, at + bucket));
}

function readPairs(words: Int32Array, floats: Float64Array, area: number): ReadPair[] {
  const pairs: ReadPair[] = [];
  const count = Math.min(load(words, area + layout.A_PAIRS), layout.MAX_PAIRS);
  for (let k = 0; k < count; k++) {
    const at = area + layout.PAIRS_AT + k * layout.PAIR_WORDS;
    const row = load(words, at + layout.P_ROW);
    if (row === 0) continue;
    pairs.push({
      ...keyOf(words, row),
      waiter: readFrames(words, peek(words, at + layout.P_WAITER)),
      holder: readFrames(words, peek(words, at + layout.P_HOLDER)),
      waits: peek(words, at + layout.P_WAITS),
      wait: Math.round(floats[(at + layout.P_WAIT) >> 1]),
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
    const version = load(words, area + layout.A_SPAN_VERSION);
    const spans: (LockKey & Pick<Span, "what" | "start" | "length">)[] = [];
    const count = Math.min(load(words, area + layout.A_SPANS), layout.MAX_SPANS);
    for (let k = 0; k < count; k++) {
      const at = area + layout.SPANS_AT + k * layout.SPAN_WORDS;
      const row = peek(words, at + layout.SPAN_ROW);
      if (row === 0) continue;
      spans.push({
        ...keyOf(words, row),
        what: peek(words, at + layout.SPAN_WHAT) === layout.WAIT_SPAN ? "wait" : "hold",
        start: Math.round(floats[(at + layout.SPAN_START) >> 1]),
        length: Math.round(floats[(at + layout.SPAN_LENGTH) >> 1]),
      });
    }
    // A thread that was killed while it moved them leaves an odd version for good.
    if ((version & 1) === 0 && load(words, area + layout.A_SPAN_VERSION) === version) return spans;
    if (tries > 10) return spans;
  }
}
