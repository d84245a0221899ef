// Formatting and checking a region's header. Several threads may come to one zeroed buffer at once: one of them formats
// it (RAW to FORMATTING by compare-exchange), the others sleep on the state word until it is READY.

import { cas, load, store } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { blockingAllowed, park, wakeAll } from "../cells/park.ts";
import {
  DEFAULT_THREADS,
  H_BYTES,
  H_CHECKSUM,
  H_HEAP_AT,
  H_HEAP_TOP,
  H_ID,
  H_MAGIC,
  H_MAX_BYTES,
  H_MAX_THREADS,
  H_STATE,
  H_VERSION,
  HEADER_BYTES,
  headerChecksum,
  LAYOUT_VERSION,
  MAGIC,
  MAX_THREADS,
  overheadBytes,
  REGION_FORMATTING,
  REGION_RAW,
  REGION_READY,
} from "./layout.ts";

/** Bytes of heap below which a region is of no use. */
const LEAST_HEAP = 1024;
/** How long another thread may take to format a buffer before it is given up as dead. */
const FORMAT_MS = 2000;

/** Writes a new header into zeroed words. */
export function formatHeader(words: Int32Array, bytes: number, maxBytes: number, maxThreads: number): void {
  const heapAt = (overheadBytes(maxThreads) + 63) & ~63;
  const id = crypto.getRandomValues(new Int32Array(4));
  words[H_VERSION] = LAYOUT_VERSION;
  words.set(id, H_ID);
  words[H_BYTES] = bytes;
  words[H_MAX_BYTES] = maxBytes;
  words[H_MAX_THREADS] = maxThreads;
  words[H_HEAP_AT] = heapAt;
  words[H_HEAP_TOP] = heapAt;
  words[H_MAGIC] = MAGIC;
  words[H_CHECKSUM] = headerChecksum(words);
  store(words, H_STATE, REGION_READY);
  wakeAll(words, H_STATE);
}

/** The region's id as 32 hexadecimal digits. */
export function idOf(words: Int32Array): string {
  let id = "";
  for (let k = 0; k < 4; k++) id += (words[H_ID + k] >>> 0).toString(16).padStart(8, "0");
  return id;
}

/** Checks that the words hold a region, formatting zeroed ones if asked to. Throws ERR_REGION_* and changes nothing else. */
export function attachHeader(words: Int32Array, how: { format: boolean; maxThreads?: number | undefined }): void {
  const bytes = words.length << 2;
  if (bytes < HEADER_BYTES) throw tooSmall(bytes, HEADER_BYTES);
  const state = load(words, H_STATE);
  if (state === REGION_READY) return checkHeader(words);
  if (state === REGION_FORMATTING && words[H_MAGIC] === 0) return awaitReady(words);
  if (!how.format || state !== REGION_RAW || !words.every((word) => word === 0)) throw invalid(words);
  const maxThreads = how.maxThreads ?? threadsFor(bytes);
  if (!Number.isInteger(maxThreads) || maxThreads < 1 || maxThreads > MAX_THREADS) {
    throw new RangeError(`maxThreads must be a whole number from 1 to ${MAX_THREADS}, got ${maxThreads}`);
  }
  const least = overheadBytes(maxThreads) + LEAST_HEAP;
  if (bytes < least) throw tooSmall(bytes, least);
  if (cas(words, H_STATE, REGION_RAW, REGION_FORMATTING) === REGION_RAW) formatHeader(words, bytes, bytes, maxThreads);
  else awaitReady(words);
}

/** A small buffer gets fewer thread slots: a quarter of it at the most, 256 at the most, 4 at least. */
function threadsFor(bytes: number): number {
  return Math.max(4, Math.min(DEFAULT_THREADS, Math.floor(bytes / 4 / 128)));
}

function awaitReady(words: Int32Array): void {
  const until = performance.now() + FORMAT_MS;
  while (load(words, H_STATE) === REGION_FORMATTING) {
    const left = until - performance.now();
    if (left <= 0) {
      const message = "another thread began to format this buffer and did not finish: zero the buffer and start again";
      throw new RegionError("ERR_REGION_CORRUPT", message);
    }
    if (blockingAllowed()) park(words, H_STATE, REGION_FORMATTING, left);
  }
  checkHeader(words);
}

function checkHeader(words: Int32Array): void {
  if (words[H_MAGIC] !== MAGIC) throw invalid(words);
  if (words[H_VERSION] !== LAYOUT_VERSION) {
    throw new RegionError(
      "ERR_REGION_VERSION",
      `the buffer holds a region of layout version ${words[H_VERSION]}, this holdfast reads version ${LAYOUT_VERSION}`,
      { found: words[H_VERSION], expected: LAYOUT_VERSION },
    );
  }
  const bytes = words.length << 2;
  const sound =
    words[H_CHECKSUM] === headerChecksum(words) &&
    words[H_HEAP_TOP] >= words[H_HEAP_AT] &&
    words[H_HEAP_TOP] <= words[H_BYTES] &&
    words[H_BYTES] <= words[H_MAX_BYTES];
  if (!sound) {
    throw new RegionError("ERR_REGION_CORRUPT", "the region's header is corrupt: something else wrote into its buffer");
  }
  if (bytes < words[H_BYTES]) {
    throw new RegionError(
      "ERR_REGION_CORRUPT",
      `the region has ${words[H_BYTES]} bytes, but only ${bytes} of them were given`,
      { expected: words[H_BYTES], given: bytes },
    );
  }
}

function invalid(words: Int32Array): RegionError {
  const found = (words[H_MAGIC] >>> 0).toString(16).padStart(8, "0");
  return new RegionError(
    "ERR_REGION_INVALID",
    `the buffer holds no region: it is neither zeroed nor does it begin with a region's header (first word 0x${found})`,
  );
}

function tooSmall(bytes: number, needed: number): RegionError {
  const message = `${bytes} bytes are too few for a region: at least ${needed} are needed`;
  return new RegionError("ERR_REGION_TOO_SMALL", message, { bytes, needed });
}
