// The npm package multithreading. Its import fails on Node 20, which has no `navigator`, so it is given one; its objects
// are moved between threads by the methods that its own worker pool calls.

import type * as Package from "multithreading";

let loaded: typeof Package | undefined;

export async function multithreading(): Promise<typeof Package> {
  if (loaded === undefined) {
    (globalThis as { navigator?: unknown }).navigator ??= { hardwareConcurrency: 2 };
    loaded = await import("multithreading");
  }
  return loaded;
}

type Movable = Record<symbol, (value?: unknown) => unknown>;

function symbolOf(of: object, description: string): symbol {
  for (let at: object | null = of; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertySymbols(at).find((symbol) => symbol.description === description);
    if (found !== undefined) return found;
  }
  throw new Error(`multithreading: no ${description}`);
}

/** What another thread makes the same object of, by {@link arrived}. */
export function sent(object: object): unknown {
  const [value] = (object as Movable)[symbolOf(object, "Thread.Serialize")]() as unknown[];
  return value;
}

export function arrived<T>(kind: object, value: unknown): T {
  return (kind as unknown as Movable)[symbolOf(kind, "Thread.Deserialize")](value) as T;
}
