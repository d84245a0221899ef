// What an Event promises, whatever its region is made of.

import * as assert from "uvu/assert";
import { Event, Latch } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { setEvent } from "../../src/protocols/event.ts";
import { anotherThread, bury } from "../support/crash.ts";
import { type Backend, notifies, sleepers, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";

const file = new URL("./event.worker.js", import.meta.url);

export function eventSuite(backend: Backend): void {
  const test = suite(`Event over ${backend.name}`);
  const region = backend.create();
  const make = (): Event => new Event({ region });

  test("is unset at first; set and clear change it, and doing it twice does nothing", () => {
    const event = make();
    assert.is(event.isSet, false);
    event.clear();
    event.set();
    event.set();
    assert.is(event.isSet, true);
    event.clear();
    event.clear();
    assert.is(event.isSet, false);
  });

  test("wait returns true at once while it is set, false when the time is over", () => {
    const event = make();
    assert.is(event.wait({ timeout: 0 }), false);
    assert.is(event.wait({ timeout: 2 }), false);
    event.set();
    assert.is(event.wait(), true);
    assert.is(event.wait({ timeout: 0 }), true);
    event.clear();
    assert.is(event.wait({ timeout: 0 }), false);
  });

  test("a waiter that slept goes on even if the event is cleared before it runs", async () => {
    const event = make();
    const rounds = 100;
    const steps = createSteps(1);
    const next = make();
    const workerData = { role: "wait", handle: event.share(), next: next.share(), rounds };
    const run = runWorkers<number>({ file, count: 1, steps, workerData });
    for (let round = 0; round < rounds; round++) {
      await until(() => readStep(steps, 0).startsWith(`"waiting, round ${round}"`) && sleepers(event) === 1);
      event.set();
      event.clear();
      await until(() => readStep(steps, 0).startsWith(`"passed, round ${round}"`));
      next.set();
    }
    assert.is((await run)[0].result, rounds);
  });

  test("a task goes on even if the event is cleared before it runs", async () => {
    const event = make();
    const waiting = event.waitAsync();
    event.set();
    event.clear();
    assert.is(await waiting, true);
  });

  test("one set wakes every thread and every task that waits", async () => {
    const event = make();
    const run = runWorkers<number>({
      file,
      count: 6,
      workerData: (index) => ({ role: index < 3 ? "wait" : "waitAsync", handle: event.share(), rounds: 1 }),
    });
    const here = Promise.all([event.waitAsync(), event.waitAsync()]);
    await until(() => sleepers(event) === 3);
    event.set();
    assert.equal(await here, [true, true]);
    assert.equal(
      (await run).map(({ result }) => result),
      [1, 1, 1, 1, 1, 1],
    );
  });

  test("waitAsync: false when the time is over; nothing is left behind", async () => {
    const event = make();
    const before = timersAlive();
    assert.is(await event.waitAsync({ timeout: 0 }), false);
    assert.is(await event.waitAsync({ timeout: 3 }), false);
    assert.is(awaitingCell(region, event.index), 0);
    assert.is(timersAlive(), before);
    event.set();
    assert.is(await event.waitAsync({ timeout: 0 }), true);
  });

  test("an aborted wait rejects with the signal's reason, and the others go on", async () => {
    const event = make();
    const before = timersAlive();
    const controller = new AbortController();
    const reason = new Error("no more");
    const gone = rejected(event.waitAsync({ signal: controller.signal, timeout: 60_000 }));
    const stays = event.waitAsync();
    assert.ok(timersAlive() > before);
    controller.abort(reason);
    assert.is(await gone, reason);
    assert.is(awaitingCell(region, event.index), 1);
    event.set();
    assert.is(await stays, true);
    assert.is(timersAlive(), before);
    assert.is(await rejected(event.waitAsync({ signal: controller.signal })), reason);
  });

  test("set reaches Atomics.notify only when someone waits", () => {
    const event = make();
    assert.is(
      notifies(() => {
        event.set();
        event.set();
        event.clear();
        event.set();
      }),
      0,
    );
  });

  test("bad arguments throw before anything changes", async () => {
    const event = make();
    assert.instance(
      thrown(() => event.wait({ timeout: "1" as never })),
      TypeError,
    );
    assert.instance(
      thrown(() => event.wait({ timeout: -1 })),
      RangeError,
    );
    assert.instance(
      thrown(() => event.wait({ timeout: Number.NaN })),
      RangeError,
    );
    assert.instance(await rejected(event.waitAsync({ timeout: -1 })), RangeError);
    assert.instance(await rejected(event.waitAsync({ signal: {} as never })), TypeError);
    assert.instance(
      thrown(() => new Event(null as never)),
      TypeError,
    );
    assert.instance(
      thrown(() => new Event({ region: {} as never })),
      TypeError,
    );
    assert.is(region.memory.words[event.index], 0);
    assert.is(awaitingCell(region, event.index), 0);
  });

  test("a name means one event; a handle crosses; another kind's handle is refused", () => {
    const event = Event.named("go", { region });
    assert.is(event.name, "go");
    Event.named("go", { region }).set();
    assert.is(event.isSet, true);
    const copy = Event.from({ ...event.share() });
    copy.clear();
    assert.is(event.isSet, false);
    assert.is(
      codeOf(() => Event.from(new Latch({ count: 1, region }).share() as never)),
      "ERR_REGION_KIND",
    );
    assert.instance(
      thrown(() => Event.from({} as never)),
      TypeError,
    );
    assert.is(String(event), 'Event "go": not set');
    event.set();
    assert.is(String(event), 'Event "go": set');
    event.free();
    assert.match(String(event), /^Event at \d+: freed$/);
    assert.is(
      codeOf(() => Event.from(copy.share())),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => event.free()),
      "ERR_CLOSED",
    );
  });

  test("free lets those who wait go on", async () => {
    const event = make();
    const waiting = event.waitAsync();
    event.free();
    assert.is(await waiting, true);
  });

  test("a waiter that is ended takes nobody's wake along", async () => {
    const event = make();
    const run = runWorkers({
      file,
      count: 3,
      workerData: { role: "wait with slices", handle: event.share(), rounds: 1 },
      mayDie: (index) => index === 0,
      onMessage: () => undefined,
    });
    await until(() => sleepers(event) === 3);
    event.set();
    const outcomes = await run;
    assert.equal(
      outcomes.slice(1).map(({ result }) => result),
      [true, true],
    );
  });

  test("a setter that dies before it wakes leaves nobody asleep", async () => {
    const event = make();
    const steps = createSteps(2);
    const run = runWorkers({
      file,
      count: 2,
      steps,
      workerData: (index) => ({
        role: index === 0 ? "wait with slices" : "await with slices",
        handle: event.share(),
      }),
    });
    await until(() => sleepers(event) === 1 && readStep(steps, 1).startsWith('"awaits"'));
    const other = anotherThread(region);
    assert.is(setEvent(other.memory.words, event.index), 1);
    bury(other);
    assert.equal(
      (await run).map(({ result }) => result),
      [true, true],
    );
  });

  test.run();
}
