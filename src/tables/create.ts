// A new table in a region: its header, seed and empty shards (layout in protocols/table-layout.ts). The rest of its memory
// comes with its first rows.

import type { i32 } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { TableError } from "../cells/errors.ts";
import {
  growAbove,
  SHARD_WORDS,
  T_BUCKETS,
  T_FINGERPRINT,
  T_KEY_TYPE,
  T_MAGIC,
  T_SCHEMA,
  T_SCHEMA_BYTES,
  T_SEED,
  T_SHARDS,
  T_VERSION,
  TABLE_MAGIC,
  TABLE_VERSION,
} from "../protocols/table-layout.ts";
import { B_ASKED, BLOCK_HEADER_BYTES, KIND_TABLE } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { decodeSchema, KEY_TYPES, type Schema } from "./schema.ts";
import { corrupt } from "./walk.ts";

const SHARDS = 64;
const FEW_SHARDS = 16;
/** Tables that are meant for fewer rows than that take fewer shards. */
const SMALL = 64;
const MAX_CAPACITY = 2 ** 27;

/** Makes a table in the region and returns its offset; throws ERR_REGION_FULL. */
export function createTable(region: Region, schema: Schema, capacity: number | undefined): number {
  const shards = capacity !== undefined && capacity < SMALL ? FEW_SHARDS : SHARDS;
  const source = new TextEncoder().encode(schema.source);
  const header = headerWords(source.length);
  const offset = region.allocateObject((header + shards * SHARD_WORDS) * 4, KIND_TABLE);
  const base = offset >> 2;
  const { words, bytes } = region.memory;
  words[base + T_VERSION] = TABLE_VERSION;
  words[base + T_KEY_TYPE] = KEY_TYPES.indexOf(schema.keyType);
  words[base + T_FINGERPRINT] = schema.fingerprint;
  words[base + T_SHARDS] = shards;
  words[base + T_BUCKETS] = firstBuckets(capacity, shards);
  words[base + T_SCHEMA_BYTES] = source.length;
  const seed = crypto.getRandomValues(new Int32Array(4));
  for (let i = 0; i < seed.length; i++) words[base + T_SEED + i] = seed[i];
  bytes.set(source, (base + T_SCHEMA) * 4);
  words[base + T_MAGIC] = TABLE_MAGIC;
  return offset;
}

/** Words before the first shard, which begins on a cache line. */
function headerWords(schemaBytes: number): number {
  return (T_SCHEMA + ((schemaBytes + 3) >> 2) + 15) & ~15;
}

/**
 * What stands in the header of the table at `offset`, all of whose memory is covered then. Throws ERR_TABLE_CORRUPT where
 * the words do not fit each other and the block.
 */
export function readHeader(
  region: Region,
  offset: number,
  label: string,
): { readonly shards: number; readonly header: number; readonly stored: Schema } {
  const base = offset >> 2;
  const { memory } = region;
  memory.cover(offset + T_SCHEMA * 4);
  const { words } = memory;
  const sourceBytes = words[base + T_SCHEMA_BYTES];
  const shards = words[base + T_SHARDS];
  const header = headerWords(sourceBytes);
  const asked = words[((offset - BLOCK_HEADER_BYTES) >> 2) + B_ASKED];
  const fits = isPower(shards, 2) && sourceBytes >= 0 && (header + shards * SHARD_WORDS) * 4 === asked;
  const known = words[base + T_MAGIC] === TABLE_MAGIC && words[base + T_VERSION] === TABLE_VERSION;
  if (!known || !fits || !isPower(words[base + T_BUCKETS], 1)) throw corrupt("its header", base);
  memory.cover(offset + asked);
  const from = offset + T_SCHEMA * 4;
  // A private copy: the platform's decoder takes no shared memory everywhere.
  const stored = decodeSchema(new TextDecoder().decode(memory.bytes.slice(from, from + sourceBytes)), label);
  const same = stored.fingerprint === words[base + T_FINGERPRINT];
  if (!same || KEY_TYPES.indexOf(stored.keyType) !== words[base + T_KEY_TYPE]) throw corrupt("its schema", base);
  return { shards, header, stored };
}

function isPower(value: number, least: number): boolean {
  return value >= least && value <= MAX_CAPACITY && (value & (value - 1)) === 0;
}

/** Where the shards of the table at the word `base` begin, and how many there are. */
export function shardsOf(words: Int32Array, base: i32): { first: i32; count: number } {
  return { first: base + headerWords(words[base + T_SCHEMA_BYTES]), count: words[base + T_SHARDS] };
}

/** Buckets of a shard's first index: enough for its share of the capacity, and for what chance adds to it. */
function firstBuckets(capacity: number | undefined, shards: number): number {
  const share = (capacity ?? 0) / shards;
  let buckets = 2;
  while (growAbove(buckets) < share + 3 * Math.sqrt(share)) buckets *= 2;
  return buckets;
}

export function checkCapacity(capacity: unknown, where: string): number | undefined {
  if (capacity === undefined) return undefined;
  if (typeof capacity !== "number")
    throw new TypeError(`${where}: capacity must be a number, got ${describe(capacity)}`);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
    throw new RangeError(`${where}: capacity must be a whole number, 1 … ${MAX_CAPACITY}, got ${capacity}`);
  }
  return capacity;
}

/** An error for what a table can't be asked. */
export function noSuchTable(name: string, where: string): TableError {
  return new TableError(
    "ERR_TABLE_SCHEMA",
    `${where}: there is no table of this name in the region yet: give key and columns to make it`,
    { name },
  );
}
