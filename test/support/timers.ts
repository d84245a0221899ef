// How many timers of this thread are armed. Node and Deno tell; where the runtime lists none (Bun), this file counts
// them by wrapping the global functions, which the library looks up at each call.

type Start = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => unknown;

const listed = (): number =>
  process.getActiveResourcesInfo?.().filter((resource) => resource === "Timeout").length ?? 0;

function runtimeTells(): boolean {
  const before = listed();
  const timer = setTimeout(() => undefined, 1000);
  const told = listed() === before + 1;
  clearTimeout(timer);
  return told;
}

const armed = new Set<unknown>();

function count(): void {
  const globals = globalThis as unknown as Record<string, Start> & Record<string, (timer: unknown) => void>;
  for (const kind of ["Timeout", "Interval"]) {
    const start = globals[`set${kind}`] as Start;
    const stop = globals[`clear${kind}`] as (timer: unknown) => void;
    globals[`set${kind}`] = ((callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = start(
        (...given) => {
          if (kind === "Timeout") armed.delete(timer);
          callback(...given);
        },
        ms,
        ...args,
      );
      armed.add(timer);
      return timer;
    }) as never;
    globals[`clear${kind}`] = ((timer: unknown) => {
      armed.delete(timer);
      stop(timer);
    }) as never;
  }
}

const told = runtimeTells();
if (!told) count();

export function timersAlive(): number {
  return told ? listed() : armed.size;
}
