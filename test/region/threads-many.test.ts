// watchdog: 300s
// Many real threads, one after the other, in few slots: 200, and 1,000 in the long form. It takes some 35 ms of
// processor time a thread.

import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { probe } from "../../src/region/threads.ts";
import { effort } from "../support/effort.ts";
import { suite } from "../support/suite.ts";

const test = suite("many threads");
const COUNT = effort(200, 1000);

test(`${COUNT} workers, attached and ended in turn, fit into 8 slots`, async () => {
  const region = Region.create({ maxThreads: 8 });
  const ids = new Set<number>();
  const attachAndEnd = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./attach.worker.js", import.meta.url), { workerData: region.memory.words });
      worker.on("message", (id: number) => ids.add(id));
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  for (let batch = 0; batch < COUNT / 8; batch++) {
    await Promise.all(Array.from({ length: 8 }, attachAndEnd));
  }
  assert.is(ids.size, COUNT);
  assert.not.ok(ids.has(0));
  // Where nobody tells of a worker's end, as in a browser, whoever asks finds out.
  for (const id of ids) assert.ok(probe(region.memory.words, id, true));
  assert.is(region.deaths, COUNT);
  assert.is(region.threads, 0);
});

test.run();
