// Claims about runMutants: what passes, or fails in another way than it must, has escaped.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ExploreOptions, runMutants } from "../../src/testing/index.ts";
import { checkThenSetLock, futexLock, futexUnlock, view } from "./textbook.ts";

const test = suite("mutants");

const model = (lock: (w: Int32Array, at: number) => void): ExploreOptions<Int32Array> => ({
  memory: view(2),
  threads: [0, 1].map(() => (w: Int32Array) => {
    lock(w, 0);
    w[1]++;
    futexUnlock(w, 0);
  }),
});

test("caught, escaped, and failed in the wrong way", async () => {
  const seen: string[] = [];
  const result = await runMutants(
    [
      { name: "no lock", options: () => model(() => undefined), expect: ["race"] },
      { name: "check, then set", options: () => model(checkThenSetLock) },
      { name: "no mutant at all", options: () => model(futexLock) },
      { name: "another failure", options: () => model(checkThenSetLock), expect: ["deadlock"] },
      {
        name: "never ends",
        options: () => ({
          memory: view(1),
          threads: [
            (w) => {
              for (;;) Atomics.add(w, 0, 1);
            },
          ],
        }),
        expect: ["endless"],
      },
    ],
    (outcome) => void seen.push(outcome.how),
  );
  assert.is(result.total, 5);
  assert.is(result.caught, 3);
  assert.equal(result.escaped, ["no mutant at all", "another failure"]);
  assert.equal(seen, ["race", "race", "passed", "failed with race, not deadlock", "endless"]);
});

test.run();
