// Where a lock lives: what every public lock class shares. A lock object holds no lock state, only its place; state is in
// the shared memory.

import { load } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { BlockingForbiddenError, ClosedError, HoldfastError, RegionError } from "../cells/errors.ts";
import { blockingAllowed } from "../cells/park.ts";
import { defaultRegion, defaultRegionForNames } from "../region/default-region.ts";
import { B_SERIAL, BLOCK_HEADER_BYTES, kindName } from "../region/layout.ts";
import { Region, type RegionHandle } from "../region/region.ts";
import type { Perishable } from "../region/word-lock.ts";

/** Options that every lock's constructor takes. */
export interface PlaceOptions {
  /** A name in the region: every thread that gives the same name has the same object. 1 to 256 characters. */
  readonly name?: string | undefined;
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
}

/** What `share()` gives: structured-cloneable, for workerData or postMessage. */
export interface LockHandle<K extends string = string> {
  readonly holdfast: K;
  readonly region: RegionHandle;
  readonly offset: number;
  readonly serial: number;
}

/** Handles on their way into a constructor: keyed by the options object that only {@link handleOptions} makes. */
const handed = new WeakMap<object, Found>();

/** Where an object lies; the serial number tells it from a later one in the same memory. */
interface Found {
  readonly region: Region;
  readonly offset: number;
  readonly serial: number;
}

/** Checks a handle and turns it into options for the constructor of its class. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
export function handleOptions(kind: number, tag: string, handle: LockHandle): PlaceOptions {
  const name = kindName(kind);
  if (typeof handle !== "object" || handle === null || typeof handle.holdfast !== "string") {
    throw new TypeError(`${name}.from needs the result of share(), got ${describe(handle)}`);
  }
  if (handle.holdfast !== tag) {
    const message = `${name}.from: the handle is of another kind (${describe(handle.holdfast)})`;
    throw new RegionError("ERR_REGION_KIND", message, { expected: tag, found: handle.holdfast });
  }
  const region = Region.from(handle.region);
  region.check(handle.offset, kind, handle.serial);
  const options: PlaceOptions = {};
  handed.set(options, { region, offset: handle.offset, serial: handle.serial });
  return options;
}

/** Options with `region` as the place where none is given; a handle's own place stays. */
export function placedIn(options: PlaceOptions, region: Region): PlaceOptions {
  if (typeof options !== "object" || options === null || options.region !== undefined || handed.has(options)) {
    return options;
  }
  return { ...options, region };
}

/** What a class of locks gives its base. */
export interface LockClass<K extends string = string> {
  readonly kind: number;
  /** What its handles are called. */
  readonly tag: K;
  readonly bytes: (region: Region) => number;
  /** Writes the first state of a new object, before any other thread can see it. What it throws leaves nothing behind. */
  readonly init?: ((words: Int32Array, index: number, region: Region) => void) | undefined;
  /** Whether an object found by name is whole; one that is not (its thread died in free()) is replaced. */
  readonly isWhole?: ((words: Int32Array, index: number) => boolean) | undefined;
}

/** Base of the public lock classes. */
export abstract class LockObject<K extends string = string> implements Perishable {
  readonly #kind: number;
  readonly #tag: K;
  readonly #offset: number;
  /** @internal */
  protected readonly serial: number;
  /** Where the block's serial number stands: another one says that the object was freed and its memory used anew. @internal */
  protected readonly serialAt: number;
  /** A view that reaches the object, which never moves. @internal */
  protected readonly words: Int32Array;
  /** The region that it lives in. */
  readonly region: Region;
  /** Word index of its first word. @internal */
  readonly index: number;
  /** This thread's owner id. @internal */
  readonly me: number;

  /** Finds or makes the object. */
  protected constructor(what: LockClass<K>, options: PlaceOptions) {
    const { region, offset, serial } = handed.get(options) ?? place(what, regionFor(what.kind, options), options.name);
    this.#kind = what.kind;
    this.#tag = what.tag;
    this.#offset = offset;
    this.serial = serial;
    this.region = region;
    this.index = offset >> 2;
    this.me = region.me;
    region.memory.cover(offset + what.bytes(region));
    this.words = region.memory.words;
    this.serialAt = ((offset - BLOCK_HEADER_BYTES) >> 2) + B_SERIAL;
  }

