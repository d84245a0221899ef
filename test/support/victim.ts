// Workers that end when the test says so, in each of the ways in which a thread can end.

import { parentPort, type Worker } from "node:worker_threads";
import { terminateInterrupts } from "./until-terminated.ts";
import { runWorkers, type WorkerOutcome } from "./watchdog.ts";

export type Ending = "terminate()" | "process.exit()" | "an uncaught error";
export const endings: readonly Ending[] = ["terminate()", "process.exit()", "an uncaught error"];

export interface VictimData {
  readonly ending: Ending;
  readonly gate: Int32Array;
}

export interface Victim {
  /** Resolves once the worker has called ready(). */
  readonly ready: Promise<void>;
  /** Ends the worker; resolves once it is gone. */
  end(): Promise<void>;
}

/** Starts one worker that calls {@link ready} when it is in place. */
export function startVictim(file: URL, ending: Ending, workerData: object): Victim {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  let worker: Worker | undefined;
  let inPlace = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    inPlace = resolve;
  });
  const run: Promise<WorkerOutcome[]> = runWorkers({
    file,
    count: 1,
    workerData: { ...workerData, ending, gate },
    mayDie: () => true,
    onMessage: (_message, _index, workers) => {
      worker = workers[0];
      inPlace();
    },
  });
  const end = async (): Promise<void> => {
    if (ending === "terminate()") await worker?.terminate();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await run;
  };
  return { ready, end };
}

/**
 * In the worker: says that it is in place, and ends when the test says so. Ends by an error only after it returned to the
 * event loop, so that no `finally` runs.
 */
export function ready({ ending, gate }: VictimData): void {
  parentPort?.postMessage("ready");
  if (ending === "an uncaught error") {
    setInterval(() => {
      if (Atomics.load(gate, 0) !== 0) throw new Error("uncaught");
    }, 1);
    return;
  }
  if (ending === "terminate()" && !terminateInterrupts) {
    // There it is ended in its event loop only.
    setInterval(() => undefined, 1000);
    return;
  }
  Atomics.wait(gate, 0, 0);
  if (ending === "process.exit()") process.exit(3);
  Atomics.wait(gate, 0, 1);
}
