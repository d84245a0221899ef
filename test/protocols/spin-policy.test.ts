// What a lock learns about spinning: the way with the higher rate gets nearly all turns, whatever the policy was before.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RATE, reviewed, SLEEPS, turnOf } from "../../src/protocols/spin-policy.ts";

const test = suite("the policy of spinning");

/** Runs so many turns with these rates: the policy after them, and how many of them slept. */
function turns(policy: number, count: number, spinning: number, sleeping: number): { policy: number; slept: number } {
  let slept = 0;
  let now = policy;
  for (let turn = 0; turn < count; turn++) {
    const sleeps = (now & SLEEPS) !== 0;
    if (sleeps) slept++;
    now = reviewed(now, sleeps ? sleeping : spinning);
  }
  return { policy: now, slept };
}

test("a new lock tries to sleep next", () => {
  assert.is(reviewed(0, 100) & SLEEPS, SLEEPS);
});

test("the better way gets nearly all turns", () => {
  assert.ok(turns(0, 1000, 300, 280).slept < 50);
  assert.ok(turns(0, 1000, 280, 300).slept > 950);
});

test("what has changed is learnt anew, from any policy", () => {
  fc.assert(
    fc.property(fc.nat(0x7fffffff), (policy) => {
      const spinning = turns(policy, 200, 300, 200).policy;
      assert.ok(turns(spinning, 1000, 300, 200).slept < 50);
      const sleeping = turns(spinning, 200, 200, 300).policy;
      assert.ok(turns(sleeping, 1000, 200, 300).slept > 950);
    }),
    { numRuns: 200 },
  );
});

test("where both come to the same, neither takes all the trials", () => {
  const { slept } = turns(0, 1000, 250, 250);
  assert.ok(slept < 50 || slept > 950, `${slept} of 1000`);
});

test("a policy never becomes that of a fair lock, and each turn is told from the next", () => {
  fc.assert(
    fc.property(fc.nat(0x7fffffff), fc.integer({ min: 1, max: RATE }), (policy, rate) => {
      const next = reviewed(policy, rate);
      assert.ok(next >= 0);
      assert.is(next, next | 0);
      assert.is.not(turnOf(next), turnOf(policy));
    }),
  );
});

test.run();
