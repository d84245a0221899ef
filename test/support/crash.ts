// Ends "threads" at a chosen operation, for tests that ask what a death leaves behind: from the given operation on, every
// Atomics call throws, so that nothing after it happens, `finally` included. What is not atomic counts with the atomic
// operation before it. WebAssembly is not seen: use regions with `wasm: false`.

import { PROBE_CELLS, T_PROBE } from "../../src/region/layout.ts";
import { RegionMemory } from "../../src/region/memory.ts";
import { Region } from "../../src/region/region.ts";
import { leaveSeat } from "../../src/region/threads.ts";

class Crash extends Error {}

/** Runs `work`, and ends it at its operation number `at` (from 0); false if it ended by itself before. */
export function crashAt(at: number, work: () => void): boolean {
  const real = globalThis.Atomics;
  let done = 0;
  const handler: ProxyHandler<typeof Atomics> = {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (done++ >= at) throw new Crash(`ended at operation ${at}`);
        return (value as (...args: unknown[]) => unknown)(...args);
      };
    },
  };
  globalThis.Atomics = new Proxy(real, handler);
  try {
    work();
    if (done <= at) return false;
    throw new Error("an operation was ended, and its error was swallowed");
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  } finally {
    globalThis.Atomics = real;
  }
}

/** A second view of a region, with a seat of its own: it stands for another thread. It must have been attached before. */
export function anotherThread(region: Region): Region {
  const { wasm, buffer, byteOffset, byteLength } = region.memory;
  const memory = wasm === undefined ? new RegionMemory(buffer, byteOffset, byteLength) : new RegionMemory(wasm);
  const other = new Region(memory, region.name, region.backend === "wasm");
  void other.me;
  return other;
}

/** The "thread" of this view is gone, and nobody was told: only a probe finds out. */
export function vanish(region: Region): void {
  const { words } = region.memory;
  const cell = region.seatAt + T_PROBE + ((region.me >>> 12) & (PROBE_CELLS - 1));
  // What is armed on the cell goes; that so much was armed stays noted.
  while (Atomics.notify(words, cell) > 0) continue;
}

/** Makes known that the "thread" of this view is gone. */
export function bury(region: Region): void {
  leaveSeat(region.memory.words, { me: region.me, at: region.seatAt });
}
