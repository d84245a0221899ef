// One worker of a run over a shared map: one case in a loop from the start line until it is told to stop.

import { parentPort, workerData } from "node:worker_threads";
import type { CrowdData } from "./map-crowd.ts";
import { fill, keys, loopOf } from "./map-plan.ts";
import { isSqlite } from "./rivals/sqlite.ts";
import { openStore, type Question } from "./rivals/tables.ts";

const { subject, name, control, handle, port } = workerData as CrowdData;
const BATCH = 500;
/**
 * A worker is warm after so many operations, and the time that the compiler takes: 16 of them on two cores share both, so
 * that time alone says nothing.
 */
const WARM_OPERATIONS = 3_000_000;
const WARM_MS = 500;
const WARM_AT_MOST_MS = 6000;
/** SQLite is compiled already. */
const WARM_SQLITE_MS = 1000;

function ready(): void {
  Atomics.add(control, 1, 1);
  Atomics.wait(control, 0, 0);
}

function runHere(): number {
  const { store } = openStore(subject, handle);
  // The floor is a Map of each worker's own: nothing is shared, so it shows what the machine gives.
  if (handle === undefined) fill(store);
  const loop = loopOf(name, store);
  // A worker compiles its code anew, beside the others.
  const begun = performance.now();
  const atMost = isSqlite(subject) ? WARM_SQLITE_MS : WARM_AT_MOST_MS;
  const warmFor = (): number => performance.now() - begun;
  for (let done = 0; warmFor() < WARM_MS || (done < WARM_OPERATIONS && warmFor() < atMost); done += BATCH) {
    loop(BATCH);
  }
  ready();
  let operations = 0;
  while (Atomics.load(control, 0) === 1) {
    loop(BATCH);
    operations += BATCH;
  }
  return operations;
}

function ask(k: number): Question {
  const key = keys[k % keys.length];
  if (name === "set" || (name === "mixed 95:5" && k % 20 === 7)) return ["set", key, "Bob Example"];
  return [name === "add" ? "add" : "get", key];
}

async function runByMessages(): Promise<number> {
  if (port === undefined) throw new Error("no port to ask through");
  const round = (k: number): Promise<unknown> =>
    new Promise((resolve) => {
      port.once("message", resolve);
      port.postMessage(ask(k));
    });
  for (let k = 0; k < 500; k++) await round(k);
  ready();
  let operations = 0;
  while (Atomics.load(control, 0) === 1) await round(operations++);
  port.close();
  return operations;
}

parentPort?.postMessage(subject === "postMessage" ? await runByMessages() : runHere());
