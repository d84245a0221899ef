// A thread that waits once on a condition and says so under the lock, or notifies those who wait and dies with the lock.
import { parentPort } from "node:worker_threads";
import { Condition, type ConditionHandle } from "../../src/locks/condition.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { untilBlocking } from "../support/lock-backends.ts";
import { data, finish } from "../support/watchdog.ts";

interface Work {
  readonly mutex: MutexHandle;
  readonly condition: ConditionHandle;
  readonly dies: boolean;
  /** [1] how many are back. */
  readonly words: Int32Array;
}

const { words, dies, count, ...handles } = data<Work>();
const mutex = Mutex.from(handles.mutex);
const condition = Condition.from(handles.condition, mutex);

if (dies) {
  untilBlocking(() => condition.waiters === count - 1);
  mutex.lock();
  condition.notifyAll();
  process.exit(0);
}
parentPort?.postMessage("waits");
const recover = (): void => undefined;
mutex.lock({ recover });
condition.wait({ recover });
words[1]++;
mutex.unlock();
finish();
