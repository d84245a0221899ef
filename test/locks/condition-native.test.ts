// Where threads sleep natively, notifyAll moves them to the lock's own sleepers: they go on one by one, in the order in
// which they came, as the lock is given back; and whoever dies on the way keeps none of the others.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { load } from "../../src/cells/atomics.ts";
import { nativePart } from "../../src/cells/native.ts";
import { Condition } from "../../src/locks/condition.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { H_MAX_THREADS, T_WAIT_CELL } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { slotWord } from "../../src/region/threads.ts";
import { until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { runWorkers, type WorkerRun } from "../support/watchdog.ts";

const test = suite("Condition: native parking");
const file = new URL("./condition-native.worker.js", import.meta.url);

function start(count: number, how: Partial<WorkerRun> = {}, dies = -1) {
  const region = Region.create({ parking: "native" });
  const mutex = new Mutex({ region });
  const condition = new Condition(mutex);
  const words = new Int32Array(new SharedArrayBuffer(64));
  const handles = { mutex: mutex.share(), condition: condition.share(), words };
  const outcomes = runWorkers({ file, count, workerData: (index) => ({ ...handles, dies: index === dies }), ...how });
  /** How many threads sleep for a free lock, as their slots say. */
  const onLock = (): number => {
    const memory = region.memory.words;
    let sleepers = 0;
    for (let slot = 0; slot < memory[H_MAX_THREADS]; slot++) {
      if (load(memory, slotWord(slot) + T_WAIT_CELL) === mutex.index) sleepers++;
    }
    return sleepers;
  };
  return { mutex, condition, words, outcomes, onLock };
}

if (nativePart() === undefined) {
  console.log("skipped: the native part is not built (npm run build:native)");
  test("without the native part notifyAll wakes", () => {
    const mutex = new Mutex({ region: Region.create() });
    assert.not.ok(mutex.withLock(() => mutex.handOver(mutex.index, 1)));
  });
} else {
  test("notifyAll moves the sleepers to the lock; all go on once it is free", async () => {
    const { mutex, condition, words, outcomes, onLock } = start(8);
    await until(() => condition.waiters === 8);
    const handed: boolean[] = [];
    const handOver = mutex.handOver.bind(mutex);
    mutex.handOver = (cell, owner) => {
      handed.push(handOver(cell, owner));
      return handed[handed.length - 1];
    };
    mutex.lock();
    assert.is(condition.notifyAll(), 8);
    // One that looked about itself at that moment, at the end of a slice, can't be moved, and comes by itself.
    assert.is(handed.length, 8);
    assert.ok(handed.includes(true));
    await until(() => onLock() === 8);
    assert.is(words[1], 0);
    mutex.unlock();
    await outcomes;
    assert.is(words[1], 8);
    assert.not.ok(mutex.locked);
    assert.is(condition.waiters, 0);
  });

  for (const victim of [0, 3]) {
    test(`a moved waiter that is terminated keeps the others from nothing (${victim})`, async () => {
      let workers: readonly Worker[] = [];
      const { mutex, condition, words, outcomes } = start(4, {
        mayDie: (index) => index === victim,
        onMessage: (_message, _index, all) => {
          workers = all;
        },
      });
      await until(() => condition.waiters === 4);
      mutex.lock();
      condition.notifyAll();
      const ended = workers[victim].terminate();
      mutex.unlock();
      await ended;
      await outcomes;
      assert.ok(words[1] >= 3);
      assert.not.ok(mutex.locked);
    });
  }

  test("whoever moved the others and dies with the lock leaves it to them", async () => {
    const { words, outcomes } = start(5, { mayDie: (index) => index === 4 }, 4);
    await outcomes;
    assert.is(words[1], 4);
  });
}

test.run();
