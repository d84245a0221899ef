// What a Semaphore promises when threads end while they hold permits, wait for some, or are half-way.

import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { type Region, Semaphore } from "../../src/index.ts";
import { STARVER } from "../../src/protocols/semaphore.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { affordableDeaths } from "../support/deaths.ts";
import { effort } from "../support/effort.ts";
import { type Backend, until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";
import { type Ending, endings, startVictim } from "../support/victim.ts";
import { createSteps, readStep, runWorkers } from "../support/watchdog.ts";
import { semaphoreWorker as file, type Kind, kinds } from "./semaphore-kit.ts";

export function semaphoreDeathSuite(backend: Backend): void {
  const test = suite(`Semaphore and death over ${backend.name}`);
  const region = backend.create();
  const make = (permits: number, kind: Kind): Semaphore => new Semaphore({ region, permits, ...kind });
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(4096));
  /** Two workers that wait for `n` permits each, one asleep and one with a task. */
  const waiters = async (semaphore: Semaphore, n: number): Promise<() => Promise<unknown[]>> => {
    const steps = createSteps(2);
    const run = runWorkers({
      file,
      count: 2,
      steps,
      workerData: (index) => ({
        role: index === 0 ? "acquire with slices" : "await with slices",
        handle: semaphore.share(),
        n,
        words: words(),
      }),
    });
    await until(() => readStep(steps, 1).startsWith('"awaits"') && semaphore.waiters >= 1);
    return () => run.then((outcomes) => outcomes.map(({ result }) => result));
  };

  for (const { name, options } of kinds.filter(({ options }) => options.owned)) {
    for (const ending of endings) {
      test(`${name}: permits come back when their thread ends by ${ending}`, async () => {
        const semaphore = make(2, options);
        for (const role of ["victim holds", "victim holds async"]) {
          const victim = startVictim(file, ending, { role, handle: semaphore.share(), n: 2 });
          await victim.ready;
          assert.is(semaphore.available, 0);
          const results = await waiters(semaphore, 1);
          await victim.end();
          assert.equal(await results(), ["acquired", "acquired"]);
          // And those of the two, which have ended as well.
          await until(() => semaphore.available === 2);
        }
      });
    }

    test(`${name}: it works while the main thread itself sleeps for permits`, async () => {
      const semaphore = make(2, options);
      const steps = createSteps(1);
      const run = runWorkers({
        file,
        count: 1,
        steps,
        mayDie: () => true,
        workerData: { role: "exits soon", handle: semaphore.share(), n: 1, words: words() },
      });
      await until(() => readStep(steps, 0).startsWith('"holds"'));
      assert.is(semaphore.tryAcquire(2, { timeout: 20_000 }), true);
      semaphore.release(2);
      await run;
    });

    test(`${name}: a storm of kills loses and invents no permit`, async () => {
      await killStorm(semaphoreOf(region, options), words(), Math.max(4, affordableDeaths(effort(4, 12))));
    });
  }

  for (const { name, options } of kinds) {
    for (const ending of ["terminate()", "process.exit()"] as Ending[]) {
      test(`${name}: who ends by ${ending} while it waits, or starves, holds nobody up`, async () => {
        const semaphore = make(4, options);
        let mine = 2;
        semaphore.acquire(mine);
        const victim = startVictim(file, ending, { role: "victim waits", handle: semaphore.share(), n: 4 });
        await victim.ready;
        if (ending === "terminate()") await until(() => semaphore.waiters === 1);
        if (!options.fair && ending === "terminate()") {
          // Wakes that it can't use, until it asks that permits gather for it.
          await until(() => {
            semaphore.release();
            mine--;
            if (semaphore.tryAcquire()) mine++;
            return region.memory.words[semaphore.index + STARVER] !== 0;
          });
        }
        const results = options.fair ? await waiters(semaphore, 1) : undefined;
        await victim.end();
        if (results !== undefined) assert.equal(await results(), ["acquired", "acquired"]);
        // What this thread took, and, of a semaphore whose permits belong to nobody, what the two took.
        const held = options.owned ? mine : 4 - semaphore.available;
        if (held > 0) semaphore.release(held);
        await until(() => semaphore.tryAcquire(4));
        semaphore.release(4);
      });
    }

    test(`${name}: a death at any operation leaves a semaphore that works`, async () => {
      if (region.backend !== "js") return;
      for (const doing of ["takes", "waits", "gives", "drains"] as const) {
        for (let at = 0; ; at++) if (!(await dieAt(region, options, doing, at))) break;
      }
    });
  }

  test.run();
}

