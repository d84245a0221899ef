// One thread of a recorded history: does its operations behind a common start line and sends what it recorded.

import { parentPort, workerData } from "node:worker_threads";
import { recordHistory } from "../../src/testing/history.ts";
import type { HistoryPlan } from "./linearizable.ts";
import { perform } from "./linearizable.ts";

const plan = workerData as HistoryPlan;
const recorder = recordHistory(plan.clock, plan.thread);
// Everybody waits for everybody, so that the operations overlap.
if (Atomics.add(plan.gate, 0, 1) === plan.threads - 1) Atomics.notify(plan.gate, 0);
for (let seen = Atomics.load(plan.gate, 0); seen < plan.threads; seen = Atomics.load(plan.gate, 0)) {
  Atomics.wait(plan.gate, 0, seen, 50);
}
perform(plan, recorder);
parentPort?.postMessage(recorder.operations);
