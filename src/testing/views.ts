// Views that bodies get: a Proxy over a typed array whose indexed reads and writes are operations of the model.
// Invariant: no element of a proxied view is ever read from, or written to, real memory.

import { type Elem, PLAIN_READ, PLAIN_WRITE, type Scalar } from "./ops.ts";
import { elemOf, type Space, type ViewInfo } from "./space.ts";

/** Performs one operation for the body that runs now. */
export type Operate = (kind: number, elem: Elem, addr: number, a: Scalar, b: Scalar) => unknown;

type View = Int32Array<ArrayBufferLike>;
type ViewClass = new (...args: unknown[]) => View;

// Array.prototype's own methods read `length` and elements through the Proxy, one operation each.
const GENERIC = Array.prototype as unknown as Record<PropertyKey, unknown>;
const TYPED_RESULT = new Set<PropertyKey>(["slice", "map", "filter", "toReversed", "toSorted", "with"]);

export class Views {
  private readonly infos = new WeakMap<object, ViewInfo>();
  private readonly space: Space;
  private readonly operate: Operate;

  constructor(space: Space, operate: Operate) {
    this.space = space;
    this.operate = operate;
  }

  info(view: object): ViewInfo | undefined {
    return this.infos.get(view);
  }

  /** The proxied twin of a real view over one of the model's buffers. */
  wrap(real: View): View {
    const elem = elemOf(real);
    const base = this.space.baseOf(real.buffer) + real.byteOffset;
    const decoy = this.space.segments.find((s) => s.source === real.buffer || s.decoy === real.buffer)?.decoy;
    const target = new (real.constructor as ViewClass)(decoy, real.byteOffset, real.length);
    const info: ViewInfo = { elem, addr: base, length: real.length };
    const proxy = new Proxy(target, this.handler(target, info));
    this.infos.set(proxy, info);
    return proxy;
  }

  private handler(target: View, info: ViewInfo): ProxyHandler<View> {
    const { elem, addr, length } = info;
    const filler: Scalar = elem.big ? 0n : 0;
    return {
      get: (_t, key) => {
        const index = indexOf(key);
        if (index < 0) return this.member(target, key);
        return index < length ? this.operate(PLAIN_READ, elem, addr + index * elem.size, filler, filler) : undefined;
      },
      set: (_t, key, value) => {
        const index = indexOf(key);
        if (index < 0) return Reflect.set(target, key, value, target);
        if (index < length) this.operate(PLAIN_WRITE, elem, addr + index * elem.size, elem.coerce(value), filler);
        return true;
      },
    };
  }

  private member(target: View, key: PropertyKey): unknown {
    if (key === "subarray") {
      return (from?: number, to?: number) => this.wrap(target.subarray(from, to) as View);
    }
    if (key === "set") return setElements;
    const value = Reflect.get(target, key, target) as unknown;
    if (typeof value !== "function" || key === "constructor") return value;
    const generic = GENERIC[key];
    if (typeof generic !== "function") return value;
    const run = generic as (...args: unknown[]) => unknown;
    if (!TYPED_RESULT.has(key)) return run;
    const Class = target.constructor as ViewClass;
    return function (this: View, ...args: unknown[]) {
      return new Class(run.apply(Array.from(this), args));
    };
  }
}

function setElements(this: View, source: ArrayLike<number>, offset = 0): void {
  const copy = Array.from(source);
  if (offset < 0 || offset + copy.length > this.length) throw new RangeError("offset is out of bounds");
  for (let i = 0; i < copy.length; i++) this[offset + i] = copy[i];
}

/** A canonical array index, or -1. */
function indexOf(key: PropertyKey): number {
  if (typeof key !== "string") return -1;
  const first = key.charCodeAt(0);
  if (first < 48 || first > 57) return -1;
  const index = Number(key);
  return Number.isInteger(index) ? index : -1;
}
