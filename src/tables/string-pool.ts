// StringPool: text → id and id → text, two tables that only grow, and a mutex that orders the new texts.
//
// Words   mutex × 8 │ COUNT │ place of the table text → id × 2 │ place of the table id → text × 2 │ FREEING │ …
//
// An intern of a text that is there reads one table and takes no lock. A new text: with the mutex held, look again, take
// the id COUNT, write id → text, then text → id (the commit: from here on everyone finds the id), then COUNT + 1.
// So of several threads with one text the first gives the id and the others find it.
//
// Invariant: text → id holds the ids 0 … n - 1, each once, for ever; n is COUNT, or COUNT + 1 between the commit and the
// store of COUNT. id → text agrees with it, and may hold one text more, at n, that was written and never committed.
// A thread that dies: before the commit the next new text takes the same id and replaces that row; after it the next
// owner of the mutex counts it. Nothing is left over, and no id is given twice or skipped.

import { load, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { ClosedError, NotRecoverableError } from "../cells/errors.ts";
import { handleOptions, type LockHandle, type PlaceOptions } from "../locks/place.ts";
import { MUTEX_WORDS } from "../protocols/mutex.ts";
import { KIND_STRING_POOL } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { GuardedObject } from "./guarded.ts";
import { SharedTable } from "./shared-table.ts";
import type { TableCheck } from "./types.ts";
import { withFace } from "./view.ts";

export interface StringPoolOptions extends PlaceOptions {
  /** How many strings to lay the pool out for. It grows by itself in any case. */
  readonly capacity?: number | undefined;
}

export type StringPoolHandle = LockHandle<"string-pool">;

const COUNT = MUTEX_WORDS;
const IDS = MUTEX_WORDS + 1;
const TEXTS = MUTEX_WORDS + 3;
/** Not 0 once a thread has begun to free the pool. */
const FREEING = MUTEX_WORDS + 5;
const POOL_WORDS = 16;

const ID_COLUMNS = { id: "i32" } as const;
/** For both tables: those who use the pool know of neither. */
const FACE = { className: "StringPool", key: "a text", column: "a text" } as const;
const TEXT_COLUMNS = { text: "string" } as const;
/** Strings that a thread remembers by id; the ids and texts of a pool never change, so this needs no validation. */
const REMEMBERED = 1024;

/**
 * Gives every string a small number, the same in all threads and for ever: 0, 1, 2, … in the order in which strings came.
 * Numbers are what tables, columns and shared arrays hold best.
 *
 * Strings of up to 1 MiB in UTF-8. They stay until the pool is freed.
 *
 * @example
 * const pool = StringPool.named("tags");
 * const id = pool.intern("urgent"); // the same id in every thread
 * pool.get(id); // "urgent"
 */
export class StringPool extends GuardedObject {
  readonly #ids!: SharedTable<string, { id: number }>;
  readonly #texts!: SharedTable<number, { text: string }>;
  readonly #knownIds: Int32Array = new Int32Array(REMEMBERED).fill(-1);
  readonly #knownTexts: string[] = new Array<string>(REMEMBERED).fill("");

  constructor(options: StringPoolOptions = {}) {
    const capacity = options?.capacity;
    super(
      {
        kind: KIND_STRING_POOL,
        tag: "string-pool",
        bytes: () => POOL_WORDS * 4,
        init: (words, index, region) => {
          const ids = new SharedTable(
            withFace({ region, key: "string", columns: ID_COLUMNS, capacity }, FACE),
          ).handle();
          const texts = new SharedTable(
            withFace({ region, key: "i32", columns: TEXT_COLUMNS, capacity }, FACE),
          ).handle();
          // Other views of the memory may be in use by now; these words lie within the old ones as well.
          words.set([ids.offset, ids.serial, texts.offset, texts.serial], index + IDS);
        },
      },
      options,
    );
    if (load(this.words, this.index + FREEING) !== 0) {
      // A thread is inside free(), or died there: what is left goes, and the name gets a pool again.
      this.#freeRest();
      if (options.name === undefined) throw this.closedError();
      // oxlint-disable-next-line no-constructor-return -- the caller asked for the pool of this name, which is another one
      return new StringPool(options);
    }
    this.#ids = SharedTable.from(this.#table(IDS), withFace({ key: "string", columns: ID_COLUMNS }, FACE));
    this.#texts = SharedTable.from(this.#table(TEXTS), withFace({ key: "i32", columns: TEXT_COLUMNS }, FACE));
  }

  /** The pool of this name, made if there is none yet. */
  static named(name: string, options: Omit<StringPoolOptions, "name"> = {}): StringPool {
    return new StringPool({ ...options, name });
  }

  /** Attaches to the pool of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: StringPoolHandle): StringPool {
    return new StringPool(handleOptions(KIND_STRING_POOL, "string-pool", handle));
  }

  /** A small handle for workerData or postMessage. */
  override share(): StringPoolHandle {
    this.assertInUse();
    // Whoever has a handle of the pool uses both: so before it.
    this.#ids.share();
    this.#texts.share();
    return super.share() as StringPoolHandle;
  }

  /** How many strings there are: ids go from 0 to size - 1. */
  get size(): number {
    this.assertInUse();
    return load(this.region.memory.words, this.index + COUNT);
  }

  /**
   * The id of a string, which gets the next one if it is new. Blocks briefly for a new string. Throws TypeError,
   * RangeError for more than 1 MiB, and ERR_REGION_FULL with nothing changed.
   */
  intern(text: string): number {
    this.assertInUse();
    const known = this.#ids.get(text);
    return known !== undefined ? known.id : this.#add(text);
  }

  /** The id of a string if it has one, or undefined. Never adds it. */
  find(text: string): number | undefined {
    this.assertInUse();
    return this.#ids.get(text)?.id;
  }

  /** The string of an id, or undefined if no string has it. Throws TypeError for what is no number. */
  get(id: number): string | undefined {
    this.assertInUse();
    if (typeof id !== "number") throw new TypeError(`StringPool.get takes an id, a number, got ${describe(id)}`);
    if (this.#knownIds[id & (REMEMBERED - 1)] === id && id >= 0) return this.#knownTexts[id & (REMEMBERED - 1)];
    if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff) return undefined;
    const text = this.#texts.get(id)?.text;
    // At the end there may be a text that was never committed, or one that is not counted yet.
    if (text === undefined || (id >= this.size && this.#ids.get(text)?.id !== id)) return undefined;
    this.#knownIds[id & (REMEMBERED - 1)] = id;
    this.#knownTexts[id & (REMEMBERED - 1)] = text;
    return text;
  }

  /** Verifies every invariant of the pool, and says what is wrong. Holds its mutex meanwhile. */
  check(): TableCheck {
    const problems = [...this.#ids.check().problems, ...this.#texts.check().problems];
    this.enter();
    try {
      const count = this.size;
      const ids = this.#ids.snapshot();
      if (ids.size !== count) problems.push(`${ids.size} strings have ids, ${count} are counted`);
      for (const [text, { id }] of ids) {
        if (id < 0 || id >= count || this.#texts.get(id)?.text !== text) problems.push(`id ${id} is not its string's`);
      }
    } finally {
      this.leave();
    }
    return { ok: problems.length === 0, problems };
  }

  /**
   * Gives all memory back to the region, and the name away; no id means anything any more. Blocks until nobody adds a
   * string. Everyone who uses the pool afterwards gets ERR_CLOSED, in every thread.
   */
  free(): void {
    this.assertInUse();
    this.#mark();
    // Before the pool itself, so that any handle can finish what a thread began that died here. A table's own locks keep
    // out who is inside; a thread that adds a string gets ERR_CLOSED from them.
    this.#freeRest();
  }

  /** From here on nobody attaches to it any more; with the mutex held, so that the memory is still the pool's. */
  #mark(): void {
    try {
      this.inside(() => store(this.region.memory.words, this.index + FREEING, 1));
    } catch (error) {
      // A pool that can't be repaired can be freed all the same.
      if (!(error instanceof NotRecoverableError)) throw error;
    }
  }

  /** Frees what is not freed yet, whoever began with it. */
  #freeRest(): void {
    for (const at of [IDS, TEXTS]) unlessFreed(() => SharedTable.from(this.#table(at)).free());
    unlessFreed(() => this.freeGuarded(() => undefined));
  }

  #add(text: string): number {
    let id: number;
    this.enter();
    try {
      const { words } = this.region.memory;
      const known = this.#ids.get(text);
      id = known?.id ?? load(words, this.index + COUNT);
      if (known === undefined) {
        this.#texts.set(id, { text });
        this.#ids.set(text, { id });
        store(this.region.memory.words, this.index + COUNT, id + 1);
      }
    } catch (error) {
      this.leaveAfter(error);
      throw error;
    }
    this.leave();
    return id;
  }

  #table(at: number): ReturnType<SharedTable<never, never>["share"]> {
    const region: Region = this.region;
    const { words } = region.memory;
    const [offset, serial] = [words[this.index + at], words[this.index + at + 1]];
    return { holdfast: "table", region: region.share(), offset, serial } as never;
  }

  /** @internal */
  protected override repair(): void {
    if (load(this.region.memory.words, this.index + FREEING) !== 0) return;
    unlessFreed(() => {
      const count = load(this.region.memory.words, this.index + COUNT);
      const last = this.#texts.get(count);
      if (last === undefined || this.#ids.get(last.text)?.id !== count) return;
      store(this.region.memory.words, this.index + COUNT, count + 1);
    });
  }

  /** @internal */
  protected override describeInside(): string {
    return `${this.size} strings`;
  }
}

/** Does `work` on a table that another thread, which died in free(), may have freed. */
function unlessFreed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
  }
}
