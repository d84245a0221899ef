// Ends an async body that never comes back to its event loop. No code of this thread can: only another thread may ask the
// engine to stop it (Node: the inspector's Runtime.terminateExecution, sent by a worker to the main thread). What was
// running then, the checker's own awaits included, is dropped without a trace; a timer notices that and fails the check.
// Without an inspector, and in an exploration that itself runs in a worker, such a body hangs.
//
//   cells   0 replays begun | 1 one is running | 2 the worker has stopped it | 3 milliseconds that one may take
//           4 the worker can stop it (1), or finds that it can't (-1: Deno has no such session) | 5 how often it has looked
//
// Invariant: execution is ended only while a replay runs that has run at least that long.
import { hostModule } from "./host.ts";

interface Threads {
  readonly isMainThread: boolean;
  readonly Worker: new (
    source: string,
    options: { eval: true; workerData: SharedArrayBuffer },
  ) => { unref(): void; on(event: "error", listener: () => void): void };
}

const BEGUN = 0;
const RUNNING = 1;
const STOPPED = 2;
const LIMIT = 3;
const READY = 4;
const LOOKS = 5;
/** Milliseconds after which an exploration goes on without a worker that does not start. */
const PATIENCE_MS = 60_000;

const SOURCE = `
const { workerData } = require("node:worker_threads");
const { Session } = require("node:inspector");
const cells = new Int32Array(workerData);
const session = new Session();
let able = 1;
try {
  session.connectToMainThread();
} catch {
  able = -1;
}
Atomics.store(cells, 4, able);
if (able > 0) setInterval(() => {
  Atomics.add(cells, 5, 1);
  const begun = Atomics.load(cells, 0);
  if (Atomics.load(cells, 1) === 0 || begun !== seen) {
    seen = begun;
    since = performance.now();
    return; // nothing runs, or has only begun: the limit may not even be set yet
  }
  if (performance.now() - since < Atomics.load(cells, 3)) return;
  since = performance.now();
  if (Atomics.exchange(cells, 2, 1) === 0) session.post("Runtime.terminateExecution");
}, 50);
let seen = 0;
let since = performance.now();
`;

const realInterval = setInterval;
const realClear = clearInterval;
const realTimeout = setTimeout;
const realNow = performance.now.bind(performance);
let prepared = false;
let cells: Int32Array | undefined;

function start(): Int32Array | undefined {
  const threads = hostModule<Threads>("worker_threads");
  if (threads?.isMainThread !== true || hostModule("inspector") === undefined) return undefined;
  try {
    const memory = new SharedArrayBuffer(24);
    const worker = new threads.Worker(SOURCE, { eval: true, workerData: memory });
    worker.unref();
    worker.on("error", () => undefined);
    return new Int32Array(memory);
  } catch {
    return undefined;
  }
}

/** Watches the async replays of one exploration. */
export class AsyncWatchdog {
  private readonly ms: number;
  private readonly atomics = Atomics;
  private timer: ReturnType<typeof setInterval> | undefined;
  private fail: (() => void) | undefined;

  constructor(ms: number) {
    this.ms = Math.min(ms, 2 ** 31 - 1);
  }

  /** The outcome of `job`; or rejects with what `late` makes once a replay was ended, whatever has become of `job`. */
  async over<T>(job: Promise<T>, late: () => Error): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        this.fail = () => reject(late());
        job.then(resolve, reject);
      });
    } finally {
      this.end();
      realClear(this.timer);
    }
  }

  /** To be awaited before the first replay: a thread that is already computing can't be connected to. */
  async ready(): Promise<void> {
    if (prepared) return;
    prepared = true;
    cells = start();
    if (cells === undefined) return;
    const mine = cells;
    const since = realNow();
    while (this.atomics.load(mine, READY) === 0 && realNow() - since < PATIENCE_MS) {
      await new Promise((resolve) => void realTimeout(resolve, 2));
    }
    if (this.atomics.load(mine, READY) < 0) cells = undefined;
  }

  /** An async replay begins, or goes on after an event. */
  begin(): void {
    if (cells === undefined) return;
    const mine = cells;
    this.timer ??= realInterval(() => this.look(mine), 100);
    this.atomics.store(mine, LIMIT, this.ms);
    this.atomics.add(mine, BEGUN, 1);
    this.atomics.store(mine, RUNNING, 1);
  }

  /** It has come to its next operation. */
  end(): void {
    if (cells !== undefined) this.atomics.store(cells, RUNNING, 0);
  }

  /** How often its thread has looked; undefined where there is none. */
  looks(): number | undefined {
    return cells === undefined ? undefined : this.atomics.load(cells, LOOKS);
  }

  stopped(): boolean {
    return cells !== undefined && this.atomics.load(cells, STOPPED) !== 0;
  }

  private look(mine: Int32Array): void {
    if (this.atomics.load(mine, STOPPED) === 0) return;
    this.end();
    this.atomics.store(mine, STOPPED, 0);
    this.fail?.();
  }
}
