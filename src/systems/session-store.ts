// Sessions for all threads: keys and structured values (as JSON) in one table, under one reentrant lock.
//
//   lock      one for the whole store: every operation looks and changes inside it, batches in one hold
//   values    key → JSON
//   figures   one row: acquisitions, failures, when the last failure was
//
// Invariant: every change of `values` is one table transaction, made in one step with the lock held. So the store is whole
// whenever the lock is free, also if its last holder was killed: there is nothing to repair, and nobody is asked to.
// The entries, with the drafts of nested operations, are in session-entries.ts; this file checks, locks and counts.

import { checkTimeout, describe } from "../cells/deadline.ts";
import { TimeoutError } from "../cells/errors.ts";
import { ReentrantMutex } from "../locks/reentrant-mutex.ts";
import { SharedTable } from "../tables/shared-table.ts";
import { type Clock, monotonicClock } from "./clock.ts";
import { encodeJson, type JsonValue } from "./json-value.ts";
import { SessionEntries } from "./session-entries.ts";
import {
  FIGURES_KEY,
  type Figures,
  makeParts,
  NO_FIGURES,
  type Parts,
  type SessionStats,
  type SessionStoreHandle,
  type SessionStoreOptions,
} from "./session-parts.ts";
import { changesOf, checkKey, checkKeys, type SessionState, stateOf } from "./session-values.ts";

export type { Clock, JsonValue, SessionState, SessionStats, SessionStoreHandle, SessionStoreOptions };

/** Lock time-out where none is given, in milliseconds. */
const DEFAULT_TIMEOUT = 5000;
/** How long a time-out counts as recent where nothing else is given, in milliseconds. */
const DEFAULT_UNHEALTHY_FOR = 30_000;

const nothingToRepair = (): void => undefined;

/**
 * A key-value store of sessions for all threads. Every operation is atomic, blocks at most for the lock's time-out, and
 * then throws ERR_TIMEOUT: it never answers as if it had looked. Operations nest within one thread. Values are plain
 * objects, arrays, texts, finite numbers, booleans and null, copied in and out: what is handed out belongs to the caller,
 * and changing it changes nothing in the store. The text of a value and a key may take 1 MiB each.
 *
 * All methods but the statistics throw ERR_TIMEOUT, ERR_CLOSED (freed), TypeError for keys that are no strings and values
 * that JSON would change, RangeError for too long ones, and ERR_REGION_FULL; nothing has changed then. On a browser's main
 * thread, which may not block, ERR_BLOCKING_FORBIDDEN.
 *
 * @example
 * const sessions = SessionStore.named("sessions");
 * sessions.set("alice", { visits: 1 });
 * sessions.atomicUpdate(({ total = 0 }) => ({ total: Number(total) + 1 })); // no increment is lost
 */
export class SessionStore {
  readonly #parts: Parts;
  readonly #lockTimeout: number;
  readonly #unhealthyFor: number;
  readonly #now: Clock;
  readonly #lockOptions: { timeout: number; recover: () => void };
  readonly #entries: SessionEntries;

  /** Makes a store, or attaches to the one of that name. */
  constructor(options: SessionStoreOptions = {}, /** @internal */ attached?: Parts) {
    this.#lockTimeout = checkTimeout(options.lockTimeout ?? DEFAULT_TIMEOUT);
    this.#unhealthyFor = checkTimeout(options.unhealthyFor ?? DEFAULT_UNHEALTHY_FOR);
    this.#now = options.now ?? monotonicClock;
    this.#parts = attached ?? makeParts(options);
    this.#lockOptions = { timeout: this.#lockTimeout, recover: nothingToRepair };
    const { offset, serial } = this.#parts.lock.handle();
    this.#entries = new SessionEntries(this.#parts.values, `${this.#parts.lock.region.id} ${offset} ${serial}`);
  }

  /** The store of this name, made if there is none yet. */
  static named(name: string, options: Omit<SessionStoreOptions, "name"> = {}): SessionStore {
    return new SessionStore({ ...options, name });
  }

  /** The same store in another thread, with the same time-out. */
  static from(handle: SessionStoreHandle, options: Pick<SessionStoreOptions, "now"> = {}): SessionStore {
    if (handle?.holdfast !== "session-store") throw new TypeError("this is no handle of a SessionStore");
    const { lockTimeout, unhealthyFor } = handle;
    return new SessionStore(
      { ...options, lockTimeout, unhealthyFor },
      {
        lock: ReentrantMutex.from(handle.lock),
        values: SharedTable.from(handle.values),
        figures: SharedTable.from(handle.figures),
      },
    );
  }

  /** A small handle for workerData or postMessage. */
  share(): SessionStoreHandle {
    const { lock, values, figures } = this.#parts;
    return {
      holdfast: "session-store",
      lock: lock.share(),
      values: values.share(),
      figures: figures.share(),
      lockTimeout: this.#lockTimeout,
      unhealthyFor: this.#unhealthyFor,
    };
  }

  /** The value of the key; `fallback` (undefined) if there is none. */
  get(key: string): JsonValue | undefined;
  get<T>(key: string, fallback: T): JsonValue | T;
  get(key: string, fallback?: unknown): unknown {
    checkKey(key);
    const json = this.#locked(() => this.#entries.read(key));
    return json === undefined ? fallback : JSON.parse(json);
  }

  /** Stores a value in place of any other of the key. */
  set(key: string, value: JsonValue): this {
    checkKey(key);
    const json = encodeJson(value, `the value of ${JSON.stringify(key)}`);
    this.#locked(() => this.#entries.write(new Map([[key, json]])));
    return this;
  }

