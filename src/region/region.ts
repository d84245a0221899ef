// A region: one shared memory with a header, a registry of threads, a directory of names and an allocator. A Region
// object is one thread's view of it; there is one a thread and region, found by the id in the header, because the same
// buffer arrives in every message as another JS object.

import { type CoreExports, instantiateCore } from "../assembly/core.ts";
import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { allocate, heapUse, release, taggedBlocks } from "./allocator.ts";
import { checkBlock, isInUse, serialOf } from "./blocks.ts";
import { nameLocksBy } from "./deadlock.ts";
import { checkName, findOrCreate, listNames, nameOf, removeAndRelease } from "./directory.ts";
import { idOf } from "./format.ts";
import { onWorkerExit } from "./host.ts";
import { H_BYTES, H_DEATHS, H_MAX_BYTES, H_MAX_THREADS, H_PARKING, LAYOUT_VERSION } from "./layout.ts";
import { isSameMemory, isSharedBuffer, type RegionMemory } from "./memory.ts";
import { adoptParking, type Parking, watchSeat } from "./native.ts";
import { giveAway, tagOfMaker } from "./orphans.ts";
import { announceRegion } from "./record-memory.ts";
import {
  checkOptions,
  memoryOf,
  memoryOver,
  newMemory,
  type RegionHandle,
  type RegionOptions,
} from "./region-options.ts";
import { makeSpinning, type Spinning } from "./spinning.ts";
import { countAlive, leaveSeat, type Seat, takeSeat } from "./threads.ts";
import { attachForDeadlocks } from "./wait-circle.ts";
import type { Naming } from "./word-lock.ts";
import { hearOfEnd, isHeardOf } from "./worker-end.ts";

export type { RegionHandle, RegionOptions } from "./region-options.ts";

const known = new Map<string, WeakRef<Region>>();
/** All of this thread's, also of those that have one id: whichever is dropped, the others still hear of deaths. */
const living = new Set<WeakRef<Region>>();

/** What is left to do when the last reference to a Region of this thread is gone. */
interface Legacy {
  readonly id: string;
  readonly words: Int32Array;
  seat: Seat | undefined;
  /** Ends the watch over this thread's end. */
  unwatch: (() => void) | undefined;
  readonly self: WeakRef<Region>;
}

const dropped = new FinalizationRegistry<Legacy>(({ id, words, seat, unwatch, self }) => {
  living.delete(self);
  if (known.get(id)?.deref() === undefined) known.delete(id);
  unwatch?.();
  if (seat !== undefined) leaveSeat(words, seat);
});

function inAllRegions(work: (words: Int32Array, threadId: number) => unknown): (threadId: number) => void {
  return (id) => {
    for (const reference of living) {
      const region = reference.deref();
      if (region !== undefined) work(region.memory.words, id);
    }
  };
}

onWorkerExit(inAllRegions(hearOfEnd), inAllRegions(isHeardOf));

export class Region {
  /** @internal This thread's views. */
  readonly memory: RegionMemory;
  /** The region's id, 32 hexadecimal digits, the same in every thread. */
  readonly id: string;
  readonly name: string | undefined;
  /** @internal The Wasm fast path, undefined where JavaScript serves. */
  readonly core: CoreExports | undefined;
  /** @internal The usual course of a sleep for a mutex, undefined where JavaScript serves. */
  readonly sleeping: CoreExports | undefined;
  /** @internal How its threads spin. */
  readonly spinning: Spinning | undefined;
  /** @internal */
  naming: Naming | undefined = undefined;
  /** @internal Wakes that this thread owes once it gives a lock back (wait-queue.ts). */
  readonly owedWakes: number[] = [];
  readonly #legacy: Legacy;

