// The short form of the soak over short lives; `npm run soak -- --only threads` has ten thousand.
// native: too

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { shortLives } from "./threads.ts";

const test = suite("threads that come and go");

test("60 threads end in every way: no hold, count, slot or memory is lost", async () => {
  const { deaths, mismatches, operations } = await shortLives({ count: 60, threads: 4 });
  assert.equal(mismatches, []);
  assert.is(deaths, 60);
  assert.is(operations, 60 * 20);
});

test.run();
