// ReentrantMutex: the conformance suite on each backend, both builds of the protocol against each other, real workers.

import * as assert from "uvu/assert";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { Region } from "../../src/region/region.ts";
import { reentrantMutexSuite } from "../suites/reentrant-mutex-suite.ts";
import { backends } from "../support/backends.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("ReentrantMutex");
for (const fair of [false, true]) for (const backend of backends) reentrantMutexSuite(test, backend, fair);

const file = new URL("./reentrant-mutex.worker.js", import.meta.url);

test("JavaScript and WebAssembly leave the same words after the same random operations", () => {
  const regions = [Region.create(), Region.create({ wasm: false })];
  const locks = regions.map((region) => new ReentrantMutex({ region }));
  let seed = 7;
  for (let step = 0; step < 20_000; step++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    for (const lock of locks) {
      if ((seed >> 16) % 9 < 4) lock.lock();
      else if (lock.heldByMe) lock.unlock();
    }
    const [a, b] = locks.map((lock) => [...lock.region.memory.words.subarray(lock.index, lock.index + 8)]);
    a[0] = a[0] === 0 ? 0 : 1;
    b[0] = b[0] === 0 ? 0 : 1;
    assert.equal(a, b);
  }
});

test("threads and tasks, sync and async, Wasm and JavaScript, exclude each other at any depth", async () => {
  const region = Region.create();
  const mutex = new ReentrantMutex({ region });
  const plain = new Int32Array(new SharedArrayBuffer(8));
  const rounds = 2000;
  await runWorkers({ file, count: 4, workerData: { mode: "stress", mutex: mutex.share(), plain, rounds } });
  assert.is(plain[0], 4 * rounds);
  assert.is(plain[1], 0);
  assert.is(mutex.locked, false);
});

for (const end of ["terminate", "exit", "throw"]) {
  test(`a worker that ends by ${end} at depth 3: the next owner is told and has one level`, async () => {
    const region = Region.create();
    const mutex = new ReentrantMutex({ region });
    const died = runWorkers({
      file,
      count: 1,
      workerData: { mode: "die", end, mutex: mutex.share() },
      mayDie: () => true,
      onMessage: (_, __, [worker]) => void worker.terminate(),
    });
    await died;
    let told = 0;
    const guard = mutex.lock({ timeout: 5000, recover: () => void told++ });
    assert.is(told, 1);
    assert.is(mutex.holdCount, 1);
    guard.release();
    assert.is(mutex.locked, false);
  });
}

test.run();
