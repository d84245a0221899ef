// A worker that is said to have ended may still run (on Deno, after terminate()): nobody takes what it holds.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { store } from "../../src/cells/atomics.ts";
import type { OwnerDiedError } from "../../src/cells/errors.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { PROBES_ARMED } from "../../src/protocols/seat.ts";
import { threadId } from "../../src/region/host.ts";
import { PROBE_CELLS, SLOT_ALIVE, T_CLAIM, T_PROBE, T_PROBES, T_STATE } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { isAlive, slotWord } from "../../src/region/threads.ts";
import { hearOfEnd, isHeardOf } from "../../src/region/worker-end.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("a worker's end");
const file = new URL("./worker-end.worker.js", import.meta.url);
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test("a thread that is said to have ended, and answers, is not taken for dead", async () => {
  const region = Region.create();
  const { me } = region;
  for (let k = 0; k < 20; k++) hearOfEnd(region.memory.words, threadId(), false);
  assert.ok(isAlive(region.memory.words, me));
  assert.ok(isHeardOf(region.memory.words, threadId()));
  for (let k = 0; k < 20; k++) await turn();
  assert.ok(isAlive(region.memory.words, me));
});

test("once it no longer answers it is buried", async () => {
  const region = Region.create();
  const { words } = region.memory;
  void region.me;
  // The seat of another thread, which answers twice and then no more.
  const [slot, id, tenancy] = [1, 4711, (5 << 2) | SLOT_ALIVE];
  const at = slotWord(slot);
  store(words, at + T_CLAIM, id + 1);
  store(words, at + T_PROBES, PROBES_ARMED);
  store(words, at + T_STATE, tenancy);
  const answers = [1, 2].map(() => Atomics.waitAsync(words, at + T_PROBE + (5 & (PROBE_CELLS - 1)), 0).value);
  const owner = (5 << 12) | slot;
  hearOfEnd(words, id, false);
  assert.ok(isAlive(words, owner), "it has answered");
  while (isAlive(words, owner)) await turn();
  assert.equal(await Promise.all(answers), ["ok", "ok"]);
  assert.is(region.deaths, 1);
  assert.not.ok(isHeardOf(words, id));
});

test("where its end is proven it is buried at once, without a question", () => {
  const region = Region.create();
  const { me } = region;
  hearOfEnd(region.memory.words, threadId(), true);
  assert.not.ok(isAlive(region.memory.words, me));
});

test("another thread's end changes nothing", () => {
  const region = Region.create();
  const { me } = region;
  for (const proven of [true, false]) hearOfEnd(region.memory.words, threadId() + 4711, proven);
  assert.ok(isAlive(region.memory.words, me));
});

for (const fair of [false, true]) {
  test(`who takes a terminated owner's lock over finds that it runs no more${fair ? " (fair)" : ""}`, async () => {
    const mutex = new Mutex({ region: Region.create(), fair });
    // Word 0: told to give the lock back. Word 1: how far it got.
    const words = new Int32Array(new SharedArrayBuffer(8));
    let over: Promise<void> | undefined;
    const takeOver = async (worker: Worker): Promise<void> => {
      await worker.terminate();
      const error = await mutex.lockAsync({ timeout: 1000 }).then(
        (guard) => assert.unreachable(`the lock was never given back, and is had: ${guard.held}`),
        (reason: unknown) => reason as OwnerDiedError<Guard<Mutex>>,
      );
      const seen = Atomics.load(words, 1);
      for (let k = 0; k < 20; k++) await turn();
      if (error?.code === "ERR_OWNER_DIED") {
        assert.is(Atomics.load(words, 1), seen, "it was taken for dead while it ran");
        error.guard?.markConsistent();
        error.guard?.release();
      } else {
        // It runs on, so it still holds the lock, and gives it back.
        assert.is(error?.code, "ERR_TIMEOUT");
        Atomics.store(words, 0, 1);
        (await mutex.lockAsync({ timeout: 20_000 })).release();
      }
    };
    await runWorkers({
      file,
      count: 1,
      workerData: { handle: mutex.share(), words },
      mayDie: () => true,
      onMessage: (_, __, [worker]) => {
        over = takeOver(worker);
        over.catch(() => undefined);
      },
    });
    await over;
    Atomics.store(words, 0, 1);
    mutex.lock().release();
  });
}

test.run();
