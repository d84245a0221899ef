// What every StampedLock does, on one backend, within one thread: stamps, conversions, optimistic reads.

import * as assert from "uvu/assert";
import { StampedLock, type StampedLockHandle } from "../../src/locks/stamped-lock.ts";
import type { Backend } from "../support/backends.ts";
import type { Suite } from "../support/suite.ts";
import { codeOf, rejected } from "../support/thrown.ts";

export function stampedLockSuite(suite: Suite, backend: Backend): void {
  const test = (title: string, body: () => unknown): void => suite(`${title} (${backend.title})`, body);
  const region = backend.region();
  const make = (): StampedLock => new StampedLock({ region });

  test("an optimistic stamp is valid until somebody writes", () => {
    const lock = make();
    const stamp = lock.optimisticRead();
    assert.ok(stamp > 0);
    assert.is(lock.validate(stamp), true);
    lock.read().release();
    assert.is(lock.validate(stamp), true);
    const guard = lock.write();
    assert.is(lock.optimisticRead(), 0);
    assert.is(lock.validate(stamp), false);
    guard.release();
    assert.is(lock.validate(stamp), false);
    assert.is(lock.validate(0), false);
    const later = lock.optimisticRead();
    assert.ok(later > 0 && later !== stamp);
    assert.is(lock.validate(later), true);
  });

  test("guards carry stamps; unlock() ends a hold once, by its guard or its stamp", () => {
    const lock = make();
    const first = lock.read();
    const second = lock.read();
    assert.is.not(first.stamp, second.stamp);
    assert.is(lock.validate(first.stamp), true);
    lock.unlock(first.stamp);
    assert.is(lock.validate(first.stamp), false);
    first.release();
    assert.is(first.held, false);
    assert.is(lock.readers, 1);
    assert.is(
      codeOf(() => lock.unlock(first.stamp)),
      "ERR_NOT_OWNER",
    );
    // Another handle of the same lock in this thread knows the stamp as well.
    StampedLock.from(lock.share() as StampedLockHandle).unlock(second.stamp);
    assert.is(lock.readers, 0);
    const writing = lock.write();
    assert.is(lock.validate(writing.stamp), true);
    lock.unlock(writing.stamp);
    assert.is(writing.held, false);
    assert.is(lock.validate(writing.stamp), false);
    const other = lock.write();
    writing.release();
    assert.is(
      codeOf(() => lock.unlock(writing.stamp)),
      "ERR_NOT_OWNER",
    );
    assert.is(other.held, true);
    other.release();
    assert.is(
      codeOf(() => lock.unlock(lock.optimisticRead())),
      "ERR_NOT_OWNER",
    );
    assert.is(
      codeOf(() => lock.unlock("x" as unknown as number)),
      "TypeError",
    );
    assert.is(
      codeOf(() => lock.validate(undefined as unknown as number)),
      "TypeError",
    );
  });

  test("tryConvertToWrite: optimistic, read, write", () => {
    const lock = make();
    const seen = lock.optimisticRead();
    const stamp = lock.tryConvertToWrite(seen);
    assert.is(stamp % 2, 1);
    assert.is(lock.writer, 0);
    assert.is(lock.tryConvertToWrite(stamp), stamp);
    assert.is(lock.tryConvertToWrite(seen), 0);
    lock.unlock(stamp);
    assert.is(lock.tryConvertToWrite(seen), 0);

    const reading = lock.read();
    const beside = lock.read();
    assert.is(lock.tryConvertToWrite(reading.stamp), 0);
    assert.is(lock.readers, 2);
    assert.is(lock.tryConvertToWrite(lock.optimisticRead()), 0);
    beside.release();
    const converted = lock.tryConvertToWrite(reading.stamp);
    assert.is(converted % 2, 1);
    assert.is(reading.held, false);
    assert.is(lock.readers, 0);
    assert.is(lock.writer, 0);
    reading.release();
    lock.unlock(converted);
    assert.is(lock.locked, false);
    lock.write().release();
  });

  test("tryConvertToRead and tryConvertToOptimistic", () => {
    const lock = make();
    const writing = lock.write();
    const reading = lock.tryConvertToRead(writing.stamp);
    assert.ok(reading < 0);
    assert.is(writing.held, false);
    assert.is(lock.readers, 1);
    assert.is(lock.writer, undefined);
    assert.is(lock.tryConvertToRead(reading), reading);
    const seen = lock.tryConvertToOptimistic(reading);
    assert.is(lock.readers, 0);
    assert.is(lock.validate(seen), true);
    assert.is(lock.tryConvertToOptimistic(seen), seen);
    const again = lock.tryConvertToRead(seen);
    assert.ok(again < 0);
    lock.unlock(again);
    const last = lock.write();
    const after = lock.tryConvertToOptimistic(last.stamp);
    assert.is(last.held, false);
    assert.is(lock.validate(after), true);
    assert.is(lock.tryConvertToRead(seen), 0);
    assert.is(lock.tryConvertToOptimistic(seen), 0);
  });

  test("readOptimistically runs again when somebody wrote, and takes the read lock after 8 tries", () => {
    const lock = make();
    let runs = 0;
    const once = lock.readOptimistically(() => {
      if (++runs === 1) lock.write().release();
      return runs;
    });
    assert.is(once, 2);
    runs = 0;
    const readers = lock.readOptimistically(() => {
      if (++runs <= 8) lock.write().release();
      return lock.readers;
    });
    assert.is(runs, 9);
    assert.is(readers, 1);
    assert.is(lock.readers, 0);
    runs = 0;
    const recovered = lock.readOptimistically(() => {
      if (++runs > 1) return "whole";
      lock.write().release();
      throw new Error("half-written");
    });
    assert.is(recovered, "whole");
    assert.throws(() => {
      lock.readOptimistically(() => {
        throw new Error("meant");
      });
    }, "meant");
  });

  test("the async forms, time-outs, and what would deadlock", async () => {
    const lock = make();
    const reading = await lock.readAsync();
    assert.is(
      codeOf(() => lock.write()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is((await rejected(lock.writeAsync({ timeout: 5 }))).code, "ERR_TIMEOUT");
    const pending = lock.writeAsync();
    reading.release();
    const writing = await pending;
    assert.is(lock.validate(writing.stamp), true);
    assert.is(lock.tryRead(), undefined);
    writing.release();
    assert.is(
      lock.withRead(() => lock.readers),
      1,
    );
    assert.is(
      lock.withWrite(() => lock.writer),
      0,
    );
  });

  test("a lock in reused memory takes no stamp and no guard of the freed one", () => {
    const freed = new StampedLock({ region, name: "freed" });
    const stamp = freed.optimisticRead();
    freed.write().release();
    freed.free();
    const next = new StampedLock({ region });
    assert.is(next.validate(stamp), false);
    assert.is(
      codeOf(() => freed.read()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => freed.write()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => freed.tryWrite()),
      "ERR_CLOSED",
    );
    assert.is(next.locked, false);
    next.write().release();
    next.free();
  });
}
