// watchdog: 300s
// The short form of the comparison of a table with an oracle; `npm run soak` has the long one.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareWithOracle } from "./oracle.ts";

const test = suite("a table against an oracle");

test("16 threads: every read, every sum and every row left agree", async () => {
  const { operations, mismatches } = await compareWithOracle({ operations: 100_000, keys: 300 });
  assert.equal(mismatches, []);
  assert.ok(operations >= 100_000);
});

test.run();
