// The workers of a run: started together, ended together.
//
// Invariant: when `closed` settles no worker runs any more. A worker that throws or exits before its end was told fails
// the whole run: nobody waits for work that will never be done.

import { Worker } from "node:worker_threads";
import type { FromWorker, ToWorker, WorkerTask } from "./run-protocol.ts";

/** Small heaps, collected often: sixteen workers must fit into one gigabyte with all the messages beside them. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 512 };

export class WorkerPool {
  readonly #workers: Worker[];
  #ending = false;
  #fail: (error: unknown) => void = () => {};
  /** Rejects with the first error of any worker; never fulfilled. */
  readonly failed: Promise<never>;

  constructor(count: number, task: WorkerTask, onMessage: (message: FromWorker, send: (to: ToWorker) => void) => void) {
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
    this.#workers = Array.from({ length: count }, () => {
      const worker = new Worker(new URL("./scan.worker.js", import.meta.url), {
        workerData: task,
        resourceLimits: LIMITS,
      });
      worker.on("message", (message: FromWorker) => {
        try {
          onMessage(message, (to) => worker.postMessage(to));
        } catch (error) {
          this.#fail(error);
        }
      });
      worker.on("error", (error) => this.#fail(error));
      worker.on("exit", (code) => {
        if (!this.#ending) this.#fail(new Error(`a worker ended before its work was done (exit code ${code})`));
      });
      return worker;
    });
  }

  /** Tells all workers that there is no more to do, and waits until they are gone. */
  async end(): Promise<void> {
    this.#ending = true;
    const gone = this.#workers.map((worker) => new Promise<void>((resolve) => worker.once("exit", () => resolve())));
    for (const worker of this.#workers) worker.postMessage({ type: "end" } satisfies ToWorker);
    await Promise.race([Promise.all(gone), this.failed]);
  }

  /** Ends all workers where they stand. */
  async terminate(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
