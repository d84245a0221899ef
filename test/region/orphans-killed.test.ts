// Real threads that are killed with objects that nobody else knows of, at rest and while they make and free them: all of
// their memory is given back, and what they shared is not.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import type { Region } from "../../src/region/region.ts";
import { reapDead } from "../../src/region/threads.ts";
import { type MapHandle, SharedMap } from "../../src/tables/map.ts";
import { backends } from "../support/backends.ts";
import { affordableDeaths } from "../support/deaths.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("objects of killed threads");
const file = new URL("./orphans-killed.worker.js", import.meta.url);

/** A region in which this thread and one that has ended have used tables, and the bytes that are in use then. */
async function usedRegion(make: () => Region): Promise<{ region: Region; before: number }> {
  const region = make();
  const map = new SharedMap({ region });
  map.set("a", "b");
  map.get("a");
  map.free();
  return { region, before: await oneThread(region, "end") };
}

/** One thread that makes objects; it is ended as `task` says. What it shared is freed: the bytes that are still in use. */
async function oneThread(region: Region, task: "end" | "rest" | "make", rounds = 0): Promise<number> {
  const { deaths } = region;
  const made = new Int32Array(new SharedArrayBuffer(4));
  let ended = false;
  const kill = async (worker: Worker): Promise<void> => {
    while (Atomics.load(made, 0) < rounds && !ended) await turn();
    await worker.terminate();
  };
  let over: Promise<void> | undefined;
  const [{ messages, error }] = await runWorkers({
    file,
    count: 1,
    workerData: { handle: region.share(), made, task },
    mayDie: () => task !== "end",
    onMessage: (_, __, [worker]) => {
      if (task !== "end") over = kill(worker);
    },
  });
  ended = true;
  await over;
  if (error !== undefined) throw error;
  assert.is(messages.length, 1, "the thread ended before it had made anything");
  // Where nobody is told of a death, the thread itself is asked.
  while (region.deaths === deaths) {
    reapDead(region.memory.words, region.me);
    await turn();
  }
  void region.stats();
  const shared = SharedMap.from(messages[0] as MapHandle);
  assert.is(shared.get("a"), "b");
  shared.free();
  return region.stats().bytesUsed;
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

for (const { title, region: make } of backends) {
  test(`killed at rest: ${title}`, async () => {
    const { region, before } = await usedRegion(make);
    for (let k = 0; k < 2; k++) assert.is(await oneThread(region, "rest"), before);
  });

  test(`killed while it makes and frees them: ${title}`, async () => {
    const { region, before } = await usedRegion(make);
    for (let k = 0; k < affordableDeaths(10); k++) assert.is(await oneThread(region, "make", k), before);
  });
}

test.run();
