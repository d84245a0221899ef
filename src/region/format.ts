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
  H_PARKING,
  H_STATE,
  H_VERSION,
  HEADER_BYTES,
  headerChecksum,
  LAYOUT_VERSION,
  MAGIC,
  overheadBytes,
  REGION_FORMATTING,
  REGION_RAW,
  REGION_READY,
} from "./layout.ts";
import type { RegionMemory } from "./memory.ts";

/** Bytes of heap below which a region is of no use. */
const LEAST_HEAP = 1024;
/** How long another thread may take to format a buffer before it is given up as dead. */
const FORMAT_MS = 2000;

/** Writes a new header into zeroed words. `parking`: the number of the native part by which threads sleep, 0 for Atomics. */
export function formatHeader(
  words: Int32Array,
  bytes: number,
  maxBytes: number,
  maxThreads: number,
  parking = 0,
): void {
  const heapAt = (overheadBytes(maxThreads) + 63) & ~63;
  const id = crypto.getRandomValues(new Int32Array(4));
  words[H_VERSION] = LAYOUT_VERSION;
  words.set(id, H_ID);
  words[H_BYTES] = bytes;
  words[H_MAX_BYTES] = maxBytes;
  words[H_MAX_THREADS] = maxThreads;
  words[H_HEAP_AT] = heapAt;
  words[H_HEAP_TOP] = heapAt;
  words[H_PARKING] = parking;
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

/** Checks that the memory holds a region, formatting a zeroed one if asked to. Throws ERR_REGION_*, changing nothing. */
export function attachHeader(
  memory: RegionMemory,
  how: { format: boolean; maxThreads?: number | undefined; parking?: number },
): void {
  const { words } = memory;
  const bytes = words.length << 2;
  if (bytes < HEADER_BYTES) throw tooSmall(bytes, HEADER_BYTES);
  const state = load(words, H_STATE);
  if (state === REGION_READY) return checkHeader(memory);
  // Another thread is at it: the magic number is among the last words that it writes.
  if (state === REGION_FORMATTING && (words[H_MAGIC] === 0 || words[H_MAGIC] === MAGIC)) return awaitReady(memory);
  if (!how.format || state !== REGION_RAW) throw invalid(words);
  if (!isZeroed(words)) {
    // What is not zero may be what another thread writes at this moment; then the state is no longer RAW.
    if (load(words, H_STATE) === REGION_RAW) throw invalid(words);
    return attachHeader(memory, how);
  }
  const maxThreads = how.maxThreads ?? threadsFor(bytes);
  const least = overheadBytes(maxThreads) + LEAST_HEAP;
  if (bytes < least) throw tooSmall(bytes, least);
  if (cas(words, H_STATE, REGION_RAW, REGION_FORMATTING) === REGION_RAW) {
    formatHeader(words, bytes, bytes, maxThreads, how.parking);
  } else awaitReady(memory);
}

function isZeroed(words: Int32Array): boolean {
  for (let at = 0; at < words.length; at++) if (words[at] !== 0) return false;
  return true;
}

/** A small buffer gets fewer thread slots: a quarter of it at the most, 256 at the most, 4 at least. */
function threadsFor(bytes: number): number {
  return Math.max(4, Math.min(DEFAULT_THREADS, Math.floor(bytes / 4 / 128)));
}

function awaitReady(memory: RegionMemory): void {
  const { words } = memory;
  const until = performance.now() + FORMAT_MS;
  while (load(words, H_STATE) === REGION_FORMATTING) {
    const left = until - performance.now();
    if (left <= 0) {
      const message = "another thread began to format this buffer and did not finish: zero the buffer and start again";
      throw new RegionError("ERR_REGION_CORRUPT", message);
    }
    if (blockingAllowed()) park(words, H_STATE, REGION_FORMATTING, left);
  }
  checkHeader(memory);
}

function checkHeader(memory: RegionMemory): void {
  const { words } = memory;
  if (words[H_MAGIC] !== MAGIC) throw invalid(words);
  if (words[H_VERSION] !== LAYOUT_VERSION) {
    throw new RegionError(
      "ERR_REGION_VERSION",
      `the buffer holds a region of layout version ${words[H_VERSION]}, this holdfast reads version ${LAYOUT_VERSION}`,
      { found: words[H_VERSION], expected: LAYOUT_VERSION },
    );
  }
  // In the reverse order of growth, which writes the maximum never, the size first and the top last.
  const top = load(words, H_HEAP_TOP);
  const bytes = load(words, H_BYTES);
  const sound =
    words[H_CHECKSUM] === headerChecksum(words) &&
    top >= words[H_HEAP_AT] &&
    (top & 63) === 0 &&
    top <= bytes &&
    bytes <= words[H_MAX_BYTES];
  if (!sound) {
    throw new RegionError("ERR_REGION_CORRUPT", "the region's header is corrupt: something else wrote into its buffer");
  }
  if (memory.byteLength >= bytes) return;
  // Another thread may have grown a WebAssembly memory since this thread looked; a buffer has the length that it has.
  if (memory.wasm !== undefined) return memory.cover(bytes);
  throw new RegionError(
    "ERR_REGION_CORRUPT",
    `the region has ${bytes} bytes, but only ${memory.byteLength} of them were given`,
    { expected: bytes, given: memory.byteLength },
  );
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
