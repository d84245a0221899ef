// What every Mutex must do for those that wait, threads and tasks: wakes, turns, time-outs, aborts; no count is lost.

import { getEventListeners } from "node:events";
import * as assert from "uvu/assert";
import type { HoldfastError } from "../../src/cells/errors.ts";
import { effort } from "../support/effort.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { type MutexKit, turn, until } from "./mutex-kit.ts";

export function waits(kit: MutexKit): void {
  const { test, fair, make, workers, whileHeld } = kit;

  test("unlock by another thread is ERR_NOT_OWNER and names the owner", async () => {
    const mutex = make();
    mutex.lock();
    const [outcome] = await workers({ behaviour: "unlock" }, mutex);
    const { code, message, info } = outcome.result as HoldfastError;
    assert.is(code, "ERR_NOT_OWNER");
    assert.match(message, /which is held by thread 0$/);
    assert.equal(info, { owner: 0 });
    assert.ok(mutex.heldByMe);
    mutex.unlock();
    const worker = make();
    await whileHeld(worker, () => {
      assert.match(thrown(() => worker.unlock()).message, /which is held by thread [1-9]\d*$/);
      assert.ok((worker.owner as number) > 0);
      assert.not.ok(worker.heldByMe);
      assert.ok(worker.locked);
    });
  });

  test("tryLock, lock and lockAsync give up at their time-out, and leave no waiter behind", async () => {
    const mutex = make();
    await whileHeld(mutex, async () => {
      assert.is(mutex.tryLock(), undefined);
      const begun = performance.now();
      assert.is(mutex.tryLock({ timeout: 20 }), undefined);
      assert.ok(performance.now() - begun >= 20, "not before the time-out");
      const error = thrown(() => mutex.lock({ timeout: 5 })) as HoldfastError;
      assert.is(error.code, "ERR_TIMEOUT");
      assert.match(
        error.message,
        /^Mutex at \d+ was not acquired within 5 ms: it is held by thread \d+, 0 other waiters$/,
      );
      assert.equal(error.info, { timeout: 5, owner: mutex.owner, waiters: 0 });
      assert.is(
        codeOf(() => mutex.lock({ timeout: 0 })),
        "ERR_TIMEOUT",
      );
      assert.is(
        codeOf(() => mutex.withLock(() => assert.unreachable(), { timeout: 1 })),
        "ERR_TIMEOUT",
      );
      for (const timeout of [0, 0.5, 5]) {
        assert.is((await rejected(mutex.lockAsync({ timeout }))).code, "ERR_TIMEOUT");
      }
      const asyncBegun = performance.now();
      await rejected(mutex.lockAsync({ timeout: 20 }));
      assert.ok(performance.now() - asyncBegun >= 20);
      assert.is(mutex.waiters, 0);
    });
    mutex.withLock(() => undefined);
  });

  test("unlock wakes a sleeping waiter, and an awaiting one", async () => {
    const mutex = make();
    for (const behaviour of ["lock", "await"]) {
      const guard = mutex.lock();
      const [outcome] = await workers({ behaviour }, mutex, {
        onMessage: async () => {
          if (behaviour === "lock") await until(() => mutex.waiters === 1);
          else for (let k = 0; k < 50; k++) await turn();
          guard.release();
        },
      });
      assert.is(outcome.result, "ok");
    }
    assert.not.ok(mutex.locked);
  });

  test("waiters counts sleeping threads and this thread's tasks", async () => {
    const mutex = make();
    const guard = mutex.lock();
    const awaited = mutex.lockAsync();
    const outcomes = await workers({ behaviour: "lock" }, mutex, {
      count: 2,
      onMessage: async (_, index) => {
        if (index !== 0) return;
        await until(() => mutex.waiters === 3);
        guard.release();
        (await awaited).release();
      },
    });
    for (const { result } of outcomes) assert.is(result, "ok");
    // The threads may be done before the task has its turn.
    await awaited;
    assert.is(mutex.waiters, 0);
    assert.ok(mutex.stats().contended > 0);
  });

  test("two tasks of one thread exclude each other, first come, first served", async () => {
    const mutex = make();
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        mutex.withLockAsync(async () => {
          assert.is(inside++, 0);
          await turn();
          order.push(k);
          inside--;
        }),
      ),
    );
    assert.equal(
      order,
      Array.from({ length: 20 }, (_, k) => k),
    );
  });

  test("a sync lock while a task of this thread holds it is ERR_WOULD_DEADLOCK; the task's turn comes after a sync hold", async () => {
    const mutex = make();
    const guard = await mutex.lockAsync();
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(mutex.tryLock(), undefined);
    guard.release();
    const sync = mutex.lock();
    let had = false;
    const awaited = mutex.lockAsync().then((acquired) => {
      had = true;
      return acquired;
    });
    for (let k = 0; k < 5; k++) await turn();
    assert.not.ok(had);
    sync.release();
    (await awaited).release();
  });

  test("an aborted signal rejects with its reason: before, during, and not after", async () => {
    const mutex = make();
    const reason = new Error("enough");
    const before = await rejected(mutex.lockAsync({ signal: AbortSignal.abort(reason) }));
    assert.is(before, reason);
    assert.not.ok(mutex.locked);
    const guard = mutex.lock();
    const controller = new AbortController();
    const { signal } = controller;
    const during = mutex.lockAsync({ signal });
    const behind = mutex.lockAsync();
    assert.is(mutex.waiters, 2);
    controller.abort(reason);
    assert.is(await rejected(during), reason);
    assert.is(mutex.waiters, 1);
    guard.release();
    (await behind).release();
    const late = new AbortController();
    const held = await mutex.lockAsync({ signal: late.signal });
    late.abort(reason);
    await turn();
    assert.ok(held.held, "an abort after the acquisition changes nothing");
    held.release();
    assert.is(getEventListeners(signal, "abort").length, 0);
    assert.is(getEventListeners(late.signal, "abort").length, 0);
    const plain = new AbortController();
    plain.abort();
    assert.is((await rejected(mutex.lockAsync({ signal: plain.signal }))).name, "AbortError");
    assert.is(
      (await rejected(mutex.withLockAsync(() => assert.unreachable(), { signal: plain.signal }))).name,
      "AbortError",
    );
  });

  test("aborting whichever task of a queue loses nobody's turn", async () => {
    const mutex = make();
    for (let victim = 0; victim < 5; victim++) {
      const guard = mutex.lock();
      const controllers = Array.from({ length: 5 }, () => new AbortController());
      let served = 0;
      const tasks = controllers.map(async ({ signal }) => {
        const acquired = await mutex.lockAsync({ signal });
        served++;
        await turn();
        acquired.release();
      });
      const outcomes = Promise.allSettled(tasks);
      await turn();
      guard.release();
      controllers[victim].abort();
      const rejections = (await outcomes).filter(({ status }) => status === "rejected").length;
      assert.is(served + rejections, 5);
      assert.not.ok(mutex.locked);
    }
  });

  test("a task that gives up leaves no timer and no listener", async () => {
    const mutex = make();
    const guard = mutex.lock();
    const { signal } = new AbortController();
    const before = timersAlive();
    await rejected(mutex.lockAsync({ timeout: 5, signal }));
    const aborted = new AbortController();
    const task = mutex.lockAsync({ timeout: 1e9, signal: aborted.signal });
    aborted.abort();
    await rejected(task);
    const served = mutex.lockAsync({ timeout: 1e9, signal });
    guard.release();
    (await served).release();
    assert.is(getEventListeners(signal, "abort").length, 0);
    assert.is(timersAlive(), before);
  });

  for (const [behaviour, count, many] of [
    ["count", 4, 30_000],
    ["count async", 4, 4000],
    ["count in all ways", 4, 3000],
  ] as const) {
    // First in, first out: every hold is a switch of threads.
    const rounds = fair ? many / effort(25, 10) : many;
    test(`${count} threads that ${behaviour} lose no count`, async () => {
      const mutex = make();
      const words = new Int32Array(new SharedArrayBuffer(64));
      await workers({ behaviour, words, rounds }, mutex, { count });
      assert.is(words[1], count * rounds);
      assert.is(words[2], count * rounds * 20);
      assert.not.ok(mutex.locked);
      assert.ok(mutex.stats().acquisitions >= count * rounds);
    });
  }
}
