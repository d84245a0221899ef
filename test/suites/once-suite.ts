// What a Once promises, whatever its region is made of.

import * as assert from "uvu/assert";
import { Event, Once } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { finishOnce, onceStep, RUN } from "../../src/protocols/once.ts";
import { anotherThread, bury } from "../support/crash.ts";
import { effort } from "../support/effort.ts";
import { type Backend, notifies, sleepers, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { endings, startVictim } from "../support/victim.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";

const file = new URL("./once.worker.js", import.meta.url);
const shared = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

export function onceSuite(backend: Backend): void {
  const test = suite(`Once over ${backend.name}`);
  const region = backend.create();
  const make = (): Once => new Once({ region });

  test("runs the first function and no other", async () => {
    const once = make();
    let runs = 0;
    assert.is(once.done, false);
    assert.is(
      once.call(() => runs++),
      true,
    );
    assert.is(once.done, true);
    assert.is(
      once.call(() => runs++),
      false,
    );
    assert.is(
      await once.callAsync(() => {
        runs++;
      }),
      false,
    );
    assert.is(runs, 1);
  });

  test("among threads and tasks exactly one runs, and the others come back once it is through", async () => {
    for (let round = 0; round < effort(2, 5); round++) {
      const once = make();
      const words = shared();
      const run = runWorkers<{ ran: boolean; filled: number }>({
        file,
        count: 4,
        workerData: (index) => ({ role: index % 2 === 0 ? "call" : "callAsync", handle: once.share(), words }),
      });
      const outcomes = await run;
      assert.is(outcomes.filter(({ result }) => result.ran).length, 1);
      assert.ok(outcomes.every(({ result }) => result.filled === 1000));
      assert.is(words[0], 1);
    }
  });

  test("what the function throws is passed on, and the next caller runs", async () => {
    const once = make();
    const error = new Error("not yet");
    assert.is(
      thrown(() =>
        once.call(() => {
          throw error;
        }),
      ),
      error,
    );
    assert.is(once.done, false);
    assert.is(await rejected(once.callAsync(() => Promise.reject(error))), error);
    assert.is(once.done, false);
    const words = shared();
    const run = runWorkers({ file, count: 6, workerData: { role: "throws", handle: once.share(), words } });
    const results = (await run).map(({ result }) => String(result)).sort();
    assert.equal(results, ["attempt 1", "attempt 2", "attempt 3", "false", "false", "true"]);
    assert.is(words[0], 4);
  });

  test("tasks of one thread wait for each other; if one fails the next one runs", async () => {
    const once = make();
    const log: string[] = [];
    const task = (name: string, fails: boolean): Promise<boolean | string> =>
      once
        .callAsync(async () => {
          log.push(`${name} runs`);
          await new Promise((resolve) => setTimeout(resolve, 1));
          log.push(`${name} is through`);
          if (fails) throw new Error(name);
        })
        .catch((error: Error) => error.message);
    assert.equal(await Promise.all([task("a", true), task("b", false), task("c", false)]), ["a", true, false]);
    assert.equal(log, ["a runs", "a is through", "b runs", "b is through"]);
  });

  test("waiting for oneself is an error at once", async () => {
    const once = make();
    once.call(() => {
      assert.is(
        codeOf(() => once.call(() => undefined)),
        "ERR_WOULD_DEADLOCK",
      );
    });
    const other = make();
    await other.callAsync(async () => {
      await Promise.resolve();
      assert.is(
        codeOf(() => other.call(() => undefined)),
        "ERR_WOULD_DEADLOCK",
      );
    });
    assert.is(other.done, true);
  });

  test("a wait that is too long throws ERR_TIMEOUT, and leaves nothing behind", async () => {
    const once = make();
    const words = shared();
    const steps = createSteps(1);
    const run = runWorkers({
      file,
      count: 1,
      steps,
      workerData: { role: "blocks inside", handle: once.share(), words },
    });
    await until(() => readStep(steps, 0).startsWith('"inside"'));
    const before = timersAlive();
    const fail = (): void => {
      throw new Error("must not run");
    };
    const error = thrown(() => once.call(fail, { timeout: 2 }));
    assert.is(error.code, "ERR_TIMEOUT");
    assert.match(error.message, /being done by thread \d+/);
    assert.equal(error.info, { timeout: 2 });
    assert.is(
      codeOf(() => once.call(fail, { timeout: 0 })),
      "ERR_TIMEOUT",
    );
    assert.is((await rejected(once.callAsync(fail, { timeout: 2 }))).code, "ERR_TIMEOUT");
    const controller = new AbortController();
    const gone = rejected(once.callAsync(fail, { signal: controller.signal }));
    controller.abort(error);
    assert.is(await gone, error);
    assert.is(awaitingCell(region, once.index), 0);
    assert.is(timersAlive(), before);
    assert.is(
      codeOf(() => once.free()),
      "ERR_IN_USE",
    );
    const waits = once.callAsync(fail);
    Atomics.store(words, 2, 1);
    Atomics.notify(words, 2);
    assert.is(await waits, false);
    await run;
  });

  for (const ending of endings) {
    test(`when the one that runs it ends by ${ending}, one of those who wait runs`, async () => {
      const once = make();
      const victim = startVictim(file, ending, { role: "victim", handle: once.share() });
      await victim.ready;
      const steps = createSteps(2);
      const run = runWorkers<boolean>({
        file,
        count: 2,
        steps,
        workerData: (index) => ({
          role: index === 0 ? "waits with slices" : "awaits with slices",
          handle: once.share(),
        }),
      });
      await until(() => sleepers(once) === 1 && readStep(steps, 1).startsWith('"awaits"'));
      await victim.end();
      const results = (await run).map(({ result }) => result).sort();
      assert.equal(results, [false, true]);
    });
  }

  test("one that dies anywhere between taking it and telling the others leaves nobody asleep", async () => {
    const once = make();
    const other = anotherThread(region);
    assert.is(onceStep(other.memory.words, once.index, other.me), RUN);
    const run = runWorkers<boolean>({
      file,
      count: 2,
      workerData: { role: "waits with slices", handle: once.share(), words: shared() },
    });
    await until(() => sleepers(once) === 2);
    bury(other);
    const results = (await run).map(({ result }) => result).sort();
    assert.equal(results, [false, true]);
  });

  test("one that dies after it is done, before the wake, leaves nobody asleep", async () => {
    const once = make();
    const other = anotherThread(region);
    onceStep(other.memory.words, once.index, other.me);
    const run = runWorkers<boolean>({
      file,
      count: 2,
      workerData: { role: "waits with slices", handle: once.share(), words: shared() },
    });
    await until(() => sleepers(once) === 2);
    assert.is(finishOnce(other.memory.words, once.index, other.me, 1), 1);
    bury(other);
    assert.equal(
      (await run).map(({ result }) => result),
      [false, false],
    );
  });

  test("who no longer runs it can't finish it", () => {
    const once = make();
    const other = anotherThread(region);
    const { words } = region.memory;
    onceStep(words, once.index, other.me);
    bury(other);
    once.call(() => {
      assert.is(finishOnce(words, once.index, other.me, 1), 0);
      assert.is(once.done, false);
    });
    assert.is(once.done, true);
  });

  test("a once that nobody awaits never reaches Atomics.notify", () => {
    const once = make();
    assert.is(
      notifies(() => once.call(() => undefined)),
      0,
    );
  });

  test("bad arguments throw before anything changes", async () => {
    const once = make();
    assert.instance(
      thrown(() => once.call(undefined as never)),
      TypeError,
    );
    assert.instance(
      thrown(() => once.call(() => undefined, { timeout: -1 })),
      RangeError,
    );
    assert.instance(await rejected(once.callAsync(1 as never)), TypeError);
    assert.instance(await rejected(once.callAsync(() => undefined, { timeout: Number.NaN })), RangeError);
    assert.instance(await rejected(once.callAsync(() => undefined, { signal: 1 as never })), TypeError);
    assert.is(once.done, false);
    once.call(() => undefined);
    assert.instance(await rejected(once.callAsync(() => undefined, { timeout: -1 })), RangeError);
  });

  test("a name means one once; a handle crosses; another kind's handle is refused", () => {
    const once = Once.named("tables", { region });
    assert.is(String(once), 'Once "tables": not done');
    once.call(() => assert.match(String(once), /^Once "tables": being done by thread \d+$/));
    assert.is(Once.named("tables", { region }).done, true);
    assert.is(Once.from({ ...once.share() }).done, true);
    assert.is(String(once), 'Once "tables": done');
    assert.is(
      codeOf(() => Once.from(new Event({ region }).share() as never)),
      "ERR_REGION_KIND",
    );
    once.free();
    assert.is(
      codeOf(() => once.free()),
      "ERR_CLOSED",
    );
  });

  test.run();
}
