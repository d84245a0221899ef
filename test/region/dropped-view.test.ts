// A thread may have two Region objects over one memory (here by a trick of the tests' own). The one that is dropped takes
// nothing from the other: deaths are heard of as before.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { anotherThread } from "../support/crash.ts";
import { until } from "../support/lock-backends.ts";
import { suite } from "../support/suite.ts";

const test = suite("two views of one region");

function collector(): () => void {
  const { Bun: bun } = globalThis as { Bun?: { gc(now: boolean): void } };
  if (bun !== undefined) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

test("deaths are heard of after the second view was collected", async () => {
  const region = Region.create();
  void region.me;
  const collect = collector();
  const second = new WeakRef(anotherThread(region));
  assert.is(region.threads, 2);
  // Its seat is given up once it is collected, in a turn of the event loop of its own.
  await until(() => {
    collect();
    return region.threads === 1;
  });
  assert.is(second.deref(), undefined);
  const worker = new Worker(new URL("./attach.worker.js", import.meta.url), { workerData: region.memory.words });
  await new Promise((resolve) => worker.once("exit", resolve));
  assert.is(region.deaths, 2);
  assert.is(region.threads, 1);
});

test.run();
