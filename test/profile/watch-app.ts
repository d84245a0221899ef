// An application for `holdfast watch`: a worker waits for a lock that the main thread holds until a line comes in.

import { once } from "node:events";
import { isMainThread, Worker } from "node:worker_threads";
import { Mutex } from "../../src/index.ts";

const mutex = Mutex.named("watched lock");

if (isMainThread) {
  const guard = mutex.lock();
  const worker = new Worker(new URL(import.meta.url));
  const ended = once(worker, "exit");
  process.stdin.resume();
  await once(process.stdin, "data");
  process.stdin.pause();
  guard.release();
  await ended;
  console.log("the application's output");
} else {
  mutex.lock().release();
}
