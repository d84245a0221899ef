// What the parts of the Barrier suite share: makers of barriers, and two workers that wait at one.

import { Barrier } from "../../src/index.ts";
import { type Backend, sleepers, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { createSteps, readStep, runWorkers, type WorkerOutcome } from "../support/watchdog.ts";

export const barrierWorker = new URL("./barrier.worker.js", import.meta.url);

export type BarrierKit = ReturnType<typeof barrierKit>;

/** What the parts of the suite share. */
export function barrierKit(backend: Backend) {
  const test = suite(`Barrier over ${backend.name}`);
  const region = backend.create();
  const make = (parties: number, options: { action?: () => void; timeout?: number } = {}): Barrier =>
    new Barrier({ region, parties, ...options });
  const resultsOf = (outcomes: readonly WorkerOutcome[]): unknown[] =>
    outcomes.map(({ result }) => result).sort((a, b) => (String(a) < String(b) ? -1 : 1));

  /** Two waiters in two workers: a thread that sleeps and a task. */
  const waiters = async (barrier: Barrier): Promise<() => Promise<unknown[]>> => {
    const steps = createSteps(2);
    const run = runWorkers({
      file: barrierWorker,
      count: 2,
      steps,
      workerData: (index) => ({ role: index === 0 ? "wait" : "waitAsync", handle: barrier.share() }),
    });
    await until(() => barrier.waiting === 2 && readStep(steps, 1).startsWith('"awaits"') && sleepers(barrier) === 1);
    return () => run.then(resultsOf);
  };
  return { test, region, make, resultsOf, waiters };
}
