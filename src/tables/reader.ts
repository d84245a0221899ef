// The fast way of a read: this thread's cache, else one call that hashes, probes, compares, copies and validates
// (protocols/table-read.ts, in WebAssembly where the region has it, in JavaScript else), else TableCore.read.

import type { CoreExports } from "../assembly/core.ts";
import { cas } from "../cells/atomics.ts";
import { PLAIN, R_KEY_BYTES, R_TAG, R_VERSION, S_VERSION } from "../protocols/table-layout.ts";
import {
  CONTENDED,
  isCurrent,
  MISSING,
  OUTDATED,
  READ_TRIES,
  readRow,
  renewedVersion,
  rowLength,
  SAME_ROW,
  SCRATCH_EPOCH,
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
import { R_RETRIES } from "../region/record-layout.ts";
import { isRecording } from "../region/record-memory.ts";
import { countOf } from "../region/recording.ts";
import { scratchOf } from "../region/scratch.ts";
import { copyToText, encodeInto, MAX_TEXT_BYTES } from "./codec.ts";
import type { TableCore } from "./core.ts";
import { incoming } from "./image.ts";
import { decodeKey, decodeText, decodeValues, encodeKey, writeIntegerKey } from "./row.ts";
import { CACHED_WORDS, EPOCH, KEPT, KEY, mayKeep, ROW, ROW_VERSION, RowCache, SHARD, VERSION } from "./row-cache.ts";
import type { Column, Kept } from "./schema.ts";
import type { TableKey } from "./types.ts";

/** Units of text that encode to no more bytes than the scratch area has for a key. */
const LONGEST_SHORT_KEY: number = Math.floor((SCRATCH_KEY_WORDS * 4) / 3);

/** The region was too full for a scratch area, or the key may be too long for it. */
const NO_ROOM = -100;
/** Longer rows are not kept in the cache: a tenth of what it holds in all. */
const LONGEST_KEPT: number = CACHED_WORDS >> 10;

export class TableReader {
  readonly #core: TableCore;
  /** Asked for at each call: so each way has call sites of its own, which stay monomorphic and are inlined. */
  readonly #wasm: CoreExports | undefined;
  /** Kept apart: the exports of a module are slow to look up. */
  readonly #isCurrentFast: CoreExports["isCurrent"] | undefined;
  readonly #renewedFast: CoreExports["renewedVersion"] | undefined;
  readonly #scratch: number;
  readonly #textKeys: boolean;
  /** The only column, if that is a text and the runtime copies bytes to texts, shared ones too. */
  readonly #text: Column | undefined;
  /** Its word, or 0. */
  readonly #longText: number;
  readonly #cache: RowCache;
  readonly #inside: { readonly depth: number };
  readonly #serialAt: number;
  readonly #serial: number;

  constructor(core: TableCore) {
    this.#core = core;
    this.#wasm = core.region.core;
    this.#isCurrentFast = this.#wasm?.isCurrent;
    this.#renewedFast = this.#wasm?.renewedVersion;
    this.#scratch = scratchOf(core.region);
    this.#textKeys = core.schema.keyType === "string";
    const { single } = core.schema;
    const [first] = core.schema.columns;
    this.#text = single && first.type === "string" && copyToText !== undefined ? first : undefined;
    this.#longText = this.#text?.word ?? 0;
    this.#cache = new RowCache(this.#textKeys);
    this.#inside = core.inside;
    this.#serialAt = core.serialAt;
    this.#serial = core.serial;
  }

  /** The row of the key, not to be changed ({@link Schema.copyOf} copies it), or its value where rows have one column. */
  find(key: TableKey): Kept | undefined {
    const cache = this.#cache;
    const at = cache.find(key, cache.hash(key));
    if (at >= 0 && this.#inside.depth === 0) {
      const slots = cache.slots;
      if (this.#isCurrent(slots[at + SHARD] as number, slots[at + VERSION] as number)) return slots[at + KEPT];
      if (this.#renew(at)) return slots[at + KEPT];
    }
    return this.#readSlow(key, at);
  }

  #isCurrent(shard: number, version: number): boolean {
    const fast = this.#isCurrentFast;
    const current =
      fast !== undefined
        ? fast(shard, version, this.#serialAt, this.#serial)
        : isCurrent(this.#core.region.memory.words, shard, version, this.#serialAt, this.#serial);
    return current !== 0;
  }

  /** The shard was written since: is the row still as it was? */
  #renew(at: number): boolean {
    const { slots, details } = this.#cache;
    const shard = slots[at + SHARD] as number;
    const row = details[at + ROW];
    const rowVersion = details[at + ROW_VERSION];
    const epoch = details[at + EPOCH];
    const fast = this.#renewedFast;
    const version =
      fast !== undefined
        ? fast(shard, row, rowVersion, epoch, this.#serialAt, this.#serial)
        : renewedVersion(this.#core.region.memory.words, shard, row, rowVersion, epoch, this.#serialAt, this.#serial);
    if (version === OUTDATED) return false;
    slots[at + VERSION] = version;
    return true;
  }

  #readSlow(key: TableKey, known: number): Kept | undefined {
    const core = this.#core;
    const length = this.#readRow(key, known);
    if (length === MISSING) return undefined;
    const words = core.region.memory.words;
    const scratch = this.#scratch;
    if (length === SAME_ROW && known >= 0) {
      const { slots, details } = this.#cache;
      slots[known + VERSION] = words[scratch + SCRATCH_VERSION];
      details[known + EPOCH] = words[scratch + SCRATCH_EPOCH];
      return slots[known + KEPT];
    }
    if (length === TOO_LONG && this.#longText !== 0) {
      const text = this.#readText();
      if (text !== undefined) return text;
    }
    const read = length === TOO_LONG ? this.#copyLong() : length;
    if (read < 0) {
      if (read === CONTENDED && isRecording()) {
        countOf(core.region.memory, words[scratch + SCRATCH_SHARD], R_RETRIES, READ_TRIES);
      }
      return core.read(encodeKey(core.schema, key, core.label)) ? this.#decode() : undefined;
    }
    return this.#keep(key, known, length, read);
  }

  /** Decodes the row that was read, `read` words long, and keeps it; `length` of them, if any, are in the scratch area. */
  #keep(key: TableKey, known: number, length: number, read: number): Kept {
    const core = this.#core;
    const { memory } = core.region;
    const { words } = memory;
    const row = this.#scratch + SCRATCH_ROW;
    // A plain text is decoded where it is: that takes neither an image nor an array of values.
    const text = length > 0 && (words[row + R_TAG] & PLAIN) !== 0 ? this.#text : undefined;
    if (length > 0 && (text === undefined || (known < 0 && !mayKeep(key)))) incoming.copyIn(words, row, length, 0);
    const kept = text !== undefined ? decodeText(core.schema, memory, row, text) : this.#decode();
    if (read > LONGEST_KEPT) return kept;
    const rowVersion = text !== undefined ? words[row + R_VERSION] : incoming.words[R_VERSION];
    const version = words[this.#scratch + SCRATCH_VERSION];
    const found = words[this.#scratch + SCRATCH_FOUND];
    const epoch = words[this.#scratch + SCRATCH_EPOCH];
    if (known >= 0 && this.#cache.renew(known, kept, version, found, rowVersion, epoch, read)) return kept;
    this.#cache.keep({
      key:
        known >= 0
          ? (this.#cache.slots[known + KEY] as TableKey)
          : mayKeep(key)
            ? key
            : decodeKey(core.schema, incoming, 0),
      kept,
      shard: words[this.#scratch + SCRATCH_SHARD],
      version,
      row: found,
      rowVersion,
      epoch,
      words: read,
    });
    return kept;
  }

  /**
   * The text of a row that was found but not copied, whose only column is that text, if it is plain and too long for the
   * cache: copied from where it stands into the string, and validated; undefined if that can't be.
   */
  #readText(): string | undefined {
    const { region, keyWord } = this.#core;
    const { words, bytes } = region.memory;
    const row = words[this.#scratch + SCRATCH_FOUND];
    const start = (row + keyWord) << 2;
    const from = start + ((words[row + R_KEY_BYTES] + 3) & ~3);
    const to = start + words[row + this.#longText];
    const fits = from >= start && to - from > LONGEST_KEPT * 4 && to - from <= MAX_TEXT_BYTES && to <= bytes.length;
    if (!fits || copyToText === undefined || (words[row + R_TAG] & PLAIN) === 0) return undefined;
    const text = copyToText(bytes, from, to);
    return this.#stands() ? text : undefined;
  }

  /** Whether the shard's version is still the one under which a row was found. */
  #stands(): boolean {
    const { words } = this.#core.region.memory;
    const version = words[this.#scratch + SCRATCH_VERSION];
    return cas(words, words[this.#scratch + SCRATCH_SHARD] + S_VERSION, version, version) === version;
  }

  /** Copies a row that was found but not copied into the incoming image: its length, or CONTENDED. */
  #copyLong(): number {
    const { region, keyWord, schema } = this.#core;
    const { words } = region.memory;
    const row = words[this.#scratch + SCRATCH_FOUND];
    // Since it was found it may have been replaced, and its memory be anything.
    const length = rowLength(words, row, keyWord, schema.endWord);
    if (length <= 0 || length > words.length - row) return CONTENDED;
    incoming.copyIn(words, row, length, 0);
    return this.#stands() ? length : CONTENDED;
  }

  /** The row of the incoming image, as {@link find} gives it. */
  #decode(): Kept {
    const { schema } = this.#core;
    const values = decodeValues(schema, incoming, 0);
    return schema.single ? values[0] : schema.rowOf(values);
  }

  /** One read by way of the scratch area; as {@link readRow}, or NO_ROOM, and never UNCOVERED. */
  #readRow(key: TableKey, known: number): number {
    const core = this.#core;
    const scratch = this.#scratch;
    core.assertIdle();
    if (scratch === 0) return NO_ROOM;
    const keyBytes = this.#encodeKey(key);
    if (keyBytes < 0) return NO_ROOM;
    const { memory } = core.region;
    const { details } = this.#cache;
    memory.words[scratch + SCRATCH_KNOWN_ROW] = known < 0 ? 0 : details[known + ROW];
    if (known >= 0) memory.words[scratch + SCRATCH_KNOWN_VERSION] = details[known + ROW_VERSION];
    for (let tries = 0; tries < 2; tries++) {
      const result = this.#callKernel(keyBytes);
      if (memory.words[this.#serialAt] !== this.#serial) core.assertOpen();
      if (result !== UNCOVERED) return result;
      core.cover(memory.words[scratch + SCRATCH_SHARD]);
    }
    return CONTENDED;
  }

  #callKernel(keyBytes: number): number {
    const { shards, shift, seed0, seed1, keyWord, schema, region } = this.#core;
    const { words } = region.memory;
    const end = schema.endWord;
    const wasm = this.#wasm;
    return wasm !== undefined
      ? wasm.readRow(shards, shift, seed0, seed1, keyWord, end, this.#scratch, keyBytes, words.length)
      : readRow(words, shards, shift, seed0, seed1, keyWord, end, this.#scratch, keyBytes, words.length);
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
