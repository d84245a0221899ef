// native: too
// A thread that ends at any one of its operations on an RwLock leaves a lock that the next one can take, and data that is
// either whole or told to be in doubt.

import * as assert from "uvu/assert";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { Region } from "../../src/region/region.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { suite } from "../support/suite.ts";

const test = suite("RwLock, ended at any operation");

type Work = (lock: RwLock, data: Int32Array) => void;

/** Two words that are equal but while somebody writes; the stores are operations at which the thread may end, too. */
function change(data: Int32Array): void {
  Atomics.add(data, 0, 1);
  Atomics.add(data, 1, 1);
}

const works: Record<string, Work> = {
  "a read": (lock) => lock.read().release(),
  "nested reads": (lock) => {
    const guards = [lock.read(), lock.read(), lock.read()];
    for (const guard of guards) guard.release();
  },
  "a write": (lock, data) => {
    const guard = lock.write();
    change(data);
    guard.release();
  },
  "a try": (lock, data) => {
    const guard = lock.tryWrite();
    change(data);
    guard?.release();
  },
  "an upgrade": (lock, data) => {
    const guard = lock.upgradable().upgrade();
    change(data);
    guard.release();
  },
  "a downgrade": (lock, data) => {
    const guard = lock.write();
    change(data);
    guard.downgrade().release();
  },
};

for (const [title, work] of Object.entries(works)) {
  test(title, () => {
    let told = 0;
    for (let at = 0; ; at++) {
      const region = Region.create({ wasm: false });
      const lock = new RwLock({ region, name: "crash" });
      const other = anotherThread(region);
      const theirs = RwLock.named("crash", { region: other });
      const data = new Int32Array(new SharedArrayBuffer(8));
      const ended = crashAt(at, () => work(theirs, data));
      if (!ended) {
        assert.ok(at > 3);
        break;
      }
      bury(other);
      let doubt = false;
      lock
        .read({
          timeout: 2000,
          recover: () => {
            doubt = true;
          },
        })
        .release();
      if (!doubt) assert.is(data[0], data[1], `whole, and told so, after an end at operation ${at}`);
      let repaired = false;
      const guard = lock.write({
        timeout: 2000,
        recover: () => {
          repaired = true;
        },
      });
      assert.is(repaired, doubt);
      guard.release();
      assert.is(lock.readers, 0);
      lock.upgradable().release();
      lock.write().release();
      lock.free();
      told += doubt ? 1 : 0;
    }
    // Whoever changes data can be in the middle of it.
    assert.is(told > 0, !title.includes("read"));
  });
}

test("a stamped write: no optimistic stamp from before is valid after it began to change data", () => {
  for (let at = 0; ; at++) {
    const region = Region.create({ wasm: false });
    const lock = new StampedLock({ region, name: "crash" });
    const other = anotherThread(region);
    const theirs = StampedLock.named("crash", { region: other });
    const data = new Int32Array(new SharedArrayBuffer(8));
    const stamp = lock.optimisticRead();
    const work = (): void => {
      const guard = theirs.write();
      change(data);
      guard.release();
    };
    if (!crashAt(at, work)) break;
    bury(other);
    if (data[0] !== 0) assert.is(lock.validate(stamp), false);
    const now = lock.optimisticRead();
    if (data[0] !== data[1]) assert.is(now, 0);
    lock.write({ recover: () => {} }).release();
    assert.is(lock.validate(now), false);
    assert.ok(lock.optimisticRead() > 0);
  }
});

test.run();
