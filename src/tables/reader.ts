// The fast way of a read: this thread's cache, else one call that hashes, probes, compares, copies and validates
// (protocols/table-read.ts, in WebAssembly where the region has it, in JavaScript else), else TableCore.read.

import { ClosedError } from "../cells/errors.ts";
import { R_VERSION } from "../protocols/table-layout.ts";
import {
  CONTENDED,
  isCurrent,
  MISSING,
  readRow,
  SAME_ROW,
  SCRATCH_FOUND,
  SCRATCH_KEY,
  SCRATCH_KEY_WORDS,
  SCRATCH_KNOWN_ROW,
  SCRATCH_KNOWN_VERSION,
  SCRATCH_ROW,
  SCRATCH_SHARD,
  SCRATCH_VERSION,
  TOO_LONG,
  UNCOVERED,
} from "../protocols/table-read.ts";
import { B_SERIAL, BLOCK_HEADER_BYTES } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { scratchOf } from "../region/scratch.ts";
import { encodeInto } from "./codec.ts";
import type { TableCore } from "./core.ts";
import { incoming } from "./image.ts";
import { decodeKey, decodeValues, encodeKey, type Value, writeIntegerKey } from "./row.ts";
import { type CachedRow, LONGEST_KEPT, mayKeep, RowCache } from "./row-cache.ts";
import type { TableKey } from "./types.ts";

/** Units of text that encode to no more bytes than the scratch area has for a key. */
const LONGEST_SHORT_KEY: number = Math.floor((SCRATCH_KEY_WORDS * 4) / 3);

/** The operations of protocols/table-read.ts, without the words. */
interface ReadOperations {
  readonly readRow: (
    shards: number,
    shift: number,
    seed0: number,
    seed1: number,
    keyWord: number,
    endWord: number,
    scratch: number,
    keyBytes: number,
    limit: number,
  ) => number;
  readonly isCurrent: (shard: number, version: number, serialAt: number, serial: number) => number;
}

const byRegion = new WeakMap<Region, ReadOperations>();

/** One object a region, so that calls through it stay monomorphic and are inlined. */
function readOperations(region: Region): ReadOperations {
  let operations = byRegion.get(region);
  if (operations === undefined) {
    const { core, memory } = region;
    operations = core ?? {
      readRow: (...args) => readRow(memory.words, ...args),
      isCurrent: (...args) => isCurrent(memory.words, ...args),
    };
    byRegion.set(region, operations);
  }
  return operations;
}

export class TableReader {
  readonly #core: TableCore;
  readonly #operations: ReadOperations;
  readonly #scratch: number;
  readonly #textKeys: boolean;
  readonly #cache: RowCache = new RowCache();
  readonly #inside: { readonly depth: number };
  readonly #serialAt: number;
  readonly #serial: number;

  constructor(core: TableCore) {
    this.#core = core;
    this.#operations = readOperations(core.region);
    this.#scratch = scratchOf(core.region);
    this.#textKeys = core.schema.keyType === "string";
    this.#inside = core.inside;
    this.#serialAt = ((core.offset - BLOCK_HEADER_BYTES) >> 2) + B_SERIAL;
    this.#serial = core.region.serialOf(core.offset);
  }

  /** The values of the key's row in the order of declaration, not to be changed; undefined if there is none. */
  read(key: TableKey): readonly Value[] | undefined {
    const entry = this.#cache.find(key, this.#cache.hash(key));
    if (entry !== undefined && this.#inside.depth === 0) {
      const current = this.#operations.isCurrent(entry.shard, entry.version, this.#serialAt, this.#serial);
      if (current !== 0) return entry.values;
    }
    return this.#readSlow(key, entry);
  }

  #readSlow(key: TableKey, known: CachedRow | undefined): readonly Value[] | undefined {
    const core = this.#core;
    const length = this.#readRow(key, known);
    if (length === MISSING) return undefined;
    const words = core.region.memory.words;
    const scratch = this.#scratch;
    if (length === SAME_ROW && known !== undefined) {
      known.version = words[scratch + SCRATCH_VERSION];
      return known.values;
    }
    if (length < 0) {
      const found = core.read(encodeKey(core.schema, key, core.label));
      return found ? decodeValues(core.schema, incoming, 0) : undefined;
    }
    incoming.copyIn(words, scratch + SCRATCH_ROW, length, 0);
    const values = decodeValues(core.schema, incoming, 0);
    if (length <= LONGEST_KEPT) {
      this.#cache.keep({
        key: mayKeep(key) ? key : decodeKey(core.schema, incoming, 0),
        shard: words[scratch + SCRATCH_SHARD],
        version: words[scratch + SCRATCH_VERSION],
        row: words[scratch + SCRATCH_FOUND],
        rowVersion: incoming.words[R_VERSION],
        values,
      });
    }
    return values;
  }

  /** One read by way of the scratch area; as {@link readRow}, and never UNCOVERED. */
  #readRow(key: TableKey, known: CachedRow | undefined): number {
    const core = this.#core;
    const scratch = this.#scratch;
    core.assertIdle();
    if (scratch === 0) return TOO_LONG;
    const keyBytes = this.#encodeKey(key);
    if (keyBytes < 0) return TOO_LONG;
    const { region, schema, keyWord } = core;
    const memory = region.memory;
    memory.words[scratch + SCRATCH_KNOWN_ROW] = known === undefined ? 0 : known.row;
    if (known !== undefined) memory.words[scratch + SCRATCH_KNOWN_VERSION] = known.rowVersion;
    for (let tries = 0; tries < 2; tries++) {
      const result = this.#operations.readRow(
        core.shards,
        core.shift,
        core.seed0,
        core.seed1,
        keyWord,
        schema.endWord,
        scratch,
        keyBytes,
        memory.words.length,
      );
      if (memory.words[this.#serialAt] !== this.#serial) throw closed(core);
      if (result !== UNCOVERED) return result;
      core.cover(memory.words[scratch + SCRATCH_SHARD]);
    }
    return CONTENDED;
  }

  /** Writes the key into the scratch area: its length in bytes, or -1 if it may be too long. */
  #encodeKey(key: TableKey): number {
    const { schema, region, label } = this.#core;
    const memory = region.memory;
    const at = this.#scratch + SCRATCH_KEY;
    if (!this.#textKeys) return writeIntegerKey(schema, key, memory.words, at, label);
    if (typeof key !== "string" || key.length > LONGEST_SHORT_KEY) return -1;
    const bytes = memory.bytes;
    const end = encodeInto(key, bytes, at << 2);
    // Keys are compared word by word, so the rest of the last word must be 0.
    for (let i = end; (i & 3) !== 0; i++) bytes[i] = 0;
    return end - (at << 2);
  }
}

/** An error for the use of a table whose memory was given back. */
export function closed(core: TableCore): ClosedError {
  return new ClosedError("ERR_CLOSED", `${core.label} was freed`, { offset: core.offset });
}
