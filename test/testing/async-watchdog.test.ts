// The watchdog of async bodies stops nothing while no replay runs, however late the first one begins.

import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { AsyncWatchdog } from "../../src/testing/async-watchdog.ts";
import { suite } from "../support/suite.ts";

const test = suite("the watchdog of async bodies");

/** Until its thread has begun and ended a look after this moment; what it does in one it has then done. */
async function lookedAt(dog: AsyncWatchdog): Promise<void> {
  const before = dog.looks();
  assert.type(before, "number");
  while ((dog.looks() as number) < (before as number) + 3) await sleep(2);
}

test("nothing is stopped before the first replay, nor between two", async () => {
  const dog = new AsyncWatchdog(10_000);
  await dog.ready();
  await lookedAt(dog);
  assert.is(dog.stopped(), false, "before the first");
  const done = dog.over(
    (async () => {
      for (let k = 0; k < 3; k++) {
        dog.begin();
        await lookedAt(dog);
        dog.end();
        await lookedAt(dog);
      }
      return "done";
    })(),
    () => new Error("stopped"),
  );
  assert.is(await done, "done");
  assert.is(dog.stopped(), false);
});

test.run();
