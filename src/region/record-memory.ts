// The memory that waits and holds are recorded in (record-layout.ts): one of the process, made when the main thread loads
// holdfast, received by every worker created later. Nothing is written to it but the list of threads until a recording
// is on.
//
// One process may have several copies of holdfast (an application's own and that of `npx holdfast profile`): the first
// one in a thread leaves what it has at a global symbol, and the others take it.

import { add, cas, load, store } from "../cells/atomics.ts";
import { canPublish, isMainThread, onWorkerExit, publish, published, threadId } from "./host.ts";
import {
  AREA_WORDS,
  C_LOST,
  C_MAGIC,
  C_ON,
  C_TOP,
  C_VERSION,
  CHUNK_WORDS,
  E_AREA,
  E_ID,
  E_STATE,
  ENTRY_ALIVE,
  ENTRY_ENDED,
  HEAP_AT,
  MAX_REGIONS,
  MAX_THREAD_ENTRIES,
  RECORD_MAGIC,
  RECORD_VERSION,
  REGIONS_AT,
  THREAD_WORDS,
  THREADS_AT,
} from "./record-layout.ts";

/** What the copies of holdfast in one thread share. */
export interface Registry {
  readonly version: number;
  readonly buffer: SharedArrayBuffer;
  /** The regions of this thread, of all copies. */
  readonly regions: Set<WeakRef<object>>;
  /** Copies of another version, which this recording does not see. */
  strangers: number;
}

const KEY = `holdfast:recording:${RECORD_VERSION}`;
const SYMBOL: unique symbol = Symbol.for("holdfast.profile") as never;
const FIRST_BYTES = 128 * 1024;
/** Address space only: the memory grows as it is used. */
const MAX_BYTES = 128 * 2 ** 20;
/** From here on a new thread goes on in the area of one that has ended. */
const ENOUGH_WORDS = 8 * 2 ** 20;
const STEP_BYTES = 2 ** 20;

/** The words before the heap. Those of no shared memory, which say that nothing is recorded, where there is none. */
let control: Int32Array = new Int32Array(HEAP_AT);
let registry: Registry | undefined;
/** This thread's word in the list of threads, 0: it is in none. */
let entryAt = 0;

/** Whether waits and holds are recorded at the moment. */
export function isRecording(): boolean {
  return control[C_ON] !== 0;
}

export function controlWords(): Int32Array {
  return control;
}

/** What this thread records in; made now where the host gave none. */
export function recordRegistry(): Registry {
  registry ??= adopt(make());
  return registry;
}

/** Names a region to those who read the recording. */
export function announceRegion(region: object): void {
  if (registry === undefined) return;
  for (const reference of registry.regions) if (reference.deref() === undefined) registry.regions.delete(reference);
  registry.regions.add(new WeakRef(region));
}

function make(): SharedArrayBuffer {
  const growable = "grow" in SharedArrayBuffer.prototype;
  const buffer = growable
    ? new SharedArrayBuffer(FIRST_BYTES, { maxByteLength: MAX_BYTES })
    : new SharedArrayBuffer(16 * STEP_BYTES);
  const words = new Int32Array(buffer, 0, HEAP_AT);
  words[C_VERSION] = RECORD_VERSION;
  words[C_TOP] = HEAP_AT;
  store(words, C_MAGIC, RECORD_MAGIC);
  return buffer;
}

function adopt(buffer: SharedArrayBuffer): Registry {
  const shared = globalThis as { [SYMBOL]?: Registry };
  const made = { version: RECORD_VERSION, buffer, regions: new Set<WeakRef<object>>(), strangers: 0 };
  shared[SYMBOL] ??= made;
  control = new Int32Array(buffer, 0, HEAP_AT);
  entryAt = claimEntry();
  return made;
}

/** Takes a place in the list of threads; 0 if all are taken. */
function claimEntry(): number {
  const id = threadId() + 1;
  // Another copy of holdfast may have taken one for this thread.
  const own = entryOf(id);
  if (own !== 0) return own;
  for (let k = 0; k < MAX_THREAD_ENTRIES; k++) {
    const at = THREADS_AT + k * THREAD_WORDS;
    const found = load(control, at + E_ID);
    const unused = found === 0 || (load(control, at + E_STATE) === ENTRY_ENDED && load(control, at + E_AREA) === 0);
    if (!unused || cas(control, at + E_ID, found, id) !== found) continue;
    store(control, at + E_STATE, ENTRY_ALIVE);
    return at;
  }
  return 0;
}

