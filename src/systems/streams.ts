// Streams of events with an end, for all threads: a registry (key → generation) over two tables, and one log a stream.
//
//   names     key → generation            "" → the last generation that was given out
//   streams   generation → key, state, where its log lies, who holds it, when it ended
//
//   OPEN ──end()──> ENDED ──remove(), nobody holds it──> no row, log freed
//
// Each step is one update of the stream's row, under that row's lock: an event is appended inside it and only while the
// state is OPEN, the log is freed inside it by the one thread that removes the row. So nobody writes behind the end marker
// or into a freed log, and a stream is removed exactly once. Locks go names → streams → log, never back.
//
// Invariant: a generation is never given out twice, and a key's row is removed only while it names the generation that
// goes: the late clean-up of one stream can't touch the next one of the same key (ABA).
//
// A thread that dies: inside end() the marker may be there with the state still OPEN; readers stop at the first marker, so
// what comes after it is seen by nobody. Inside remove() the log may be freed with the row still there; the next remove()
// or sweep() takes the row. Holds are kept by thread, and sweep() drops those of dead ones, as it ends the streams that
// a dead thread left open.

import { describe } from "../cells/deadline.ts";
import { defaultRegion } from "../region/default-region.ts";
import type { Region } from "../region/region.ts";
import { probe } from "../region/threads.ts";
import { SharedLog } from "../tables/log.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import { Stream, type StreamHost, unlessClosed } from "./stream.ts";

export { Stream } from "./stream.ts";
export { type StreamEvent, Subscription, type SubscriptionOptions } from "./subscription.ts";

const OPEN = 0;
const ENDED = 1;

interface NameRow {
  generation: number;
}

interface StreamRow {
  key: string;
  state: number;
  /** The thread that opened it. */
  owner: number;
  offset: number;
  serial: number;
  /** `thread:holds` of every thread that holds it, by commas. */
  holders: string;
  endedAt: number;
}

const NAME_COLUMNS = { generation: "i32" } as const;
const STREAM_COLUMNS = {
  key: "string",
  state: "u32",
  owner: "i32",
  offset: "f64",
  serial: "f64",
  holders: "string",
  endedAt: "f64",
} as const;

export interface StreamRegistryOptions {
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
  /** Events that a stream keeps for those who come late, at the most; older ones are lost to them. Default 100,000. */
  readonly capacity?: number | undefined;
  /** Bytes that the kept events of a stream may have. Default 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** The clock, in milliseconds, that all threads of the registry must share. Default: a monotonic one. */
  readonly now?: (() => number) | undefined;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface StreamRegistryHandle {
  readonly holdfast: "streams";
  readonly names: TableHandle<string, NameRow>;
  readonly streams: TableHandle<number, StreamRow>;
  readonly capacity: number;
  readonly maxBytes: number;
}

/** What {@link StreamRegistry.list} tells of a stream. */
export interface StreamInfo {
  readonly key: string;
  readonly generation: number;
  readonly ended: boolean;
  /** Subscriptions and other holds that keep it from being removed. */
  readonly holds: number;
}

export interface SweepOptions {
  /** How long an ended stream stays for those who reconnect, in milliseconds. */
  readonly graceMs: number;
  /** The last event of a stream whose thread died before it ended it; without it such streams get the end marker alone. */
  readonly orphaned?: string | undefined;
}

const parts = (holders: string): [number, number][] =>
  holders === "" ? [] : holders.split(",").map((part) => part.split(":").map(Number) as [number, number]);
const join = (held: readonly [number, number][]): string =>
  held.map(([thread, count]) => `${thread}:${count}`).join(",");
const countHolds = (holders: string): number => parts(holders).reduce((sum, [, count]) => sum + count, 0);

function changeHold(holders: string, thread: number, delta: number): string {
  const held = new Map(parts(holders));
  const count = (held.get(thread) ?? 0) + delta;
  if (count > 0) held.set(thread, count);
  else held.delete(thread);
  return join([...held]);
}

/**
 * Streams of events by key, shared by all threads: any thread publishes, any number of subscribers in any threads get
 * every event once and in order, from the first one on if they wish, and the end. A key has one open stream at a time; a
 * new one may follow once it ended, and is told from it by its generation.
 *
 * @example
 * const registry = new StreamRegistry();
 * const stream = registry.open("plan-7"); // in one thread
 * stream.publish("step 1");
 * stream.end("done");
 * for await (const { text } of registry.find("plan-7").subscribe()) show(text); // in others, at any time
 */
export class StreamRegistry implements StreamHost {
  readonly #names: SharedTable<string, NameRow>;
  readonly #streams: SharedTable<number, StreamRow>;
  readonly #capacity: number;
  readonly #maxBytes: number;
  /** @internal */
  readonly now: () => number;

  constructor(options: StreamRegistryOptions | (StreamRegistryHandle & Pick<StreamRegistryOptions, "now">) = {}) {
    this.now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.#capacity = options.capacity ?? 100_000;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    if ("holdfast" in options) {
      this.#names = SharedTable.from(options.names);
      this.#streams = SharedTable.from(options.streams);
      return;
    }
    const region = options.region ?? defaultRegion();
    this.#names = new SharedTable({ region, key: "string", columns: NAME_COLUMNS });
    this.#streams = new SharedTable({ region, key: "i32", columns: STREAM_COLUMNS });
  }

