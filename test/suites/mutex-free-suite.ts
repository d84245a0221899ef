// What every Mutex must do about free(): every handle, waiter and task learns of it, and no memory is lost.

import * as assert from "uvu/assert";
import type { HoldfastError, OwnerDiedError } from "../../src/cells/errors.ts";
import { wakeAll } from "../../src/cells/park.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { type MutexKit, until } from "./mutex-kit.ts";

export function freed(kit: MutexKit): void {
  const { test, backend, fair, make, unique, workers, whileHeld, orphaned } = kit;

  test("free: every member of every handle says ERR_CLOSED", async () => {
    const mutex = make();
    const other = Mutex.from(mutex.share());
    const guard = mutex.lock();
    mutex.free();
    for (const handle of [mutex, other]) {
      assert.is(
        codeOf(() => handle.lock()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.lock({ timeout: 5 })),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.tryLock()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.tryLock({ timeout: 5 })),
        "ERR_CLOSED",
      );
      assert.is((await rejected(handle.lockAsync())).code, "ERR_CLOSED");
      assert.is(
        codeOf(() => handle.free()),
        "ERR_CLOSED",
      );
      assert.not.ok(handle.heldByMe);
      assert.is(handle.owner, undefined);
    }
    guard.release();
    assert.not.ok(guard.held);
  });

  test("free: handles, guards and tasks of a freed lock never touch the next one in its memory", async () => {
    const region = backend.region();
    const old = new Mutex({ region, fair });
    const stale = old.lock();
    old.free();
    const next = new Mutex({ region, fair });
    assert.is(next.share().offset, old.share().offset, "the memory is used again");
    assert.equal(next.stats(), { acquisitions: 0, contended: 0 });
    assert.is(
      codeOf(() => old.lock()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.lock({ timeout: 5 })),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.tryLock()),
      "ERR_CLOSED",
    );
    assert.is((await rejected(old.lockAsync())).code, "ERR_CLOSED");
    assert.not.ok(next.locked);
    const guard = next.lock();
    stale.release();
    assert.is(
      codeOf(() => old.unlock()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.free()),
      "ERR_CLOSED",
    );
    assert.match(String(old), /: freed$/);
    assert.ok(guard.held);
    guard.release();
  });

  test("free: a lock that another thread holds is ERR_IN_USE, and stays as it was", async () => {
    const mutex = make(unique());
    await whileHeld(mutex, () => {
      const error = thrown(() => mutex.free());
      assert.is(error.code, "ERR_IN_USE");
      assert.match(error.message, /can't be freed: it is held by thread \d+/);
      assert.ok(mutex.locked);
      assert.is(Mutex.named(mutex.name as string, { region: mutex.region }).share().offset, mutex.share().offset);
    });
    mutex.withLock(() => undefined);
    const [outcome] = await workers({ behaviour: "free" }, mutex);
    assert.is(outcome.result, "ok");
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_CLOSED",
    );
  });

  test("free: a lock whose owner died, or that is not recoverable, can be freed", () => {
    const orphan = orphaned();
    orphan.free();
    assert.is(
      codeOf(() => orphan.lock()),
      "ERR_CLOSED",
    );
    const broken = orphaned();
    (thrown(() => broken.lock()) as OwnerDiedError<Guard<Mutex>>).guard?.release();
    broken.free();
    assert.is(
      codeOf(() => broken.lock()),
      "ERR_CLOSED",
    );
  });

  test("free: those that sleep for it and those that await it are told, even if its memory serves another lock at once", async () => {
    const region = backend.region();
    const mutex = new Mutex({ region, fair });
    const guard = mutex.lock();
    const here = rejected(mutex.lockAsync());
    const next: Mutex[] = [];
    let begun = 0;
    const onMessage = async (): Promise<void> => {
      if (++begun < 4) return;
      // Two sleep, two await in their own threads.
      await until(() => mutex.waiters >= 3);
      mutex.free();
      assert.is(wakeAll(mutex.region.memory.words, mutex.share().offset >> 2), 0, "free woke all sleepers itself");
      next.push(new Mutex({ region, fair }));
      next[0].lock();
    };
    const told = (index: number): object => ({
      behaviour: index < 2 ? "lock" : "await",
      words: new Int32Array(new SharedArrayBuffer(64)),
      handle: mutex.share(),
    });
    const outcomes = await workers({ behaviour: "" }, mutex, { count: 4, workerData: told, onMessage });
    for (const { result } of outcomes) assert.is((result as HoldfastError).code, "ERR_CLOSED");
    assert.is((await here).code, "ERR_CLOSED");
    assert.is(next[0].share().offset, mutex.share().offset);
    assert.ok(next[0].heldByMe);
    guard.release();
    assert.ok(next[0].heldByMe);
    next[0].unlock();
  });

  test("free: a freed lock never seems to be in use, not even while its memory becomes another lock's", () => {
    const region = backend.region();
    const mutex = new Mutex({ region, fair });
    mutex.free();
    let next: Mutex | undefined;
    const reuse = (): void => {
      next ??= new Mutex({ region, fair });
    };
    const { isCurrent } = mutex;
    // At the latest moment that still counts: right after the serial number was looked at.
    mutex.isCurrent = () => {
      const current = isCurrent.call(mutex);
      reuse();
      return current;
    };
    assert.ok(mutex.freed);
    reuse();
    assert.is(next?.share().offset, mutex.share().offset);
    assert.ok(mutex.freed);
    assert.not(next?.freed);
  });

  test("free: a million locks made and freed do not fill the region", () => {
    const region = backend.region();
    new Mutex({ region, fair }).free();
    const before = region.stats();
    for (let k = 0; k < 1_000_000; k += 10) {
      const ten = Array.from({ length: 10 }, () => new Mutex({ region, fair }));
      for (const mutex of ten) mutex.free();
    }
    assert.is(region.stats().bytesUsed, before.bytesUsed);
    for (let k = 0; k < 5000; k++) Mutex.named("again and again", { region }).free();
    assert.is(region.stats().bytesUsed, before.bytesUsed);
  });
}
