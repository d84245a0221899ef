// Ends a worker as soon as something is so, looking every millisecond: for tests that need a thread to have begun.

import type { Worker } from "node:worker_threads";

/** Terminates the worker once `condition` holds. The watch ends with it. */
export function terminateOnce(worker: Worker, condition: () => boolean): void {
  const watch = setInterval(() => {
    if (!condition()) return;
    clearInterval(watch);
    void worker.terminate();
  }, 1);
  worker.once("exit", () => clearInterval(watch));
}