  /** Removes the key; true for the one caller that did, false if it was not there. */
  delete(key: string): boolean {
    checkKey(key);
    return this.#locked(() => {
      const found = this.#entries.read(key) !== undefined;
      if (found) this.#entries.write(new Map([[key, undefined]]));
      return found;
    });
  }

  /** Whether the key has a value. */
  exists(key: string): boolean {
    checkKey(key);
    return this.#locked(() => this.#entries.read(key) !== undefined);
  }

  /** Removes all keys, in one step; how many there were. */
  clearAll(): number {
    return this.#locked(() => {
      const keys = [...this.#entries.all().keys()];
      this.#entries.write(new Map(keys.map((key) => [key, undefined])));
      return keys.length;
    });
  }

  /** The values of several keys as they were at one moment; keys without one are left out. */
  getMultiple(keys: Iterable<string>): SessionState {
    const wanted = checkKeys(keys, "getMultiple");
    return stateOf(this.#locked(() => wanted.map((key) => [key, this.#entries.read(key)] as const)));
  }

  /** Stores several values in one step: no thread sees some of them only, not even if this one is killed. */
  setMultiple(values: { readonly [key: string]: JsonValue }): this {
    const changes = changesOf(values, "setMultiple");
    for (const [key, json] of changes) if (json === undefined) throw new TypeError(`setMultiple: ${key} is undefined`);
    this.#locked(() => this.#entries.write(changes));
    return this;
  }

  /**
   * Reads, changes and stores in one step. `fn` gets a deep copy of the store (of `keys` alone if given, which costs less)
   * and returns the values to store; undefined for a key removes it, keys not mentioned stay. It runs with the lock held:
   * keep it short, and never async (TypeError). Operations of this store nest in it, see what it and they have changed, and
   * are part of the step. If `fn` throws, or what it returns can't be stored, nothing has changed, nested operations
   * included. Returns what `fn` returned.
   */
  atomicUpdate<R extends { readonly [key: string]: JsonValue | undefined } | undefined>(
    fn: (state: SessionState) => R,
    keys?: Iterable<string>,
  ): R {
    if (typeof fn !== "function") throw new TypeError(`atomicUpdate needs a function, got ${describe(fn)}`);
    const wanted = keys === undefined ? undefined : checkKeys(keys, "atomicUpdate");
    return this.#locked(() => {
      const entries = this.#entries;
      return entries.drafted((draft) => {
        const result = fn(stateOf(wanted?.map((key) => [key, entries.read(key)] as const) ?? entries.all()));
        if (typeof (result as { then?: unknown } | undefined)?.then === "function") {
          throw new TypeError("the callback of atomicUpdate must not be async: the lock is held only until it returns");
        }
        if (result !== undefined) for (const [key, json] of changesOf(result, "atomicUpdate")) draft.set(key, json);
        return result;
      });
    });
  }

  /** Figures since the store was made or {@link resetStats}. Takes no lock of the store, so it answers at any time. */
  getStats(): SessionStats {
    const { acquisitions, failures } = this.#figures();
    return {
      lock_acquisitions: acquisitions,
      failed_acquisitions: failures,
      session_keys: this.#parts.values.size,
      lock_timeout_seconds: this.#lockTimeout / 1000,
    };
  }

  /** False for `unhealthyFor` milliseconds after an operation of any thread timed out. Takes no lock of the store. */
  isHealthy(): boolean {
    const { failures, failedAt } = this.#figures();
    return failures === 0 || this.#now() - failedAt >= this.#unhealthyFor;
  }

  /** Sets the figures to 0, and so the store to healthy, for all threads. */
  resetStats(): void {
    this.#parts.figures.set(FIGURES_KEY, { ...NO_FIGURES });
  }

  /** Gives the memory back. Throws ERR_IN_USE while another thread is inside. Whoever uses it later gets ERR_CLOSED. */
  free(): void {
    this.#parts.lock.free();
    this.#parts.values.free();
    this.#parts.figures.free();
  }

  #figures(): Figures {
    return this.#parts.figures.get(FIGURES_KEY) ?? NO_FIGURES;
  }

  #locked<T>(work: () => T): T {
    const { lock, figures } = this.#parts;
    let guard: { release(): void };
    try {
      guard = lock.lock(this.#lockOptions);
    } catch (error) {
      if (error instanceof TimeoutError) this.#countFailure();
      throw error;
    }
    try {
      figures.add(FIGURES_KEY, "acquisitions", 1);
      return work();
    } finally {
      guard.release();
    }
  }

  #countFailure(): void {
    const at = this.#now();
    this.#parts.figures.update(FIGURES_KEY, (row = NO_FIGURES) => ({
      ...row,
      failures: row.failures + 1,
      failedAt: row.failures === 0 ? at : Math.max(row.failedAt, at),
    }));
  }
}

let common: SessionStore | undefined;

/** The store that {@link tsSet} and its like use: one for all threads of the process. */
export function commonSessionStore(): SessionStore {
  common ??= SessionStore.named("holdfast.sessions");
  return common;
}

/** {@link SessionStore.set} of the common store. */
export function tsSet(key: string, value: JsonValue): void {
  commonSessionStore().set(key, value);
}

/** {@link SessionStore.get} of the common store. */
export function tsGet(key: string): JsonValue | undefined;
export function tsGet<T>(key: string, fallback: T): JsonValue | T;
export function tsGet(key: string, fallback?: unknown): unknown {
  return commonSessionStore().get(key, fallback);
}

/** {@link SessionStore.delete} of the common store. */
export function tsDelete(key: string): boolean {
  return commonSessionStore().delete(key);
}

/** {@link SessionStore.exists} of the common store. */
export function tsExists(key: string): boolean {
  return commonSessionStore().exists(key);
}
