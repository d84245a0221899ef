// The lock-order recorder: which locks threads take while they hold others, to find two orders that could deadlock one day.
//
// Off, it is not there: start() puts recording methods over those of the lock classes, in this thread, and stop() takes
// them away again. What was seen lies in the region of the locks, so that orders of different threads are compared: a table
// of edges "held → wanted" of a fixed size, each written once, with both stacks as text.
//
// Table   8 words MUTEX | COUNT | DROPPED | … 16 | records: from offset, serial | to offset, serial | thread | bytes of the
//         first stack | bytes of the second | 0, then the two texts. COUNT goes up last, so a thread that dies while it
//         writes leaves no record.

import { load, peek, poke } from "../cells/atomics.ts";
import { OwnerDiedError } from "../cells/errors.ts";
import { defaultRegion } from "../region/default-region.ts";
import { threadId } from "../region/host.ts";
import { B_KIND, BLOCK_HEADER_BYTES, KIND_RAW, kindName } from "../region/layout.ts";
import type { Region } from "../region/region.ts";
import { withWord } from "../region/word-lock.ts";
import { Mutex } from "./mutex.ts";
import type { LockObject } from "./place.ts";
import { ReentrantMutex } from "./reentrant-mutex.ts";
import { RwLock } from "./rw-lock.ts";
import { StampedLock } from "./stamped-lock.ts";

/** One order in which a thread took the two locks of an inversion. */
export interface LockOrderSighting {
  /** Thread id (0 is the main thread). */
  readonly thread: number;
  /** The lock that it held, as messages call it, and the stack where it took it. */
  readonly held: string;
  readonly heldStack: string;
  /** The lock that it wanted while it held the other, and the stack where it did. */
  readonly wanted: string;
  readonly wantedStack: string;
}

export interface LockOrderReport {
  /** Pairs of locks that were taken in both orders. */
  readonly inversions: readonly { readonly first: LockOrderSighting; readonly second: LockOrderSighting }[];
  /** Orders seen: pairs of a held and a wanted lock. */
  readonly orders: number;
  /** Orders that found no place in the table: then inversions may be missing. */
  readonly dropped: number;
}

const NAME = "holdfast lock order";
const COUNT = 8;
const DROPPED = 9;
const RECORDS = 16;
const CAPACITY = 128;
const STACK_BYTES = 768;
const STACK_WORDS = STACK_BYTES / 4;
const RECORD_WORDS = 8 + 2 * STACK_WORDS;
const THREAD = 4;
const LENGTHS = 5;

interface Hold {
  readonly lock: LockObject;
  readonly stack: string;
}

