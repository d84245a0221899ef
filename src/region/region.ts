// A region: one shared memory with a header, a registry of threads, a directory of names and an allocator. A Region
// object is one thread's view of it; there is one a thread and region, found by the id in the header, because the same
// buffer arrives in every message as another JS object.

import { type CoreExports, instantiateCore } from "../assembly/core.ts";
import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { allocate, checkBlock, heapUse, isInUse, release, serialOf, taggedBlocks } from "./allocator.ts";
import { checkName, findOrCreate, listNames, nameOf, removeAndRelease } from "./directory.ts";
import { attachHeader, formatHeader, idOf } from "./format.ts";
import { onWorkerExit } from "./host.ts";
import {
  DEFAULT_THREADS,
  H_BYTES,
  H_DEATHS,
  H_MAX_BYTES,
  H_MAX_THREADS,
  LAYOUT_VERSION,
  MAX_THREADS,
} from "./layout.ts";
import { isSharedBuffer, isWasmMemory, RegionMemory } from "./memory.ts";
import { buryThread, countAlive, leaveSeat, type Seat, takeSeat } from "./threads.ts";

/** Options of {@link Region.create}. */
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
}

/** What {@link Region.share} gives: structured-cloneable, for workerData or postMessage. */
export interface RegionHandle {
  readonly holdfast: "region";
  readonly version: number;
  readonly memory: WebAssembly.Memory | SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly name: string | undefined;
}

const PAGE = 65536;
/** What a region that can't grow gets when the runtime gives no shared WebAssembly.Memory. */
const FALLBACK_BYTES: number = 64 << 20;

const known = new Map<string, WeakRef<Region>>();
const dropped = new FinalizationRegistry<{ id: string; words: Int32Array; seat: Seat }>(({ id, words, seat }) => {
  if (known.get(id)?.deref() === undefined) known.delete(id);
  leaveSeat(words, seat);
});

onWorkerExit((id) => {
  for (const reference of known.values()) {
    const region = reference.deref();
    if (region !== undefined) buryThread(region.memory.words, id);
  }
});

export class Region {
  /** @internal This thread's views. */
  readonly memory: RegionMemory;
  /** The region's id, 32 hexadecimal digits, the same in every thread. */
  readonly id: string;
  readonly name: string | undefined;
  /** @internal The Wasm fast path, undefined where JavaScript serves. */
  readonly core: CoreExports | undefined;
  #seat: Seat | undefined;

  /** @internal Use {@link Region.create}, {@link Region.over} or {@link Region.from}. */
  constructor(memory: RegionMemory, name: string | undefined, wasm: boolean) {
    this.memory = memory;
    this.id = idOf(memory.words);
    this.name = name;
    this.core = wasm && memory.wasm !== undefined ? instantiateCore(memory.wasm) : undefined;
    known.set(this.id, new WeakRef(this));
  }

  /**
   * Creates a region in a new shared WebAssembly.Memory; where the runtime has none (or no address space left), in a
   * SharedArrayBuffer that can't grow. Throws RangeError or TypeError for bad options.
   */
  static create(options: RegionOptions = {}): Region {
    const name = options.name === undefined ? undefined : checkName(options.name);
    const maxThreads = checkCount("maxThreads", options.maxThreads ?? DEFAULT_THREADS, 1, MAX_THREADS);
    const minimum = 2 * PAGE + Math.ceil((maxThreads * 128) / PAGE) * PAGE;
    const wanted = options.maxByteLength ?? Math.max(1 << 30, options.byteLength ?? 0);
    const maxBytes = checkCount("maxByteLength", wanted, minimum, 0x7fff_0000);
    const byteLength = checkCount("byteLength", options.byteLength ?? Math.min(1 << 20, maxBytes), 1, maxBytes);
    const bytes = Math.min(Math.max(Math.ceil(byteLength / PAGE) * PAGE, minimum), maxBytes);
    const memory = createMemory(bytes, maxBytes);
    formatHeader(memory.words, memory.byteLength, memory.wasm === undefined ? memory.byteLength : maxBytes, maxThreads);
    return new Region(memory, name, options.wasm !== false);
  }

  /**
   * The region in a buffer of yours: formats it if it is zeroed, attaches if it holds a region already, and rejects
   * anything else with ERR_REGION_INVALID. Such a region can't grow. Several threads may call it at once.
   */
  static over(
    buffer: SharedArrayBuffer,
    byteOffset = 0,
    byteLength: number = (buffer as SharedArrayBuffer | undefined)?.byteLength ?? 0,
    options: Pick<RegionOptions, "maxThreads" | "name"> = {},
  ): Region {
    if (!isSharedBuffer(buffer)) throw new TypeError(`Region.over needs a SharedArrayBuffer, got ${describe(buffer)}`);
    const name = options.name === undefined ? undefined : checkName(options.name);
    checkCount("byteOffset", byteOffset, 0, buffer.byteLength);
    if (byteOffset % 8 !== 0) throw new RangeError(`byteOffset must be a multiple of 8, got ${byteOffset}`);
    const length = arguments.length < 3 ? buffer.byteLength - byteOffset : byteLength;
    checkCount("byteLength", length, 0, buffer.byteLength - byteOffset);
    const memory = new RegionMemory(buffer, byteOffset, Math.min(length & ~63, 0x7fff_0000));
    attachHeader(memory.words, { format: true, maxThreads: options.maxThreads });
    return interned(memory, name);
  }