/** The place of the thread with this id plus 1, or 0. */
function entryOf(id: number): number {
  for (let k = 0; k < MAX_THREAD_ENTRIES; k++) {
    const at = THREADS_AT + k * THREAD_WORDS;
    const found = load(control, at + E_ID);
    // Places are taken in order, and never given up but to another thread.
    if (found === 0) return 0;
    if (found === id) return at;
  }
  return 0;
}

/** The worker has ended: its area stays to be read, a place without one is free again. */
function endEntry(id: number): void {
  const at = entryOf(id + 1);
  if (at !== 0) store(control, at + E_STATE, ENTRY_ENDED);
}

/** Words of the heap as one view, even if the memory has grown since; undefined (and counted) if there is no more. */
function take(words: number): number {
  const { buffer } = recordRegistry();
  const at = add(control, C_TOP, words);
  const end = (at + words) * 4;
  try {
    if (end > buffer.byteLength) {
      buffer.grow(Math.min(Math.ceil(end / STEP_BYTES) * STEP_BYTES, buffer.maxByteLength));
    }
  } catch {
    // Another thread has grown it further, or it can't grow.
  }
  if (at > 0 && end <= buffer.byteLength) return at;
  add(control, C_LOST, 1);
  // Given back, so that the count never runs over.
  add(control, C_TOP, -words);
  return 0;
}

/** This thread's area: its word in the memory, 0 if there is none to be had. */
export function takeArea(): number {
  recordRegistry();
  if (entryAt === 0) return 0;
  const own = load(control, entryAt + E_AREA);
  if (own !== 0) return own;
  const at = load(control, C_TOP) > ENOUGH_WORDS ? inherit() || take(AREA_WORDS) : take(AREA_WORDS) || inherit();
  store(control, entryAt + E_AREA, at);
  return at;
}

/** The area of a thread that has ended, which another one may go on in. */
function inherit(): number {
  for (let k = 0; k < MAX_THREAD_ENTRIES; k++) {
    const at = THREADS_AT + k * THREAD_WORDS;
    if (load(control, at + E_ID) === 0) return 0;
    if (load(control, at + E_STATE) !== ENTRY_ENDED) continue;
    const area = load(control, at + E_AREA);
    if (area !== 0 && cas(control, at + E_AREA, area, 0) === area) return area;
  }
  return 0;
}

/** The area of the thread with this id, 0 if it has none. */
export function areaOf(id: number): number {
  const at = entryOf(id + 1);
  return at === 0 ? 0 : load(control, at + E_AREA);
}

/** A new chunk of rows: its word, 0 if there is none to be had. */
export function takeChunk(): number {
  return take(CHUNK_WORDS);
}

/** The words of the whole memory, as long as it is now. */
export function recordWords(): Int32Array {
  const { buffer } = recordRegistry();
  return new Int32Array(buffer, 0, buffer.byteLength >> 2);
}

/** The number of the region with these four words of id in the table of regions, counted from 1; 0 if it is full. */
export function regionNumber(words: Int32Array, idAt: number): number {
  // An id is random, so its first word tells regions apart; the entry is taken by it in one step.
  const first = words[idAt] | 1;
  for (let k = 0; k < MAX_REGIONS; k++) {
    const at = REGIONS_AT + k;
    const found = cas(control, at, 0, first);
    if (found === 0 || found === first) return k + 1;
  }
  return 0;
}

function start(): void {
  const shared = (globalThis as { [SYMBOL]?: Registry })[SYMBOL];
  if (shared !== undefined) {
    if (shared.version !== RECORD_VERSION) shared.strangers++;
    else {
      registry = shared;
      control = new Int32Array(shared.buffer, 0, HEAP_AT);
      entryAt = claimEntry();
    }
    return;
  }
  const inherited = published(KEY) as SharedArrayBuffer | undefined;
  if (inherited !== undefined) registry = adopt(inherited);
  else if (isMainThread && canPublish && "grow" in SharedArrayBuffer.prototype) {
    registry = adopt(make());
    publish(KEY, registry.buffer);
  }
}

try {
  start();
  onWorkerExit((id) => {
    if (registry !== undefined) endEntry(id);
  });
} catch {
  // No shared memory, or none that grows: nothing is recorded.
}