type Method = (this: LockObject, ...values: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;

const held: Hold[] = [];
/** Orders that this thread need not write any more. */
const known = new WeakMap<Region, Set<string>>();
const undo: (() => void)[] = [];
let inside = 0;

/**
 * Records in which order this thread takes locks, and reports pairs that some threads took one way and some the other: a
 * deadlock that has not happened yet. Mutex, ReentrantMutex, RwLock and StampedLock, by their sync calls (a task's holds
 * can't be told from those of its thread's other tasks); a try without a time-out can't deadlock and gives no order.
 *
 * @example
 * lockOrder.start(); // in every thread
 * // … the program's work …
 * for (const { first, second } of lockOrder.report().inversions) console.log(first.wantedStack, second.wantedStack);
 */
export const lockOrder: {
  /** Begins to record in this thread; each lock call costs microseconds from now on. Nothing if it records already. */
  start(): void;
  /** Ends it: the lock calls cost what they did before. What was recorded stays. */
  stop(): void;
  /** What all threads recorded about the locks of a region (the default one if none is given). Blocks for a moment. */
  report(region?: Region): LockOrderReport;
} = { start, stop, report };

function start(): void {
  if (undo.length > 0) return;
  for (const { prototype } of [Mutex, ReentrantMutex]) {
    cover(prototype, ["lock"], ["tryLock"], ["unlock", "releaseHold"]);
  }
  for (const { prototype } of [RwLock, StampedLock]) {
    cover(prototype, ["read", "write"], ["tryRead", "tryWrite"], ["endRead", "releaseHold"]);
  }
  cover(RwLock.prototype, ["upgradable"], ["tryUpgradable"], ["endUpgradable"]);
}

function stop(): void {
  for (const restore of undo.splice(0)) restore();
  held.length = 0;
}

function cover(on: object, takes: readonly string[], tries: readonly string[], releases: readonly string[]): void {
  for (const name of takes) replace(on, name, (take) => acquiring(take, true));
  for (const name of tries) replace(on, name, (take) => acquiring(take, false));
  for (const name of releases) replace(on, name, releasing);
}

function replace(on: object, name: string, by: (method: Method) => Method): void {
  const methods = on as Methods;
  const own = Object.getOwnPropertyDescriptor(on, name);
  const value = by(methods[name] as Method);
  Object.defineProperty(on, name, { value, configurable: true, writable: true, enumerable: false });
  undo.push(() => {
    if (own === undefined) delete methods[name];
    else Object.defineProperty(on, name, own);
  });
}

function acquiring(take: Method, always: boolean): Method {
  return function acquire(...values) {
    // A call that another one makes for itself is that one's.
    if (inside > 0) return take.apply(this, values);
    const stack = stackHere(acquire);
    const [options] = values as [{ timeout?: number } | undefined];
    if (always || (options?.timeout ?? 0) > 0) noteOrders(this, stack);
    inside++;
    try {
      const guard = take.apply(this, values);
      if (guard !== undefined) held.push({ lock: this, stack });
      return guard;
    } catch (error) {
      // The lock is held all the same.
      if (error instanceof OwnerDiedError) held.push({ lock: this, stack });
      throw error;
    } finally {
      inside--;
    }
  };
}

function releasing(release: Method): Method {
  return function (...values) {
    const released = release.apply(this, values);
    if (released === false) return released;
    const at = held.findLastIndex(({ lock }) => isSame(lock, this));
    if (at >= 0) held.splice(at, 1);
    return released;
  };
}

function isSame(a: LockObject, b: LockObject): boolean {
  return a.region === b.region && a.index === b.index;
}

function stackHere(above: (...values: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace?.(at, above);
  const stack = at.stack ?? new Error("here").stack ?? "";
  return stack.slice(stack.indexOf("\n") + 1);
}

/** Writes the order of every lock held to the one that is wanted, unless it is held already. */
function noteOrders(wanted: LockObject, stack: string): void {
  if (held.length === 0 || held.some(({ lock }) => isSame(lock, wanted))) return;
  for (const hold of held) {
    if (hold.lock.region === wanted.region) noteOrder(hold, wanted, stack);
  }
}

function noteOrder(hold: Hold, wanted: LockObject, stack: string): void {
  const { region } = wanted;
  const edge = [hold.lock, wanted].flatMap(({ index }) => [index * 4, region.serialOf(index * 4)]);
  let seen = known.get(region);
  if (seen === undefined) {
    seen = new Set();
    known.set(region, seen);
  }
  if (seen.has(edge.join())) return;
  seen.add(edge.join());
  const at = tableOf(region);
  withWord(region, at, nothingToRepair, () => {
    const { words } = region.memory;
    const count = peek(words, at + COUNT);
    for (let number = 0; number < count; number++) {
      const record = recordAt(at, number);
      if (edge.every((word, i) => peek(words, record + i) === word)) return;
    }
    if (count === CAPACITY) {
      poke(words, at + DROPPED, peek(words, at + DROPPED) + 1);
      return;
    }
    const record = recordAt(at, count);
    for (const [i, word] of edge.entries()) poke(words, record + i, word);
    poke(words, record + THREAD, threadId());
    for (const [i, text] of [hold.stack, stack].entries()) writeText(words, record, i, text);
    poke(words, at + COUNT, count + 1);
  });
}

function nothingToRepair(): void {}

function tableOf(region: Region): number {
  const bytes = 4 * (RECORDS + CAPACITY * RECORD_WORDS);
  const offset = region.findOrCreate(NAME, KIND_RAW, () => region.allocate(bytes, KIND_RAW));
  region.memory.cover(offset + bytes);
  return offset >> 2;
}

function recordAt(table: number, number: number): number {
  return table + RECORDS + number * RECORD_WORDS;
}

function writeText(words: Int32Array, record: number, which: number, text: string): void {
  const bytes = new Uint8Array(STACK_BYTES);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  poke(words, record + LENGTHS + which, written);
  words.set(new Int32Array(bytes.buffer), record + 8 + which * STACK_WORDS);
}

function readText(words: Int32Array, record: number, which: number): string {
  const from = record + 8 + which * STACK_WORDS;
  const copy = new Int32Array(words.subarray(from, from + STACK_WORDS));
  return new TextDecoder().decode(new Uint8Array(copy.buffer, 0, peek(words, record + LENGTHS + which)));
}

function report(region: Region = defaultRegion()): LockOrderReport {
  const at = tableOf(region);
  return withWord(region, at, nothingToRepair, () => {
    const { words } = region.memory;
    const orders = peek(words, at + COUNT);
    const inversions: { first: LockOrderSighting; second: LockOrderSighting }[] = [];
    const byEdge = new Map<string, number>();
    for (let number = 0; number < orders; number++) {
      const record = recordAt(at, number);
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => peek(words, record + i));
      const other = byEdge.get([c, d, a, b].join());
      if (other !== undefined) {
        inversions.push({ first: sightingOf(region, other), second: sightingOf(region, record) });
      }
      byEdge.set([a, b, c, d].join(), record);
    }
    return { inversions, orders, dropped: peek(words, at + DROPPED) };
  });
}

function sightingOf(region: Region, record: number): LockOrderSighting {
  const { words } = region.memory;
  return {
    thread: peek(words, record + THREAD),
    held: labelOf(region, peek(words, record), peek(words, record + 1)),
    heldStack: readText(words, record, 0),
    wanted: labelOf(region, peek(words, record + 2), peek(words, record + 3)),
    wantedStack: readText(words, record, 1),
  };
}

function labelOf(region: Region, offset: number, serial: number): string {
  if (!region.isInUse(offset, serial)) return `a lock at ${offset}, freed since`;
  const kind = kindName(load(region.memory.words, ((offset - BLOCK_HEADER_BYTES) >> 2) + B_KIND));
  const name = region.nameOf(offset);
  return name === undefined ? `${kind} at ${offset}` : `${kind} "${name}"`;
}
