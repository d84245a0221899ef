// What the host tells of threads: ids, the death of workers, and data that every later worker receives. Node's modules
// are reached through process.getBuiltinModule, never by import, so that bundlers and browsers see no Node module.

interface WorkerLike {
  readonly threadId: number;
  once(event: "exit", listener: () => void): unknown;
}

interface WorkerThreads {
  readonly threadId: number;
  readonly isMainThread: boolean;
  setEnvironmentData?(key: string, value: unknown): void;
  getEnvironmentData?(key: string): unknown;
}

interface OsLike {
  availableParallelism?(): number;
}

interface SourceMapLike {
  findEntry(line: number, column: number): { originalSource?: string; originalLine?: number; originalColumn?: number };
}

interface ProcessLike {
  readonly versions?: { readonly deno?: string };
  hrtime?(): [number, number];
  getBuiltinModule?(name: string): unknown;
  on?(event: "worker", listener: (worker: WorkerLike) => void): unknown;
}

const host = (globalThis as { process?: ProcessLike }).process;

function loadWorkerThreads(): WorkerThreads | undefined {
  try {
    return host?.getBuiltinModule?.("node:worker_threads") as WorkerThreads | undefined;
  } catch {
    return undefined;
  }
}

const workerThreads: WorkerThreads | undefined = loadWorkerThreads();
let ownId: number | undefined;

/**
 * This thread's id within the process: Node's threadId (0 is the main thread), else a random number. A thread's id is
 * never used again by another thread.
 */
export function threadId(): number {
  ownId ??= workerThreads?.threadId ?? crypto.getRandomValues(new Uint32Array(1))[0] >>> 2;
  return ownId;
}

let knownCores: number | undefined;

/** How many threads the machine can run at once, as far as is known. */
export function cores(): number {
  knownCores ??= askCores() || 2;
  return knownCores;
}

function askCores(): number | undefined {
  try {
    const os = host?.getBuiltinModule?.("node:os") as OsLike | undefined;
    return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency;
  } catch {
    // Deno asks for a permission.
    return undefined;
  }
}

/** Whether this is known to be the process's main thread. */
export const isMainThread: boolean = workerThreads?.isMainThread ?? false;

/** Whether every worker created later receives what {@link publish} was given. */
export const canPublish: boolean = typeof workerThreads?.setEnvironmentData === "function";

/** Gives `value` to every worker that this thread creates from now on. */
export function publish(key: string, value: unknown): void {
  workerThreads?.setEnvironmentData?.(key, value);
}

/** What the thread that created this one published under the key. */
export function published(key: string): unknown {
  return workerThreads?.getEnvironmentData?.(key);
}

/**
 * Whether a worker that is said to have ended runs no more. On Deno `terminate()` says so at once, and the thread runs on
 * until it next returns to its event loop, if ever.
 */
export const exitMeansEnd: boolean = host?.versions?.deno === undefined;

/**
 * Calls the listener with the id of each worker of this thread that ended, or is said to have (see exitMeansEnd). On Deno
 * the news of a worker may come after that of its end, which then is never heard: `onLateNews` is called for each.
 */
export function onWorkerExit(listener: (threadId: number) => void, onLateNews?: (threadId: number) => void): void {
  if (workerThreads === undefined || typeof host?.on !== "function") return;
  host.on("worker", (worker) => {
    // The id is gone (-1) once the worker has ended, so it is read now.
    const id = worker.threadId;
    worker.once("exit", () => listener(id));
    if (!exitMeansEnd) onLateNews?.(id);
  });
}

/** Nanoseconds on a clock that all threads of the process share; its zero means nothing. */
export function sharedNanoseconds(): number {
  if (typeof host?.hrtime !== "function") return (performance.timeOrigin + performance.now()) * 1e6;
  const [seconds, rest] = host.hrtime();
  return seconds * 1e9 + rest;
}

type FindSourceMap = (file: string) => SourceMapLike | undefined;
let findMap: FindSourceMap | undefined;

/** Where the code at a line and column (from 1) of a file was written, if the host knows a source map of the file. */
export function originalPosition(
  file: string,
  line: number,
  column: number,
): { file: string; line: number; column: number } | undefined {
  try {
    const module = host?.getBuiltinModule?.("node:module") as { findSourceMap?: FindSourceMap } | undefined;
    findMap ??= module?.findSourceMap ?? (() => undefined);
    const entry = findMap(file)?.findEntry(line - 1, column - 1);
    if (entry?.originalSource === undefined || entry.originalLine === undefined) return undefined;
    return { file: entry.originalSource, line: entry.originalLine + 1, column: (entry.originalColumn ?? 0) + 1 };
  } catch {
    return undefined;
  }
}
