// Owners and waiters that end, in every way a thread can, while others sleep, await, or block the main thread.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import type { HoldfastError, OwnerDiedError } from "../../src/cells/errors.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { T_PROBES } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { probe, slotWord } from "../../src/region/threads.ts";
import { suite } from "../support/suite.ts";
import { rejected, thrown } from "../support/thrown.ts";
import { runWorkers, type WorkerRun } from "../support/watchdog.ts";
import type { Told } from "./mutex.worker.ts";

const file = new URL("./mutex.worker.js", import.meta.url);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`never came true: ${condition}`);
    await turn();
  }
}

type Behaviour = Partial<Told> & { readonly behaviour: string };

/** Runs a worker for each behaviour; all but those that `lives` names may die. */
function run(mutex: Mutex, told: readonly Behaviour[], onMessage?: WorkerRun["onMessage"], lives: number[] = []) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  return runWorkers({
    file,
    count: told.length,
    workerData: (index) => ({ words, ...told[index], handle: mutex.share() }),
    env: (index) => ({ HOLDFAST_WASM: String(index % 2) }),
    mayDie: (index) => !lives.includes(index),
    onMessage,
  });
}

/** Takes the lock over from the dead, and puts it in order. */
function takeOver(error: unknown): void {
  assert.is((error as HoldfastError).code, "ERR_OWNER_DIED");
  const { guard } = error as OwnerDiedError<Guard<Mutex>>;
  assert.is(guard?.markConsistent(), true);
  guard?.release();
}

/** All of it, over plain mutexes or fair ones. */
export function mutexDeathSuite(fair: boolean): void {
  const test = suite(`a thread that dies${fair ? " (fair)" : ""}`);
  const make = (): Mutex => new Mutex({ region: Region.create(), fair });

  for (const death of ["exit", "throw"] as const) {
    test(`the main thread, blocked in lock(), is told of an owner that ends by ${death}`, async () => {
      const mutex = make();
      let error: unknown;
      await run(mutex, [{ behaviour: "die holding", death }], () => {
        // From here to the end of the owner the main thread's event loop does not turn.
        error = thrown(() => mutex.lock({ timeout: 15_000 }));
      });
      takeOver(error);
      mutex.lock().release();
    });
  }

  test("the main thread, blocked in lock(), is told although it asked whether the owner lives a thousand times before", async () => {
    const mutex = make();
    let error: unknown;
    let left = 0;
    await run(mutex, [{ behaviour: "die holding", death: "exit", rounds: 1 }], () => {
      const { words } = mutex.region.memory;
      // The owner computes: it can't arm its probes again.
      for (let slot = 0; slot < mutex.region.maxThreads; slot++) {
        const owner = (1 << 12) | slot;
        if (owner === mutex.region.me || mutex.region.memory.words[slotWord(slot)] === 0) continue;
        for (let k = 0; k < 1000; k++) probe(words, owner);
        left = words[slotWord(slot) + T_PROBES];
      }
      error = thrown(() => mutex.lock({ timeout: 15_000 }));
    });
    assert.ok(left > 0);
    takeOver(error);
  });

  for (const death of ["exit", "throw", "terminate"] as const) {
    test(`those that sleep and those that await are told of an owner that ends by ${death}`, async () => {
      const mutex = make();
      let others: ReturnType<typeof run> | undefined;
      let here: Promise<unknown> | undefined;
      await run(mutex, [{ behaviour: "die holding", death, rounds: 2 }], async (_, __, workers) => {
        others = run(
          mutex,
          [{ behaviour: "lock" }, { behaviour: "await" }, { behaviour: "lock" }],
          undefined,
          [0, 1, 2],
        );
        here = mutex.lockAsync().then(
          () => "ok",
          (error: unknown) => {
            takeOver(error);
            return "told";
          },
        );
        // The others end by themselves as soon as two sleep.
        if (death !== "terminate") return;
        await until(() => mutex.waiters === 3);
        await workers[0].terminate();
      });
      // Each is told, by ERR_OWNER_DIED, until one puts the lock in order: the task of this thread. Those workers that are
      // told end with the lock held, so the next one is told again.
      const results = (await (others as ReturnType<typeof run>)).map(({ result }) => result);
      const told = results.filter((result) => (result as HoldfastError).code === "ERR_OWNER_DIED").length;
      assert.is(told + results.filter((result) => result === "ok").length, 3);
      assert.is(await here, "told");
    });
  }

  test("an owner that ends by terminate() while only the event loop waits: the awaiting task is told", async () => {
    const mutex = make();
    let told: Promise<Error> | undefined;
    await run(mutex, [{ behaviour: "die holding by a task", death: "terminate" }], async (_, __, workers) => {
      told = rejected(mutex.lockAsync());
      await turn();
      await workers[0].terminate();
    });
    takeOver(await told);
  });

  test("a waiter that ends, and whose wake is lost with it, strands nobody", async () => {
    for (let round = 0; round < 8; round++) {
      const mutex = make();
      const guard = mutex.lock();
      let begun = 0;
      const waiters = ["die waiting", "lock", "die awaiting", "await"].map((behaviour) => ({ behaviour }));
      const end = async (_: unknown, __: number, workers: readonly Worker[]): Promise<void> => {
        if (++begun < 4) return;
        await until(() => mutex.waiters === 2);
        // The wake may choose the one that is being ended.
        const ended = [workers[0].terminate(), workers[2].terminate()];
        if (round % 2 === 0) await turn();
        guard.release();
        await Promise.all(ended);
      };
      const outcomes = await run(mutex, waiters, end, [1, 3]);
      for (const k of [1, 3]) {
        // The one that was ended may have had the lock for a moment: then the next one is told so.
        const { result } = outcomes[k];
        if (result !== "ok") assert.is((result as HoldfastError).code, "ERR_OWNER_DIED");
      }
    }
  });

  test("a chain of deaths: each takes over from the last one, repairs, and dies too", async () => {
    const mutex = make();
    const ways = ["exit", "throw", "terminate"] as const;
    const chain: Behaviour[] = Array.from({ length: 9 }, (_, k) => ({
      behaviour: "take over",
      death: ways[k % 3],
      repair: true,
    }));
    const taken: unknown[] = [];
    await run(mutex, chain, (message, index, workers) => {
      taken.push((message as { taken: unknown }).taken);
      if (chain[index].death === "terminate") void workers[index].terminate();
    });
    assert.equal(
      taken,
      Array.from({ length: 9 }, () => "ok"),
    );
    takeOver(thrown(() => mutex.lock()));
    assert.is(mutex.region.deaths, 9);
    mutex.lock().release();
  });

  test("a worker that simply ends with the lock held is a dead owner too", async () => {
    const mutex = make();
    await run(mutex, [{ behaviour: "take over", death: "return" }]);
    takeOver(thrown(() => mutex.lock()));
  });

  test.run();
}
