// Those who are chosen are woken when the lock is given back, not before: then they find it free. Whoever dies on the way,
// a chosen waiter or the one that chose, keeps none of the others from going on.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { nativePart } from "../../src/cells/native.ts";
import { Condition } from "../../src/locks/condition.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { TABLE } from "../../src/protocols/condition.ts";
import { freeNode, nextDue, publishNode } from "../../src/protocols/wait-nodes.ts";
import { Region } from "../../src/region/region.ts";
import { takeNode } from "../../src/region/wait-queue.ts";
import { until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { runWorkers, type WorkerRun } from "../support/watchdog.ts";

const test = suite("Condition: wakes");
const file = new URL("./condition-wakes.worker.js", import.meta.url);
if (nativePart() === undefined) console.log("without native parking: the native part is not built");

function start(parking: "atomics" | "native", count: number, how: Partial<WorkerRun> = {}, dies = -1) {
  const region = Region.create({ parking });
  const mutex = new Mutex({ region });
  const condition = new Condition(mutex);
  const words = new Int32Array(new SharedArrayBuffer(64));
  const handles = { mutex: mutex.share(), condition: condition.share(), words };
  const outcomes = runWorkers({ file, count, workerData: (index) => ({ ...handles, dies: index === dies }), ...how });
  return { region, mutex, condition, words, outcomes };
}

for (const parking of nativePart() === undefined ? (["atomics"] as const) : (["atomics", "native"] as const)) {
  test(`${parking}: notifyAll's wakes are owed until the lock is given back; all go on then`, async () => {
    const { region, mutex, condition, words, outcomes } = start(parking, 8);
    await until(() => condition.waiters === 8);
    mutex.lock();
    assert.is(condition.notifyAll(), 8);
    assert.is(condition.waiters, 0);
    // A lock and a node each: of some of them, who wake the others in a chain. Natively those who sleep already are moved to
    // the lock's own sleepers.
    if (parking === "atomics") assert.ok(region.owedWakes.length >= 2 && region.owedWakes.length <= 8);
    assert.is(words[1], 0);
    mutex.unlock();
    assert.is(region.owedWakes.length, 0);
    await outcomes;
    assert.is(words[1], 8);
    assert.not.ok(mutex.locked);
    assert.is(condition.waiters, 0);
  });

  for (const victim of [0, 3]) {
    test(`${parking}: a chosen waiter that is terminated keeps the others from nothing (${victim})`, async () => {
      let workers: readonly Worker[] = [];
      const { mutex, condition, words, outcomes } = start(parking, 4, {
        mayDie: (index) => index === victim,
        onMessage: (_message, _index, all) => {
          workers = all;
        },
      });
      // Bun delivers messages later than the memory tells that all wait.
      await until(() => condition.waiters === 4 && workers.length > 0);
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

  test(`${parking}: whoever chose the others and dies with the lock leaves it to them`, async () => {
    const { words, outcomes } = start(parking, 5, { mayDie: (index) => index === 4 }, 4);
    await outcomes;
    assert.is(words[1], 4);
  });
}

test("each condition's chain has a beginning: what is owed for another one does not count", () => {
  const region = Region.create();
  const mutex = new Mutex({ region });
  const { words } = region.memory;
  const conditions = [new Condition(mutex), new Condition(mutex)];
  const nodes = conditions.map(({ index }) =>
    Array.from({ length: 6 }, () => {
      const node = takeNode(region, index + TABLE);
      publishNode(words, index + TABLE, node, region.me);
      return node;
    }),
  );
  mutex.lock();
  for (const condition of conditions) assert.is(condition.notifyAll(), 6);
  for (const [at, { index }] of conditions.entries()) {
    const owed = nodes[at].filter((node) => region.owedWakes.includes(node));
    assert.ok(owed.length >= 1 && owed.length <= 4);
    // The others come one by one, each once.
    const chain = Array.from({ length: 7 - owed.length }, () => nextDue(words, index + TABLE));
    assert.equal([...owed, ...chain], [...nodes[at], 0]);
    for (const node of nodes[at]) freeNode(words, index + TABLE, node);
  }
  mutex.unlock();
  assert.is(region.owedWakes.length, 0);
});

test("the release of the last level pays, and a wait on another condition does", async () => {
  for (const fair of [false, true]) {
    const region = Region.create();
    const mutex = new ReentrantMutex({ region, fair });
    const [first, second] = [new Condition(mutex), new Condition(mutex)];
    mutex.lock();
    const waiting = first.waitAsync();
    const outer = mutex.lock();
    const inner = outer.reenter();
    assert.is(first.notify(), 1);
    assert.is(region.owedWakes.length, 2);
    inner.release();
    assert.is(region.owedWakes.length, 2);
    assert.is(second.wait({ timeout: 0 }), false);
    assert.is(region.owedWakes.length, 0);
    assert.ok(outer.held);
    mutex.unlock();
    assert.is(await waiting, true);
    mutex.unlock();
    assert.not.ok(mutex.locked);
  }
});

test("what is owed for one lock is not paid with another", async () => {
  const region = Region.create();
  const mutexes = [new Mutex({ region }), new Mutex({ region })];
  const conditions = mutexes.map((mutex) => new Condition(mutex));
  const waits = mutexes.map(async (mutex, at) => {
    mutex.lock();
    assert.is(await conditions[at].waitAsync(), true);
    mutex.unlock();
  });
  for (const mutex of mutexes) mutex.lock();
  for (const condition of conditions) assert.is(condition.notify(), 1);
  mutexes[0].unlock();
  assert.is(region.owedWakes.length, 2);
  assert.is(region.owedWakes[0], mutexes[1].index);
  mutexes[1].unlock();
  assert.is(region.owedWakes.length, 0);
  await Promise.all(waits);
});

test.run();
