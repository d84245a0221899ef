// What a Semaphore promises, whatever its region is made of and whatever kind it is.

import * as assert from "uvu/assert";
import { Event, Region, Semaphore, type SemaphoreOptions } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { taskCell } from "../../src/locks/semaphore-waits.ts";
import { LARGE, STARVER, TASKS, VALUE } from "../../src/protocols/semaphore.ts";
import { type Backend, notifies, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";

export const semaphoreWorker = new URL("./semaphore.worker.js", import.meta.url);
const file = semaphoreWorker;

export type Kind = Pick<SemaphoreOptions, "owned" | "fair">;
export const kinds: readonly { name: string; options: Kind }[] = [
  { name: "plain", options: {} },
  { name: "owned", options: { owned: true } },
  { name: "fair", options: { fair: true } },
  { name: "owned fair", options: { owned: true, fair: true } },
];

/** That waits which are over have left nothing in the memory. */
export function assertNoTrace(semaphore: Semaphore): void {
  const { words } = semaphore.region.memory;
  for (const word of [STARVER, LARGE, TASKS]) assert.is(words[semaphore.index + word], 0);
  assert.is(awaitingCell(semaphore.region, taskCell(semaphore)), 0);
  assert.is(semaphore.waiters, 0);
  if (semaphore.fair) assert.is(words[semaphore.index + VALUE] < 0, false);
}

export function semaphoreSuite(backend: Backend, kind: Kind, name: string): void {
  const test = suite(`Semaphore, ${name}, over ${backend.name}`);
  const region = backend.create();
  const make = (permits: number, options: SemaphoreOptions = {}): Semaphore =>
    new Semaphore({ region, permits, ...kind, ...options });
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(64 * 4));

  test("counts permits, one or several at a time", () => {
    const semaphore = make(5);
    assert.is(semaphore.available, 5);
    semaphore.acquire();
    semaphore.acquire(3);
    assert.is(semaphore.available, 1);
    assert.is(semaphore.tryAcquire(2), false);
    assert.is(semaphore.tryAcquire(), true);
    assert.is(semaphore.tryAcquire(), false);
    semaphore.release(4);
    semaphore.release();
    assert.is(semaphore.available, 5);
    assert.is(semaphore.drain(), 5);
    assert.is(semaphore.drain(), 0);
    assert.is(semaphore.available, 0);
    semaphore.release(5);
    assert.is(
      semaphore.withPermits(() => semaphore.available, 2),
      3,
    );
    assertNoTrace(semaphore);
  });

  test("withPermits gives back whatever happens", async () => {
    const semaphore = make(2);
    const error = new Error("inside");
    assert.is(
      thrown(() =>
        semaphore.withPermits(() => {
          throw error;
        }, 2),
      ),
      error,
    );
    assert.is(await rejected(semaphore.withPermitsAsync(() => Promise.reject(error), 2)), error);
    assert.is(await semaphore.withPermitsAsync(async () => semaphore.available), 1);
    assert.is(semaphore.available, 2);
    assert.instance(
      thrown(() => semaphore.withPermits(undefined as never)),
      TypeError,
    );
    assert.instance(await rejected(semaphore.withPermitsAsync(1 as never)), TypeError);
    assert.is(semaphore.available, 2);
  });

  test("releasing past the bound is a RangeError, and nothing changes", () => {
    const semaphore = make(2, kind.owned ? {} : { bounded: true });
    semaphore.acquire();
    const code = kind.owned ? "ERR_NOT_OWNER" : "RangeError";
    assert.is(
      codeOf(() => semaphore.release(2)),
      code,
    );
    assert.is(semaphore.available, 1);
    semaphore.release();
    assert.is(
      codeOf(() => semaphore.release()),
      code,
    );
    assert.is(semaphore.available, 2);
    if (kind.owned) return;
    const unbounded = make(2 ** 30 - 1);
    assert.is(
      codeOf(() => unbounded.release(2)),
      "RangeError",
    );
    unbounded.release();
    assert.is(
      codeOf(() => unbounded.release()),
      "RangeError",
    );
    assert.is(unbounded.available, 2 ** 30);
    assert.is(unbounded.tryAcquire(2 ** 30), true);
    assert.is(unbounded.available, 0);
    unbounded.release(2 ** 30);
    assert.is(
      codeOf(() => unbounded.release(2 ** 30)),
      "RangeError",
    );
    assert.is(unbounded.available, 2 ** 30);
  });

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

  test("a freed semaphore says so; free refuses while someone waits", async () => {
    const semaphore = make(1);
    const copy = Semaphore.from({ ...semaphore.share() });
    semaphore.acquire();
    const waiting = semaphore.acquireAsync();
    assert.is(
      codeOf(() => copy.free()),
      "ERR_IN_USE",
    );
    semaphore.release();
    await waiting;
    semaphore.release();
    semaphore.free();
    for (const call of [
      () => copy.acquire(),
      () => copy.tryAcquire(),
      () => copy.tryAcquire(1, { timeout: 1 }),
      () => copy.release(),
      () => copy.drain(),
      () => copy.free(),
    ]) {
      assert.is(codeOf(call), "ERR_CLOSED", String(call));
    }
    assert.is((await rejected(copy.acquireAsync())).code, "ERR_CLOSED");
    assert.match(String(copy), /^Semaphore at \d+: freed$/);
    assert.is(
      codeOf(() => Semaphore.from(copy.share())),
      "ERR_CLOSED",
    );
  });

  test("a wait that was given up swallows no wake of what comes to lie in its place", async () => {
    // Both regions have room for a single block of this size: the next one lies where the last one lay.
    const semaphore = make(1);
    semaphore.acquire();
    const cell = taskCell(semaphore);
    const controller = new AbortController();
    const gone = rejected(semaphore.acquireAsync(1, { signal: controller.signal }));
    controller.abort();
    await gone;
    semaphore.release();
    semaphore.free();
    assert.is(Atomics.notify(region.memory.words, cell), 0);
  });

  test("bad arguments throw before anything changes", async () => {
    const { bytesUsed } = region.stats();
    for (const options of [{ permits: -1 }, { permits: 2 ** 30 + 1 }, { permits: 0.5 }]) {
      assert.instance(
        thrown(() => new Semaphore({ region, ...kind, ...options })),
        RangeError,
      );
    }
    for (const options of [{}, { permits: "1" }, { permits: 1, bounded: 1 }, { permits: 1, owned: "yes" }]) {
      assert.instance(
        thrown(() => new Semaphore({ region, fair: true, ...options } as never)),
        TypeError,
      );
    }
    assert.instance(
      thrown(() => new Semaphore(null as never)),
      TypeError,
    );
    assert.is(region.stats().bytesUsed, bytesUsed);
    const semaphore = make(2);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 30 + 1]) {
      assert.is(
        codeOf(() => semaphore.acquire(n)),
        "RangeError",
      );
      assert.is(
        codeOf(() => semaphore.tryAcquire(n)),
        "RangeError",
      );
      assert.is(
        codeOf(() => semaphore.release(n)),
        "RangeError",
      );
      assert.instance(await rejected(semaphore.acquireAsync(n)), RangeError);
    }
    for (const n of ["1", null, {}, 1n]) {
      assert.is(
        codeOf(() => semaphore.acquire(n as never)),
        "TypeError",
      );
      assert.is(
        codeOf(() => semaphore.release(n as never)),
        "TypeError",
      );
    }
    assert.is(
      codeOf(() => semaphore.acquire(1, null as never)),
      "TypeError",
    );
    assert.is(
      codeOf(() => semaphore.acquire(1, { timeout: -1 })),
      "RangeError",
    );
    assert.is(
      codeOf(() => semaphore.tryAcquire(1, { timeout: "1" as never })),
      "TypeError",
    );
    assert.instance(await rejected(semaphore.acquireAsync(1, { signal: 1 as never })), TypeError);
    assert.instance(await rejected(semaphore.acquireAsync(1, { timeout: Number.NaN })), RangeError);
    assert.is(semaphore.available, 2);
    assertNoTrace(semaphore);
  });

  test("a name means one semaphore, which keeps its number and kind", () => {
    const semaphore = Semaphore.named("slots", { region, permits: 2, ...kind });
    const copy = Semaphore.named("slots", { region, permits: 9, owned: !kind.owned, fair: !kind.fair });
    assert.is(copy.owned, kind.owned ?? false);
    assert.is(copy.fair, kind.fair ?? false);
    copy.acquire();
    assert.is(semaphore.available, 1);
    assert.is(String(semaphore), 'Semaphore "slots": 1 permits available, 0 waiters');
    copy.release();
    const twin = Semaphore.from({ ...semaphore.share() });
    assert.is(twin.owned, kind.owned ?? false);
    assert.is(twin.tryAcquire(2), true);
    twin.release(2);
    assert.is(
      codeOf(() => Semaphore.from(new Event({ region }).share() as never)),
      "ERR_REGION_KIND",
    );
    semaphore.free();
  });

  test("a region of many threads has room for its tables", () => {
    const wide = Region.create({ maxThreads: 1000 });
    const semaphore = new Semaphore({ region: wide, permits: 1, ...kind });
    const next = new Semaphore({ region: wide, permits: 7, ...kind });
    semaphore.acquire();
    semaphore.release();
    assert.is(next.available, 7);
  });

  test.run();
}
