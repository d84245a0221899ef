// An application that knows nothing of the profiler: a worker waits for a lock that the main thread holds until it sees
// it asleep. Ends with the exit code that it is told, or by the signal.

import { once } from "node:events";
import { isMainThread, Worker } from "node:worker_threads";
import { Mutex } from "../../src/index.ts";

const mutex = Mutex.named("application's lock");

function takesLong() {
  return mutex.lock();
}

if (isMainThread) {
  const guard = takesLong();
  const worker = new Worker(new URL(import.meta.url));
  const ended = once(worker, "exit");
  while (mutex.waiters === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 2));
  guard.release();
  await ended;
  console.log("the application's output", process.argv[2]);
  const ending = process.argv[2];
  if (ending.startsWith("SIG")) {
    process.kill(process.pid, ending);
    setInterval(() => {}, 1000);
  } else process.exitCode = Number(ending);
} else {
  mutex.lock().release();
}
