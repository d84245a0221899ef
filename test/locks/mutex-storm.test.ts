// native: too
// A kill storm: workers with and without WebAssembly lock in all ways while one after the other is terminated at a random
// moment and replaced. An independent detector sees that never two are inside; all who live must go on.

import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { Region } from "../../src/region/region.ts";
import { reapDead } from "../../src/region/threads.ts";
import { affordableDeaths } from "../support/deaths.ts";
import { effort } from "../support/effort.ts";
import { suite } from "../support/suite.ts";
import { createSteps, readStep } from "../support/watchdog.ts";

const test = suite("kill storm");
const file = new URL("./mutex-storm.worker.js", import.meta.url);
const WORKERS = 6;
const KILLS = affordableDeaths(effort(50, 100));
/** Six threads may take long to start on a busy machine. */
const PATIENCE_MS = 60_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Storm {
  readonly words: Int32Array;
  readonly steps: SharedArrayBuffer;
  readonly workers: Worker[];
  readonly errors: unknown[];
}

function start({ words, steps, workers, errors }: Storm, mutex: Mutex, seat: number): void {
  const workerData = { words, seat, handle: mutex.share(), steps, index: seat, count: WORKERS };
  workers[seat] = new Worker(file, { workerData, env: { ...process.env, HOLDFAST_WASM: String(seat % 2) } });
  workers[seat].on("error", (error) => errors.push(error));
}

/** Waits until every thread that lives has done something more; fails, saying where each stands, after PATIENCE_MS. */
async function allProgress({ words, steps, errors }: Storm): Promise<void> {
  const before = Array.from({ length: WORKERS }, (_, seat) => Atomics.load(words, 8 + seat));
  const until = performance.now() + PATIENCE_MS;
  const isStuck = (): boolean => before.some((count, seat) => Atomics.load(words, 8 + seat) === count);
  while (isStuck()) {
    if (errors.length > 0) throw errors[0];
    if (performance.now() > until) {
      const standing = before.map((count, seat) => `${seat}: ${count} rounds, at ${readStep(steps, seat)}`);
      throw new Error(`threads are stuck:\n${standing.join("\n")}`);
    }
    await sleep(1);
  }
}

test(`${KILLS} kills: nobody is ever inside with another, nobody hangs`, async () => {
  const mutex = new Mutex({ region: Region.create({ maxThreads: WORKERS + 2 }) });
  const words = new Int32Array(new SharedArrayBuffer(4 * (8 + WORKERS)));
  const storm: Storm = { words, steps: createSteps(WORKERS), workers: [], errors: [] };
  const begun = new Array<number>(WORKERS).fill(0);
  for (let seat = 0; seat < WORKERS; seat++) start(storm, mutex, seat);
  try {
    await allProgress(storm);
    for (let kill = 0; kill < KILLS; kill++) {
      // One that is at work since it was started, so that the end comes in the middle of it.
      const seat = kill % WORKERS;
      const until = performance.now() + PATIENCE_MS;
      while (Atomics.load(words, 8 + seat) === begun[seat]) {
        assert.ok(performance.now() < until, `thread ${seat} does not begin, at ${readStep(storm.steps, seat)}`);
        await sleep(1);
      }
      await sleep(Math.random() * 3);
      await storm.workers[seat].terminate();
      // On some runtimes it is said to be ended before it is.
      while (mutex.region.deaths === kill) {
        assert.ok(performance.now() < until, `thread ${seat} does not end, at ${readStep(storm.steps, seat)}`);
        reapDead(mutex.region.memory.words); // where nobody tells, whoever asks finds out
        await sleep(1);
      }
      begun[seat] = Atomics.load(words, 8 + seat);
      start(storm, mutex, seat);
      if (kill % 20 === 19) await allProgress(storm);
    }
    await allProgress(storm);
    assert.is(Atomics.load(words, 2), 0, "two threads were inside at once");
    assert.equal(storm.errors, []);
    assert.is(mutex.region.deaths, KILLS);
    // About one in six; of few, it may be none.
    if (KILLS >= 100) assert.ok(Atomics.load(words, 5) > 0, "some were ended while they held the lock");
  } finally {
    Atomics.store(words, 0, 1);
    await sleep(50);
    await Promise.all(storm.workers.map((worker) => worker.terminate()));
  }
});

test.run();
