// Who is served when by a fair mutex, and what a death of whoever is next leaves behind.
// native: too

import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { drawTicket, enterLine, nodeOf } from "../../src/protocols/fair-line.ts";
import { POLICY } from "../../src/protocols/mutex.ts";
import { Region } from "../../src/region/region.ts";
import { anotherThread, vanish } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("order of a fair mutex");
const file = new URL("./mutex-fair.worker.js", import.meta.url);

async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("threads and tasks are served in the order in which they came", async () => {
  const mutex = new Mutex({ region: Region.create(), fair: true });
  const words = new Int32Array(new SharedArrayBuffer(64));
  const guard = mutex.lock();
  const served: { number: number; threads: number }[] = [];
  let begun: Promise<void> | undefined;
  const tasks: Promise<void>[] = [];
  const mine = async (number: number): Promise<void> => {
    await mutex.withLockAsync(() => served.push({ number, threads: Atomics.load(words, 1) }));
  };
  // Threads come one by one, as they are told; this thread's tasks in between.
  const outcomes = await runWorkers<number>({
    file,
    count: 5,
    workerData: { handle: mutex.share(), words, behaviour: "line up" },
    onMessage: () => {
      begun ??= (async () => {
        for (let next = 0; next < 5; next++) {
          Atomics.store(words, 0, next + 1);
          Atomics.notify(words, 0);
          await until(() => mutex.waiters === next + 1 + tasks.length);
          if (next % 2 === 0) tasks.push(mine(next));
        }
        guard.release();
      })();
    },
  });
  await begun;
  await Promise.all(tasks);
  assert.equal(
    outcomes.map(({ result }) => result),
    [0, 1, 2, 3, 4],
  );
  // Never before those threads that came before it. Where this thread is slow to run its tasks, later ones may pass them.
  assert.equal(
    served.map(({ number }) => number),
    [0, 2, 4],
  );
  for (const { number, threads } of served) assert.ok(threads > number, JSON.stringify(served));
  assert.not.ok(mutex.locked);
});

for (const death of ["exit", "terminate"] as const) {
  test(`the one whose turn it is dies by ${death}: the next one gets the lock`, async () => {
    const mutex = new Mutex({ region: Region.create(), fair: true });
    const words = new Int32Array(new SharedArrayBuffer(64));
    const guard = mutex.lock();
    let here: Promise<void> | undefined;
    await runWorkers({
      file,
      count: 1,
      workerData: { handle: mutex.share(), words, behaviour: "wait and die" },
      mayDie: () => true,
      onMessage: async (_, __, workers) => {
        await until(() => mutex.waiters === 1);
        here = mutex.lockAsync().then((next) => next.release());
        if (death === "terminate") await workers[0].terminate();
        guard.release();
      },
    });
    await here?.catch((error: { guard: { markConsistent(): boolean; release(): void } }) => {
      // It died with the lock in its hands.
      assert.ok(error.guard.markConsistent());
      error.guard.release();
    });
    assert.ok(here);
    assert.not.ok(mutex.locked);
  });
}

test("the first in line is gone and nobody hears of it: who stands behind it asks", async () => {
  for (const [k, wasm] of [true, false].entries()) {
    const mutex = new Mutex({ region: Region.create({ wasm }), fair: true });
    const { words } = mutex.region.memory;
    const line = -words[mutex.index + POLICY];
    const guard = mutex.lock();
    const other = anotherThread(mutex.region);
    enterLine(words, line, nodeOf(line, other.me, 0), other.me, drawTicket(words, line));
    const task = k === 0 ? mutex.lockAsync() : undefined;
    vanish(other);
    guard.release();
    if (task !== undefined) (await task).release();
    else mutex.lock().release();
    assert.not.ok(mutex.locked);
    assert.is(mutex.waiters, 0);
  }
});

test("a task whose thread does not come is passed over, and served once it comes", async () => {
  const mutex = new Mutex({ region: Region.create({ wasm: false }), fair: true });
  const other = anotherThread(mutex.region);
  const guard = mutex.lock();
  const late = mutex.lockAsync();
  guard.release();
  // This thread's event loop does not turn: its own task can't come, and it need not wait for it.
  mutex.lock().release();
  void other;
  (await late).release();
  assert.not.ok(mutex.locked);
});

test("16 threads in a tight loop: none is served again before all that stood in line were served", async () => {
  const mutex = new Mutex({ region: Region.create(), fair: true });
  const words = new Int32Array(new SharedArrayBuffer(256));
  // All of them stand in line before the first one is served.
  const guard = mutex.lock();
  let begun: Promise<void> | undefined;
  const outcomes = await runWorkers<number>({
    file,
    count: 16,
    workerData: { handle: mutex.share(), words, behaviour: "tight loop" },
    onMessage: () => {
      begun ??= until(() => mutex.waiters === 16).then(() => guard.release());
    },
  });
  await begun;
  const total = outcomes.reduce((sum, { result }) => sum + (result as number), 0);
  assert.is(words[2], total);
  assert.is(new Set(words.subarray(8, 24)).size, 16, words.subarray(8, 40).join());
});

test("fair is the lock's: who attaches takes it as it is, and is refused another one", () => {
  const region = Region.create();
  const mutex = new Mutex({ region, name: "fair", fair: true });
  assert.ok(mutex.fair && new Mutex({ region, name: "fair" }).fair && Mutex.from(mutex.share()).fair);
  assert.not.ok(new Mutex({ region }).fair);
  assert.is(
    codeOf(() => new Mutex({ region, name: "fair", fair: false })),
    "ERR_REGION_OPTIONS",
  );
  assert.throws(() => new Mutex({ region, fair: 1 as never }), /fair must be true or false/);
});

test("a fair ReentrantMutex is entered again at once, and goes to the next one after the last level", async () => {
  const mutex = new ReentrantMutex({ region: Region.create(), fair: true });
  mutex.lock();
  const task = mutex.lockAsync();
  mutex.lock();
  mutex.unlock();
  assert.is(mutex.waiters, 1);
  mutex.unlock();
  const guard = await task;
  assert.is(mutex.holdCount, 1);
  guard.release();
  assert.not.ok(mutex.locked);
});

test("5,000 fair locks made and freed do not fill the region", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18 });
  for (let k = 0; k < 5000; k++) new Mutex({ region, fair: true }).free();
});

test.run();