function semaphoreOf(region: Region, kind: Kind): Semaphore {
  return new Semaphore({ region, permits: 3, ...kind });
}

/** Ends another "thread" at one operation; false if it came to its end before. */
async function dieAt(
  region: Region,
  kind: Kind,
  doing: "takes" | "waits" | "gives" | "drains",
  at: number,
): Promise<boolean> {
  const there = anotherThread(region);
  const made = new Semaphore({ region, permits: 3, ...kind, name: "shared" });
  const twin = Semaphore.named("shared", { region: there });
  if (doing === "waits") made.acquire(2);
  if (doing === "gives") twin.acquire(3);
  const waiting = doing === "takes" || doing === "drains" ? undefined : made.acquireAsync(2);
  const died = crashAt(at, () => {
    if (doing === "takes") twin.acquire(2);
    else if (doing === "waits") twin.tryAcquire(2, { timeout: 2 });
    else if (doing === "gives") twin.release(3);
    else twin.drain();
  });
  bury(there);
  const where = `${doing}, ended at operation ${at}`;
  if (doing === "waits") made.release(2);
  if (kind.owned) {
    if (waiting !== undefined) await waiting;
    assert.is(made.available, waiting === undefined ? 3 : 1, where);
    if (waiting !== undefined) made.release(2);
  } else {
    // Permits of nobody: they are where the death left them, and whoever can use them has them.
    if (doing === "waits") await waiting;
    else if (made.available >= 2 || (died && made.waiters === 0)) await (waiting ?? Promise.resolve());
    const gone = 3 - made.available;
    assert.ok([0, 1, 2, 3].includes(gone), `${where}: ${made.available} available`);
    if (gone > 0) made.release(made.waiters > 0 ? 3 : gone);
    await waiting;
  }
  await until(() => made.available >= 1);
  assert.is(made.waiters, 0, where);
  made.free();
  return died;
}

/** Workers acquire and release, one of them is ended and replaced every few milliseconds. */
async function killStorm(semaphore: Semaphore, words: Int32Array, kills: number): Promise<void> {
  const slots = 4;
  const make = (id: number, slot: number): { worker: Worker; id: number } => {
    const workerData = {
      role: "storm for killing",
      handle: semaphore.share(),
      n: 3,
      rounds: 0,
      words,
      id,
      slot,
      index: id,
      count: slots,
      steps: createSteps(1024),
    };
    const worker = new Worker(file, { workerData });
    worker.on("error", (error) => {
      throw error;
    });
    return { worker, id };
  };
  // All are made before the storm: beside four busy threads a worker takes long to start.
  const order = Array.from({ length: slots + kills }, (_, k) => (k < slots ? k : ((k - slots) * 7) % slots));
  const spare = order.map((slot, k) => make(k + 1, slot));
  const start = (): { worker: Worker; id: number } => {
    const next = spare.shift() as { worker: Worker; id: number };
    Atomics.store(words, 128 + next.id, 1);
    Atomics.notify(words, 128 + next.id);
    return next;
  };
  const progress = (slot: number): number => Atomics.load(words, 6 + slot);
  const living = Array.from({ length: slots }, start);
  for (let kill = 0; kill < kills; kill++) {
    const slot = (kill * 7) % slots;
    const before = Array.from({ length: slots }, (_, other) => progress(other));
    // Everyone goes on after each death: the one that was replaced, and the survivors.
    await until(() => before.every((count, other) => progress(other) > count));
    await new Promise((resolve) => setTimeout(resolve, kill % 5));
    Atomics.store(words, 64 + living[slot].id, 1);
    await living[slot].worker.terminate();
    living[slot] = start();
  }
  for (const { worker, id } of living) {
    Atomics.store(words, 64 + id, 1);
    await worker.terminate();
  }
  assert.is(words[2], 0, "overlaps");
  await until(() => semaphore.available === 3);
  semaphore.acquire(3);
  semaphore.release(3);
}
