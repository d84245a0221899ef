// The operations that a simulated thread can perform on shared memory, and the element types of its views.
// Invariant: an Op says everything that the memory needs to know; two Ops are the same step if `sameOp` says so.

export const LOAD = 0;
export const STORE = 1;
export const ADD = 2;
export const SUB = 3;
export const AND = 4;
export const OR = 5;
export const XOR = 6;
export const EXCHANGE = 7;
export const CAS = 8;
export const WAIT = 9;
export const NOTIFY = 10;
export const PLAIN_READ = 11;
export const PLAIN_WRITE = 12;
export const NOW = 13;
export const WAIT_ASYNC = 14;

export const KIND_NAMES = [
  "load",
  "store",
  "add",
  "sub",
  "and",
  "or",
  "xor",
  "exchange",
  "compareExchange",
  "wait",
  "notify",
  "read",
  "write",
  "now",
  "waitAsync",
] as const;

export type Scalar = number | bigint;

/** One element type: how a value is coerced, and how it lies in bytes. */
export interface Elem {
  readonly name: string;
  readonly size: number;
  readonly big: boolean;
  readonly integer: boolean;
  coerce(value: unknown): Scalar;
  get(bytes: DataView, at: number): Scalar;
  set(bytes: DataView, at: number, value: Scalar): void;
}

const number = (
  name: string,
  size: number,
  coerce: (v: number) => number,
  get: (d: DataView, at: number) => number,
  set: (d: DataView, at: number, v: number) => void,
  integer = true,
): Elem => ({
  name,
  size,
  big: false,
  integer,
  coerce: (v) => coerce(+(v as number)),
  get,
  set: (d, at, v) => set(d, at, v as number),
});

/** As the engine converts it: a number is no BigInt. */
function toBigInt(value: unknown): bigint {
  if (typeof value === "number") throw new TypeError(`Cannot convert ${value} to a BigInt`);
  return BigInt(value as bigint);
}

const big = (name: string, coerce: (v: bigint) => bigint): Elem => ({
  name,
  size: 8,
  big: true,
  integer: true,
  coerce: (v) => coerce(toBigInt(v)),
  get: (d, at) => coerce(d.getBigInt64(at, true)),
  set: (d, at, v) => d.setBigInt64(at, v as bigint, true),
});

// Clamping rounds half to even, as Uint8ClampedArray does.
const clampCell = new Uint8ClampedArray(1);
const clamp = (v: number): number => {
  clampCell[0] = v;
  return clampCell[0];
};

export const I32: Elem = number(
  "Int32Array",
  4,
  (v) => v | 0,
  (d, at) => d.getInt32(at, true),
  (d, at, v) => d.setInt32(at, v, true),
);

export const ELEMS: Readonly<Record<string, Elem>> = {
  Int32Array: I32,
  Uint32Array: number(
    "Uint32Array",
    4,
    (v) => v >>> 0,
    (d, at) => d.getUint32(at, true),
    (d, at, v) => d.setUint32(at, v, true),
  ),
  Int16Array: number(
    "Int16Array",
    2,
    (v) => (v << 16) >> 16,
    (d, at) => d.getInt16(at, true),
    (d, at, v) => d.setInt16(at, v, true),
  ),
  Uint16Array: number(
    "Uint16Array",
    2,
    (v) => v & 0xffff,
    (d, at) => d.getUint16(at, true),
    (d, at, v) => d.setUint16(at, v, true),
  ),
  Int8Array: number(
    "Int8Array",
    1,
    (v) => (v << 24) >> 24,
    (d, at) => d.getInt8(at),
    (d, at, v) => d.setInt8(at, v),
  ),
  Uint8Array: number(
    "Uint8Array",
    1,
    (v) => v & 0xff,
    (d, at) => d.getUint8(at),
    (d, at, v) => d.setUint8(at, v),
  ),
  Uint8ClampedArray: number(
    "Uint8ClampedArray",
    1,
    clamp,
    (d, at) => d.getUint8(at),
    (d, at, v) => d.setUint8(at, v),
    false,
  ),
  Float32Array: number(
    "Float32Array",
    4,
    Math.fround,
    (d, at) => d.getFloat32(at, true),
    (d, at, v) => d.setFloat32(at, v, true),
    false,
  ),
  Float64Array: number(
    "Float64Array",
    8,
    (v) => v,
    (d, at) => d.getFloat64(at, true),
    (d, at, v) => d.setFloat64(at, v, true),
    false,
  ),
  BigInt64Array: big("BigInt64Array", (v) => BigInt.asIntN(64, v)),
  BigUint64Array: big("BigUint64Array", (v) => BigInt.asUintN(64, v)),
};

/** Byte address of the injected clock: a cell of its own, so that reading the time depends on nothing else. */
export const CLOCK_ADDRESS = -8;

/**
 * One operation. `a` and `b` are operands: value; value and what a store returns; expected and replacement; awaited
 * value and time-out; count.
 */
export interface Op {
  readonly kind: number;
  readonly elem: Elem;
  /** Byte address in the model's memory. */
  readonly addr: number;
  readonly a: Scalar;
  readonly b: Scalar;
}

export function sameOp(x: Op, y: Op): boolean {
  return x.kind === y.kind && x.addr === y.addr && x.elem === y.elem && Object.is(x.a, y.a) && Object.is(x.b, y.b);
}

export function isWrite(op: Op): boolean {
  return op.kind !== LOAD && op.kind !== PLAIN_READ && op.kind !== NOW;
}

export function isPlain(op: Op): boolean {
  return op.kind === PLAIN_READ || op.kind === PLAIN_WRITE;
}

export function overlap(x: Op, y: Op): boolean {
  return x.addr < y.addr + y.elem.size && y.addr < x.addr + x.elem.size;
}

/** Two operations commute, and neither can enable or disable the other. */
export function independent(x: Op, y: Op): boolean {
  return !overlap(x, y) || (!isWrite(x) && !isWrite(y));
}

/** What a read-modify-write leaves behind. */
export function modified(kind: number, elem: Elem, old: Scalar, operand: Scalar): Scalar {
  if (elem.big) {
    const x = old as bigint;
    const y = operand as bigint;
    return elem.coerce(
      kind === ADD
        ? x + y
        : kind === SUB
          ? x - y
          : kind === AND
            ? x & y
            : kind === OR
              ? x | y
              : kind === XOR
                ? x ^ y
                : y,
    );
  }
  const x = old as number;
  const y = operand as number;
  return elem.coerce(
    kind === ADD ? x + y : kind === SUB ? x - y : kind === AND ? x & y : kind === OR ? x | y : kind === XOR ? x ^ y : y,
  );
}
