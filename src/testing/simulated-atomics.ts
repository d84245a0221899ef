// The Atomics object that bodies see while they are explored.
// Each method names one operation and lets the replay perform it. Calls on memory that is not the model's, and not
// shared, go to the real Atomics: such memory is private to the body. Shared memory the model does not know is refused.
import { ADD, AND, CAS, EXCHANGE, LOAD, NOTIFY, OR, type Scalar, STORE, SUB, WAIT, WAIT_ASYNC, XOR } from "./ops.ts";
import type { ViewInfo } from "./space.ts";

type View = Int32Array<ArrayBufferLike>;

/** What the simulated Atomics needs from the replay. */
export interface Port {
  /** False outside bodies: everything then goes to the real Atomics. */
  active(): boolean;
  info(view: object): ViewInfo | undefined;
  operate(kind: number, info: ViewInfo, index: number, a: Scalar, b: Scalar): unknown;
  /** Turns the result of WAIT_ASYNC into what Atomics.waitAsync returns. */
  asyncResult(result: unknown): unknown;
  /** A body reached for shared memory outside the model. */
  foreign(what: string): never;
}

const RealAtomics = Atomics;

function checkIndex(info: ViewInfo, index: unknown): number {
  const at = Math.trunc(Number(index ?? 0)) || 0;
  if (at < 0 || at >= info.length) throw new RangeError("Invalid atomic access index");
  if (!info.elem.integer) throw new TypeError("[object Array] is not an integer typed array.");
  return at;
}

const integer = (value: unknown): number => Math.trunc(+(value as number)) || 0;

const zero = (info: ViewInfo): Scalar => (info.elem.big ? 0n : 0);

export function simulateAtomics(port: Port): typeof Atomics {
  const simulated: Record<PropertyKey, unknown> = { [Symbol.toStringTag]: "Atomics" };

  const define = (name: string, kind: number, operands: number): void => {
    const real = (RealAtomics as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
    simulated[name] = (view: View, index: number, a?: unknown, b?: unknown) => {
      const info = known(port, view, name);
      if (info === undefined) return operands === 2 ? real(view, index, a, b) : real(view, index, a);
      const at = checkIndex(info, index);
      const x = operands > 0 ? info.elem.coerce(a) : zero(info);
      // A store returns what it was given as an integer, not what fits the cell.
      if (kind === STORE) return port.operate(kind, info, at, x, info.elem.big ? BigInt(a as bigint) : integer(a));
      const y = operands > 1 ? info.elem.coerce(b) : zero(info);
      return port.operate(kind, info, at, x, y);
    };
  };
  define("load", LOAD, 0);
  define("store", STORE, 1);
  define("add", ADD, 1);
  define("sub", SUB, 1);
  define("and", AND, 1);
  define("or", OR, 1);
  define("xor", XOR, 1);
  define("exchange", EXCHANGE, 1);
  define("compareExchange", CAS, 2);

  simulated.wait = (view: View, index: number, value: unknown, timeout?: unknown) => {
    const info = known(port, view, "wait");
    if (info === undefined) return RealAtomics.wait(view, index, value as number, timeout as number);
    return port.operate(WAIT, info, checkIndex(info, index), info.elem.coerce(value), timeoutOf(timeout));
  };
  simulated.waitAsync = (view: View, index: number, value: unknown, timeout?: unknown) => {
    const info = known(port, view, "waitAsync");
    if (info === undefined) return port.foreign("Atomics.waitAsync on memory");
    const result = port.operate(WAIT_ASYNC, info, checkIndex(info, index), info.elem.coerce(value), timeoutOf(timeout));
    return port.asyncResult(result);
  };
  simulated.notify = (view: View, index: number, count?: unknown) => {
    const n = count === undefined ? Number.POSITIVE_INFINITY : Math.max(Math.trunc(Number(count)) || 0, 0);
    const info = known(port, view, "notify");
    if (info === undefined) return RealAtomics.notify(view, index, count as number);
    return port.operate(NOTIFY, info, checkIndex(info, index), n, 0);
  };
  simulated.isLockFree = (size: number) => RealAtomics.isLockFree(size);
  // A hint to the processor: no step of any protocol.
  simulated.pause = () => undefined;
  return simulated as unknown as typeof Atomics;
}

function known(port: Port, view: View, name: string): ViewInfo | undefined {
  if (!port.active()) return undefined;
  const info = port.info(view);
  if (info === undefined && ArrayBuffer.isView(view) && view.buffer instanceof SharedArrayBuffer) {
    port.foreign(`Atomics.${name} on shared memory`);
  }
  return info;
}

function timeoutOf(timeout: unknown): number {
  const ms = timeout === undefined ? Number.POSITIVE_INFINITY : Number(timeout);
  return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : Math.max(ms, 0);
}
