// A thread of the soak over short lives: attaches, takes the lock some times, and ends as told.
import { parentPort, workerData } from "node:worker_threads";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import type { ShortLife } from "./threads.ts";

const { ending, plain, lock, held } = workerData as ShortLife & { lock: MutexHandle; held: MutexHandle };
const mutex = Mutex.from(lock);
const recover = (): void => undefined;

for (let k = 0; k < 20; k++) {
  const guard = mutex.lock({ recover });
  plain[0]++;
  guard.release();
}
Atomics.add(plain, 1, 20);

if (ending !== "return" && ending !== "killed asleep") mutex.lock({ recover });
if (ending === "exit with a lock") process.exit(0);
if (ending !== "return") parentPort?.postMessage("kill me");
if (ending === "killed asleep") Mutex.from(held).lock();
while (ending === "killed with a lock");
