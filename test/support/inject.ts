// Puts another thread's work between two given operations of this one: the interleavings with one switch, all of them.

/** Runs `work`, and `other` before one of its operations, as soon as `other` says that it was able to. */
export type Inject = <T>(work: () => T, other: () => boolean) => T;

/** Runs `round` with the switch before operation 0, 1, 2, …, until it says that `other` did not run any more. */
export async function atEachOperation(round: (inject: Inject) => Promise<boolean>): Promise<void> {
  for (let at = 0; at < 10_000; at++) {
    if (!(await round((work, other) => injectAt(at, work, other)))) {
      if (at === 0) throw new Error("the other never ran");
      return;
    }
  }
  throw new Error("the work has no end");
}

function injectAt<T>(at: number, work: () => T, other: () => boolean): T {
  const real = globalThis.Atomics;
  let operation = 0;
  let done = false;
  const handler: ProxyHandler<typeof Atomics> = {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (operation++ >= at && !done) {
          done = true;
          globalThis.Atomics = real;
          done = other();
          globalThis.Atomics = proxy;
        }
        return (value as (...args: unknown[]) => unknown)(...args);
      };
    },
  };
  const proxy = new Proxy(real, handler);
  globalThis.Atomics = proxy;
  try {
    return work();
  } finally {
    globalThis.Atomics = real;
  }
}
