// What stands in place of a call's options, or in them, and is none: a clear error, and the lock is as it was.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  Barrier,
  Condition,
  Event,
  Latch,
  Mutex,
  Once,
  ReentrantMutex,
  Region,
  RwLock,
  Semaphore,
  StampedLock,
} from "../../src/index.ts";

const test = suite("locks/options");
const region = Region.create();
const mutex = new Mutex({ region });
const fair = new Mutex({ region, fair: true });
const reentrant = new ReentrantMutex({ region });
const rw = new RwLock({ region });
const stamped = new StampedLock({ region });
const condition = new Condition(mutex);
const semaphore = new Semaphore({ region, permits: 1 });
const owned = new Semaphore({ region, permits: 1, owned: true });
const event = new Event({ region });
const latch = new Latch({ region, count: 1 });
const barrier = new Barrier({ region, parties: 2 });
const once = new Once({ region });

type Call = (options: never) => unknown;
const nothing = (): void => {};
const later = async (): Promise<void> => {};

/** Every call that takes options of a wait. None of them would have to wait, but those of the second list. */
const calls: Record<string, Call> = {
  "Mutex.lock": (options) => mutex.lock(options),
  "Mutex.tryLock": (options) => mutex.tryLock(options),
  "Mutex.lockAsync": (options) => mutex.lockAsync(options),
  "Mutex.withLock": (options) => mutex.withLock(nothing, options),
  "Mutex.withLockAsync": (options) => mutex.withLockAsync(later, options),
  "fair Mutex.lock": (options) => fair.lock(options),
  "fair Mutex.tryLock": (options) => fair.tryLock(options),
  "fair Mutex.lockAsync": (options) => fair.lockAsync(options),
  "ReentrantMutex.lock": (options) => reentrant.lock(options),
  "ReentrantMutex.tryLock": (options) => reentrant.tryLock(options),
  "ReentrantMutex.lockAsync": (options) => reentrant.lockAsync(options),
  "RwLock.read": (options) => rw.read(options),
  "RwLock.tryRead": (options) => rw.tryRead(options),
  "RwLock.readAsync": (options) => rw.readAsync(options),
  "RwLock.write": (options) => rw.write(options),
  "RwLock.tryWrite": (options) => rw.tryWrite(options),
  "RwLock.writeAsync": (options) => rw.writeAsync(options),
  "RwLock.upgradable": (options) => rw.upgradable(options),
  "StampedLock.read": (options) => stamped.read(options),
  "StampedLock.write": (options) => stamped.write(options),
  "StampedLock.tryWrite": (options) => stamped.tryWrite(options),
  "Semaphore.acquire": (options) => semaphore.acquire(1, options),
  "Semaphore.tryAcquire": (options) => semaphore.tryAcquire(1, options),
  "Semaphore.acquireAsync": (options) => semaphore.acquireAsync(1, options),
  "owned Semaphore.acquire": (options) => owned.acquire(1, options),
  "Once.call": (options) => once.call(nothing, options),
  "Once.callAsync": (options) => once.callAsync(later, options),
};
const waits: Record<string, Call> = {
  "Event.wait": (options) => event.wait(options),
  "Event.waitAsync": (options) => event.waitAsync(options),
  "Latch.wait": (options) => latch.wait(options),
  "Latch.waitAsync": (options) => latch.waitAsync(options),
  "Barrier.wait": (options) => barrier.wait(options),
  "Barrier.waitAsync": (options) => barrier.waitAsync(options),
};
const conditionWaits: Record<string, Call> = {
  "Condition.wait": (options) => condition.wait(options),
  "Condition.waitFor": (options) => condition.waitFor(() => false, options),
  "Condition.waitAsync": (options) => condition.waitAsync(options),
};

/** In place of the options, and in them. A time-out in place of them is what people write first. */
const bad: readonly unknown[] = [
  null,
  1000,
  "1000",
  true,
  10n,
  Symbol("options"),
  { timeout: "1000" },
  { timeout: null },
  { timeout: Number.NaN },
  { timeout: -1 },
  { timeout: 5n },
];

/** Fails unless the call throws, or rejects with, an error of this package's that says what is wrong. */
async function refuses(name: string, call: Call, options: unknown): Promise<void> {
  const what = `${name}(${typeof options === "object" ? JSON.stringify(options, (_, v) => (typeof v === "bigint" ? `${v}n` : v)) : String(options)})`;
  let error: unknown;
  try {
    await call(options as never);
  } catch (caught) {
    error = caught;
  }
  assert.ok(error instanceof TypeError || error instanceof RangeError, `${what}: ${String(error)}`);
  assert.match(String(error), /options|timeout must be/, what);
}

test("they are refused by every call, at once", async () => {
  for (const [name, call] of Object.entries({ ...calls, ...waits })) {
    for (const options of bad) await refuses(name, call, options);
  }
  for (const [name, call] of Object.entries(conditionWaits)) {
    for (const options of bad) {
      const guard = mutex.lock();
      await refuses(name, call, options);
      assert.ok(mutex.heldByMe, `${name} gave the lock back`);
      guard.release();
    }
  }
});

test("they leave every lock as it was", () => {
  for (const lock of [mutex, fair, reentrant]) assert.not(lock.locked, String(lock));
  assert.equal([rw.readers, rw.writer, rw.toString()], [0, undefined, rw.toString()]);
  assert.equal([semaphore.available, owned.available], [1, 1]);
  assert.equal([event.isSet, latch.count, barrier.waiting, barrier.broken, once.done], [false, 1, 0, false, false]);
  for (const call of [mutex, fair, reentrant]) call.lock().release();
  rw.write().release();
  stamped.write().release();
});

test.run();
