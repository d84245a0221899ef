// The WebAssembly fast path: the protocols compiled to a few hundred bytes, embedded as text so that no file can get
// lost. The module is compiled once a thread and instantiated once a region, over the region's own memory.

import { CORE_BYTES } from "./core-bytes.ts";

/** The exported operations; the arguments are those of the functions of src/protocols without the words. */
export interface CoreExports {
  tryLock(index: number, me: number): number;
  unlock(index: number, me: number): number;
  unlockHold(index: number, me: number, ticket: number): number;
  lockStep(index: number, me: number, slept: number, starver: number): number;
  spinForLock(index: number, me: number, slept: number, starver: number, limit: number): number;
  /** Sleeps by WebAssembly's own wait: only where threads may block, and park by Atomics. */
  sleepForLock(index: number, me: number, seatAt: number, seen: number, how: number, ms: number, limit: number): number;
  /** As sleepForLock. */
  waitForLock(index: number, me: number, seatAt: number, how: number, ms: number, limit: number): number;
  lockReentrant(index: number, me: number): number;
  unlockReentrant(index: number, me: number): number;
  unlockLevel(index: number, me: number, ticket: number): number;
  enterRead(index: number, cell: number): number;
  leaveRead(index: number, cell: number): number;
  tryWrite(index: number, cell: number, me: number): number;
  endWrite(index: number, me: number, ticket: number): number;
  watchMode(index: number, limit: number): number;
  watchReaders(index: number, limit: number): number;
  optimisticStamp(index: number): number;
  /** 1 or 0. */
  isVersion(index: number, stamp: number): number;
  acquirePermits(index: number, n: number): number;
  spinForPermits(index: number, n: number, limit: number): number;
  releasePermits(index: number, n: number): number;
  /** Only where tasks and threads park by Atomics, as the next two. */
  releaseAndWake(index: number, n: number): number;
  beginAcquire(index: number, n: number, me: number): number;
  sleepForPermits(
    index: number,
    n: number,
    me: number,
    seatAt: number,
    expected: number,
    ms: number,
    serialAt: number,
    serial: number,
  ): number;
  readRow(
    shards: number,
    shift: number,
    seed0: number,
    seed1: number,
    keyWord: number,
    endWord: number,
    scratch: number,
    keyBytes: number,
    limit: number,
  ): number;
  beginWait(table: number, lock: number, me: number, seatAt: number): number;
  /** As sleepForLock. */
  sleepWait(table: number, lock: number, me: number, seatAt: number, index: number, ms: number): number;
  chooseFor(table: number, lock: number, me: number): number;
  dueFor(table: number, lock: number, me: number): number;
  arriveUsual(index: number, me: number, seatAt: number): number;
  /** As sleepForLock. */
  sleepForOthers(index: number, seatAt: number, ms: number): number;
  isCurrent(shard: number, version: number, serialAt: number, serial: number): number;
  renewedVersion(
    shard: number,
    row: number,
    rowVersion: number,
    epoch: number,
    serialAt: number,
    serial: number,
  ): number;
}

let compiled: WebAssembly.Module | null | undefined;

/** Whether the fast path is wanted: the variable HOLDFAST_WASM=0 turns it off, and so does a runtime where JS is faster. */
function wanted(): boolean {
  const host = globalThis as { process?: { env?: Record<string, string | undefined>; versions?: { bun?: string } } };
  try {
    const asked = host.process?.env?.HOLDFAST_WASM;
    if (asked === "0") return false;
    if (asked === "1") return true;
  } catch {
    // Deno asks for permission to read the environment; refused means not set.
  }
  // JavaScriptCore inlines Atomics and not Wasm calls: measured 11.6 ns a lock + unlock in JS, 16 in Wasm.
  return host.process?.versions?.bun === undefined;
}

function compile(): WebAssembly.Module | null {
  if (typeof WebAssembly !== "object" || !wanted()) return null;
  try {
    const bytes = Uint8Array.from(CORE_BYTES.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    return new WebAssembly.Module(bytes);
  } catch {
    // A content security policy may forbid compilation: the JavaScript of the same protocols serves.
    return null;
  }
}

/** The fast path over a region's memory, or undefined where there is none (the JavaScript path serves then). */
export function instantiateCore(memory: WebAssembly.Memory): CoreExports | undefined {
  if (compiled === undefined) compiled = compile();
  if (compiled === null) return undefined;
  try {
    return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as CoreExports;
  } catch {
    return undefined;
  }
}
