// How a thread reviews what spinning for a lock comes to: turns end by the clock, what nobody awaited for long says nothing, and
// the policy of a fair lock is left alone.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HOLD, MUTEX_WORDS, POLICY } from "../../src/protocols/mutex.ts";
import { SLEEPS } from "../../src/protocols/spin-policy.ts";
import type { RegionMemory } from "../../src/region/memory.ts";
import { Patience, type Spinning, spinningWithin } from "../../src/region/spinning.ts";

const test = suite("spinning in a region");
const ME = 0x1001;
const OTHER = 0x1002;
const AT = 16;

/** A lock that another thread holds, and the times at which this one waits for it, so many holds after the time before. */
function run(policy: number, waits: readonly { time: number; holds: number }[]): number[] {
  const words = new Int32Array(new SharedArrayBuffer(4 * (AT + MUTEX_WORDS)));
  words[AT] = OTHER;
  words[AT + POLICY] = policy;
  const spinning = spinningWithin(20, { words } as RegionMemory, undefined);
  const real = performance.now;
  try {
    return waits.map(({ time, holds }) => {
      words[AT + HOLD] += holds;
      performance.now = () => time;
      assert.is(spinning.spinForLock(AT, ME, 0, 0), 0);
      return words[AT + POLICY];
    });
  } finally {
    performance.now = real;
  }
}

/** Waits that follow each other so closely that each turn is seen to end. */
const steady = (count: number, every: number): { time: number; holds: number }[] =>
  Array.from({ length: count }, (_, k) => ({ time: 1000 + every * k, holds: 100 }));

test("turns end, and the other way is tried", () => {
  const policies = run(0, steady(1000, 1));
  assert.ok(policies.some((policy) => (policy & SLEEPS) !== 0));
  assert.ok(policies.some((policy, k) => k > 0 && policy !== policies[k - 1] && (policy & SLEEPS) === 0));
});

test("waits that are far between teach nothing", () => {
  assert.ok(run(0, steady(100, 1000)).every((policy) => policy === 0));
});

test("the policy of a fair lock is left alone", () => {
  assert.ok(run(-64, steady(200, 1)).every((policy) => policy === -64));
});

/** How many of `count` requests for permits spin; a spin that takes them does so after `loads`, 0: none does. */
function spinsOf(patience: Patience, count: number, loads: number): number {
  let spins = 0;
  const spinForPermits = (): number => {
    spins++;
    return loads;
  };
  const spinning = { permitsLimit: 72_000, spinForPermits } as Partial<Spinning> as Spinning;
  for (let k = 0; k < count; k++) patience.spin(spinning, 0, 1);
  return spins;
}

test("each request for permits spins where spins pay", () => {
  assert.is(spinsOf(new Patience(), 1000, 600), 1000);
});

test("where spins are in vain, ever fewer are tried, and it is found out when they pay again", () => {
  const patience = new Patience();
  const first = spinsOf(patience, 1000, 0);
  const later = spinsOf(patience, 10_240, 0);
  assert.ok(first > 10 && first < 60, `${first} spins of 1,000`);
  assert.is(later, 40);
  const again = new Patience();
  spinsOf(again, 10_000, 0);
  let taken = 0;
  const spinning = { permitsLimit: 72_000, spinForPermits: () => 600 } as Partial<Spinning> as Spinning;
  for (let k = 0; k < 2000; k++) taken += again.spin(spinning, 0, 1) ? 1 : 0;
  assert.ok(taken > 1000, `${taken} of 2,000`);
});

test.run();
