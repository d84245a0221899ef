// What the option `fair` of a Semaphore promises.

import * as assert from "uvu/assert";
import { Semaphore } from "../../src/index.ts";
import { RESERVED_MS } from "../../src/locks/semaphore-waits.ts";
import { type Backend, sleepers, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { rejected } from "../support/thrown.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";
import { semaphoreWorker as file } from "./semaphore-kit.ts";

export function semaphoreFairSuite(backend: Backend): void {
  const test = suite(`fair Semaphore over ${backend.name}`);
  const region = backend.create();
  const make = (permits: number): Semaphore => new Semaphore({ region, permits, fair: true });
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(256));

  test("threads are served in the order in which they came, whatever they want", async () => {
    const semaphore = make(3);
    semaphore.acquire(3);
    const order = words();
    const run = runWorkers({
      file,
      count: 6,
      workerData: (index) => ({
        role: "in order",
        handle: semaphore.share(),
        // Served alone, one after the other.
        n: index % 2 === 0 ? 3 : 2,
        words: order,
      }),
    });
    await until(() => sleepers(semaphore) === 6);
    // Too few for the first: nobody else may have them.
    semaphore.release(2);
    assert.is(sleepers(semaphore), 6);
    semaphore.release(1);
    await run;
    assert.equal(Array.from(order.subarray(6, 12)), [0, 1, 2, 3, 4, 5]);
    assert.is(semaphore.available, 3);
  });

  test("tasks of one thread are served in the order in which they came, small behind large ones", async () => {
    const semaphore = make(4);
    semaphore.acquire(4);
    const order: number[] = [];
    const tasks = [4, 1, 3, 2, 4, 1].map((n, task) =>
      semaphore.acquireAsync(n).then(() => {
        order.push(task);
        semaphore.release(n);
      }),
    );
    semaphore.release(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(order, []);
    semaphore.release(3);
    await Promise.all(tasks);
    assert.equal(order, [0, 1, 2, 3, 4, 5]);
    assert.is(semaphore.available, 4);
  });

  test("threads and tasks stand in one line", async () => {
    // A task whose thread does not come for 10 ms is passed over, as it may be on a busy machine: then once more.
    for (let attempt = 0; attempt < 20; attempt++) if (await threadBetweenTasks()) return;
  });

  /** True if it was so that this thread, and the order, can be judged. */
  async function threadBetweenTasks(): Promise<boolean> {
    const semaphore = make(1);
    semaphore.acquire();
    const order = words();
    const steps = createSteps(1);
    const served: string[] = [];
    const first = semaphore.acquireAsync().then(() => served.push("task"));
    const run = runWorkers({
      file,
      count: 1,
      steps,
      workerData: { role: "in order", handle: semaphore.share(), n: 1, words: order },
    });
    await until(() => sleepers(semaphore) === 1);
    const last = semaphore
      .acquireAsync()
      .then(() => served.push(order[0] === 1 ? "task after the thread" : "too early"));
    const begun = performance.now();
    semaphore.release();
    await first;
    const passedOver = order[0] === 1;
    const late = performance.now() - begun >= RESERVED_MS;
    semaphore.release();
    await Promise.all([last, run]);
    if (passedOver) assert.ok(late, "the thread overtook a task that came in time");
    else assert.equal(served, ["task", "task after the thread"]);
    return !passedOver;
  }

  test("a newcomer does not overtake, but a try does", async () => {
    const semaphore = make(2);
    semaphore.acquire(1);
    const large = semaphore.acquireAsync(2);
    assert.is(semaphore.tryAcquire(), true);
    semaphore.release();
    const small = semaphore.acquireAsync(1);
    let overtook = false;
    void small.then(() => {
      overtook = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.is(overtook, false);
    semaphore.release();
    await large;
    semaphore.release(2);
    await small;
    semaphore.release();
    assert.is(semaphore.available, 2);
  });

  test("whoever leaves the head of the line lets the next one go on", async () => {
    const semaphore = make(2);
    semaphore.acquire(1);
    const run = runWorkers({
      file,
      count: 1,
      workerData: { role: "acquire", handle: semaphore.share(), n: 1, words: words() },
    });
    // The task comes first, or the thread is served at once; either way nobody is left waiting.
    const controller = new AbortController();
    const large = rejected(semaphore.acquireAsync(2, { signal: controller.signal }));
    const small = semaphore.acquireAsync(1, { timeout: 60_000 });
    await until(() => sleepers(semaphore) === 1 || semaphore.available === 0);
    controller.abort("leave");
    assert.is(await large, "leave");
    semaphore.release();
    await Promise.all([small, run]);
    const timed = rejected(semaphore.acquireAsync(2, { timeout: 3 }));
    const behind = semaphore.acquireAsync(2);
    assert.is((await timed).code, "ERR_TIMEOUT");
    semaphore.release(2);
    await behind;
    assert.is(semaphore.waiters, 0);
  });

  test("a task at the head whose thread is blocked is passed over", async () => {
    const semaphore = make(1);
    semaphore.acquire();
    const gate = words();
    const steps = createSteps(3);
    const run = runWorkers({
      file,
      count: 3,
      steps,
      workerData: (index) => ({
        role: index === 0 ? "busy" : index === 1 ? "acquire" : "acquireAsync",
        handle: semaphore.share(),
        n: 1,
        words: gate,
      }),
    });
    await until(() => readStep(steps, 0).startsWith('"awaits"'));
    await until(() => sleepers(semaphore) === 1 && readStep(steps, 2).startsWith('"awaits"'));
    for (const _ of [1, 2]) {
      const done = (): number => [1, 2].filter((index) => readStep(steps, index).startsWith('"finished"')).length;
      const before = done();
      semaphore.release();
      await until(() => done() > before);
    }
    semaphore.release();
    Atomics.store(gate, 3, 1);
    Atomics.notify(gate, 3);
    assert.ok((await run).every(({ result }) => result === "acquired"));
  });

  test("in a tight loop none of 16 threads is served again before all that stood in line were served", async () => {
    const semaphore = make(1);
    const oracle = words();
    semaphore.acquire();
    const run = runWorkers<number>({
      file,
      count: 16,
      steps: createSteps(16),
      timeoutMs: 60_000,
      workerData: { role: "count", handle: semaphore.share(), n: 1, rounds: 50, words: oracle },
    });
    await until(() => sleepers(semaphore) === 16);
    semaphore.release();
    const served = (await run).reduce((sum, { result }) => sum + result, 0);
    assert.is(oracle[4], served);
    assert.is(new Set(oracle.subarray(8, 24)).size, 16, oracle.subarray(8, 24).join());
  });

  test.run();
}
