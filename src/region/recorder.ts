// One thread's pen: it writes its counts, spans and call sites into its own area of the recording memory. Places are read
// from that memory at each use, so that two copies of holdfast in one thread go on from each other.

import { store } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { sharedNanoseconds } from "./host.ts";
import { H_ID } from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import * as layout from "./record-layout.ts";
import { areaOf, controlWords, isRecording, recordWords, regionNumber, takeArea, takeChunk } from "./record-memory.ts";
import { findRow, type HoldsSought, lastSite, Row, rowsOf, siteDuring } from "./record-row.ts";
import { textOf } from "./record-stack.ts";

/** A wait above the threshold, whose stacks have not been written yet. */
export interface Sample extends HoldsSought {
  readonly trace: Error;
  readonly length: number;
  /** The id of the thread that stood in the way. */
  readonly holder: number | undefined;
}

/** Samples that wait to be written: written at the next release or wait, or when there are so many. */
const MOST_PENDING = 8;

export class Recorder {
  static #own: Recorder | undefined;
  static #failed = false;
  static #swaps: { object: WeakRef<object>; swap: (object: object) => void }[] = [];

  readonly #buffer: SharedArrayBuffer;
  readonly #area: Int32Array;
  readonly #floats: Float64Array;
  readonly #areaAt: number;
  readonly #rows = new WeakMap<RegionMemory, Map<number, Row>>();
  readonly #texts = new Map<string, number>();
  readonly #pairs = new Map<string, number>();
  /** Rows of other threads, by thread and lock. */
  readonly #others = new Map<string, number>();
  /** Samples, and the stacks of those who held the locks. */
  #pending: { readonly sample: Sample; readonly holder: number }[] = [];
  #seen = 0;
  #spansSeen = 0;
  /** Nanoseconds to be added to this thread's clock for the one that all threads share. */
  readonly #clock: number;

