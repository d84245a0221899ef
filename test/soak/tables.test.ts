// The short form of the kill storm over tables; `node dist/test/soak/tables.js` kills a thousand.
// native: too

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { killStorm } from "./tables.ts";

const test = suite("kill storm over tables");

test("24 writers killed in mid-operation: every row as the oracle has it, memory sound, no byte lost", async () => {
  const { kills, operations, survivorsBlocked, mismatches, leakedBytes } = await killStorm({ kills: 24 });
  assert.equal(mismatches, []);
  assert.ok(kills >= 24 && operations > 240, `${kills} kills, ${operations} operations`);
  assert.is(survivorsBlocked, 0);
  assert.is(leakedBytes, 0);
});

test.run();
