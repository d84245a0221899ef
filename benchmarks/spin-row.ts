// One row of the spinning benchmark: its workers, and what they are told through shared memory.

import { Worker } from "node:worker_threads";
import type { MutexHandle } from "../src/index.ts";

/** Looks of the spinning locks, which are the first subjects. */
export const LOOKS: readonly number[] = [0, 100, 1000, 5000];

/** Cells of {@link SpinData.control}. */
export const PHASE = 0;
export const SUBJECT = 1;
export const READY = 2;
/** An even phase is a pause; this one is the end. */
export const OVER = -1;

export interface OwnSubject {
  readonly name: string;
  readonly handle: MutexHandle;
  /** Undefined: it learns them. */
  readonly looks?: number;
}

export interface SpinData {
  readonly index: number;
  readonly steps: number;
  readonly control: Int32Array;
  /** The operations of each worker in the last phase. */
  readonly counts: Int32Array;
  /** A plain counter under the lock; the words of the hand-written lock and of the peer's lie behind it. */
  readonly shared: Int32Array;
  readonly peer: SharedArrayBuffer;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** The subjects after those and the hand-written one and the peer. */
  /** The only subject, in place of the rivals: V8 inlines no calls through several regions in one thread. */
  readonly own: OwnSubject | undefined;
}

export class Row {
  readonly #workers: Worker[];
  readonly #control = new Int32Array(new SharedArrayBuffer(64));
  readonly #counts: Int32Array;
  readonly #shared = new Int32Array(new SharedArrayBuffer(1024));
  readonly #failed: Promise<never>;
  #phase = 0;

  constructor(workers: number, steps: number, module: WebAssembly.Module, own: OwnSubject | undefined) {
    this.#counts = new Int32Array(new SharedArrayBuffer(workers * 4));
    const common: Omit<SpinData, "index"> = {
      steps,
      control: this.#control,
      counts: this.#counts,
      shared: this.#shared,
      peer: new SharedArrayBuffer(64),
      module,
      memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
      own,
    };
    const url = new URL("./spin.worker.js", import.meta.url);
    this.#workers = Array.from({ length: workers }, (_, index) => {
      return new Worker(url, { workerData: { ...common, index } satisfies SpinData });
    });
    this.#failed = new Promise((_, reject) => {
      for (const worker of this.#workers) worker.once("error", reject);
      for (const worker of this.#workers) worker.once("exit", (code) => reject(new Error(`a worker ended: ${code}`)));
    });
    this.#failed.catch(() => undefined);
  }

  async ready(): Promise<void> {
    for (const deadline = performance.now() + 60_000; ; ) {
      if (Atomics.load(this.#control, READY) === this.#workers.length) break;
      if (performance.now() > deadline)
        throw new Error(`a worker hung, with subject ${Atomics.load(this.#control, SUBJECT)}`);
      await Promise.race([this.#failed, new Promise((resolve) => setTimeout(resolve, 1))]);
    }
    Atomics.store(this.#control, READY, 0);
  }

  /** Runs one subject for so long: nanoseconds an operation, and the least-served worker's part. */
  async run(subject: number, milliseconds: number): Promise<{ time: number; least: number }> {
    this.#shared[0] = 0;
    Atomics.store(this.#control, SUBJECT, subject);
    const begun = performance.now();
    this.#turn();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const elapsed = performance.now() - begun;
    this.#turn();
    await this.ready();
    const operations = this.#counts.reduce((sum, count) => sum + count, 0);
    if (operations !== this.#shared[0]) throw new Error(`lost counts: ${this.#shared[0]} of ${operations}`);
    const mean = operations / this.#counts.length;
    return { time: (elapsed * 1e6) / operations, least: Math.min(...this.#counts) / mean };
  }

  #turn(): void {
    Atomics.store(this.#control, PHASE, ++this.#phase);
    Atomics.notify(this.#control, PHASE);
  }

  async end(): Promise<void> {
    Atomics.store(this.#control, PHASE, OVER);
    Atomics.notify(this.#control, PHASE);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
