// The lock-order recorder: inversions within a thread and between threads, what is none, and that off it is not there.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lockOrder } from "../../src/locks/lock-order.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { backends } from "../support/lock-backends.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("lock order");
const classes = [Mutex, ReentrantMutex, RwLock, StampedLock];
test.after.each(() => lockOrder.stop());

test("off, and after stop(), the lock classes are as they were", () => {
  const shape = (): unknown[] =>
    classes.flatMap(({ prototype }) =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype)).map(([name, { value, get }]) => [name, value, get]),
    );
  const before = shape();
  lockOrder.start();
  lockOrder.start();
  assert.not.equal(shape().length, before.length);
  lockOrder.stop();
  const after = shape() as unknown[][];
  assert.is(after.length, before.length);
  for (const [name, value] of before as unknown[][]) {
    assert.ok(
      after.some((entry) => entry[0] === name && entry[1] === value),
      String(name),
    );
  }
});

for (const { name, create } of backends) {
  test(`${name}: two orders in one thread are an inversion, with both stacks`, () => {
    const region = create();
    const a = Mutex.named("a", { region });
    const b = Mutex.named("b", { region });
    lockOrder.start();
    function oneWay(): void {
      a.withLock(() => b.withLock(() => undefined));
    }
    function theOther(): void {
      using _b = b.lock();
      using _a = a.lock();
    }
    oneWay();
    oneWay();
    assert.equal(lockOrder.report(region), { inversions: [], orders: 1, dropped: 0 });
    theOther();
    const { inversions, orders } = lockOrder.report(region);
    assert.is(orders, 2);
    assert.is(inversions.length, 1);
    const [{ first, second }] = inversions;
    assert.equal([first.held, first.wanted, first.thread], ['Mutex "a"', 'Mutex "b"', 0]);
    assert.equal([second.held, second.wanted, second.thread], ['Mutex "b"', 'Mutex "a"', 0]);
    assert.match(first.heldStack, "oneWay");
    assert.match(first.wantedStack, "oneWay");
    assert.match(second.heldStack, "theOther");
    assert.match(second.wantedStack, "theOther");
  });
}

const region = backends[0].create();

test("orders of two threads are compared", async () => {
  const locks = [new Mutex({ region }), new Mutex({ region })].map((lock) => lock.share());
  const file = new URL("./lock-order.worker.js", import.meta.url);
  // One after the other: there is nothing to deadlock on.
  for (const order of [locks, locks.toReversed()]) await runWorkers({ file, count: 1, workerData: { locks: order } });
  const { inversions } = lockOrder.report(region);
  assert.is(inversions.length, 1);
  assert.not.equal(inversions[0].first.thread, inversions[0].second.thread);
  assert.match(inversions[0].second.wantedStack, "inMyOrder");
});

test("read-write locks in all their ways; what was released is not held", () => {
  const own = backends[0].create();
  const mutex = new Mutex({ region: own });
  const rw = new RwLock({ region: own });
  const stamped = new StampedLock({ region: own });
  lockOrder.start();
  rw.withRead(() => mutex.withLock(() => undefined));
  {
    using upgradable = rw.upgradable();
    using writing = upgradable.upgrade();
    writing.downgrade().release();
  }
  const guard = stamped.write();
  stamped.unlock(guard.stamp);
  mutex.lock();
  mutex.unlock();
  rw.withWrite(() => undefined);
  assert.equal(lockOrder.report(own), { inversions: [], orders: 1, dropped: 0 });
  mutex.withLock(() => rw.withWrite(() => undefined));
  assert.is(lockOrder.report(own).inversions.length, 1);
});

test("a lock that is entered again, and a try that does not wait, give no order", () => {
  const own = backends[0].create();
  const reentrant = new ReentrantMutex({ region: own });
  const mutex = new Mutex({ region: own });
  lockOrder.start();
  reentrant.withLock(() => mutex.withLock(() => reentrant.withLock(() => undefined)));
  mutex.withLock(() => reentrant.tryLock()?.release());
  assert.equal(lockOrder.report(own), { inversions: [], orders: 1, dropped: 0 });
  mutex.withLock(() => reentrant.tryLock({ timeout: 10 })?.release());
  assert.is(lockOrder.report(own).inversions.length, 1);
});

test("more orders than the table has places for are counted as dropped", () => {
  const own = backends[0].create();
  const first = new Mutex({ region: own });
  lockOrder.start();
  for (let i = 0; i < 130; i++) {
    const other = new Mutex({ region: own });
    first.withLock(() => other.withLock(() => undefined));
  }
  assert.equal(lockOrder.report(own), { inversions: [], orders: 128, dropped: 2 });
});

test.run();
