// A thread that dies at a chosen store: wraps a region's views and Atomics so that the n-th change of shared memory, and
// everything after it, throws instead of happening. What `finally` does then changes nothing either, as in a thread that
// was terminated. For regions without Wasm, in one thread, where no memory grows.

import { OWNER_DIED, OWNER_MASK, ownerOf } from "../../src/protocols/mutex.ts";
import { H_ALLOCATOR_LOCK, H_DIRECTORY_LOCK } from "../../src/region/layout.ts";
import type { TableCore } from "../../src/tables/core.ts";

export class Death extends Error {}

type View = Int32Array | Uint8Array | Float64Array | BigInt64Array;

const originals = new WeakMap<object, View>();
const changing = new Set<PropertyKey>(["set", "fill", "copyWithin"]);

function mortal<T extends View>(view: T, step: () => void): T {
  const proxy = new Proxy(view, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...inputs: unknown[]): unknown => {
        if (changing.has(property)) step();
        return (value as (...inputs: unknown[]) => unknown).apply(target, inputs);
      };
    },
    set(target, property, value) {
      step();
      return Reflect.set(target, property, value, target);
    },
  });
  originals.set(proxy, view);
  return proxy;
}

function mortalAtomics(real: typeof Atomics, step: () => void): typeof Atomics {
  const atomics: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(real)) {
    const operation = (real as unknown as Record<string, unknown>)[name];
    if (typeof operation !== "function") continue;
    atomics[name] = (view: object, ...rest: unknown[]): unknown => {
      if (name !== "load") step();
      return (operation as (...inputs: unknown[]) => unknown).call(real, originals.get(view) ?? view, ...rest);
    };
  }
  return atomics as unknown as typeof Atomics;
}

/**
 * Runs `work` until it is done or has made `stores` changes of the memory; true if it died. Locks that it held then look
 * like those of a dead owner.
 */
export function runMortal(core: TableCore, stores: number, work: () => void): boolean {
  const { memory } = core.region;
  const { words, bytes, f64, i64 } = memory;
  const atomics = globalThis.Atomics;
  let left = stores;
  const step = (): void => {
    if (left <= 0) throw new Death("this thread is dead");
    left--;
  };
  memory.words = mortal(words, step);
  memory.bytes = mortal(bytes, step);
  memory.f64 = mortal(f64, step);
  memory.i64 = mortal(i64, step);
  globalThis.Atomics = mortalAtomics(atomics, step);
  try {
    work();
    return false;
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return true;
  } finally {
    globalThis.Atomics = atomics;
    Object.assign(memory, { words, bytes, f64, i64 });
    abandonLocks(core);
  }
}

/** Runs `work` with a function that tells how many words of the region were read and written so far. */
export function withCountedSteps(core: TableCore, work: (steps: () => number) => void): void {
  const { memory } = core.region;
  const { words } = memory;
  const atomics = globalThis.Atomics;
  let steps = 0;
  const count = (): void => {
    steps++;
  };
  const counted = new Proxy(mortal(words, count), {
    get(target, property, receiver) {
      steps++;
      return Reflect.get(target, property, receiver);
    },
  });
  originals.set(counted, words);
  memory.words = counted;
  globalThis.Atomics = mortalAtomics(atomics, count);
  try {
    work(() => steps);
  } finally {
    globalThis.Atomics = atomics;
    memory.words = words;
  }
}

function abandonLocks(core: TableCore): void {
  const { words } = core.region.memory;
  const locks = [H_ALLOCATOR_LOCK, H_DIRECTORY_LOCK];
  for (let number = 0; number < core.shardCount; number++) locks.push(core.shardAt(number));
  for (const lock of locks) {
    if (ownerOf(words[lock]) === core.me) words[lock] = (words[lock] & ~OWNER_MASK) | OWNER_DIED;
  }
}
