// What a ReentrantMutex promises, on any backend, within one thread and between the tasks of one thread.

import * as assert from "uvu/assert";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { COUNT } from "../../src/protocols/reentrant-mutex.ts";
import type { Backend } from "../support/backends.ts";
import { anotherThread, bury } from "../support/crash.ts";
import type { Suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";

export function reentrantMutexSuite(test: Suite, { title: backend, region }: Backend, fair: boolean): void {
  const title = fair ? `${backend}, fair` : backend;
  const make = (): ReentrantMutex => new ReentrantMutex({ region: region(), fair });

  test(`${title}: each lock() is one level, each unlock() leaves one`, () => {
    const mutex = make();
    for (let level = 1; level <= 5; level++) {
      mutex.lock();
      assert.is(mutex.holdCount, level);
    }
    for (let level = 4; level >= 0; level--) {
      mutex.unlock();
      assert.is(mutex.holdCount, level);
      assert.is(mutex.locked, level > 0);
    }
    assert.is(
      codeOf(() => mutex.unlock()),
      "ERR_NOT_OWNER",
    );
  });

  test(`${title}: a guard releases its level once, whatever the order`, () => {
    const mutex = make();
    const [first, second, third] = [mutex.lock(), mutex.lock(), mutex.lock({ timeout: 5 })];
    second.release();
    second.release();
    second[Symbol.dispose]();
    assert.is(mutex.holdCount, 2);
    assert.is(second.held, false);
    assert.is(first.held, true);
    first.release();
    assert.is(mutex.holdCount, 1);
    third.release();
    assert.is(mutex.locked, false);
  });

  test(`${title}: a guard of a hold that is over releases nothing of a later hold`, () => {
    const mutex = make();
    const old = mutex.lock();
    mutex.unlock();
    const later = mutex.lock();
    mutex.lock();
    old.release();
    assert.is(mutex.holdCount, 2);
    assert.is(
      codeOf(() => old.reenter()),
      "ERR_NOT_OWNER",
    );
    mutex.unlock();
    later.release();
    assert.is(mutex.locked, false);
  });

  test(`${title}: tryLock and withLock enter again`, () => {
    const mutex = make();
    const seen = mutex.withLock(() => mutex.withLock(() => mutex.tryLock()?.release() ?? mutex.holdCount));
    assert.is(seen, 2);
    assert.is(mutex.holdCount, 0);
    assert.throws(
      () =>
        mutex.withLock(() => {
          throw new Error("mine");
        }),
      "mine",
    );
    assert.is(mutex.locked, false);
  });

  test(`${title}: levels past 2^30 are a RangeError and change nothing`, () => {
    const mutex = make();
    const guard = mutex.lock();
    mutex.region.memory.words[mutex.index + COUNT] = (1 << 30) - 2;
    mutex.lock();
    assert.is(mutex.holdCount, 1 << 30);
    for (const enter of [() => mutex.lock(), () => mutex.tryLock(), () => guard.reenter()]) {
      assert.instance(thrown(enter), RangeError);
      assert.is(mutex.holdCount, 1 << 30);
    }
  });

  test(`${title}: bad options take no level`, () => {
    const mutex = make();
    mutex.lock();
    assert.instance(
      thrown(() => mutex.lock({ timeout: -1 })),
      RangeError,
    );
    assert.instance(
      thrown(() => mutex.lock({ recover: 1 as never })),
      TypeError,
    );
    assert.is(mutex.holdCount, 1);
  });

  test(`${title}: a task's hold is entered through its guard only`, async () => {
    const mutex = make();
    const guard = await mutex.lockAsync();
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => mutex.tryLock({ timeout: 1 })),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(mutex.tryLock(), undefined);
    const inner = guard.reenter();
    assert.is(inner.reenter().lock.holdCount, 3);
    mutex.unlock();
    inner.release();
    assert.is(mutex.holdCount, 1);
    guard.release();
    assert.is(mutex.locked, false);
    mutex.lock();
    assert.is(mutex.holdCount, 1);
    mutex.lock();
    assert.is(mutex.holdCount, 2);
  });

  test(`${title}: the lock is a task's from the moment it is given, before the task runs on`, async () => {
    const mutex = make();
    const coming = mutex.lockAsync();
    assert.is(mutex.holdCount, 1);
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_WOULD_DEADLOCK",
    );
    (await coming).release();
  });

  test(`${title}: tasks of one thread exclude each other, and a task waits for its own thread`, async () => {
    const mutex = make();
    mutex.lock();
    mutex.lock();
    let inside = 0;
    const tasks = [1, 2, 3].map(() =>
      mutex.withLockAsync(async (guard) => {
        assert.is(++inside, 1);
        const again = guard.reenter();
        await Promise.resolve();
        again.release();
        inside--;
      }),
    );
    assert.is(mutex.waiters, 3);
    assert.is((await rejected(mutex.lockAsync({ timeout: 1 }))).code, "ERR_TIMEOUT");
    mutex.unlock();
    assert.is(mutex.holdCount, 1);
    mutex.unlock();
    await Promise.all(tasks);
    assert.is(mutex.locked, false);
  });

  test(`${title}: a dead owner's levels are gone with it`, () => {
    const mutex = make();
    const other = anotherThread(mutex.region);
    const theirs = new ReentrantMutex({ region: other });
    const dead = ReentrantMutex.named("theirs", { region: other });
    theirs.free();
    for (let level = 0; level < 4; level++) dead.lock();
    const mine = ReentrantMutex.named("theirs", { region: mutex.region });
    assert.is(mine.tryLock(), undefined);
    bury(other);
    const error = thrown(() => mine.lock({ timeout: 1000 })) as never as {
      code: string;
      guard: { release(): void; markConsistent(): boolean };
    };
    assert.is(error.code, "ERR_OWNER_DIED");
    assert.is(mine.holdCount, 1);
    mine.lock();
    mine.unlock();
    assert.is(error.guard.markConsistent(), true);
    error.guard.release();
    assert.is(mine.locked, false);
  });

  test(`${title}: a failed repair, at whatever level, makes it not recoverable`, () => {
    const main = region();
    const other = anotherThread(main);
    ReentrantMutex.named("m", { region: other }).lock();
    bury(other);
    const mine = ReentrantMutex.named("m", { region: main });
    const failing = () =>
      mine.lock({
        recover: (guard) => {
          guard.reenter();
          throw new Error("no repair");
        },
      });
    assert.throws(failing, "no repair");
    assert.is(
      codeOf(() => mine.lock()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.match(mine.toString(), "not recoverable");
  });

  test(`${title}: handle, name, text, free`, () => {
    const main = region();
    const mutex = ReentrantMutex.named("tree", { region: main });
    const same = ReentrantMutex.from(structuredClone(mutex.share()));
    mutex.lock();
    same.lock();
    assert.is(same.holdCount, 2);
    assert.match(mutex.toString(), /ReentrantMutex "tree": held by this thread \(0\) 2 times/);
    same.unlock();
    same.unlock();
    mutex.free();
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => ReentrantMutex.from(same.share())),
      "ERR_CLOSED",
    );
  });
}
