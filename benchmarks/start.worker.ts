// A worker that is ready once it has what it was told: nothing, the package, or a lock of a region besides.

import { parentPort, workerData } from "node:worker_threads";
import type { MutexHandle } from "../src/index.ts";

const { what, handle } = workerData as { what: string; handle: MutexHandle | undefined };
if (what !== "floor") {
  const { Mutex } = await import("../src/index.ts");
  if (handle !== undefined) {
    const mutex = Mutex.from(handle);
    mutex.lock();
    mutex.unlock();
  }
}
parentPort?.postMessage("ready");
