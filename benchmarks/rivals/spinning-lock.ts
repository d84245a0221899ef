// A plain three-state lock in WebAssembly that looks up to a fixed number of times before it sleeps: what no fixed count
// is right for. No owner, no recovery. Compiled by AssemblyScript when the benchmark begins.

import type { Rival } from "./hand-written.ts";

const SOURCE = `
export function lock(at: usize, looks: i32): void {
  if (atomic.cmpxchg<i32>(at, 0, 1) == 0) return;
  for (let k = 0; k < looks; k++) {
    if (atomic.load<i32>(at) == 0 && atomic.cmpxchg<i32>(at, 0, 1) == 0) return;
  }
  while (atomic.xchg<i32>(at, 2) != 0) atomic.wait<i32>(at, 2, -1);
}
export function unlock(at: usize): void {
  if (atomic.sub<i32>(at, 1) == 1) return;
  atomic.store<i32>(at, 0);
  atomic.notify(at, 1);
}
`;

const FLAGS =
  "--enable=threads --sharedMemory --importMemory --initialMemory=1 --maximumMemory=65536 --runtime=stub -O3";

export async function compileSpinningLock(): Promise<WebAssembly.Module> {
  // A large package, which the workers that only use the lock need not load.
  const { default: asc } = await import("assemblyscript/asc");
  let bytes: Uint8Array | undefined;
  const { error } = await asc.main(["lock.ts", "--outFile=lock.wasm", ...FLAGS.split(" ")], {
    readFile: (name) => (name === "lock.ts" ? SOURCE : null),
    writeFile: (_, contents) => {
      if (contents instanceof Uint8Array) bytes = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) throw error ?? new Error("AssemblyScript gave no module");
  return new WebAssembly.Module(new Uint8Array(bytes));
}

/** The lock at this byte of the memory. */
export function spinningLock(module: WebAssembly.Module, memory: WebAssembly.Memory, at: number, looks: number): Rival {
  const { lock, unlock } = new WebAssembly.Instance(module, { env: { memory } }).exports as {
    lock(at: number, looks: number): void;
    unlock(at: number): void;
  };
  return { lock: () => lock(at, looks), unlock: () => unlock(at) };
}
