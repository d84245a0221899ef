// The globals that bodies see while they are explored: Atomics, the clocks, timers, randomness, typed arrays over the
// model's buffers. Invariant: `enter` and `leave` come in pairs, and after `leave` every global is what it was.

import { ELEMS } from "./ops.ts";
import type { Replayer } from "./replay.ts";
import { simulateAtomics } from "./simulated-atomics.ts";
import type { Space } from "./space.ts";

type Fn = (...args: never[]) => unknown;
interface Patch {
  readonly on: object;
  readonly key: string;
  readonly value: unknown;
}

const active: World[] = [];

/** The world whose bodies run now; markers such as `validated()` speak to it. */
export function currentWorld(): World | undefined {
  return active[active.length - 1];
}

export class World {
  readonly replayer: Replayer;
  private readonly patches: Patch[];
  private undo: (() => void)[] = [];

  constructor(replayer: Replayer, space: Space) {
    this.replayer = replayer;
    this.patches = [
      { on: globalThis, key: "Atomics", value: simulateAtomics(replayer) },
      ...clocks(replayer),
      ...timers(replayer),
      ...randomness(replayer),
      ...viewClasses(replayer, space),
    ];
  }

  enter(): void {
    active.push(this);
    for (const { on, key, value } of this.patches) {
      const own = Object.getOwnPropertyDescriptor(on, key);
      Object.defineProperty(on, key, {
        value,
        configurable: true,
        writable: true,
        enumerable: own?.enumerable ?? false,
      });
      this.undo.push(() => {
        if (own === undefined) Reflect.deleteProperty(on, key);
        else Object.defineProperty(on, key, own);
      });
    }
  }

  leave(): void {
    for (const restore of this.undo.reverse()) restore();
    this.undo = [];
    const at = active.lastIndexOf(this);
    if (at >= 0) active.splice(at, 1);
  }
}

function clocks(replayer: Replayer): Patch[] {
  const perf = performance;
  const realNow = perf.now.bind(perf);
  const RealDate = Date;
  const realDateNow = RealDate.now.bind(RealDate);
  const FakeDate = new Proxy(RealDate, {
    construct(target, args, newTarget) {
      if (args.length > 0) return Reflect.construct(target, args, newTarget) as object;
      return Reflect.construct(target, [replayer.now(realDateNow)], newTarget) as object;
    },
    apply: () => new RealDate(replayer.now(realDateNow)).toString(),
    get: (target, key) => (key === "now" ? () => replayer.now(realDateNow) : (Reflect.get(target, key) as unknown)),
  });
  const patches: Patch[] = [
    { on: perf, key: "now", value: () => replayer.now(realNow) },
    { on: globalThis, key: "Date", value: FakeDate },
  ];
  const proc = (globalThis as { process?: { hrtime?: Fn } }).process;
  if (proc?.hrtime !== undefined) {
    const real = proc.hrtime as Fn & { bigint: () => bigint };
    const refuse = (): void =>
      replayer.forbidden("ERR_MODEL_REAL_TIME", "the body reads the real time: process.hrtime");
    const fake = (...args: never[]): unknown => (refuse(), real(...args));
    fake.bigint = (): bigint => (refuse(), real.bigint());
    patches.push({ on: proc, key: "hrtime", value: fake });
  }
  return patches;
}

interface FakeTimer {
  ref(): FakeTimer;
  unref(): FakeTimer;
  hasRef(): boolean;
  refresh(): FakeTimer;
  [Symbol.toPrimitive](): number;
}

function timers(replayer: Replayer): Patch[] {
  const tokens = new WeakMap<object, number>();
  const fake = (name: "setTimeout" | "setInterval" | "setImmediate"): Patch[] => {
    const real = (globalThis as unknown as Record<string, Fn | undefined>)[name];
    if (real === undefined) return [];
    const value = (callback: (...args: unknown[]) => void, ...rest: unknown[]): unknown => {
      const args = name === "setImmediate" ? rest : rest.slice(1);
      const ms = name === "setImmediate" ? 0 : Math.max(Number(rest[0] ?? 0) || 0, 0);
      const made = replayer.timer(() => callback(...args), ms, name === "setInterval");
      if (made === undefined) return (real as (...a: unknown[]) => unknown)(callback, ...rest);
      const handle: FakeTimer = {
        ref: () => handle,
        unref: () => handle,
        hasRef: () => true,
        refresh: () => handle,
        [Symbol.toPrimitive]: () => made.token,
      };
      tokens.set(handle, made.token);
      return handle;
    };
    return [{ on: globalThis, key: name, value }];
  };
  const clear = (name: "clearTimeout" | "clearInterval" | "clearImmediate"): Patch[] => {
    const real = (globalThis as unknown as Record<string, Fn | undefined>)[name];
    if (real === undefined) return [];
    const value = (handle: unknown): void => {
      const token = typeof handle === "object" && handle !== null ? tokens.get(handle) : undefined;
      if (token !== undefined) replayer.clearTimer(token);
      else (real as (h: unknown) => void)(handle);
    };
    return [{ on: globalThis, key: name, value }];
  };
  return [
    ...fake("setTimeout"),
    ...fake("setInterval"),
    ...fake("setImmediate"),
    ...clear("clearTimeout"),
    ...clear("clearInterval"),
    ...clear("clearImmediate"),
  ];
}

function randomness(replayer: Replayer): Patch[] {
  const guard = (what: string, real: Fn): unknown => {
    return (...args: never[]): unknown => {
      replayer.forbidden("ERR_MODEL_RANDOMNESS", `the body uses randomness: ${what}`);
      return real(...args);
    };
  };
  const patches: Patch[] = [{ on: Math, key: "random", value: guard("Math.random", Math.random) }];
  const source = globalThis.crypto as unknown as Record<string, Fn> | undefined;
  for (const key of ["getRandomValues", "randomUUID"]) {
    const real = source?.[key];
    if (source !== undefined && real !== undefined) {
      patches.push({ on: source, key, value: guard(`crypto.${key}`, real.bind(source) as Fn) });
    }
  }
  return patches;
}

/** `new Int32Array(buffer)` in a body gives a proxied view if the buffer is one of the model's. */
function viewClasses(replayer: Replayer, space: Space): Patch[] {
  const ours = (buffer: unknown): boolean =>
    buffer instanceof SharedArrayBuffer && space.segments.some((s) => s.decoy === buffer);
  const patches: Patch[] = [];
  for (const key of Object.keys(ELEMS)) {
    const Real = (globalThis as unknown as Record<string, new (...args: unknown[]) => Int32Array>)[key];
    const value = new Proxy(Real, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget === value ? target : newTarget) as Int32Array;
        return replayer.active() && ours(args[0]) ? replayer.views.wrap(made) : made;
      },
    });
    patches.push({ on: globalThis, key, value });
  }
  const RealDataView = DataView;
  const value: typeof DataView = new Proxy(RealDataView, {
    construct(target, args, newTarget) {
      if (replayer.active() && ours(args[0]))
        replayer.foreign("a DataView of the model's buffer: use typed arrays; memory");
      return Reflect.construct(target, args, newTarget === value ? target : newTarget) as object;
    },
  });
  patches.push({ on: globalThis, key: "DataView", value });
  return patches;
}