  /** @internal Use {@link Region.create}, {@link Region.over} or {@link Region.from}. */
  constructor(memory: RegionMemory, name: string | undefined, wasm: boolean) {
    adoptParking(memory);
    this.memory = memory;
    this.id = idOf(memory.words);
    this.name = name;
    this.core = wasm && memory.wasm !== undefined ? instantiateCore(memory.wasm) : undefined;
    this.spinning = makeSpinning(memory, this.core);
    // WebAssembly can't sleep natively.
    this.sleeping = this.parking === "atomics" ? this.core : undefined;
    const self = new WeakRef(this);
    this.#legacy = { id: this.id, words: memory.words, seat: undefined, unwatch: undefined, self };
    known.set(this.id, self);
    living.add(self);
    dropped.register(this, this.#legacy);
    announceRegion(this);
    attachForDeadlocks(this);
  }

  /**
   * Creates a region in a new shared WebAssembly.Memory; where the runtime has none (or no address space left), in a
   * SharedArrayBuffer that can't grow. Throws RangeError or TypeError for bad options.
   */
  static create(options: RegionOptions = {}): Region {
    checkOptions("Region.create", options);
    const name = options.name === undefined ? undefined : checkName(options.name);
    const memory = newMemory(options);
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
    options: Pick<RegionOptions, "maxThreads" | "name" | "parking"> = {},
  ): Region {
    if (!isSharedBuffer(buffer)) throw new TypeError(`Region.over needs a SharedArrayBuffer, got ${describe(buffer)}`);
    checkOptions("Region.over", options);
    const name = options.name === undefined ? undefined : checkName(options.name);
    const length = arguments.length < 3 ? undefined : byteLength;
    const memory = memoryOver(buffer, byteOffset, length, options);
    return interned(memory, name);
  }

  /** Attaches to the region of a handle. Throws TypeError or ERR_REGION_* if the handle is none or does not fit. */
  static from(handle: RegionHandle): Region {
    if (typeof handle !== "object" || handle === null || handle.holdfast !== "region") {
      throw new TypeError(`Region.from needs the result of region.share(), got ${describe(handle)}`);
    }
    const memory = memoryOf(handle);
    return interned(memory, handle.name === undefined ? undefined : checkName(handle.name));
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
    const legacy = this.#legacy;
    if (legacy.seat === undefined) {
      legacy.seat = takeSeat(this.memory.words);
      legacy.unwatch = watchSeat(this.memory.words, legacy.seat);
    }
    return legacy.seat;
  }

  /** What serves the fast paths: WebAssembly, or JavaScript over Atomics. */
  get backend(): "wasm" | "js" {
    return this.core === undefined ? "js" : "wasm";
  }

  /** How its threads sleep. */
  get parking(): Parking {
    return this.memory.words[H_PARKING] === 0 ? "atomics" : "native";
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

  /** The same for an object, which is given back if this thread dies before it {@link giveAway gives} it away. @internal */
  allocateObject(byteLength: number, kind: number): number {
    return allocate(this, byteLength, kind, tagOfMaker(this));
  }

  /** Others may know of the object from now on: called before a handle of it is given out. @internal */
  giveAway(offset: number): void {
    giveAway(this.memory.words, offset);
  }

  /** Offsets of all blocks in use of this kind and tag. @internal */
  taggedBlocks(kind: number, tag: number): number[] {
    return taggedBlocks(this, kind, tag);
  }

  /** Gives a block back. @internal */
  release(offset: number): void {
    release(this, offset);
  }

  /**
   * The named object's offset, made by `create` if there is none. `found` sees an object that was there, under the
   * directory's lock, and may refuse it as retired: then it is made anew. @internal
   */
  findOrCreate(name: string, kind: number, create: () => number, found?: (offset: number) => boolean): number {
    return findOrCreate(this, checkName(name), kind, create, found);
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
  check(offset: number, kind: number, serial: number, called?: string): void {
    checkBlock(this, offset, kind, serial, called);
  }
}

nameLocksBy(nameOf);

/** The one Region of this thread over the memory's region. */
function interned(memory: RegionMemory, name: string | undefined): Region {
  const found = known.get(idOf(memory.words))?.deref();
  if (found === undefined) return new Region(memory, name, true);
  if (!isSameMemory(found.memory.words, memory.words)) {
    throw new RegionError(
      "ERR_REGION_INVALID",
      "the buffer is a copy of a region that this thread uses: copies of a region are no regions, since its id and its " +
        "threads are those of the original",
    );
  }
  return found;
}
