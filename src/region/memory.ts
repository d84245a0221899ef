// One thread's views over a region's bytes.
//
// The views have a fixed length (length-tracking views make atomics 4-5 times slower), so they are rebuilt when the
// memory has grown beyond them: an offset that comes from another thread may lie past the end of this thread's views, and
// `cover` is asked before it is used. Old views stay valid over their old length, so code that runs on one is never
// wrong, only short. Never keep a view across an allocation or a lock acquisition: read the field again.

import { load, store } from "../cells/atomics.ts";
import { RegionError } from "../cells/errors.ts";
import { type NativeParking, parkNatively } from "../cells/park.ts";
import { H_SAME, MAX_REGION_BYTES } from "./layout.ts";

export const PAGE = 65536;
/** Growth comes in steps, so that many small allocations do not each call grow(). */
const GROW_STEP: number = 4 << 20;

/** What a region that can't grow gets when the runtime gives no shared WebAssembly.Memory. */
const FALLBACK_BYTES: number = 64 << 20;

/** Which memory a view of words is of: for code that has only the view. */
const memories = new WeakMap<Int32Array, RegionMemory>();

export class RegionMemory {
  /** The shared WebAssembly.Memory, or undefined over a plain SharedArrayBuffer (which can't grow). */
  readonly wasm: WebAssembly.Memory | undefined;
  readonly byteOffset: number;
  words!: Int32Array;
  bytes!: Uint8Array;
  f64!: Float64Array;
  i64!: BigInt64Array;
  #buffer!: SharedArrayBuffer;
  #parking: NativeParking | undefined;

  constructor(source: WebAssembly.Memory | SharedArrayBuffer, byteOffset = 0, byteLength?: number) {
    this.wasm = isWasmMemory(source) ? source : undefined;
    this.byteOffset = byteOffset;
    const buffer = isWasmMemory(source) ? (source.buffer as unknown as SharedArrayBuffer) : source;
    this.#rebuild(buffer, byteLength ?? buffer.byteLength - byteOffset);
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }

  get buffer(): SharedArrayBuffer {
    return this.#buffer;
  }

  /** Threads sleep natively on these words, and on those of all views to come. */
  parkNatively(parking: NativeParking): void {
    this.#parking = parking;
    parkNatively(this.words, parking);
  }

  /** Makes the views reach `endByte`, which another thread may have brought into being by growing the memory. */
  cover(endByte: number): void {
    if (endByte <= this.bytes.byteLength) return;
    if (this.wasm !== undefined) {
      // grow(0) makes the engine hand out a buffer of the present length, even if another thread grew it just now.
      this.wasm.grow(0);
      const buffer = this.wasm.buffer as unknown as SharedArrayBuffer;
      this.#rebuild(buffer, Math.min(buffer.byteLength, MAX_REGION_BYTES));
      if (endByte <= this.bytes.byteLength) return;
    }
    throw new RegionError(
      "ERR_REGION_CORRUPT",
      `the region has ${this.bytes.byteLength} bytes, but a reference in it points to byte ${endByte}: it was overwritten`,
      { endByte, byteLength: this.bytes.byteLength },
    );
  }

  /** Grows the memory to `bytes` or a little more, `maxBytes` at the most; false if that can't be. */
  grow(bytes: number, maxBytes: number): boolean {
    if (this.wasm === undefined || bytes > maxBytes) return false;
    this.wasm.grow(0);
    const have = (this.wasm.buffer as unknown as SharedArrayBuffer).byteLength;
    if (have < bytes) {
      const want = Math.min(Math.max(bytes, have + GROW_STEP), maxBytes);
      if (!this.#growPages(Math.ceil((want - have) / PAGE)) && !this.#growPages(Math.ceil((bytes - have) / PAGE))) {
        return false;
      }
    }
    this.cover(bytes);
    return true;
  }

  #growPages(pages: number): boolean {
    try {
      (this.wasm as WebAssembly.Memory).grow(pages);
      return true;
    } catch {
      return false;
    }
  }

  #rebuild(buffer: SharedArrayBuffer, byteLength: number): void {
    const at = this.byteOffset;
    this.#buffer = buffer;
    this.words = new Int32Array(buffer, at, byteLength >> 2);
    this.bytes = new Uint8Array(buffer, at, byteLength);
    memories.set(this.words, this);
    if (this.#parking !== undefined) parkNatively(this.words, this.#parking);
    this.f64 = new Float64Array(buffer, at, byteLength >> 3);
    this.i64 = new BigInt64Array(buffer, at, byteLength >> 3);
  }
}

/** Whether it is a WebAssembly.Memory (of this realm or another). */
export function isWasmMemory(value: unknown): value is WebAssembly.Memory {
  return Object.prototype.toString.call(value) === "[object WebAssembly.Memory]";
}

/** Whether it is a SharedArrayBuffer (of this realm or another). */
export function isSharedBuffer(value: unknown): value is SharedArrayBuffer {
  return Object.prototype.toString.call(value) === "[object SharedArrayBuffer]";
}

/**
 * The words of the same memory by a view that reaches `index`, which another thread wrote; undefined if the memory does
 * not reach it.
 */
export function wordsReaching(words: Int32Array, index: number): Int32Array | undefined {
  if (index >= 0 && index < words.length) return words;
  const memory = memories.get(words);
  if (memory === undefined || index < 0) return undefined;
  try {
    memory.cover((index + 1) * 4);
  } catch {
    return undefined;
  }
  return memory.words;
}

/** A new memory of `bytes` that can grow to `maxBytes`, both whole pages; one that can't grow where nothing else is to be had. */
export function createMemory(bytes: number, maxBytes: number): RegionMemory {
  if (typeof SharedArrayBuffer !== "function") {
    throw new RegionError(
      "ERR_REGION_UNSUPPORTED",
      "this page has no SharedArrayBuffer: serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  if (typeof WebAssembly === "object") {
    try {
      const maximum = Math.floor(maxBytes / PAGE);
      return new RegionMemory(new WebAssembly.Memory({ initial: bytes / PAGE, maximum, shared: true }));
    } catch {
      // No shared memories, or no address space for one (each reserves some 10 GB of it on V8).
    }
  }
  const length = Math.max(bytes, Math.min(maxBytes, FALLBACK_BYTES));
  return new RegionMemory(new SharedArrayBuffer(length));
}

/** Whether two views show one memory: what is written through one is read through the other. */
export function isSameMemory(a: Int32Array, b: Int32Array): boolean {
  if (a.buffer === b.buffer) return a.byteOffset === b.byteOffset;
  // Another thread may ask the same at the same moment, and write between the two lines of one try.
  for (let k = 0; k < 100; k++) {
    const mark = crypto.getRandomValues(new Int32Array(1))[0];
    store(a, H_SAME, mark);
    if (load(b, H_SAME) === mark) return true;
  }
  return false;
}
