// A thread of the soak over short lives: attaches, takes the lock some times, and ends as told.
import { parentPort, workerData } from "node:worker_threads";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import type { ShortLife } from "./threads.ts";

const { ending, plain, steps, stage, lock, held } = workerData as ShortLife & { lock: MutexHandle; held: MutexHandle };
const mutex = Mutex.from(lock);
const recover = (): void => undefined;

const HOLDS = 20;

function step(): void {
  Atomics.add(stage, 0, 1);
  Atomics.add(steps, 0, 1);
}

for (let k = 0; k < HOLDS; k++) {
  const guard = mutex.lock({ recover });
  plain[0]++;
  guard.release();
  step();
}
Atomics.add(plain, 1, HOLDS);
step();

if (ending !== "return" && ending !== "killed asleep") mutex.lock({ recover });
step();
if (ending === "exit with a lock") process.exit(0);
if (ending !== "return") parentPort?.postMessage("kill me");
if (ending === "killed asleep") Mutex.from(held).lock();
while (ending === "killed with a lock");
