// What makes or finds the memory of a region: its options and handles, validated before anything is made.

import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { attachHeader, formatHeader } from "./format.ts";
import { DEFAULT_THREADS, LAYOUT_VERSION, MAX_REGION_BYTES, MAX_THREADS } from "./layout.ts";
import { createMemory, isSharedBuffer, isWasmMemory, PAGE, RegionMemory } from "./memory.ts";
import { type Parking, parkingMark } from "./native.ts";

/** Options of Region.create. */
export interface RegionOptions {
  /** Bytes at the start; default 1 MiB. Rounded up to whole pages of 64 KiB. */
  readonly byteLength?: number | undefined;
  /** Bytes that it may grow to; default 1 GiB. Only address space is reserved, memory is used as it is touched. */
  readonly maxByteLength?: number | undefined;
  /** Threads attached at once; 1 to 4,094, default 256. */
  readonly maxThreads?: number | undefined;
  /** A name for messages. */
  readonly name?: string | undefined;
  /** `false` turns the WebAssembly fast path off for this region in this thread. */
  readonly wasm?: boolean | undefined;
  /**
   * How the threads of a new region sleep: by `"atomics"`, which every thread can (the default), or by the `"native"` part,
   * which all its threads must then have. `HOLDFAST_NATIVE=1` makes it the default.
   */
  readonly parking?: Parking | undefined;
}

/** What Region.share gives: structured-cloneable, for workerData or postMessage. */
export interface RegionHandle {
  readonly holdfast: "region";
  readonly version: number;
  readonly memory: WebAssembly.Memory | SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly name: string | undefined;
}

/** A formatted memory for a new region. Throws RangeError or TypeError for bad options. */
export function newMemory(options: RegionOptions): RegionMemory {
  const maxThreads = checkCount("maxThreads", options.maxThreads ?? DEFAULT_THREADS, 1, MAX_THREADS);
  const minimum = 2 * PAGE + Math.ceil((maxThreads * 128) / PAGE) * PAGE;
  const asked =
    options.byteLength === undefined ? 0 : checkCount("byteLength", options.byteLength, 1, MAX_REGION_BYTES);
  const limit = options.maxByteLength ?? Math.max(1 << 30, asked);
  // Whole pages: what lies beyond the last one could never be used.
  const maxBytes = Math.floor(checkCount("maxByteLength", limit, minimum, MAX_REGION_BYTES) / PAGE) * PAGE;
  if (asked > limit) {
    throw new RangeError(`byteLength must not be greater than maxByteLength (${limit}), got ${asked}`);
  }
  const byteLength = options.byteLength === undefined ? 1 << 20 : asked;
  const bytes = Math.min(Math.max(Math.ceil(byteLength / PAGE) * PAGE, minimum), maxBytes);
  const parking = parkingMark(options.parking);
  const memory = createMemory(bytes, maxBytes);
  const limitNow = memory.wasm === undefined ? memory.byteLength : maxBytes;
  formatHeader(memory.words, memory.byteLength, limitNow, maxThreads, parking);
  return memory;
}

/**
 * A region's memory in a buffer of the user's, formatted if it is zeroed; `byteLength` undefined: to its end. Throws
 * RangeError, TypeError or ERR_REGION_*.
 */
export function memoryOver(
  buffer: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number | undefined,
  options: Pick<RegionOptions, "maxThreads" | "parking">,
): RegionMemory {
  if (options.maxThreads !== undefined) checkCount("maxThreads", options.maxThreads, 1, MAX_THREADS);
  checkCount("byteOffset", byteOffset, 0, buffer.byteLength);
  if (byteOffset % 8 !== 0) throw new RangeError(`byteOffset must be a multiple of 8, got ${byteOffset}`);
  const length = byteLength ?? buffer.byteLength - byteOffset;
  checkCount("byteLength", length, 0, buffer.byteLength - byteOffset);
  const memory = new RegionMemory(buffer, byteOffset, Math.min(length - (length % 64), MAX_REGION_BYTES));
  attachHeader(memory, { format: true, maxThreads: options.maxThreads, parking: parkingMark(options.parking) });
  return memory;
}

/** The memory of a handle. Throws TypeError, RangeError or ERR_REGION_* if the handle carries none or another version. */
export function memoryOf(handle: RegionHandle): RegionMemory {
  if (handle.version !== LAYOUT_VERSION) {
    throw new RegionError(
      "ERR_REGION_VERSION",
      `the region has layout version ${handle.version}, this holdfast reads version ${LAYOUT_VERSION}: use one version of holdfast in all threads`,
      { found: handle.version, expected: LAYOUT_VERSION },
    );
  }
  const { memory, byteOffset, byteLength } = handle;
  const found = isWasmMemory(memory) && isSharedBuffer(memory.buffer) ? new RegionMemory(memory) : plainMemory();
  attachHeader(found, { format: false });
  return found;

  function plainMemory(): RegionMemory {
    if (!isSharedBuffer(memory)) {
      throw new TypeError(
        "Region.from: the handle carries no shared memory (it must cross by postMessage or workerData)",
      );
    }
    checkCount("byteOffset of the handle", byteOffset, 0, memory.byteLength);
    if (byteOffset % 8 !== 0) throw new RangeError(`byteOffset must be a multiple of 8, got ${byteOffset}`);
    checkCount("byteLength of the handle", byteLength, 0, memory.byteLength - byteOffset);
    return new RegionMemory(memory, byteOffset, Math.min(byteLength - (byteLength % 64), MAX_REGION_BYTES));
  }
}

export function checkOptions(call: string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${call} takes an object of options, got ${describe(options)}`);
  }
}

function checkCount(what: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number, got ${describe(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${what} must be a whole number from ${minimum} to ${maximum}, got ${value}`);
  }
  return value;
}
