// What the tests need of node:worker_threads, over a browser's workers, so that the very suites that run on Node run in a
// page's workers too. The library itself never reaches it.
//
// A browser's worker neither ends by itself nor tells of its end, so both are made here: a worker that has no timer, no
// listener and no unfinished module left says that it exits, and is terminated. That it is gone, which may be seconds after its
// parent terminated it (a browser lets a thread that computes or blocks run on for 2 s), its parent hears by a Web Lock
// that the worker holds for as long as it runs, and by waitAsyncs of the worker, which are there until its memory is gone.
// Invariant: "exit" is emitted, and terminate() fulfilled, when the thread is gone; as on Node. A worker that said that it
// exits runs nothing any more.

type Listener = (value: never) => void;
type Told = { readonly shim: "message" | "error" | "exit"; readonly value: unknown };

interface Started {
  readonly file: string;
  readonly workerData: unknown;
  readonly env: object;
  readonly threadId: number;
  /** The name of the Web Lock that this worker holds. */
  readonly life: string;
  /** Where its waitAsyncs are. */
  readonly cell: Int32Array;
}

/** How many: each look uses one up. */
const LOOKS = 100;

const scope = globalThis as unknown as {
  holdfastWorker?: Started;
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
};
const started = scope.holdfastWorker;
let threads = 0;

class Emitter {
  readonly #listeners = new Map<string, Set<Listener>>();

  on(name: string, listener: Listener): this {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return this;
  }

  once(name: string, listener: Listener): this {
    const wrapper = ((value: never): void => {
      this.off(name, wrapper);
      listener(value);
    }) as Listener;
    return this.on(name, wrapper);
  }

  off(name: string, listener: Listener): this {
    this.#listeners.get(name)?.delete(listener);
    return this;
  }

  emit(name: string, value: unknown): void {
    for (const listener of Array.from(this.#listeners.get(name) ?? [])) listener(value as never);
  }

  count(name: string): number {
    return this.#listeners.get(name)?.size ?? 0;
  }
}

export const isMainThread: boolean = started === undefined;
export const threadId: number = started?.threadId ?? 0;
export const workerData: unknown = started?.workerData ?? null;

/** A worker as Node's, over a module worker. */
export class Worker extends Emitter {
  /** -1 once it has ended. */
  threadId: number;
  readonly #worker: globalThis.Worker;
  readonly #life = `holdfast-${crypto.randomUUID()}`;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #ending: Promise<number> | undefined;

  constructor(file: URL, { workerData, env = {} }: { workerData?: unknown; env?: object } = {}) {
    super();
    this.threadId = threadId * 1000 + ++threads;
    this.#worker = new globalThis.Worker(new URL("./start.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#hear(data as Told);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#hear({ shim: "error", value: event.error ?? new Error(event.message) });
    };
    const [life, cell] = [this.#life, this.#cell];
    const told: Started = { file: file.href, workerData, env, threadId: this.threadId, life, cell };
    this.#worker.postMessage(told);
  }

  #hear({ shim, value }: Told): void {
    if (this.#ending !== undefined) return;
    if (shim === "message") this.emit("message", value);
    if (shim === "error") {
      this.emit("error", value);
      void this.#end(1);
    }
    if (shim === "exit") void this.#end(value as number);
  }

  #end(code: number): Promise<number> {
    this.#ending ??= this.#endOnce(code);
    return this.#ending;
  }

  async #endOnce(code: number): Promise<number> {
    this.#worker.terminate();
    await navigator.locks.request(this.#life, () => undefined);
    while (Atomics.notify(this.#cell, 0, 1) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    this.threadId = -1;
    this.emit("exit", code);
    return code;
  }

  postMessage(value: unknown): void {
    this.#worker.postMessage({ value });
  }

  /** As Node's: the promise is fulfilled once "exit" was emitted. */
  terminate(): Promise<number> {
    return this.#end(1);
  }

  ref(): void {}
  unref(): void {}
}

class ParentPort extends Emitter {
  readonly #early: unknown[] = [];
  #referenced = true;

  override on(name: string, listener: Listener): this {
    super.on(name, listener);
    if (name === "message")
      for (const value of this.#early.splice(0)) queueMicrotask(() => this.emit("message", value));
    return this;
  }

  receive(value: unknown): void {
    if (this.count("message") === 0) this.#early.push(value);
    else this.emit("message", value);
  }

  postMessage(value: unknown): void {
    scope.postMessage({ shim: "message", value } satisfies Told);
  }

  get holds(): boolean {
    return this.#referenced && this.count("message") > 0;
  }

  close(): void {
    this.#referenced = false;
  }
  unref(): void {
    this.#referenced = false;
  }
  ref(): void {
    this.#referenced = true;
  }
}

export const parentPort: ParentPort | null = started === undefined ? null : new ParentPort();

/** Ends this worker, in about 2 s: what is behind it in the source never runs. */
function exit(code: number): never {
  scope.postMessage({ shim: "exit", value: code } satisfies Told);
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const timers = new Set<unknown>();

/** Timers keep a worker alive, so they are counted. */
function countTimers(): void {
  const globals = globalThis as unknown as Record<string, (...args: never[]) => unknown>;
  for (const kind of ["Timeout", "Interval"]) {
    const start = globals[`set${kind}`] as (callback: () => void, ms?: number) => unknown;
    const stop = globals[`clear${kind}`] as (timer: unknown) => void;
    globals[`set${kind}`] = ((callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = start(() => {
        if (kind === "Timeout") timers.delete(timer);
        callback(...args);
      }, ms);
      timers.add(timer);
      return timer;
    }) as never;
    globals[`clear${kind}`] = ((timer: unknown) => {
      timers.delete(timer);
      stop(timer);
    }) as never;
  }
}

/** Has the parent see that this worker lives; a Web Lock is held already. */
function showLife(): void {
  if (started === undefined) return;
  for (let k = 0; k < LOOKS; k++) Atomics.waitAsync(started.cell, 0, 0);
}

/** Runs the worker's file, then ends as soon as nothing keeps it. For shims/start.ts. */
export async function runWorker(file: string): Promise<void> {
  const turn = globalThis.setTimeout.bind(globalThis);
  countTimers();
  showLife();
  scope.onmessage = ({ data }) => parentPort?.receive(data.value);
  try {
    await import(file);
  } catch (error) {
    scope.postMessage({ shim: "error", value: error } satisfies Told);
    return;
  }
  const look = (): void => {
    if (timers.size > 0 || parentPort?.holds === true) {
      turn(look, 2);
      return;
    }
    // No close(): what was posted right before may be lost with it. The parent terminates.
    scope.onmessage = null;
    scope.postMessage({ shim: "exit", value: 0 } satisfies Told);
  };
  turn(look, 2);
}

/** The library's thread id is a random number in a browser; tests that compare it with a worker's are told that one. */
function fixThreadId(): void {
  const real = crypto.getRandomValues.bind(crypto);
  crypto.getRandomValues = ((array: Uint32Array<ArrayBuffer>) => {
    if (!(array instanceof Uint32Array) || array.length !== 1) return real(array);
    crypto.getRandomValues = real;
    array[0] = threadId << 2;
    return array;
  }) as typeof crypto.getRandomValues;
}

const { port1, port2 } = new MessageChannel();
const turns: (() => void)[] = [];
port1.onmessage = () => turns.shift()?.();

fixThreadId();
Object.assign(globalThis, {
  process: { argv: [], versions: {}, env: started?.env ?? {}, exit },
  setImmediate(callback: () => void): void {
    turns.push(callback);
    port2.postMessage(0);
  },
});
