// What a Semaphore promises those that wait, threads and tasks: wakes, time-outs, aborts, and nobody stranded.

import * as assert from "uvu/assert";
import { Event } from "../../src/index.ts";
import { notifies, until } from "../support/lock-backends.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";
import { assertNoTrace, semaphoreWorker as file, type SemaphoreKit } from "./semaphore-kit.ts";

export function waits(kit: SemaphoreKit): void {
  const { test, region, kind, make, words } = kit;

  test("a time-out leaves no trace, of threads and of tasks", async () => {
    const semaphore = make(3);
    semaphore.acquire(2);
    const before = timersAlive();
    const error = thrown(() => semaphore.acquire(2, { timeout: 3 }));
    assert.is(error.code, "ERR_TIMEOUT");
    assert.equal(error.info, { timeout: 3, n: 2, available: 1 });
    assert.is(
      codeOf(() => semaphore.acquire(2, { timeout: 0 })),
      "ERR_TIMEOUT",
    );
    assert.is(semaphore.tryAcquire(2, { timeout: 3 }), false);
    assert.is(semaphore.tryAcquire(2, { timeout: 0 }), false);
    assert.is((await rejected(semaphore.acquireAsync(3, { timeout: 3 }))).code, "ERR_TIMEOUT");
    assert.is((await rejected(semaphore.acquireAsync(2, { timeout: 0 }))).code, "ERR_TIMEOUT");
    assertNoTrace(semaphore);
    assert.is(timersAlive(), before);
    semaphore.release(2);
    assert.is(semaphore.tryAcquire(3, { timeout: 1 }), true);
  });

  test("an aborted request rejects with the reason and lets those behind it go on", async () => {
    const semaphore = make(3);
    semaphore.acquire(2);
    const before = timersAlive();
    const controller = new AbortController();
    const reason = new Error("enough");
    const large = rejected(semaphore.acquireAsync(3, { signal: controller.signal, timeout: 60_000 }));
    // Long enough for the large request to be served next.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const small = semaphore.acquireAsync(1);
    if (kind.fair) assert.is(semaphore.waiters, 2);
    controller.abort(reason);
    assert.is(await large, reason);
    await small;
    assertNoTrace(semaphore);
    assert.is(timersAlive(), before);
    assert.is(await rejected(semaphore.acquireAsync(1, { signal: controller.signal })), reason);
    semaphore.release(3);
    assert.is(semaphore.available, 3);
  });

  test("a release wakes a thread that sleeps, and a task that awaits", async () => {
    const semaphore = make(2);
    for (const role of ["acquire", "acquireAsync"]) {
      semaphore.drain();
      const steps = createSteps(1);
      const run = runWorkers({
        file,
        count: 1,
        steps,
        workerData: { role, handle: semaphore.share(), n: 2, words: words() },
      });
      await until(() => semaphore.waiters === 1 || readStep(steps, 0).startsWith('"awaits"'));
      semaphore.release();
      semaphore.release();
      assert.is((await run)[0].result, "acquired");
      if (!kind.owned) {
        assert.is(semaphore.available, 0);
        semaphore.release(2);
      }
      await until(() => semaphore.available === 2);
    }
    assertNoTrace(semaphore);
  });

  test("racing releases leave nobody asleep beside permits", async () => {
    if (kind.owned) return;
    const semaphore = make(0);
    const rounds = 2000;
    await runWorkers({
      file,
      count: 6,
      workerData: (index) => ({
        role: index < 3 ? "consume" : "produce",
        handle: semaphore.share(),
        rounds,
        words: words(),
      }),
    });
    assert.is(semaphore.available, 0);
  });

  test("sync and async, small and large, tries, time-outs and aborts: never more in use than there are", async () => {
    for (const permits of [1, 4]) {
      const semaphore = make(permits);
      const oracle = words();
      const run = runWorkers<number>({
        file,
        count: 5,
        timeoutMs: 60_000,
        workerData: { role: "mixed", handle: semaphore.share(), n: permits, rounds: 400, words: oracle },
      });
      const exclusive = (await run).reduce((sum, { result }) => sum + result, 0);
      assert.is(oracle[2], 0, "errors");
      assert.is(oracle[0], 0, "in use");
      assert.is(oracle[4], exclusive, "plain counter");
      assert.is(semaphore.available, permits);
      assertNoTrace(semaphore);
    }
  });

  test("a small request is not stranded behind a large one, nor does it starve it", async () => {
    const semaphore = make(4);
    const oracle = words();
    const done = new Event({ region });
    const run = runWorkers<number>({
      file,
      count: 6,
      timeoutMs: 60_000,
      workerData: (index) => ({
        role: index === 0 ? "large" : "storm",
        handle: semaphore.share(),
        n: 4,
        rounds: 20,
        go: done.share(),
        words: oracle,
      }),
    });
    await done.waitAsync();
    Atomics.store(oracle, 3, 1);
    const served = (await run).slice(1).map(({ result }) => result);
    assert.ok(
      served.every((count) => count > 0),
      String(served),
    );
    assert.is(semaphore.available, 4);
    assertNoTrace(semaphore);
  });

  test("a task whose thread blocks elsewhere swallows nobody's permits", async () => {
    const semaphore = make(2);
    semaphore.drain();
    const oracle = words();
    const steps = createSteps(3);
    const run = runWorkers({
      file,
      count: 3,
      steps,
      workerData: (index) => ({
        role: index === 0 ? "busy" : index === 1 ? "acquire" : "acquireAsync",
        handle: semaphore.share(),
        n: 1,
        words: oracle,
      }),
      onMessage: () => undefined,
    });
    await until(() => readStep(steps, 0).startsWith('"awaits"') && readStep(steps, 2).startsWith('"awaits"'));
    await until(() => semaphore.waiters === 1);
    semaphore.release(kind.owned ? 2 : 1);
    if (!kind.owned) semaphore.release(1);
    await until(() => [1, 2].every((index) => readStep(steps, index).startsWith('"finished"')));
    if (!kind.owned) semaphore.release();
    Atomics.store(oracle, 3, 1);
    Atomics.notify(oracle, 3);
    assert.equal(
      (await run).map(({ result }) => result),
      ["acquired", "acquired", "acquired"],
    );
  });

  test("this thread's tasks don't hold its own sync request up", async () => {
    const semaphore = make(3);
    semaphore.acquire(2);
    const large = semaphore.acquireAsync(3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    // The large one is served next, but it can't be while this thread blocks.
    semaphore.acquire(1);
    semaphore.release(3);
    await large;
    semaphore.release(3);
    assertNoTrace(semaphore);
  });

  test("a try never fails beside enough permits, even if others wait", async () => {
    const semaphore = make(3);
    semaphore.acquire(2);
    const large = semaphore.acquireAsync(3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.is(semaphore.tryAcquire(1), true);
    semaphore.release(3);
    await large;
    assert.is(semaphore.available, 0);
    semaphore.release(3);
  });

  test("without waiters nothing reaches Atomics.notify", () => {
    const semaphore = make(2);
    assert.is(
      notifies(() => {
        semaphore.acquire();
        semaphore.acquire();
        semaphore.release(2);
        semaphore.acquire(2);
        assert.is(semaphore.tryAcquire(), false);
        semaphore.release();
        semaphore.release();
      }),
      0,
    );
  });
}
