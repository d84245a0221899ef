// What every RwLock does, on one backend, within one thread: holds, guards, errors.

import * as assert from "uvu/assert";
import { RwLock } from "../../src/locks/rw-lock.ts";
import type { Region } from "../../src/region/region.ts";
import type { Backend } from "../support/backends.ts";
import type { Suite } from "../support/suite.ts";
import { codeOf, codeOfAsync } from "../support/thrown.ts";

export function rwLockSuite(suite: Suite, backend: Backend): void {
  const test = (title: string, body: () => unknown): void => suite(`${title} (${backend.title})`, body);
  const region: Region = backend.region();
  const make = (): RwLock => new RwLock({ region });

  test("reads are shared and counted; a guard ends its hold once", () => {
    const lock = make();
    const first = lock.read();
    const second = lock.read();
    assert.is(lock.readers, 2);
    assert.is(first.held, true);
    first.release();
    first.release();
    first[Symbol.dispose]();
    assert.is(first.held, false);
    assert.is(lock.readers, 1);
    second.release();
    assert.is(lock.readers, 0);
    assert.is(lock.locked, false);
  });

  test("a write hold says who writes, and its guard releases nothing later", () => {
    const lock = make();
    const guard = lock.write();
    assert.is(lock.writer, 0);
    assert.is(lock.readers, 0);
    assert.is(guard.held, true);
    guard.release();
    assert.is(lock.writer, undefined);
    const later = lock.write();
    guard.release();
    assert.is(guard.held, false);
    assert.is(later.held, true);
    later.release();
    assert.is(lock.locked, false);
  });

  test("read then write on one thread would deadlock, and so would every other wait for oneself", () => {
    const lock = make();
    const reading = lock.read();
    assert.is(
      codeOf(() => lock.write()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.write({ timeout: 10 })),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.tryWrite({ timeout: 10 })),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.upgradable()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(lock.tryWrite(), undefined);
    assert.is(lock.readers, 1);
    reading.release();

    const writing = lock.write();
    assert.is(
      codeOf(() => lock.read()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.write()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.upgradable()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(lock.tryRead(), undefined);
    assert.is(lock.tryWrite(), undefined);
    assert.is(lock.tryUpgradable(), undefined);
    assert.is(writing.held, true);
    writing.release();

    const upgradable = lock.upgradable();
    assert.is(
      codeOf(() => lock.write()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => lock.upgradable()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(lock.tryWrite(), undefined);
    const beside = lock.read();
    assert.is(
      codeOf(() => upgradable.upgrade()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(upgradable.tryUpgrade(), undefined);
    beside.release();
    assert.is(upgradable.held, true);
    upgradable.release();
    assert.is(lock.tryWrite()?.held, true);
  });

  test("100,000 nested read holds neither overflow nor corrupt", () => {
    const lock = make();
    const guards = Array.from({ length: 100_000 }, () => lock.read());
    assert.is(lock.readers, 100_000);
    for (const guard of guards) guard.release();
    assert.is(lock.readers, 0);
    lock.write().release();
  });

  test("a hold past 2^30 is a RangeError and changes nothing", () => {
    const lock = make();
    const guard = lock.read();
    const { words } = region.memory;
    const count = lock.cell + 1;
    assert.is(words[count], 1);
    Atomics.store(words, count, 2 ** 30 - 1);
    lock.read();
    assert.is(
      codeOf(() => lock.read()),
      "RangeError",
    );
    assert.is(
      codeOf(() => lock.tryRead()),
      "RangeError",
    );
    assert.is(Atomics.load(words, count), 2 ** 30);
    Atomics.store(words, count, 1);
    guard.release();
    assert.is(lock.readers, 0);
  });

  test("bad options leave the lock as it was", () => {
    const lock = make();
    for (const timeout of [-1, Number.NaN]) {
      assert.is(
        codeOf(() => lock.read({ timeout })),
        "RangeError",
      );
      assert.is(
        codeOf(() => lock.write({ timeout })),
        "RangeError",
      );
      assert.is(
        codeOf(() => lock.upgradable({ timeout })),
        "RangeError",
      );
    }
    const recover = 1 as unknown as () => void;
    assert.is(
      codeOf(() => lock.read({ recover })),
      "TypeError",
    );
    assert.is(
      codeOf(() => lock.write({ recover })),
      "TypeError",
    );
    assert.is(
      codeOf(() => lock.tryRead({ recover })),
      "TypeError",
    );
    assert.is(
      codeOf(() => lock.tryWrite(null as unknown as object)),
      "TypeError",
    );
    assert.is(lock.locked, false);
    lock.write({ timeout: 0 }).release();
    lock.read({ timeout: 0 }).release();
  });

  test("upgrade and downgrade give a new guard; the old one is spent", () => {
    const lock = make();
    const upgradable = lock.upgradable();
    const beside = lock.read();
    assert.is(lock.readers, 1);
    beside.release();
    const writing = upgradable.upgrade();
    assert.is(upgradable.held, false);
    assert.is(lock.writer, 0);
    upgradable.release();
    assert.is(
      codeOf(() => upgradable.upgrade()),
      "ERR_NOT_OWNER",
    );
    assert.is(writing.held, true);
    const reading = writing.downgrade();
    assert.is(writing.held, false);
    assert.is(lock.writer, undefined);
    assert.is(lock.readers, 1);
    writing.release();
    assert.is(
      codeOf(() => writing.downgrade()),
      "ERR_NOT_OWNER",
    );
    assert.is(lock.readers, 1);
    reading.release();
    assert.is(lock.locked, false);

    const again = lock.upgradable();
    const plain = again.downgrade();
    assert.is(again.held, false);
    assert.is(lock.readers, 1);
    const other = lock.tryUpgradable();
    assert.is(other?.held, true);
    other?.release();
    plain.release();
    const direct = lock.upgradable().tryUpgrade();
    assert.is(direct?.held, true);
    direct?.release();
    lock.write().release();
  });

  test("withRead, withWrite, withUpgradable release whatever happens", async () => {
    const lock = make();
    assert.is(
      lock.withRead(() => lock.readers),
      1,
    );
    assert.is(
      lock.withWrite(() => lock.writer),
      0,
    );
    assert.is(
      lock.withUpgradable((guard) => {
        const writing = guard.upgrade();
        writing.release();
        return lock.locked;
      }),
      false,
    );
    const other = make();
    const fail = (): never => {
      throw new Error("inside");
    };
    assert.throws(() => other.withRead(fail), "inside");
    assert.throws(() => other.withWrite(fail), "inside");
    assert.throws(() => other.withUpgradable(fail), "inside");
    assert.is(await other.withReadAsync(async () => other.readers), 1);
    assert.is(await other.withWriteAsync(async () => other.writer), 0);
    assert.is(await codeOfAsync(other.withWriteAsync(fail)), "Error");
    assert.is(other.locked, false);
    other.write().release();
  });

  test("toString says state and owner; readers and writer are numbers of threads", () => {
    const lock = new RwLock({ region, name: "told" });
    assert.match(lock.toString(), /^RwLock "told": free$/);
    const reading = lock.read();
    assert.match(lock.toString(), /held for reading \(1 hold/);
    reading.release();
    const writing = lock.write();
    assert.match(lock.toString(), /held for writing by thread 0/);
    writing.release();
    const upgradable = lock.upgradable();
    assert.match(lock.toString(), /thread 0 is next to write/);
    upgradable.release();
  });

  test("names, handles and free", () => {
    const lock = RwLock.named("shared", { region });
    const same = RwLock.from(structuredClone(lock.share()) as ReturnType<RwLock["share"]> & { holdfast: "rw-lock" });
    const guard = lock.write();
    assert.is(same.writer, 0);
    assert.is(same.tryRead(), undefined);
    guard.release();
    const reading = same.read();
    assert.is(
      codeOf(() => lock.free()),
      "ERR_IN_USE",
    );
    reading.release();
    lock.write().release();
    lock.free();
    assert.is(
      codeOf(() => same.read()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => same.write()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => same.upgradable()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => lock.free()),
      "ERR_CLOSED",
    );
    assert.match(same.toString(), /freed/);
    const fresh = RwLock.named("shared", { region });
    fresh.write().release();
    fresh.read().release();
    fresh.free();
  });
}
