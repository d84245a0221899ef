// What a Latch promises, whatever its region is made of.

import * as assert from "uvu/assert";
import { Event, Latch } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { countDown } from "../../src/protocols/latch.ts";
import { anotherThread, bury } from "../support/crash.ts";
import { type Backend, notifies, sleepers, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";

const file = new URL("./latch.worker.js", import.meta.url);

export function latchSuite(backend: Backend): void {
  const test = suite(`Latch over ${backend.name}`);
  const region = backend.create();
  const make = (count: number): Latch => new Latch({ region, count });

  test("counts down to zero and not below; an open latch stays open", () => {
    const latch = make(3);
    assert.is(latch.count, 3);
    latch.countDown();
    assert.is(latch.count, 2);
    assert.is(latch.wait({ timeout: 1 }), false);
    latch.countDown(5);
    assert.is(latch.count, 0);
    latch.countDown();
    latch.countDown(2 ** 31 - 1);
    assert.is(latch.count, 0);
    assert.is(latch.wait(), true);
    assert.is(latch.wait({ timeout: 0 }), true);
  });

  test("a latch of 0 is open; the largest count is 2^31 - 1", () => {
    assert.is(make(0).wait(), true);
    const latch = make(2 ** 31 - 1);
    latch.countDown(2 ** 31 - 2);
    assert.is(latch.count, 1);
    assert.is(latch.wait({ timeout: 0 }), false);
    assert.is(latch.count, 1);
    latch.countDown(2 ** 31 - 1);
    assert.is(latch.count, 0);
  });

  test("zero wakes every thread and every task that waits, and no count before it does", async () => {
    const latch = make(2);
    const steps = createSteps(4);
    const run = runWorkers<boolean>({
      file,
      count: 4,
      steps,
      workerData: (index) => ({ role: index < 2 ? "wait" : "waitAsync", handle: latch.share() }),
    });
    const here = latch.waitAsync();
    await until(() => sleepers(latch) === 2 && [2, 3].every((index) => readStep(steps, index).startsWith('"awaits"')));
    latch.countDown();
    assert.is(sleepers(latch), 2);
    latch.countDown();
    assert.is(await here, true);
    assert.equal(
      (await run).map(({ result }) => result),
      [true, true, true, true],
    );
  });

  test("threads that count down at once come to zero exactly", async () => {
    const latch = make(3001);
    const run = runWorkers<boolean>({
      file,
      count: 3,
      workerData: { role: "countDown", handle: latch.share() },
    });
    await until(() => latch.count === 1);
    latch.countDown();
    assert.equal(
      (await run).map(({ result }) => result),
      [true, true, true],
    );
  });

  test("time-outs and aborts leave nothing behind", async () => {
    const latch = make(1);
    const before = timersAlive();
    assert.is(await latch.waitAsync({ timeout: 0 }), false);
    assert.is(await latch.waitAsync({ timeout: 2 }), false);
    const controller = new AbortController();
    const gone = rejected(latch.waitAsync({ signal: controller.signal, timeout: 60_000 }));
    const stays = latch.waitAsync();
    controller.abort("why");
    assert.is(await gone, "why");
    assert.is(awaitingCell(region, latch.index), 1);
    latch.countDown();
    assert.is(await stays, true);
    assert.is(timersAlive(), before);
  });

  test("counting down reaches Atomics.notify only when someone waits", () => {
    const latch = make(2);
    assert.is(
      notifies(() => {
        latch.countDown();
        latch.countDown();
        latch.countDown();
      }),
      0,
    );
  });

  test("bad arguments throw before anything changes", async () => {
    const latch = make(2);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      assert.instance(
        thrown(() => latch.countDown(n)),
        RangeError,
        String(n),
      );
    }
    assert.instance(
      thrown(() => latch.countDown("1" as never)),
      TypeError,
    );
    assert.is(latch.count, 2);
    const { bytesUsed } = region.stats();
    assert.instance(
      thrown(() => new Latch({ region })),
      TypeError,
    );
    assert.instance(
      thrown(() => new Latch({ region, name: "none" })),
      TypeError,
    );
    for (const count of [-1, 2 ** 31, 0.5]) {
      assert.instance(
        thrown(() => new Latch({ region, count })),
        RangeError,
      );
    }
    assert.instance(
      thrown(() => new Latch({ region, count: "1" as never })),
      TypeError,
    );
    assert.instance(
      thrown(() => new Latch(null as never)),
      TypeError,
    );
    assert.is(region.stats().bytesUsed, bytesUsed);
    assert.not(region.names().some(({ name }) => name === "none"));
    assert.instance(await rejected(latch.waitAsync({ timeout: "x" as never })), TypeError);
    assert.instance(
      thrown(() => latch.wait({ timeout: -5 })),
      RangeError,
    );
  });

  test("a name means one latch, which keeps its count; a handle crosses; another kind's handle is refused", () => {
    const latch = Latch.named("started", { region, count: 2 });
    Latch.named("started", { region, count: 9 }).countDown();
    assert.is(Latch.named("started", { region }).count, 1);
    assert.is(String(latch), 'Latch "started": 1 to count down');
    Latch.from({ ...latch.share() }).countDown();
    assert.is(String(latch), 'Latch "started": open');
    assert.is(
      codeOf(() => Latch.from(new Event({ region }).share() as never)),
      "ERR_REGION_KIND",
    );
    latch.free();
    assert.match(String(latch), /freed/);
    assert.is(
      codeOf(() => latch.free()),
      "ERR_CLOSED",
    );
  });

  test("free lets those who wait go on", async () => {
    const latch = make(1);
    const waiting = latch.waitAsync();
    latch.free();
    assert.is(await waiting, true);
  });

  test("one that dies between its last count and the wake leaves nobody asleep", async () => {
    const latch = make(1);
    const run = runWorkers<boolean>({
      file,
      count: 2,
      workerData: { role: "wait with slices", handle: latch.share() },
    });
    await until(() => sleepers(latch) === 2);
    const other = anotherThread(region);
    assert.is(countDown(other.memory.words, latch.index, 1), 1);
    bury(other);
    assert.equal(
      (await run).map(({ result }) => result),
      [true, true],
    );
  });

  test.run();
}