  private constructor(at: number) {
    this.#areaAt = at;
    this.#buffer = recordWords().buffer as SharedArrayBuffer;
    this.#area = new Int32Array(this.#buffer, at * 4, layout.AREA_WORDS);
    this.#floats = new Float64Array(this.#buffer, at * 4, layout.AREA_WORDS >> 1);
    this.#clock = clockOffset();
    // The area of a thread that has ended: this one goes on in it.
    if (this.#area[layout.A_SESSION] !== 0) this.#area[layout.A_EARLIER]++;
  }

  /** This thread's; undefined if there is no memory left for it. */
  static ofThread(): Recorder | undefined {
    if (Recorder.#own === undefined && !Recorder.#failed) {
      const at = takeArea();
      if (at === 0) Recorder.#failed = true;
      else Recorder.#own = new Recorder(at);
    }
    const own = Recorder.#own;
    // A recording has begun since this thread wrote last.
    const session = controlWords()[layout.C_ON];
    if (own !== undefined && session !== 0 && own.#area[layout.A_SESSION] !== session) own.#renew(session);
    return own;
  }

  /**
   * Has `swap` called with the object (which is not kept alive for it) when this thread records for the first time: at
   * once if a recording is on. So what counts is in nobody's way before.
   */
  static whenRecording<T extends object>(object: T, swap: (object: T) => void): void {
    if (isRecording()) return swap(object);
    Recorder.#swaps = Recorder.#swaps.filter((other) => other.object.deref() !== undefined);
    Recorder.#swaps.push({ object: new WeakRef(object), swap: swap as (object: object) => void });
  }

  /** Forgets what an earlier recording counted. Rows stay, each that of its lock, and so do the texts of stacks. */
  #renew(session: number): void {
    const area = this.#area;
    for (const { object, swap } of Recorder.#swaps.splice(0)) {
      const alive = object.deref();
      if (alive !== undefined) swap(alive);
    }
    // Not of the new recording until all is forgotten.
    store(area, layout.A_SESSION, 0);
    const words = recordWords();
    for (const row of rowsOf(words, this.#areaAt)) words.fill(0, row + layout.R_CONTENDED, row + layout.ROW_WORDS);
    for (const field of [
      layout.A_SPANS,
      layout.A_PAIRS,
      layout.A_DROPPED,
      layout.A_EARLIER,
      layout.A_LAST_TIMEOUT,
      layout.A_LAST_TIMEOUT + 1,
    ])
      area[field] = 0;
    area[layout.A_STRIDE] = 1;
    area.fill(0, layout.PAIRS_AT, layout.TEXT_AT);
    this.#pairs.clear();
    this.#pending = [];
    store(area, layout.A_SESSION, session);
  }

  /** A wait ran out of time at this moment. */
  timedOut(): void {
    this.#floats[layout.A_LAST_TIMEOUT >> 1] = now() * 1e6 + this.#clock;
  }

  /** Says that the thread writes: if it ends before {@link leave}, the reader knows that one event may be half there. */
  enter(): void {
    this.#area[layout.A_BUSY] = 1;
  }

  leave(): void {
    this.#area[layout.A_BUSY] = 0;
  }

  /** The row of a lock; undefined if there is no memory left for one. */
  rowOf(memory: RegionMemory, lock: number, serial: number): Row | undefined {
    let rows = this.#rows.get(memory);
    if (rows === undefined) this.#rows.set(memory, (rows = new Map()));
    const known = rows.get(lock);
    if (known?.get(layout.R_SERIAL) === serial) return known;
    const made = this.#makeRow(memory, lock, serial);
    if (made !== undefined) rows.set(lock, made);
    return made;
  }

  #makeRow(memory: RegionMemory, lock: number, serial: number): Row | undefined {
    const count = this.#area[layout.A_ROWS];
    const region = regionNumber(memory.words, H_ID);
    if (region === 0) return undefined;
    let chunk = this.#area[layout.A_CHUNK];
    if (count % layout.CHUNK_ROWS === 0) {
      const fresh = takeChunk();
      if (fresh === 0) return undefined;
      new Int32Array(this.#buffer, fresh * 4, layout.CHUNK_WORDS)[0] = chunk;
      store(this.#area, layout.A_CHUNK, fresh);
      chunk = fresh;
    }
    const row = new Row(this.#buffer, chunk + layout.CHUNK_HEADER + (count % layout.CHUNK_ROWS) * layout.ROW_WORDS);
    row.set(layout.R_LOCK, lock);
    row.set(layout.R_SERIAL, serial);
    row.set(layout.R_REGION, region);
    store(this.#area, layout.A_ROWS, count + 1);
    return row;
  }

  /** A span of the timeline, if its turn has come; `begun` on this thread's clock, in milliseconds. */
  span(row: Row, what: number, begun: number, length: number): void {
    const area = this.#area;
    if (this.#spansSeen++ % area[layout.A_STRIDE] !== 0) {
      area[layout.A_DROPPED]++;
      return;
    }
    if (area[layout.A_SPANS] === layout.MAX_SPANS) this.#thinSpans();
    const at = layout.SPANS_AT + area[layout.A_SPANS] * layout.SPAN_WORDS;
    area[at + layout.SPAN_ROW] = row.at;
    area[at + layout.SPAN_WHAT] = what;
    this.#floats[(at + layout.SPAN_START) >> 1] = begun * 1e6 + this.#clock;
    this.#floats[(at + layout.SPAN_LENGTH) >> 1] = length;
    store(area, layout.A_SPANS, area[layout.A_SPANS] + 1);
  }

  /** Keeps every second span, and from now on half as many as before: the timeline covers the whole run. */
  #thinSpans(): void {
    const area = this.#area;
    store(area, layout.A_SPAN_VERSION, area[layout.A_SPAN_VERSION] + 1);
    for (let k = 1; k < layout.MAX_SPANS / 2; k++) {
      const from = layout.SPANS_AT + 2 * k * layout.SPAN_WORDS;
      area.copyWithin(layout.SPANS_AT + k * layout.SPAN_WORDS, from, from + layout.SPAN_WORDS);
    }
    store(area, layout.A_SPANS, layout.MAX_SPANS / 2);
    area[layout.A_STRIDE] *= 2;
    area[layout.A_DROPPED] += layout.MAX_SPANS / 2;
    store(area, layout.A_SPAN_VERSION, area[layout.A_SPAN_VERSION] + 1);
  }

  /** Whether it is this event's turn, one of `every`. */
  isNext(every: number): boolean {
    return this.#seen++ % Math.max(1, every) === 0;
  }

  /** Keeps a sample until there is time to write it. What the holder left is looked up now: soon it leaves something else. */
  keep(sample: Sample): void {
    const known = sample.holder === undefined ? 0 : this.#holderSite(sample, sample.holder);
    const holder = known === 0 ? lastSite(sample) : known;
    this.#pending.push({ sample, holder });
    if (this.#pending.length >= MOST_PENDING) this.flush();
  }

  /** Leaves the stack of a hold where those who waited for it find it. */
  leaveSite(row: Row, trace: Error, ticket: number): void {
    const site = this.#site(trace);
    row.set(layout.R_SITE_TICKET, 0);
    row.set(layout.R_SITE, site);
    row.set(layout.R_SITE_TICKET, ticket);
    const control = controlWords();
    const at = layout.lastAt(row.get(layout.R_REGION), row.get(layout.R_LOCK));
    store(control, at + layout.L_TICKET, 0);
    store(control, at + layout.L_LOCK, row.get(layout.R_LOCK));
    store(control, at + layout.L_SITE, site);
    store(control, at + layout.L_TICKET, ticket);
  }

  /** Writes what is pending. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const samples = this.#pending;
    this.#pending = [];
    this.enter();
    for (const { sample, holder } of samples) this.#writePair(sample, holder);
    this.leave();
  }

  #writePair(sample: Sample, holder: number): void {
    const waiter = this.#site(sample.trace);
    const key = `${sample.row.at} ${waiter} ${holder}`;
    let at = this.#pairs.get(key);
    if (at === undefined) {
      const count = this.#area[layout.A_PAIRS];
      if (count === layout.MAX_PAIRS) {
        this.#area[layout.A_DROPPED]++;
        return;
      }
      at = layout.PAIRS_AT + count * layout.PAIR_WORDS;
      this.#area[at + layout.P_WAITER] = waiter;
      this.#area[at + layout.P_HOLDER] = holder;
      store(this.#area, at + layout.P_ROW, sample.row.at);
      store(this.#area, layout.A_PAIRS, count + 1);
      this.#pairs.set(key, at);
    }
    this.#area[at + layout.P_WAITS]++;
    this.#floats[(at + layout.P_WAIT) >> 1] += sample.length;
  }

  /** The stack that the holder left, if it is that of a hold during the wait: it may have had several of them. */
  #holderSite({ row, ticket, until }: Sample, thread: number): number {
    const key = `${thread} ${row.at}`;
    const words = recordWords();
    let other = this.#others.get(key);
    if (other === undefined) {
      other = findRow(words, areaOf(thread), row);
      if (other === 0) return 0;
      this.#others.set(key, other);
    }
    return siteDuring(words, other + layout.R_SITE, other + layout.R_SITE_TICKET, ticket, until);
  }

  /** The word of the stack's text in the recording memory; 0 (and counted) if there is no room for it. */
  #site(trace: Error): number {
    const text = textOf(trace);
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const used = this.#area[layout.A_TEXT];
    const need = 1 + ((text.length + 1) >> 1);
    if (text === "" || used + need > layout.TEXT_WORDS) {
      if (text !== "") this.#area[layout.A_DROPPED]++;
      return 0;
    }
    const at = layout.TEXT_AT + used;
    this.#area[at] = text.length;
    for (let unit = 0; unit < text.length; unit += 2) {
      // Past the end charCodeAt gives NaN, which becomes 0.
      this.#area[at + 1 + (unit >> 1)] = text.charCodeAt(unit) | (text.charCodeAt(unit + 1) << 16);
    }
    store(this.#area, layout.A_TEXT, used + need);
    this.#texts.set(text, this.#areaAt + at);
    return this.#areaAt + at;
  }
}

/** Nanoseconds between this thread's clock and the one that all threads share: the narrowest of a few looks at both. */
function clockOffset(): number {
  let offset = 0;
  for (let tries = 0, narrowest = Number.POSITIVE_INFINITY; tries < 5; tries++) {
    const before = now();
    const shared = sharedNanoseconds();
    const between = now() - before;
    if (between >= narrowest) continue;
    narrowest = between;
    offset = shared - (before + between / 2) * 1e6;
  }
  return offset;
}