  /** Attaches to the registry of a handle. Throws TypeError for what is no handle, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: StreamRegistryHandle, options: Pick<StreamRegistryOptions, "now"> = {}): StreamRegistry {
    if (typeof handle !== "object" || handle === null || handle.holdfast !== "streams") {
      throw new TypeError(`StreamRegistry.from needs the result of share(), got ${describe(handle)}`);
    }
    return new StreamRegistry({ ...handle, now: options.now });
  }

  /** A handle for workerData or postMessage. */
  share(): StreamRegistryHandle {
    return {
      holdfast: "streams",
      names: this.#names.share(),
      streams: this.#streams.share(),
      capacity: this.#capacity,
      maxBytes: this.#maxBytes,
    };
  }

  get region(): Region {
    return this.#streams.region;
  }

  /**
   * Opens a stream, which the calling thread owns; undefined if the key has an open one. One that has ended makes way: its
   * subscribers read on to its end. Throws TypeError for an empty key, ERR_REGION_FULL.
   */
  open(key: string): Stream | undefined {
    if (typeof key !== "string" || key === "") throw new TypeError(`a stream needs a key, got ${describe(key)}`);
    if (this.find(key)?.ended === false) return undefined;
    const { region } = this;
    const generation = this.#names.add("", "generation", 1);
    const log = new SharedLog({ region, capacity: this.#capacity, maxBytes: this.#maxBytes });
    const { offset, serial } = log.share();
    const row = { key, state: OPEN, owner: region.me, offset, serial, holders: "", endedAt: 0 };
    this.#streams.set(generation, row);
    const named = this.#names.update(key, (current) => {
      const taken = current !== undefined && this.#streams.get(current.generation)?.state === OPEN;
      return taken ? current : { generation };
    });
    if (named?.generation === generation) return new Stream(this, generation, key, log);
    this.#streams.delete(generation);
    log.free();
    return undefined;
  }

  /** The newest stream of the key, open or ended; undefined if there is none. */
  find(key: string): Stream | undefined {
    const generation = key === "" ? undefined : this.#names.get(key)?.generation;
    return generation === undefined ? undefined : this.attach(generation);
  }

  /** The stream of a generation, for instance in another thread than it was opened in; undefined once it is removed. */
  attach(generation: number): Stream | undefined {
    const row = this.#streams.get(generation);
    if (row === undefined) return undefined;
    const log = this.#logOf(row);
    return log === undefined ? undefined : new Stream(this, generation, row.key, log);
  }

  /** All streams, as they were at one moment. */
  list(): StreamInfo[] {
    return [...this.#streams.snapshot()].map(([generation, { key, state, holders }]) => {
      return { key, generation, ended: state === ENDED, holds: countHolds(holders) };
    });
  }

  /**
   * Ends streams whose thread died, drops the holds of dead threads, and removes the streams that nobody holds and that
   * ended at least `graceMs` ago; returns how many those were. To be called now and then, by any thread.
   */
  sweep({ graceMs, orphaned }: SweepOptions): number {
    const now = this.now();
    let removed = 0;
    for (const [generation, row] of this.#streams.snapshot()) {
      this.#dropDead(generation, row);
      if (row.state === OPEN) {
        if (probe(this.region.memory.words, row.owner)) this.attach(generation)?.end(orphaned);
        continue;
      }
      if (now - row.endedAt >= graceMs && this.removeStream(generation, false)) removed++;
    }
    return removed;
  }

  /** Frees everything. Whoever uses the registry or a stream of it later gets ERR_CLOSED. */
  free(): void {
    for (const { generation } of this.list()) {
      this.attach(generation)?.end();
      this.removeStream(generation, true);
    }
    this.#streams.free();
    this.#names.free();
  }

  #dropDead(generation: number, { holders }: StreamRow): void {
    const { words } = this.region.memory;
    const dead = parts(holders).filter(([thread]) => probe(words, thread));
    if (dead.length === 0) return;
    this.#streams.update(generation, (row) => {
      const held = row === undefined ? [] : parts(row.holders);
      return row && { ...row, holders: join(held.filter(([thread]) => !dead.some(([gone]) => gone === thread))) };
    });
  }

  #logOf({ offset, serial }: StreamRow): SharedLog | undefined {
    return unlessClosed(() => SharedLog.from({ holdfast: "log", region: this.region.share(), offset, serial }));
  }

  /** @internal Does `work` under the lock of the row if it is open; undefined if it is not. */
  whileOpen<T>(generation: number, work: () => T, end = false): T | undefined {
    let result: T | undefined;
    this.#streams.update(generation, (row) => {
      if (row === undefined || row.state !== OPEN) return row;
      result = unlessClosed(work);
      return end ? { ...row, state: ENDED, endedAt: this.now() } : row;
    });
    return result;
  }

  /** @internal */
  isEnded(generation: number): boolean {
    return this.#streams.get(generation)?.state !== OPEN;
  }

  /** @internal One hold more or less for this thread; false if the stream is gone. */
  hold(generation: number, delta: 1 | -1): boolean {
    const thread = this.region.me;
    const row = this.#streams.update(
      generation,
      (row) => row && { ...row, holders: changeHold(row.holders, thread, delta) },
    );
    return row !== undefined;
  }

  /** @internal Whether it was this call that removed the stream. */
  removeStream(generation: number, held: boolean): boolean {
    let key: string | undefined;
    this.#streams.update(generation, (row) => {
      if (row === undefined || row.state !== ENDED || (!held && row.holders !== "")) return row;
      key = row.key;
      const log = this.#logOf(row);
      unlessClosed(() => log?.free());
      return undefined;
    });
    if (key === undefined) return false;
    this.#names.update(key, (current) => (current?.generation === generation ? undefined : current));
    return true;
  }
}
