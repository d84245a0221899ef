// What every Mutex must do about a dead owner, as the next one sees it (how threads die is in test/locks).

import * as assert from "uvu/assert";
import { type HoldfastError, OwnerDiedError } from "../../src/cells/errors.ts";
import type { Guard } from "../../src/locks/guard.ts";
import type { Mutex } from "../../src/locks/mutex.ts";
import { isStarving, withdrawStarving } from "../../src/protocols/mutex.ts";
import { anotherThread, bury, vanish } from "../support/crash.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { type MutexKit, mutexIn, turn, until } from "./mutex-kit.ts";

export function deadOwners(kit: MutexKit): void {
  const { test, fair, make, workers, orphaned } = kit;

  test("the next owner gets ERR_OWNER_DIED with the lock held through its guard", async () => {
    for (const acquire of [
      (mutex: Mutex) => mutex.lock(),
      (mutex: Mutex) => mutex.lock({ timeout: 100 }),
      (mutex: Mutex) => mutex.tryLock(),
      (mutex: Mutex) => mutex.lockAsync(),
      (mutex: Mutex) => mutex.withLock(() => assert.unreachable()),
      (mutex: Mutex) => mutex.withLockAsync(() => assert.unreachable()),
    ]) {
      const mutex = orphaned();
      const error = await rejected((async () => acquire(mutex))());
      assert.instance(error, OwnerDiedError);
      assert.is(error.code, "ERR_OWNER_DIED");
      const { guard } = error as OwnerDiedError<Guard<Mutex>>;
      assert.ok(guard?.held && mutex.heldByMe);
      assert.is(guard.markConsistent(), true);
      assert.is(guard.markConsistent(), false);
      guard.release();
      mutex.lock().release();
    }
  });

  test("an owner that vanished without notice is found by whoever tries, or whose time is over", async () => {
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ timeout: 30 }),
      (mutex: Mutex) => mutex.tryLock(),
      (mutex: Mutex) => mutex.tryLock({ timeout: 30 }),
      (mutex: Mutex) => mutex.lockAsync({ timeout: 30 }),
    ]) {
      const mutex = make();
      const other = anotherThread(mutex.region);
      mutexIn(other, mutex).lock();
      vanish(other);
      assert.is((await rejected((async () => acquire(mutex))())).code, "ERR_OWNER_DIED");
    }
  });

  // A fair lock has no flag that keeps newcomers away: S does.
  if (!fair)
    test("a task whose place before newcomers was taken away asks for it again", async () => {
      const mutex = make();
      const { words } = mutex.region.memory;
      const index = mutex.share().offset >> 2;
      mutex.lock();
      const task = mutex.lockAsync();
      for (let round = 0; round < 5; round++) {
        await until(() => {
          // Overtaken: the task is woken, and finds the lock held again.
          mutex.unlock();
          assert.ok(mutex.tryLock());
          return isStarving(words[index]);
        });
        withdrawStarving(words, index);
      }
      mutex.unlock();
      (await task).release();
    });

  test("released unmarked, the lock is not recoverable, for everyone and for good", async () => {
    const mutex = orphaned();
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    const task = rejected(mutex.lockAsync());
    guard?.release();
    assert.is((await task).code, "ERR_NOT_RECOVERABLE");
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => mutex.tryLock()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => mutex.unlock()),
      "ERR_NOT_OWNER",
    );
    assert.is((await rejected(mutex.lockAsync())).code, "ERR_NOT_RECOVERABLE");
    const [sync, awaiting] = await workers({ behaviour: "" }, mutex, {
      count: 2,
      workerData: (index) => ({
        behaviour: index === 0 ? "lock" : "await",
        handle: mutex.share(),
        words: new Int32Array(4),
      }),
    });
    assert.is((sync.result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
    assert.is((awaiting.result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
  });

  test("not recoverable is told to those that sleep and await already", async () => {
    const mutex = orphaned();
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    let begun = 0;
    const outcomes = await workers({ behaviour: "" }, mutex, {
      count: 4,
      workerData: (index) => ({
        behaviour: index < 2 ? "lock" : "await",
        handle: mutex.share(),
        words: new Int32Array(4),
      }),
      onMessage: async () => {
        if (++begun < 4) return;
        await until(() => mutex.waiters === 2);
        for (let k = 0; k < 50; k++) await turn();
        guard?.release();
      },
    });
    for (const { result } of outcomes) assert.is((result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
  });

  test("recover: called with the lock held; if it returns, the acquisition goes on", async () => {
    const calls: boolean[] = [];
    const recover = (guard: Guard<Mutex>): void => void calls.push(guard.held);
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ recover }),
      (mutex: Mutex) => mutex.tryLock({ recover }),
      (mutex: Mutex) => mutex.lockAsync({ recover }),
    ]) {
      const mutex = orphaned();
      const guard = (await acquire(mutex)) as Guard<Mutex>;
      assert.ok(guard.held);
      guard.release();
      mutex.lock().release();
    }
    assert.is(
      orphaned().withLock(() => 7, { recover }),
      7,
    );
    assert.is(await orphaned().withLockAsync(() => 8, { recover }), 8);
    assert.equal(calls, [true, true, true, true, true]);
    make()
      .lock({ recover: () => assert.unreachable() })
      .release();
  });

  test("recover: if it throws, its error is passed on and the lock is not recoverable", async () => {
    const error = new Error("can't be repaired");
    const recover = (): never => {
      throw error;
    };
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ recover }),
      (mutex: Mutex) => mutex.tryLock({ recover }),
      (mutex: Mutex) => mutex.lockAsync({ recover }),
      (mutex: Mutex) => mutex.withLock(() => assert.unreachable(), { recover }),
    ]) {
      const mutex = orphaned();
      assert.is(await rejected((async () => acquire(mutex))()), error);
      assert.is(
        codeOf(() => mutex.lock()),
        "ERR_NOT_RECOVERABLE",
      );
    }
  });

  test("recover: one that releases the lock itself acquires nothing", () => {
    const mutex = orphaned();
    const run = (): void =>
      mutex.withLock(() => assert.unreachable(), {
        recover: (guard) => {
          guard.markConsistent();
          guard.release();
        },
      });
    const error = thrown(run);
    assert.is(error.code, "ERR_NOT_OWNER");
    assert.match(error.message, /recover released the lock/);
    mutex.lock().release();
  });

  test("an owner that dies after it took over from a dead one is told like the first", () => {
    const mutex = orphaned();
    const other = anotherThread(mutex.region);
    thrown(() => mutexIn(other, mutex).lock());
    bury(other);
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    assert.is(guard?.markConsistent(), true);
    guard?.release();
    assert.match(String(mutex), /: free$/);
  });
}
