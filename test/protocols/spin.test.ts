// Spinning for a mutex word: it takes what lockStep would take and nothing else, its loads are bounded, and it does what the
// lock has learnt.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  ACQUIRED,
  LOCK,
  lockStep,
  MUTEX_WORDS,
  NOT_RECOVERABLE,
  OWNER_DIED,
  POLICY,
  RELEASED,
  STARVING,
  SYNC_WAITERS,
  unlock,
} from "../../src/protocols/mutex.ts";
import { spinForLock, spinStep } from "../../src/protocols/spin.ts";
import { SLEEPS } from "../../src/protocols/spin-policy.ts";

const test = suite("spinning");
const ME = 0x1001;
const OTHER = 0x1002;
const AT = 16;
const LIMIT = 6000;

function words(lock: number): Int32Array {
  const made = new Int32Array(new SharedArrayBuffer(4 * (AT + MUTEX_WORDS)));
  made[AT + LOCK] = lock;
  return made;
}

/** Runs `work`, and calls `before` with the number of each load in it, from 0. */
function atLoads(before: (number: number) => void, work: () => void): number {
  const real = Atomics.load;
  let loads = 0;
  Atomics.load = ((array: Int32Array, index: number) => {
    before(loads++);
    return real(array, index);
  }) as typeof Atomics.load;
  try {
    work();
  } finally {
    Atomics.load = real;
  }
  return loads;
}

test("takes a free lock just as lockStep does, whatever its flags", () => {
  for (const flags of [0, SYNC_WAITERS, STARVING, SYNC_WAITERS | STARVING]) {
    for (const slept of [0, 1]) {
      for (const starver of slept === 0 ? [0] : [0, 1]) {
        const [one, two] = [words(flags), words(flags)];
        const step = lockStep(one, AT, ME, slept, starver);
        const taken = spinStep(two, AT, ME, slept, starver, 100);
        assert.is(taken !== 0, step === ACQUIRED);
        if (step === ACQUIRED) assert.equal(two, one);
        else assert.is(two[AT], flags);
      }
    }
  }
});

test("takes no lock that is held, lost, this thread's own, or left by a dead owner", () => {
  for (const lock of [OTHER, OTHER | SYNC_WAITERS, ME, NOT_RECOVERABLE, OWNER_DIED, OWNER_DIED | SYNC_WAITERS]) {
    const made = words(lock);
    assert.is(spinStep(made, AT, ME, 1, 1, 100), 0);
    assert.is(made[AT], lock);
  }
});

test("takes a lock that becomes free while it looks on", () => {
  const made = words(OTHER);
  let taken = 0;
  atLoads(
    (number) => {
      if (number === 40) assert.is(unlock(made, AT, OTHER), RELEASED);
    },
    () => {
      taken = spinStep(made, AT, ME, 0, 0, 1000);
    },
  );
  assert.ok(taken > 40);
  assert.is(made[AT], ME);
});

test("a spin ends after its budget of loads, however long the lock is held", () => {
  for (const budget of [1, 10, 1000]) {
    const made = words(OTHER);
    const loads = atLoads(
      () => undefined,
      () => assert.is(spinStep(made, AT, ME, 0, 0, budget), 0),
    );
    assert.ok(loads >= budget && loads <= budget + 33, `${loads} loads for ${budget}`);
  }
});

test("a lock that has learnt that sleeping pays is not spun for, but by a starver", () => {
  const made = words(OTHER);
  made[AT + POLICY] = SLEEPS;
  const loads = (starver: number): number =>
    atLoads(
      () => undefined,
      () => assert.is(spinForLock(made, AT, ME, 1, starver, LIMIT), 0),
    );
  assert.is(loads(0), 1);
  assert.ok(loads(1) >= LIMIT);
  assert.is(made[AT + POLICY], SLEEPS);
  // For comparison: a fixed number of looks, whatever was learnt.
  const fixed = atLoads(
    () => undefined,
    () => assert.is(spinForLock(made, AT, ME, 0, 0, -LIMIT), 0),
  );
  assert.ok(fixed >= LIMIT);
});

test("what a fair lock's POLICY says is never changed, and nobody spins for it", () => {
  const made = words(OTHER);
  made[AT + POLICY] = -64;
  const loads = atLoads(
    () => undefined,
    () => {
      for (let wait = 0; wait < 10; wait++) assert.is(spinForLock(made, AT, ME, 0, 0, LIMIT), 0);
    },
  );
  assert.is(made[AT + POLICY], -64);
  assert.ok(loads <= 20, `${loads} loads`);
});

test.run();
