// A thread ends and nobody hears of it, as in a browser, or while its parent is blocked: whoever then only tries for what it
// held, and does not wait, finds out by itself, and the first time.

import * as assert from "uvu/assert";
import { type Guard, Mutex, Once, ReentrantMutex, Region, RwLock, Semaphore, StampedLock } from "../../src/index.ts";
import { anotherThread, vanish } from "../support/crash.ts";
import { suite } from "../support/suite.ts";

const test = suite("a death that nobody hears of");
const SOON = { timeout: 5 };
const never = (): Promise<never> => new Promise(() => undefined);

/** Runs `ask` on a new object, once another "thread" has done its part with it and is gone unheard; in both backends. */
async function afterDeath(part: (there: Region) => unknown, ask: (here: Region) => unknown): Promise<void> {
  for (const wasm of [true, false]) {
    const here = Region.create({ byteLength: 1 << 18, maxThreads: 8, wasm });
    void here.me;
    const there = anotherThread(here);
    await part(there);
    vanish(there);
    await ask(here);
  }
}

/** One test for each way to ask; an object with the name "it" is in the region. */
function everyWay(
  title: string,
  part: (there: Region) => unknown,
  ways: Readonly<Record<string, (here: Region) => unknown>>,
): void {
  for (const [way, ask] of Object.entries(ways)) test(`${title}: ${way}`, () => afterDeath(part, ask));
}

/** Whether the hold was had, with word of the death. */
function told() {
  const recovered: unknown[] = [];
  return { recover: (guard: unknown) => void recovered.push(guard), times: () => recovered.length };
}

async function isTold(acquire: (options: { recover: (guard: unknown) => void }) => unknown): Promise<void> {
  const { recover, times } = told();
  const guard = (await acquire({ recover })) as Guard<Mutex> | undefined;
  assert.is(times(), 1);
  assert.ok(guard, "it was had");
  guard.release();
}

for (const [title, named] of [
  ["Mutex", (region: Region) => Mutex.named("it", { region })],
  ["fair Mutex", (region: Region) => Mutex.named("it", { region, fair: true })],
  ["ReentrantMutex", (region: Region) => ReentrantMutex.named("it", { region }) as unknown as Mutex],
] as const) {
  everyWay(title, (there) => named(there).lock(), {
    "tryLock()": (here) => isTold((options) => named(here).tryLock(options)),
    "tryLock() with a time-out": (here) => isTold((options) => named(here).tryLock({ ...options, ...SOON })),
    "lock() with a time-out": (here) => isTold((options) => named(here).lock({ ...options, ...SOON })),
    "lockAsync() with a time-out": (here) => isTold((options) => named(here).lockAsync({ ...options, ...SOON })),
    "lock()": (here) => isTold((options) => named(here).lock(options)),
    "lockAsync()": (here) => isTold((options) => named(here).lockAsync(options)),
    "free()": (here) => named(here).free(),
  });
}

const rwLock = (region: Region): RwLock => RwLock.named("it", { region });

everyWay("RwLock, a writer", (there) => rwLock(there).write(), {
  "tryRead()": (here) => {
    const { recover, times } = told();
    rwLock(here).tryRead({ recover })?.release();
    assert.is(times(), 1);
  },
});

everyWay("RwLock, a reader", (there) => rwLock(there).read(), {
  "tryWrite()": (here) => assert.ok(rwLock(here).tryWrite()),
  "tryUpgrade()": (here) => assert.ok(rwLock(here).upgradable().tryUpgrade()),
});

everyWay("StampedLock, a reader", (there) => StampedLock.named("it", { region: there }).read(), {
  "tryConvertToWrite() of a read stamp": (here) => {
    const lock = StampedLock.named("it", { region: here });
    assert.is.not(lock.tryConvertToWrite(lock.read().stamp), 0);
  },
  "tryConvertToWrite() of an optimistic stamp": (here) => {
    const lock = StampedLock.named("it", { region: here });
    assert.is.not(lock.tryConvertToWrite(lock.optimisticRead()), 0);
  },
});

for (const fair of [false, true]) {
  const named = (region: Region): Semaphore => Semaphore.named("it", { region, permits: 2, owned: true, fair });
  everyWay(`${fair ? "fair, " : ""}owned Semaphore`, (there) => named(there).acquire(2), {
    available: (here) => assert.is(named(here).available, 2),
    "tryAcquire()": (here) => assert.is(named(here).tryAcquire(2), true),
    "acquireAsync()": (here) => named(here).acquireAsync(2),
  });
}

const once = (region: Region): Once => Once.named("it", { region });

everyWay("Once", (there) => void once(there).callAsync(never), {
  "free()": (here) => once(here).free(),
});

test.run();