  /** Whether the memory is still this object's; it may be freed even so. @internal */
  isCurrent(): boolean {
    return load(this.words, this.serialAt) === this.serial;
  }

  /** Its name in the region, if it has one. */
  get name(): string | undefined {
    return this.freed ? undefined : this.region.nameOf(this.#offset);
  }

  /** A small handle for workerData or postMessage. */
  share(): LockHandle<K> {
    // Not of one that was freed, whose memory may be another object's by now.
    if (this.isCurrent()) this.region.giveAway(this.#offset);
    return this.handle();
  }

  /** What {@link share} gives, for this thread's own use: nobody else gets to know of the object by it. @internal */
  handle(): LockHandle<K> {
    return { holdfast: this.#tag, region: this.region.share(), offset: this.#offset, serial: this.serial };
  }

  /** Whether it was freed, by any thread. @internal */
  get freed(): boolean {
    return !this.region.isInUse(this.#offset, this.serial);
  }

  /** How messages call it. @internal */
  label(): string {
    const { name } = this;
    return name === undefined ? `${kindName(this.#kind)} at ${this.#offset}` : `${kindName(this.#kind)} "${name}"`;
  }

  /** Its state in a few words. @internal */
  protected abstract describeState(): string;

  /** Says its name and state. */
  toString(): string {
    return `${this.label()}: ${this.freed ? "freed" : this.describeState()}`;
  }

  /**
   * Takes the name away and gives the memory back. `retire` puts the state out of use (or throws ERR_IN_USE) under the
   * directory's lock. @internal
   */
  protected freePlace(retire: () => void): void {
    this.region.remove(this.#offset, () => {
      if (this.freed) throw this.closedError();
      retire();
    });
  }

  /** @internal */
  protected closedError(): ClosedError {
    return new ClosedError("ERR_CLOSED", `the ${kindName(this.#kind)} at ${this.#offset} was freed`);
  }

  /** @internal */
  protected inUseError(): HoldfastError {
    return new HoldfastError("ERR_IN_USE", `${this.label()} can't be freed: it is ${this.describeState()}`);
  }

  /** Throws ERR_BLOCKING_FORBIDDEN in a thread that may not block. @internal */
  protected mustMayBlock(call: string, twin: string): void {
    if (blockingAllowed()) return;
    throw new BlockingForbiddenError(
      "ERR_BLOCKING_FORBIDDEN",
      `${this.label()}: ${call} may block, which this thread may not; await ${twin}() instead`,
    );
  }
}

function place(what: LockClass, region: Region, name: string | undefined): Found {
  let serial = 0;
  const create = (): number => {
    const offset = region.allocateObject(what.bytes(region), what.kind);
    try {
      what.init?.(region.memory.words, offset >> 2, region);
    } catch (error) {
      region.release(offset);
      throw error;
    }
    serial = region.serialOf(offset);
    return offset;
  };
  // Seen under the directory's lock, so that the serial number is that of the object of this name.
  const found = (offset: number): boolean => {
    serial = region.serialOf(offset);
    region.memory.cover(offset + what.bytes(region));
    return what.isWhole?.(region.memory.words, offset >> 2) ?? true;
  };
  const offset = name === undefined ? create() : region.findOrCreate(name, what.kind, create, found);
  return { region, offset, serial };
}

/** Checks a whole number given by a user: TypeError if it is no number, RangeError if it is out of range. */
export function checkWhole(what: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number, got ${describe(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${what} must be a whole number from ${minimum} to ${maximum}, got ${value}`);
  }
  return value;
}

function regionFor(kind: number, options: PlaceOptions): Region {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`new ${kindName(kind)} takes an object of options, got ${describe(options)}`);
  }
  if (options.region === undefined) return options.name === undefined ? defaultRegion() : defaultRegionForNames();
  if (!(options.region instanceof Region)) {
    throw new TypeError(`region must be a Region, got ${describe(options.region)}`);
  }
  return options.region;
}
