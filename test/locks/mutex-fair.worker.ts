// A thread that waits for a fair mutex as told, and says when it was served.
import { parentPort } from "node:worker_threads";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { data, finish } from "../support/watchdog.ts";

const { handle, words, behaviour, index } = data<{ handle: MutexHandle; words: Int32Array; behaviour: string }>();
const mutex = Mutex.from(handle);

switch (behaviour) {
  case "line up": {
    if (index === 0) parentPort?.postMessage("begins");
    for (let seen = Atomics.load(words, 0); seen <= index; seen = Atomics.load(words, 0))
      Atomics.wait(words, 0, seen, 1000);
    finish(mutex.withLock(() => Atomics.add(words, 1, 1)));
    break;
  }
  case "wait and die":
    parentPort?.postMessage("begins");
    mutex.lock();
    process.exit(0);
    break;
  default: {
    // Whoever is the first to have 200 holds ends it for all.
    parentPort?.postMessage("begins");
    let held = 0;
    while (Atomics.load(words, 1) === 0) {
      mutex.lock();
      words[2] += 1;
      held += 1;
      mutex.unlock();
      if (held === 200) Atomics.store(words, 1, 1);
    }
    finish(held);
  }
}
