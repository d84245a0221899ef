// What the tasks of one thread get from every RwLock, on one backend: turns, time-outs, aborts, conditions.

import * as assert from "uvu/assert";
import { RwLock } from "../../src/locks/rw-lock.ts";
import type { Region } from "../../src/region/region.ts";
import type { Backend } from "../support/backends.ts";
import type { Suite } from "../support/suite.ts";
import { codeOf, codeOfAsync } from "../support/thrown.ts";

/** Lets other tasks of this thread run. */
async function turns(count = 5): Promise<void> {
  for (let k = 0; k < count; k++) await new Promise((resolve) => setImmediate(resolve));
}

export function rwLockTaskSuite(suite: Suite, backend: Backend): void {
  const test = (title: string, body: () => unknown): void => suite(`${title} (${backend.title})`, body);
  const region: Region = backend.region();
  const make = (): RwLock => new RwLock({ region });

  test("tasks of one thread: writers exclude each other and readers, first come, first served", async () => {
    const lock = make();
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const writers = Array.from({ length: 8 }, (_, k) =>
      lock.withWriteAsync(async () => {
        order.push(k);
        most = Math.max(most, ++inside);
        assert.is(lock.readers, 0);
        await turns(2);
        inside--;
      }),
    );
    const readers = Array.from({ length: 8 }, () =>
      lock.withReadAsync(async () => {
        assert.is(inside, 0);
        await turns(1);
        assert.is(inside, 0);
      }),
    );
    await Promise.all([...writers, ...readers]);
    assert.is(most, 1);
    assert.equal(order, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.is(lock.locked, false);
  });

  test("a task's write waits for another task's read, and a sync write throws", async () => {
    const lock = make();
    const reading = await lock.readAsync();
    const pending = lock.writeAsync();
    await turns();
    assert.is(
      codeOf(() => lock.write()),
      "ERR_WOULD_DEADLOCK",
    );
    const nested = lock.read();
    assert.is(lock.readers, 2);
    nested.release();
    reading.release();
    const writing = await pending;
    assert.is(lock.writer, 0);
    assert.is(
      codeOf(() => lock.read()),
      "ERR_WOULD_DEADLOCK",
    );
    const read = lock.readAsync();
    await turns();
    assert.is(lock.readers, 0);
    writing.release();
    (await read).release();
    assert.is(lock.locked, false);
  });

  test("a task's time-out and abort leave no trace and let the readers in", async () => {
    const lock = make();
    const reading = await lock.readAsync();
    assert.is(await codeOfAsync(lock.writeAsync({ timeout: 5 })), "ERR_TIMEOUT");
    const abort = new AbortController();
    const aborted = lock.writeAsync({ signal: abort.signal });
    const behind = lock.writeAsync();
    await turns();
    abort.abort(new RangeError("enough"));
    assert.is(await codeOfAsync(aborted), "RangeError");
    reading.release();
    const writing = await behind;
    assert.is(await codeOfAsync(lock.readAsync({ timeout: 5 })), "ERR_TIMEOUT");
    assert.is(await codeOfAsync(lock.upgradableAsync({ timeout: 5 })), "ERR_TIMEOUT");
    const gone = new AbortController();
    const read = lock.readAsync({ signal: gone.signal });
    await turns();
    gone.abort();
    assert.is(await codeOfAsync(read), "AbortError");
    assert.is(await codeOfAsync(lock.readAsync({ signal: AbortSignal.abort() })), "AbortError");
    assert.is(await codeOfAsync(lock.writeAsync({ signal: AbortSignal.abort() })), "AbortError");
    writing.release();
    assert.is(lock.locked, false);
    assert.is(lock.awaiting, 0);
    lock.write().release();
  });

  test("upgradeAsync waits for other tasks' reads; a time-out leaves the upgradable hold", async () => {
    const lock = make();
    const upgradable = await lock.upgradableAsync();
    const reading = await lock.readAsync();
    assert.is(await codeOfAsync(upgradable.upgradeAsync({ timeout: 5 })), "ERR_TIMEOUT");
    assert.is(upgradable.held, true);
    lock.read().release();
    const upgrade = upgradable.upgradeAsync();
    await turns();
    assert.is(lock.writer, undefined);
    reading.release();
    const writing = await upgrade;
    assert.is(lock.writer, 0);
    assert.is(upgradable.held, false);
    upgradable.release();
    assert.is(writing.held, true);
    writing.release();

    const dropped = await lock.upgradableAsync();
    const other = await lock.readAsync();
    const abort = new AbortController();
    const failing = dropped.upgradeAsync({ signal: abort.signal });
    dropped.release();
    abort.abort();
    assert.is(await codeOfAsync(failing), "AbortError");
    other.release();
    lock.write().release();
  });

  test("as a Condition's lock, the write hold is given back whole and resumed under its guard", async () => {
    const lock = make();
    assert.is(lock.isHeldForWait(), false);
    const reading = lock.read();
    assert.is(lock.isHeldForWait(), false);
    reading.release();
    const guard = lock.write();
    assert.is(lock.isHeldForWait(), true);
    const saved = lock.releaseForWait();
    assert.is(guard.held, false);
    const other = lock.write();
    other.release();
    lock.reacquire(saved, {});
    assert.is(guard.held, true);
    other.release();
    assert.is(guard.held, true);
    const again = lock.releaseForWait();
    const blocker = lock.write();
    const back = lock.reacquireAsync(again, {});
    await turns();
    blocker.release();
    await back;
    assert.is(guard.held, true);
    assert.is(lock.isLost(), false);
    guard.release();
    const last = lock.write();
    assert.is(blocker.held || guard.held || other.held, false);
    last.release();
    lock.free();
    assert.is(lock.isLost(), true);
  });
}
