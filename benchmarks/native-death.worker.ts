// Holds the lock for ever, or, if another thread has it, waits until that one is dead.

import { workerData } from "node:worker_threads";
import { Event, Mutex } from "../src/index.ts";
import { type DeathData, DIED, HELD, TOLD, WAITING } from "./native-death.ts";

const { handle, event, asleep, control, time } = workerData as DeathData;
const mutex = Mutex.from(handle);

function keep(): never {
  Atomics.store(control, HELD, 1);
  if (asleep) Event.from(event).wait();
  for (let k = 0; ; k = (k + 1) | 0) Atomics.store(control, HELD, k | 1);
}

if (mutex.tryLock() !== undefined) keep();
Atomics.store(control, WAITING, 1);
mutex.lock({
  recover: () => {
    control[DIED] = 1;
  },
});
time[0] = performance.timeOrigin + performance.now();
Atomics.store(control, TOLD, 1);
Atomics.notify(control, TOLD);
mutex.unlock();
