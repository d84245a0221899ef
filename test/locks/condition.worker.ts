// Workers of condition.test.ts.

import { parentPort } from "node:worker_threads";
import { Condition, type ConditionHandle } from "../../src/locks/condition.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { ReentrantMutex, type ReentrantMutexHandle } from "../../src/locks/reentrant-mutex.ts";
import { untilTerminated } from "../support/until-terminated.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Data {
  readonly mode: "order" | "buffer" | "die";
  readonly mutex: MutexHandle | ReentrantMutexHandle;
  readonly condition: ConditionHandle;
  readonly conditions: readonly ConditionHandle[];
  readonly plain: Int32Array;
  readonly rounds: number;
  readonly end: "terminate" | "exit";
}

const given = data<Data>();
const { mode, plain, rounds, index, count } = given;

/** Waits once; notes in which order the waiters came and went. */
async function order(): Promise<void> {
  const mutex = Mutex.from(given.mutex as MutexHandle);
  const condition = Condition.from(given.condition, mutex);
  const guard = await mutex.lockAsync();
  plain[2 + plain[0]++] = index;
  step("waiting");
  if (index % 2 === 0) condition.wait();
  else await condition.waitAsync();
  plain[16 + plain[1]++] = index;
  guard.release();
  finish();
}

/** Two put, two take, one of each by async calls; the sum of what was put less what was taken. */
async function buffer(): Promise<void> {
  const mutex = ReentrantMutex.from(given.mutex as ReentrantMutexHandle);
  const [filled, emptied] = given.conditions.map((handle) => Condition.from(handle, mutex));
  const puts = index < 2;
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    step(puts ? "put" : "take");
    const may = (): boolean => (puts ? plain[0] < 4 : plain[0] > 0);
    const guard = index % 2 === 0 ? mutex.lock() : await mutex.lockAsync();
    const inner = guard.reenter();
    if (index % 2 === 0) (puts ? emptied : filled).waitFor(may);
    else await (puts ? emptied : filled).waitForAsync(may);
    const value = (index + 1) * round;
    if (puts) plain[1 + plain[0]++] = value;
    sum += puts ? value : -plain[1];
    if (!puts) {
      plain[0]--;
      plain.copyWithin(1, 2, 6);
    }
    (puts ? filled : emptied).notify();
    inner.release();
    guard.release();
  }
  finish(sum);
}

/** The first three wait and die; the others wait, to be notified. */
async function die(): Promise<void> {
  const mutex = Mutex.from(given.mutex as MutexHandle);
  const condition = Condition.from(given.condition, mutex);
  // Workers wait in the order of their numbers.
  for (;;) {
    mutex.lock({ recover: () => undefined });
    if (plain[0] === index) break;
    mutex.unlock();
  }
  plain[0]++;
  if (plain[0] === count) parentPort?.postMessage("all wait");
  step("waiting");
  if (index < 3 && given.end === "exit") {
    // The wait has begun, and given the lock back, when the call returns.
    void condition.waitAsync();
    process.exit(0);
  }
  condition.wait({ recover: () => condition.notify() });
  if (index < 3) {
    // On some runtimes a thread that is ended may run on for a while: what it was given is then not lost but passed on,
    // here or by whoever finds that it died with the lock.
    condition.notify();
    mutex.unlock();
    await untilTerminated();
  }
  plain[1]++;
  mutex.unlock();
  finish();
}

if (mode === "order") await order();
else if (mode === "buffer") await buffer();
else await die();