  /** Attaches to the region of a handle. Throws TypeError or ERR_REGION_* if the handle is none or does not fit. */
  static from(handle: RegionHandle): Region {
    if (typeof handle !== "object" || handle === null || handle.holdfast !== "region") {
      throw new TypeError(`Region.from needs the result of region.share(), got ${describe(handle)}`);
    }
    if (handle.version !== LAYOUT_VERSION) {
      throw new RegionError(
        "ERR_REGION_VERSION",
        `the region has layout version ${handle.version}, this holdfast reads version ${LAYOUT_VERSION}: use one version of holdfast in all threads`,
        { found: handle.version, expected: LAYOUT_VERSION },
      );
    }
    if (!isWasmMemory(handle.memory) && !isSharedBuffer(handle.memory)) {
      throw new TypeError(
        "Region.from: the handle carries no shared memory (it must cross by postMessage or workerData)",
      );
    }
    const memory = isWasmMemory(handle.memory)
      ? new RegionMemory(handle.memory)
      : new RegionMemory(handle.memory, handle.byteOffset, handle.byteLength);
    // Another thread may have grown the memory since the handle was made; this thread's buffer may still be the old one.
    if (memory.wasm !== undefined && memory.words[H_BYTES] > 0) memory.cover(memory.words[H_BYTES]);
    attachHeader(memory.words, { format: false });
    return interned(memory, handle.name);
  }

  /** A small handle for workerData or postMessage. */
  share(): RegionHandle {
    const { wasm, buffer, byteOffset, byteLength } = this.memory;
    const handle = { version: LAYOUT_VERSION, memory: wasm ?? buffer, byteOffset, byteLength, name: this.name };
    return { holdfast: "region", ...handle };
  }

  /** This thread's owner id; attaches the thread on first use. @internal */
  get me(): number {
    return this.#attach().me;
  }

  /** Word index of this thread's slot. @internal */
  get seatAt(): number {
    return this.#attach().at;
  }

  #attach(): Seat {
    if (this.#seat === undefined) {
      this.#seat = takeSeat(this.memory.words);
      dropped.register(this, { id: this.id, words: this.memory.words, seat: this.#seat });
    }
    return this.#seat;
  }

  /** What serves the fast paths: WebAssembly, or JavaScript over Atomics. */
  get backend(): "wasm" | "js" {
    return this.core === undefined ? "js" : "wasm";
  }

  /** Bytes of the region now. */
  get byteLength(): number {
    return this.memory.words[H_BYTES];
  }

  /** Bytes that the region may grow to. */
  get maxByteLength(): number {
    return this.memory.words[H_MAX_BYTES];
  }

  /** Threads that may be attached at once. */
  get maxThreads(): number {
    return this.memory.words[H_MAX_THREADS];
  }

  /** Threads attached and alive, as far as is known. */
  get threads(): number {
    return countAlive(this.memory.words);
  }

  /** Attached threads that died so far. */
  get deaths(): number {
    return this.memory.words[H_DEATHS];
  }

  /** Bytes in use, bytes free for reuse, and bytes not used yet. */
  stats(): { bytesUsed: number; bytesFree: number; bytesLeft: number } {
    return heapUse(this);
  }

  /** Every name given in this region, sorted, with what it names. */
  names(): { name: string; kind: string }[] {
    return listNames(this).map(({ name, kind }) => ({ name, kind }));
  }

  toString(): string {
    const name = this.name === undefined ? this.id.slice(0, 8) : `"${this.name}"`;
    return `Region ${name}: ${this.byteLength} of ${this.maxByteLength} bytes, ${this.threads} threads, ${this.backend}`;
  }

  /** Allocates a zeroed block; byte offset of its payload, 64-byte aligned. `tag`: whose part it is. @internal */
  allocate(byteLength: number, kind: number, tag = 0): number {
    return allocate(this, byteLength, kind, tag);
  }

  /** Offsets of all blocks in use of this kind and tag. @internal */
  taggedBlocks(kind: number, tag: number): number[] {
    return taggedBlocks(this, kind, tag);
  }

  /** Gives a block back. @internal */
  release(offset: number): void {
    release(this, offset);
  }

  /** The named object's offset, made by `create` if there is none. @internal */
  findOrCreate(name: string, kind: number, create: () => number): number {
    return findOrCreate(this, checkName(name), kind, create);
  }

  /** Takes an object's name away and gives its block back. @internal */
  remove(offset: number, retire: () => void): void {
    removeAndRelease(this, offset, retire);
  }

  /** @internal */
  nameOf(offset: number): string | undefined {
    return nameOf(this, offset);
  }

  /** @internal */
  serialOf(offset: number): number {
    return serialOf(this, offset);
  }

  /** @internal */
  isInUse(offset: number, serial: number): boolean {
    return isInUse(this, offset, serial);
  }

  /** @internal */
  check(offset: number, kind: number, serial: number): void {
    checkBlock(this, offset, kind, serial);
  }
}

/** The one Region of this thread over the memory's region. */
function interned(memory: RegionMemory, name: string | undefined): Region {
  return known.get(idOf(memory.words))?.deref() ?? new Region(memory, name, true);
}

function createMemory(bytes: number, maxBytes: number): RegionMemory {
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

function checkCount(what: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number, got ${describe(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${what} must be a whole number from ${minimum} to ${maximum}, got ${value}`);
  }
  return value;
}
