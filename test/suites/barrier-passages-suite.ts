// What a Barrier promises whoever passes it: generations, indices, actions, tasks; arguments, names and free().

import * as assert from "uvu/assert";
import { Barrier, Event } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import { GEN } from "../../src/protocols/barrier.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";
import { type BarrierKit, barrierWorker as file } from "./barrier-kit.ts";

export function passages(kit: BarrierKit, generations: number): void {
  const { test, region, make } = kit;

  test("a barrier of one lets each through at once, with index 0, and runs the action each time", async () => {
    let runs = 0;
    const barrier = make(1, { action: () => runs++ });
    assert.is(barrier.wait(), 0);
    assert.is(await barrier.waitAsync(), 0);
    assert.is(barrier.wait({ timeout: 0 }), 0);
    assert.is(runs, 3);
    assert.is(barrier.waiting, 0);
    assert.is(barrier.parties, 1);
  });

  test(`16 threads pass ${generations} generations: indices are a permutation, one runs the action`, async () => {
    const words = new Int32Array(new SharedArrayBuffer((2 + 16 + generations) * 4));
    const barrier = make(16);
    await runWorkers({
      file,
      count: 16,
      timeoutMs: 90_000,
      workerData: { role: "stress", handle: barrier.share(), generations, words },
    });
    assert.is(words[0], generations, "actions run");
    assert.is(words[1], 0, "threads that went on too early or too late");
    assert.ok(words.subarray(18).every((mask) => mask === 0xffff));
    assert.is(barrier.waiting, 0);
  });

  test("tasks of one thread are parties like threads", async () => {
    const log: string[] = [];
    const barrier = make(3, { action: () => log.push("action") });
    const tasks = [0, 1, 2, 3, 4, 5].map((task) =>
      barrier.waitAsync().then((index) => {
        log.push(`${task}: ${index}`);
        return index;
      }),
    );
    assert.equal((await Promise.all(tasks)).sort(), [0, 0, 1, 1, 2, 2]);
    assert.is(log[0], "action");
    assert.is(log.filter((line) => line === "action").length, 2);
  });

  test("an action may itself await the next generation", async () => {
    let next: Promise<number> | undefined;
    const barrier = make(2, {
      action: () => {
        next ??= barrier.waitAsync();
      },
    });
    const first = barrier.waitAsync();
    assert.equal(await Promise.all([first, barrier.waitAsync()]), [0, 1]);
    assert.is(barrier.waiting, 1);
    assert.is(await barrier.waitAsync(), 1);
    assert.is(await next, 0);
    assert.is(awaitingCell(region, barrier.index + GEN), 0);
  });

  test("an action may abort a task that waits: it is not counted twice", async () => {
    const controller = new AbortController();
    const barrier = make(2, { action: () => controller.abort("stop") });
    const first = rejected(barrier.waitAsync({ signal: controller.signal }));
    assert.is((await rejected(barrier.waitAsync())).code, "ERR_BROKEN_BARRIER");
    assert.is(await first, "stop");
    assert.is(awaitingCell(region, barrier.index + GEN), 0);
  });

  test("waiting for one's own action is an error at once", () => {
    let code = "";
    const barrier = make(1, {
      action: () => {
        code = codeOf(() => barrier.wait());
      },
    });
    assert.is(barrier.wait(), 0);
    assert.is(code, "ERR_WOULD_DEADLOCK");
    assert.is(barrier.wait(), 0);
  });

  test("bad arguments throw before anything changes", async () => {
    const { bytesUsed } = region.stats();
    assert.instance(
      thrown(() => new Barrier({ region })),
      TypeError,
    );
    for (const parties of [0, -1, 1.5, 4095]) {
      assert.instance(
        thrown(() => new Barrier({ region, parties })),
        RangeError,
      );
    }
    assert.instance(
      thrown(() => new Barrier({ region, parties: "2" as never })),
      TypeError,
    );
    assert.instance(
      thrown(() => new Barrier({ region, parties: 2, action: 1 as never })),
      TypeError,
    );
    assert.instance(
      thrown(() => new Barrier({ region, parties: 2, timeout: -1 })),
      RangeError,
    );
    assert.instance(
      thrown(() => new Barrier(null as never)),
      TypeError,
    );
    assert.is(region.stats().bytesUsed, bytesUsed);
    const barrier = make(2);
    assert.instance(
      thrown(() => barrier.wait({ timeout: Number.NaN })),
      RangeError,
    );
    assert.instance(await rejected(barrier.waitAsync({ timeout: "1" as never })), TypeError);
    assert.instance(await rejected(barrier.waitAsync({ signal: {} as never })), TypeError);
    assert.is(barrier.waiting, 0);
  });

  test("a name means one barrier; a handle crosses; free refuses while someone waits", async () => {
    const barrier = Barrier.named("step", { region, parties: 2 });
    const copy = Barrier.named("step", { region, parties: 7 });
    assert.is(copy.parties, 2);
    const waiting = copy.waitAsync();
    assert.is(String(barrier), 'Barrier "step": 1 of 2 have come');
    assert.is(
      codeOf(() => barrier.free()),
      "ERR_IN_USE",
    );
    assert.is(await Barrier.from({ ...barrier.share() }).waitAsync(), 1);
    assert.is(await waiting, 0);
    barrier.abort();
    assert.is(String(barrier), 'Barrier "step": broken');
    assert.is(
      codeOf(() => Barrier.from(new Event({ region }).share() as never)),
      "ERR_REGION_KIND",
    );
    barrier.free();
    assert.is(
      codeOf(() => copy.wait()),
      "ERR_CLOSED",
    );
    assert.is((await rejected(copy.waitAsync())).code, "ERR_CLOSED");
    assert.is(
      codeOf(() => barrier.free()),
      "ERR_CLOSED",
    );
  });
}
