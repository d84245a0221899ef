// A thread that may not block, as a browser's main thread: every sync form that may wait throws ERR_BLOCKING_FORBIDDEN,
// names its async twin and changes nothing; the async forms work, and what never waits does too.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LockObject } from "../../src/locks/place.ts";
import { thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";

// Before anything of holdfast asks whether this thread may block.
Atomics.wait = (): never => {
  throw new TypeError("Atomics.wait cannot be called in this context");
};

const { Barrier, Condition, Event, Latch, Mutex, Once, ReentrantMutex, Region, RwLock, Semaphore, StampedLock } =
  await import("../../src/index.ts");

const test = suite("a thread that may not block");
const regions: readonly [string, InstanceType<typeof Region>][] = [
  ["WebAssembly", Region.create({ maxThreads: 64 })],
  ["JavaScript", Region.create({ maxThreads: 64, wasm: false })],
];

function forbids(lock: LockObject, twin: string, call: () => unknown): void {
  const before = lock.toString();
  const error = thrown(call);
  assert.is(error.code, "ERR_BLOCKING_FORBIDDEN", error.message);
  assert.match(error.message, `${twin}()`);
  assert.is(lock.toString(), before);
}

for (const [name, region] of regions) {
  test(`${name}: mutexes`, async () => {
    for (const mutex of [new Mutex({ region }), new ReentrantMutex({ region })]) {
      forbids(mutex, "lockAsync", () => mutex.lock());
      forbids(mutex, "lockAsync", () => mutex.withLock(() => assert.unreachable()));
      mutex.tryLock()?.release();
      const guard = await mutex.lockAsync();
      const waiting = mutex.lockAsync({ timeout: 60_000 });
      guard.release();
      (await waiting).release();
      assert.is(await mutex.withLockAsync(() => 1), 1);
      assert.not(mutex.locked);
    }
  });

  test(`${name}: read-write locks`, async () => {
    for (const lock of [new RwLock({ region }), new StampedLock({ region })]) {
      forbids(lock, "readAsync", () => lock.read());
      forbids(lock, "writeAsync", () => lock.write());
      forbids(lock, "readAsync", () => lock.tryRead({ timeout: 10 }));
      forbids(lock, "writeAsync", () => lock.tryWrite({ timeout: 10 }));
      lock.tryRead()?.release();
      const reading = await lock.readAsync();
      const writing = lock.writeAsync();
      reading.release();
      (await writing).release();
      assert.not(lock.locked);
    }
    const lock = new RwLock({ region });
    forbids(lock, "upgradableAsync", () => lock.upgradable());
    const upgradable = await lock.upgradableAsync();
    forbids(lock, "upgradeAsync", () => upgradable.upgrade());
    (await upgradable.upgradeAsync()).release();
  });

  test(`${name}: conditions`, async () => {
    const mutex = new Mutex({ region });
    const condition = new Condition(mutex);
    const guard = await mutex.lockAsync();
    forbids(condition, "waitAsync", () => condition.wait());
    forbids(condition, "waitAsync", () => condition.waitFor(() => false));
    assert.ok(guard.held);
    const waiting = condition.waitAsync();
    const other = await mutex.lockAsync();
    assert.is(condition.notify(), 1);
    other.release();
    assert.is(await waiting, true);
    guard.release();
  });

  test(`${name}: semaphores of every kind`, async () => {
    for (const owned of [false, true]) {
      for (const fair of [false, true]) {
        const semaphore = new Semaphore({ region, permits: 1, owned, fair });
        assert.ok(semaphore.tryAcquire());
        forbids(semaphore, "acquireAsync", () => semaphore.acquire());
        forbids(semaphore, "acquireAsync", () => semaphore.tryAcquire(1, { timeout: 10 }));
        const waiting = semaphore.acquireAsync();
        semaphore.release();
        await waiting;
        semaphore.release();
        assert.is(semaphore.available, 1);
      }
    }
  });

  test(`${name}: events, latches, barriers, onces`, async () => {
    const event = new Event({ region });
    forbids(event, "waitAsync", () => event.wait());
    const set = event.waitAsync();
    event.set();
    assert.is(await set, true);
    const latch = new Latch({ region, count: 1 });
    forbids(latch, "waitAsync", () => latch.wait());
    const open = latch.waitAsync();
    latch.countDown();
    assert.is(await open, true);
    const barrier = new Barrier({ region, parties: 2 });
    forbids(barrier, "waitAsync", () => barrier.wait());
    assert.equal(await Promise.all([barrier.waitAsync(), barrier.waitAsync()]), [0, 1]);
    const once = new Once({ region });
    let go = (): void => undefined;
    const running = once.callAsync(() => new Promise<void>((resolve) => void (go = resolve)));
    await new Promise((resolve) => setImmediate(resolve));
    // A once that this thread itself runs is another error; one that is done, or nobody runs, needs no wait.
    assert.is(thrown(() => once.call(() => undefined)).code, "ERR_WOULD_DEADLOCK");
    go();
    assert.is(await running, true);
    assert.is(
      once.call(() => assert.unreachable()),
      false,
    );
  });

  test(`${name}: what awaits keeps the process alive, and nothing else does`, async () => {
    const before = timersAlive();
    const mutex = new Mutex({ region });
    const condition = new Condition(mutex);
    const lock = new RwLock({ region });
    const write = await lock.writeAsync();
    const semaphore = new Semaphore({ region, permits: 0 });
    const waits: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => lock.readAsync({ signal }),
      (signal) => lock.writeAsync({ signal }),
      (signal) => semaphore.acquireAsync(1, { signal }),
      (signal) => new Event({ region }).waitAsync({ signal }),
      (signal) => new Latch({ region, count: 1 }).waitAsync({ signal }),
      (signal) => new Barrier({ region, parties: 2 }).waitAsync({ signal }),
      async (signal) => {
        using _guard = await mutex.lockAsync();
        await condition.waitAsync({ signal });
      },
    ];
    for (const wait of waits) {
      const abort = new AbortController();
      const waiting = wait(abort.signal);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(timersAlive() > before);
      abort.abort("enough");
      assert.is(await waiting.catch((reason: unknown) => reason), "enough");
      assert.is(timersAlive(), before);
    }
    write.release();
  });
}

test.run();
