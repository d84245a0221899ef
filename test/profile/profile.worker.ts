// The other thread of profile.test.ts; what it does is said by workerData.role. Threads step by flags, never by time.

import { parentPort, workerData } from "node:worker_threads";
import { type HoldfastError, Mutex, Once, Region } from "../../src/index.ts";
import { countSleepers } from "../../src/region/threads.ts";
import { act, flagsOf, ROUNDS, waitUntil } from "./profile.roles.ts";

const { role, flags, name, names } = workerData as {
  role: string;
  flags: SharedArrayBuffer;
  name: string;
  names: readonly string[];
};

/** Says that it is in place. */
function arrive(): void {
  Atomics.store(flagsOf(flags), 0, 1);
  Atomics.notify(flagsOf(flags), 0);
}

/** Until another thread sleeps for the object. */
function untilAwaited(index: number, { memory }: Region): void {
  while (countSleepers(memory.words, index) === 0);
}

if (role === "culprit" || role === "victim") {
  parentPort?.postMessage(act(role, Mutex.named("hot"), flagsOf(flags), ROUNDS));
} else if (role === "holder") {
  Mutex.named("left held").lock();
  arrive();
  waitUntil(flagsOf(flags), 1, 1);
} else if (role === "runs once") {
  const of = Once.named(name);
  of.call(() => {
    arrive();
    waitUntil(flagsOf(flags), 1, 1);
    untilAwaited(of.index, of.region);
  });
} else if (role === "deadlock") {
  const [a, b] = names.map((each) => Mutex.named(each));
  a.withLock(() => {
    arrive();
    try {
      b.lock();
      parentPort?.postMessage("got it");
    } catch (error) {
      parentPort?.postMessage((error as HoldfastError).code);
    }
  });
} else if (role === "own region") {
  const mutex = new Mutex({ region: Region.create({ name: "private" }) });
  const first = await mutex.lockAsync();
  const second = mutex.lockAsync();
  first.release();
  (await second).release();
  parentPort?.postMessage("done");
}
