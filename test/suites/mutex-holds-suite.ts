// What every Mutex must do within one thread: holds, guards, misuse, options, names, text and counts.

import * as assert from "uvu/assert";
import type { HoldfastError, OwnerDiedError } from "../../src/cells/errors.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { type LockOptions, Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { KIND_RAW } from "../../src/region/layout.ts";
import type { Region } from "../../src/region/region.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { type MutexKit, turn } from "./mutex-kit.ts";

export function holds(kit: MutexKit): void {
  const { test, backend, fair, make, unique, orphaned } = kit;

  test("lock holds it, the guard's release gives it up", () => {
    const mutex = make();
    assert.not.ok(mutex.locked);
    const guard = mutex.lock();
    assert.ok(mutex.locked && mutex.heldByMe && guard.held);
    assert.is(mutex.owner, 0);
    assert.is(guard.lock, mutex);
    guard.release();
    assert.not.ok(mutex.locked || mutex.heldByMe || guard.held);
    assert.is(mutex.owner, undefined);
  });

  test("unlock gives it up", () => {
    const mutex = make();
    mutex.lock();
    mutex.unlock();
    assert.not.ok(mutex.locked);
  });

  test("a guard is Disposable: `using` releases it, by an exception too", () => {
    const mutex = make();
    {
      using guard = mutex.lock();
      assert.ok(guard.held);
    }
    assert.not.ok(mutex.locked);
    const fails = (): void => {
      using _ = mutex.lock();
      throw new Error("inside");
    };
    assert.is(thrown(fails).message, "inside");
    assert.not.ok(mutex.locked);
  });

  test("disposing a guard twice does nothing", () => {
    const mutex = make();
    const guard = mutex.lock();
    guard.release();
    guard.release();
    guard[Symbol.dispose]();
    assert.not.ok(mutex.locked);
  });

  test("a stale guard never ends a later hold, even after unlock()", () => {
    const mutex = make();
    const stale = mutex.lock();
    mutex.unlock();
    const later = mutex.lock();
    stale.release();
    assert.not.ok(stale.held);
    assert.not.ok(stale.markConsistent());
    assert.ok(later.held);
    later.release();
    const again = mutex.tryLock() as Guard<Mutex>;
    stale.release();
    later.release();
    assert.ok(again.held);
    again.release();
  });

  test("a stale guard of one handle never ends a hold of another handle to the same lock", () => {
    const mutex = make();
    const other = Mutex.from(structuredClone(mutex.share()));
    assert.is.not(other, mutex);
    const stale = mutex.lock();
    assert.ok(other.heldByMe);
    other.unlock();
    const later = other.lock();
    stale.release();
    assert.ok(later.held && mutex.locked);
    later.release();
    assert.not.ok(mutex.locked);
  });

  test("a stale guard never ends an async task's hold", async () => {
    const mutex = make();
    const stale = mutex.lock();
    const awaited = mutex.lockAsync();
    mutex.unlock();
    const later = await awaited;
    stale.release();
    assert.ok(later.held);
    later.release();
  });

  test("relocking is ERR_WOULD_DEADLOCK, tells the owner, and keeps the hold", () => {
    const mutex = make();
    const guard = mutex.lock();
    for (const options of [undefined, {}, { timeout: 10 }, { timeout: 0 }]) {
      const error = thrown(() => mutex.lock(options));
      assert.is(error.code, "ERR_WOULD_DEADLOCK");
      assert.match(error.message, /is held by this thread \(0\) already/);
    }
    assert.is(
      codeOf(() => mutex.tryLock({ timeout: 10 })),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => mutex.withLock(() => undefined)),
      "ERR_WOULD_DEADLOCK",
    );
    assert.ok(guard.held);
    guard.release();
  });

  test("tryLock takes a free lock, gives undefined for a held one", () => {
    const mutex = make();
    const guard = mutex.tryLock() as Guard<Mutex>;
    assert.ok(guard.held);
    assert.is(mutex.tryLock(), undefined);
    assert.is(mutex.tryLock({ timeout: 0 }), undefined);
    guard.release();
    const timed = mutex.tryLock({ timeout: 1000 }) as Guard<Mutex>;
    assert.ok(timed.held);
    timed.release();
  });

  test("withLock returns what fn returns, and releases when it throws", () => {
    const mutex = make();
    assert.is(
      mutex.withLock(() => (mutex.heldByMe ? 42 : 0)),
      42,
    );
    assert.not.ok(mutex.locked);
    const error = new Error("mine");
    assert.is(
      thrown(() =>
        mutex.withLock(() => {
          throw error;
        }),
      ),
      error,
    );
    assert.not.ok(mutex.locked);
  });

  test("withLock does not mind that fn unlocks and locks by itself", () => {
    const mutex = make();
    let inner: Guard<Mutex> | undefined;
    mutex.withLock(() => {
      mutex.unlock();
      inner = mutex.lock();
    });
    assert.ok(inner?.held, "the inner hold is not withLock's to end");
    inner.release();
  });

  test("withLockAsync holds the lock until fn's promise settles", async () => {
    const mutex = make();
    const result = await mutex.withLockAsync(async () => {
      await turn();
      assert.ok(mutex.heldByMe);
      return "done";
    });
    assert.is(result, "done");
    assert.not.ok(mutex.locked);
    const error = await rejected(
      mutex.withLockAsync(async () => {
        await turn();
        throw new Error("mine");
      }),
    );
    assert.is(error.message, "mine");
    assert.not.ok(mutex.locked);
  });

  test("unlock, markConsistent without the lock: ERR_NOT_OWNER", () => {
    const mutex = make();
    for (const call of ["unlock", "markConsistent"] as const) {
      const error = thrown(() => mutex[call]());
      assert.is(error.code, "ERR_NOT_OWNER");
      assert.match(error.message, new RegExp(`^${call}: this thread does not hold Mutex at \\d+, which is free$`));
    }
  });

  test("markConsistent on a sound lock says that nothing was in question", () => {
    const mutex = make();
    const guard = mutex.lock();
    assert.is(mutex.markConsistent(), false);
    assert.is(guard.markConsistent(), false);
    guard.release();
    assert.is(guard.markConsistent(), false);
  });

  test("bad options are refused before anything changes, free lock or held", async () => {
    const mutex = make();
    const bad: [unknown, string][] = [
      [{ timeout: "5" }, "TypeError"],
      [{ timeout: null }, "TypeError"],
      [{ timeout: 5n }, "TypeError"],
      [{ timeout: -1 }, "RangeError"],
      [{ timeout: Number.NaN }, "RangeError"],
      [{ recover: 5 }, "TypeError"],
      [{ recover: null }, "TypeError"],
      [null, "TypeError"],
      [5, "TypeError"],
    ];
    for (const isHeld of [false, true]) {
      const guard = isHeld ? mutex.lock() : undefined;
      const word = mutex.toString();
      for (const [options, expected] of bad) {
        assert.is(
          codeOf(() => mutex.lock(options as LockOptions)),
          expected,
        );
        assert.is(
          codeOf(() => mutex.tryLock(options as LockOptions)),
          expected,
        );
        assert.is(
          codeOf(() => mutex.withLock(() => assert.unreachable(), options as LockOptions)),
          expected,
        );
        assert.is((await rejected(mutex.lockAsync(options as LockOptions))).constructor.name, expected);
        const withLock = mutex.withLockAsync(() => assert.unreachable(), options as LockOptions);
        assert.is((await rejected(withLock)).constructor.name, expected);
        assert.is(mutex.toString(), word);
      }
      for (const signal of [5, null, {}, "now"]) {
        assert.is((await rejected(mutex.lockAsync({ signal } as never))).constructor.name, "TypeError");
      }
      assert.is(mutex.waiters, 0);
      guard?.release();
    }
    assert.not.ok(mutex.locked);
  });

  test("bad options of the constructor, from, named", () => {
    for (const options of [null, 5, "name"])
      assert.is(
        codeOf(() => new Mutex(options as never)),
        "TypeError",
      );
    assert.is(
      codeOf(() => new Mutex({ region: {} as Region })),
      "TypeError",
    );
    assert.is(
      codeOf(() => Mutex.named("", { region: backend.region() })),
      "RangeError",
    );
    assert.is(
      codeOf(() => Mutex.named(5 as never, { region: backend.region() })),
      "TypeError",
    );
    for (const handle of [undefined, null, 5, {}, []])
      assert.is(
        codeOf(() => Mutex.from(handle as never)),
        "TypeError",
      );
  });

  test("from refuses handles of other kinds, of nothing, of what was freed", () => {
    const mutex = make();
    const handle = mutex.share();
    const wrong = thrown(() => Mutex.from({ ...handle, holdfast: "table" } as never)) as HoldfastError;
    assert.is(wrong.code, "ERR_REGION_KIND");
    assert.is(wrong.constructor.name, "RegionError");
    assert.is(
      codeOf(() => Mutex.from(handle.region as never)),
      "ERR_REGION_KIND",
    );
    assert.is(
      codeOf(() => Mutex.from({ ...handle, region: undefined } as never)),
      "TypeError",
    );
    const raw = mutex.region.allocate(64, KIND_RAW);
    const serial = mutex.region.serialOf(raw);
    assert.is(
      codeOf(() => Mutex.from({ ...handle, offset: raw, serial })),
      "ERR_REGION_KIND",
    );
    assert.is(
      codeOf(() => Mutex.from({ ...handle, serial: handle.serial + 1000 })),
      "ERR_CLOSED",
    );
    for (const offset of [0, -64, 1e15, handle.offset + 4, Number.NaN, "x"]) {
      assert.is(
        codeOf(() => Mutex.from({ ...handle, offset } as MutexHandle)),
        "ERR_REGION_CORRUPT",
      );
    }
    mutex.free();
    assert.is(
      codeOf(() => Mutex.from(handle)),
      "ERR_CLOSED",
    );
  });

  test("one name is one lock; a handle knows its name", () => {
    const region = backend.region();
    const name = unique();
    const mutex = Mutex.named(name, { region, fair });
    const again = new Mutex({ name, region, fair });
    assert.is(mutex.name, name);
    assert.is(Mutex.from(mutex.share()).name, name);
    assert.is(new Mutex({ region }).name, undefined);
    mutex.lock();
    assert.ok(again.heldByMe);
    again.unlock();
    assert.is.not(Mutex.named(unique(), { region }).share().offset, mutex.share().offset);
  });

  test("toString says name, state and owner", () => {
    const region = backend.region();
    const name = unique();
    const mutex = Mutex.named(name, { region, fair });
    assert.is(String(mutex), `Mutex "${name}": free`);
    mutex.lock();
    assert.is(String(mutex), `Mutex "${name}": held by this thread (0)`);
    mutex.unlock();
    mutex.free();
    assert.match(String(mutex), /^Mutex at \d+: freed$/);
    assert.match(String(make()), /^Mutex at \d+: free$/);
    const orphan = orphaned();
    assert.match(String(orphan), /held by a thread that died/);
    assert.is(orphan.owner, undefined);
    assert.ok(orphan.locked);
    const { guard } = thrown(() => orphan.lock()) as OwnerDiedError<Guard<Mutex>>;
    assert.match(String(orphan), /held by this thread \(0\), state inconsistent since an owner died/);
    guard?.release();
    assert.match(String(orphan), /: not recoverable$/);
  });

  test("stats count acquisitions, and those that were contended", () => {
    const mutex = make();
    assert.equal(mutex.stats(), { acquisitions: 0, contended: 0 });
    for (let k = 0; k < 10; k++) mutex.withLock(() => undefined);
    assert.equal(mutex.stats(), { acquisitions: 10, contended: 0 });
  });
}
