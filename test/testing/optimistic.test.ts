// Claims about optimistic sections: reads that race on purpose pass if they are validated, and are caught if they are not.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Body,
  check,
  discarded,
  type ExploreOptions,
  explore,
  optimistic,
  validated,
} from "../../src/testing/index.ts";
import * as t from "./textbook.ts";

const test = suite("optimistic sections");

type Words = Int32Array;

// One writer keeps data[1] === data[2]; the version is odd while it writes.
const seqlock = (read: Body<Words>): ExploreOptions<Words> => ({
  memory: t.view(3),
  names: ["version", "low", "high"],
  threads: [
    (w) => {
      Atomics.add(w, 0, 1);
      w[1] = 7;
      w[2] = 7;
      Atomics.add(w, 0, 1);
    },
    read,
  ],
});

test("an optimistic read that validates passes, one that skips it is caught", async () => {
  const reader =
    (validates: boolean): Body<Words> =>
    (w) => {
      for (let tries = 0; tries < 2; tries++) {
        const stamp = Atomics.load(w, 0);
        if (stamp % 2 === 1) continue;
        optimistic();
        const [low, high] = [w[1], w[2]];
        if (!validates || Atomics.compareExchange(w, 0, stamp, stamp) === stamp) {
          validated();
          return [low, high];
        }
        discarded();
      }
      return undefined;
    };
  const seen = new Set<string>();
  const right = await check({ ...seqlock(reader(true)), final: (_w, [, r]) => void seen.add(String(r.value)) });
  assert.ok(right.exhaustive);
  assert.equal([...seen].sort(), ["0,0", "7,7", "undefined"]);
  assert.is((await explore(seqlock(reader(false)))).failure?.kind, "unvalidated");
});

test("an optimistic section that is never validated must not have been overtaken", async () => {
  const read: Body<Words> = (w) => {
    optimistic();
    return [w[1], w[2]];
  };
  assert.is((await explore(seqlock(read))).failure?.kind, "unvalidated");
});

test.run();
