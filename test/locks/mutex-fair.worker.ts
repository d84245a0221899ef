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
    // Once everyone is in line, served as often as it comes: who was among the first 32, and how many there were.
    parentPort?.postMessage("begins");
    for (let held = 0; held < 50; held++) {
      mutex.lock();
      if (words[2] < 32) words[8 + words[2]] = index;
      words[2] += 1;
      mutex.unlock();
    }
    finish(50);
  }
}
