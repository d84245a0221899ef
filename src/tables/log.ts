// SharedLog: a ring of entries (ring.ts) under one robust mutex (guarded.ts), and one cell that all who wait sleep on.
//
// Words   mutex and ring × 16 │ NEWS │ WAITING │ …
//   NEWS     counts the appends that found somebody waiting; threads and tasks sleep on it, all are woken together
//   WAITING  1: somebody may sleep on NEWS
//
// An append drops as many of the oldest entries as it needs room for, and commits by the ring's store of TAIL; a reader
// copies an entry out with the mutex held and moves its own cursor, which no other thread knows. So an entry is read
// whole or not at all, and every reader sees every entry that it was fast enough for, once and in order.
//
// Why no wake is lost: a reader that finds nothing sets WAITING and reads NEWS before it releases the mutex; the next
// append finds WAITING, clears it and moves NEWS before it wakes: the reader does not fall asleep any more, or is woken.
// The wake is for all, so none can be swallowed by one.
//
// A writer that dies: before the store of TAIL there is no new entry (old ones may have made way for it), after it there
// is. The next thread that enters takes the mutex over and wakes the readers, which the dead one may not have done. A
// reader that dies leaves nothing behind: its cursor was its own.

import { add, load, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { wakeAll } from "../cells/park.ts";
import { asyncWaiters } from "../locks/async-waiters.ts";
import { checkWhole, handleOptions, type LockHandle, type PlaceOptions } from "../locks/place.ts";
import { KIND_LOG } from "../region/layout.ts";
import { EXPIRED, sleepOn } from "../region/sleep.ts";
import { GuardedObject } from "./guarded.ts";
import { type Cursor, LogReader, type LogValue, WAIT } from "./log-reader.ts";
import { decodePayload, encodePayload, type Payload } from "./payload.ts";
import { CAPACITY, DEFAULT_BYTES, MAX_BYTES, MOST_BYTES, MOST_ENTRIES, RING_OWNER_WORDS, Ring } from "./ring.ts";
import type { TableCheck } from "./types.ts";

export interface LogOptions extends PlaceOptions {
  /** Entries that it keeps at the most: 1 to 2^26. Needed to make a log; one of this name that exists keeps its own. */
  readonly capacity?: number | undefined;
  /** Bytes that the kept entries may have together, and so an entry alone (text in UTF-8): 1 to 2^30, default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

export type LogHandle = LockHandle<"log">;

export interface LogReaderOptions {
  /**
   * Where to begin: `"oldest"` (the default) replays what is kept, `"newest"` gives what is appended from now on, a number
   * is the position of an entry.
   */
  readonly from?: "oldest" | "newest" | number | undefined;
}

/** What {@link SharedLog.stats} tells. */
export interface LogStats {
  entries: number;
  capacity: number;
  /** Position of the oldest entry that is kept, and of the next one that will be appended. */
  oldest: number;
  next: number;
  /** Bytes of the kept entries. */
  bytesUsed: number;
  maxBytes: number;
  /** Bytes of the region that the log occupies; it grows with what it has to hold, and does not shrink. */
  bytesReserved: number;
}

const NEWS = RING_OWNER_WORDS;
const WAITING = RING_OWNER_WORDS + 1;
const LOG_WORDS = 32;

/**
 * An append-only log that keeps its last entries, strings and bytes, for any number of writers and readers in any
 * threads. Each entry has a position, counted from 0; each reader has a cursor of its own and sees every entry from there
 * on, once and in order. A reader that comes late replays what is kept; one that was overrun by the writers goes on with
 * the oldest entry that is kept, and knows how many it lost. Appending never waits for readers.
 *
 * A thread that is terminated at any point leaves no half entry and blocks nobody.
 *
 * @example
 * const chat = new SharedLog({ name: "chat", capacity: 1000 });
 * chat.append("Alice joined"); // in any thread
 * const reader = chat.reader(); // in others
 * for await (const line of reader) show(line);
 */
export class SharedLog extends GuardedObject {
  readonly #ring: Ring;
  readonly #maxBytes: number;
  #expected = 0;

  constructor(options: LogOptions) {
    const { capacity, maxBytes } = options ?? {};
    if (capacity !== undefined) checkWhole("capacity", capacity, 1, MOST_ENTRIES);
    if (maxBytes !== undefined) checkWhole("maxBytes", maxBytes, 1, MOST_BYTES);
    super(
      {
        kind: KIND_LOG,
        tag: "log",
        bytes: () => LOG_WORDS * 4,
        init: (words, index) => {
          if (capacity === undefined) {
            throw new TypeError("new SharedLog needs { capacity }: how many entries it keeps at the most");
          }
          store(words, index + CAPACITY, capacity);
          store(words, index + MAX_BYTES, maxBytes ?? DEFAULT_BYTES);
        },
      },
      options,
    );
    this.#ring = new Ring(this.region, this.index);
    this.#maxBytes = this.#ring.maxBytes;
  }

  /** The log of this name, made with `options.capacity` if there is none yet. */
  static named(name: string, options: Omit<LogOptions, "name"> = {}): SharedLog {
    return new SharedLog({ ...options, name });
  }

  /** Attaches to the log of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: LogHandle): SharedLog {
    return new SharedLog(handleOptions(KIND_LOG, "log", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): LogHandle {
    return super.share() as LogHandle;
  }

  /** Entries that it keeps at the most. */
  get capacity(): number {
    return this.#ring.capacity;
  }

  /** Bytes that the kept entries may have together. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** How many entries are kept. */
  get size(): number {
    return this.inside(() => this.#ring.count);
  }

  /** The position that the next entry will get: how many were appended so far. */
  get position(): number {
    return this.inside(() => this.#ring.next);
  }

  /**
   * Appends an entry and returns its position; the oldest entries make room for it. Never waits. Throws TypeError or
   * RangeError for a value that the log can't hold, and ERR_REGION_FULL, with nothing changed.
   */
  append(value: LogValue): number {
    const payload = encodePayload(value, this.#maxBytes, "SharedLog.append");
    let someone = false;
    const position = this.inside(() => {
      const ring = this.#ring;
      const position = ring.next;
      ring.append(payload, this.#tooMany(payload.length));
      const { words } = this.region.memory;
      someone = words[this.index + WAITING] !== 0;
      if (someone) this.#announceNews();
      return position;
    });
    if (someone) wakeAll(this.region.memory.words, this.index + NEWS);
    return position;
  }

  /**
   * A reader of its own cursor, for this thread. Throws RangeError for a position beyond the end of the log; one whose
   * entry is no longer kept counts as overrun.
   */
  reader(options: LogReaderOptions = {}): LogReader<SharedLog> {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`SharedLog.reader takes an object of options, such as { from: 0 }, got ${describe(options)}`);
    }
    const { from = "oldest" } = options;
    if (typeof from !== "number" && from !== "oldest" && from !== "newest") {
      throw new TypeError(`from must be "oldest", "newest" or a position, got ${describe(from)}`);
    }
    const { oldest, next } = this.stats();
    if (typeof from === "number") checkWhole("from", from, 0, next);
    const position = from === "oldest" ? oldest : from === "newest" ? next : from;
    const { region, index } = this;
    return new LogReader(position, {
      log: this,
      step: (cursor, wait) => this.#step(cursor, wait),
      sleep: (deadline) => sleepOn(region, index + NEWS, this.#expected, index + NEWS, deadline) === EXPIRED,
      tasks: () => asyncWaiters(region, index + NEWS, false),
      assertBlocking: () => this.mustMayBlock("read", "readAsync"),
    });
  }

  /** Verifies every invariant of the log's memory, and says what is wrong. */
  check(): TableCheck {
    const problems: string[] = [];
    this.inside(() => this.#ring.check((problem) => problems.push(problem)));
    return { ok: problems.length === 0, problems };
  }

  /** Numbers of the log, at this moment. */
  stats(): LogStats {
    return this.inside(() => {
      const { count, next } = this.#ring;
      return {
        entries: count,
        capacity: this.#ring.capacity,
        oldest: next - count,
        next,
        bytesUsed: this.#ring.usedBytes(),
        maxBytes: this.#maxBytes,
        bytesReserved: this.#ring.reservedBytes,
      };
    });
  }

  /** Gives the memory back, with all entries. Everyone who waits, or uses the log later, gets ERR_CLOSED. */
  free(): void {
    this.freeGuarded(() => {
      this.#announceNews();
      this.#ring.release();
    });
    wakeAll(this.region.memory.words, this.index + NEWS);
  }

  /** How many of the oldest entries must go so that one of `length` bytes can come. */
  #tooMany(length: number): number {
    const ring = this.#ring;
    const { count } = ring;
    let dropped = Math.max(0, count + 1 - ring.capacity);
    let used = ring.usedBytes(dropped);
    while (used + length > this.#maxBytes) used -= ring.lengthOf(dropped++);
    return dropped;
  }

  #announceNews(): void {
    const { words } = this.region.memory;
    store(words, this.index + WAITING, 0);
    add(words, this.index + NEWS, 1);
  }

  /** The entry at the cursor, which moves on; WAIT if there is none, announced as a waiter if `wait`. */
  #step(cursor: Cursor, wait: boolean): LogValue | typeof WAIT {
    const payload = this.inside((): Payload | undefined => {
      const ring = this.#ring;
      const { count, next } = ring;
      const oldest = next - count;
      if (cursor.position >= next) {
        const { words } = this.region.memory;
        if (wait) words[this.index + WAITING] = 1;
        this.#expected = load(words, this.index + NEWS);
        return undefined;
      }
      const skipped = Math.max(0, oldest - cursor.position);
      const found = ring.copy(cursor.position + skipped - oldest, false);
      cursor.lost += skipped;
      cursor.position += skipped + 1;
      return found;
    });
    return payload === undefined ? WAIT : decodePayload(payload);
  }

  /** @internal */
  protected override repair(): void {
    this.#ring.sweep();
    this.#announceNews();
    wakeAll(this.region.memory.words, this.index + NEWS);
  }

  /** @internal */
  protected override describeInside(): string {
    const { entries, oldest, next } = this.stats();
    return entries === 0 ? `empty, next position ${next}` : `${entries} entries, positions ${oldest} to ${next - 1}`;
  }
}
