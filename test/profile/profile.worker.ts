// The other thread of profile.test.ts; what it does is said by workerData.role. Threads step by flags, never by time.

import { parentPort, workerData } from "node:worker_threads";
import { Mutex, Region } from "../../src/index.ts";
import { act, flagsOf, ROUNDS, waitUntil } from "./profile.roles.ts";

const { role, flags } = workerData as { role: string; flags: SharedArrayBuffer };

if (role === "culprit" || role === "victim") {
  parentPort?.postMessage(act(role, Mutex.named("hot"), flagsOf(flags), ROUNDS));
} else if (role === "holder") {
  Mutex.named("left held").lock();
  Atomics.store(flagsOf(flags), 0, 1);
  Atomics.notify(flagsOf(flags), 0);
  waitUntil(flagsOf(flags), 1, 1);
} else if (role === "own region") {
  const mutex = new Mutex({ region: Region.create({ name: "private" }) });
  const first = await mutex.lockAsync();
  const second = mutex.lockAsync();
  first.release();
  (await second).release();
  parentPort?.postMessage("done");
}
