// The watchdog of async bodies stops nothing while no replay runs, however late the first one begins.

import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { AsyncWatchdog } from "../../src/testing/async-watchdog.ts";
import { suite } from "../support/suite.ts";

const test = suite("the watchdog of async bodies");

test("nothing is stopped before the first replay, nor between two", async () => {
  const dog = new AsyncWatchdog(10_000);
  await dog.ready();
  // Several looks of its thread, which come every 50 ms: what it does wrongly is seen, what it does right never fails.
  await sleep(400);
  assert.is(dog.stopped(), false, "before the first");
  const done = dog.over(
    (async () => {
      for (let k = 0; k < 3; k++) {
        dog.begin();
        await sleep(60);
        dog.end();
        await sleep(120);
      }
      return "done";
    })(),
    () => new Error("stopped"),
  );
  assert.is(await done, "done");
  assert.is(dog.stopped(), false);
});

test.run();
