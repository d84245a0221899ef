// What every RwLock does, on one backend, within one thread: holds, guards, errors, tasks. Threads are in rw-lock.test.ts.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RwLock } from "../../src/locks/rw-lock.ts";
import type { Region } from "../../src/region/region.ts";
import type { Backend } from "./backends.ts";

/** The code of a thrown error, else its name. */
function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name: string };
  return typeof code === "string" ? code : name;
}

/** The code of the error that `fn` throws. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return nameOf(error);
  }
  return "nothing thrown";
}

/** The code of the error that the promise rejects with. */
export async function codeOfAsync(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "nothing thrown", nameOf);
}

/** Lets other tasks of this thread run. */
export async function turns(count = 5): Promise<void> {
  for (let k = 0; k < count; k++) await new Promise((resolve) => setImmediate(resolve));
}

export function rwLockSuite(backend: Backend): void {
  const test = suite(`RwLock, ${backend.name}`);
  const region: Region = backend.create();
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

  test.run();
}
