// The short form of the kill storm over locks; `npm run soak` kills a thousand.
// native: too

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lockStorm } from "./locks.ts";

const test = suite("kill storm over locks");

test("the same with fair mutexes", async () => {
  const { kills, operations, survivorsBlocked, mismatches } = await lockStorm({ kills: 12, threads: 6, fair: true });
  assert.equal(mismatches, []);
  assert.is(survivorsBlocked, 0);
  assert.ok(kills >= 12 && operations > 120, `${kills} kills, ${operations} operations`);
});

test("18 of 6 threads killed amid locks of every kind: none is ever shared, and nobody hangs", async () => {
  const { kills, operations, survivorsBlocked, mismatches } = await lockStorm({ kills: 18, threads: 6 });
  assert.equal(mismatches, []);
  assert.is(survivorsBlocked, 0);
  assert.ok(kills >= 18 && operations > 180, `${kills} kills, ${operations} operations`);
});

test.run();
