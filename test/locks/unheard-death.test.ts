// A thread ends and nobody hears of it, as in a browser, or while its parent is blocked: whoever then asks for what it held
// finds out by itself, however short the time that it gives, and the first time. For every lock and every way to ask.

import * as assert from "uvu/assert";
import {
  Barrier,
  Condition,
  type Guard,
  Mutex,
  Once,
  ReentrantMutex,
  Region,
  RwLock,
  Semaphore,
  StampedLock,
} from "../../src/index.ts";
import { newWait } from "../../src/locks/semaphore-waits.ts";
import { act, arrive } from "../../src/protocols/barrier.ts";
import { STARVER, starve } from "../../src/protocols/semaphore.ts";
import { publishNode } from "../../src/protocols/wait-nodes.ts";
import { takeNode } from "../../src/region/wait-queue.ts";
import { anotherThread, vanish } from "../support/crash.ts";
import { suite } from "../support/suite.ts";

const test = suite("a death that nobody hears of");
const SOON = { timeout: 5 };
const never = (): Promise<never> => new Promise(() => undefined);
const codeOf = (error: { code?: string }): string | undefined => error.code;

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

/** Asks by a clock that is later by all the time that it gives, each time it is read: the thread was held up. */
async function byLateClock(ask: (here: Region) => unknown, here: Region): Promise<void> {
  const real = performance.now;
  let late = 0;
  performance.now = () => real.call(performance) + (late += SOON.timeout);
  try {
    await ask(here);
  } finally {
    performance.now = real;
  }
}

/** One test for each way to ask; an object with the name "it" is in the region. */
function everyWay(
  title: string,
  part: (there: Region) => unknown,
  ways: Readonly<Record<string, (here: Region) => unknown>>,
): void {
  for (const [way, ask] of Object.entries(ways)) {
    test(`${title}: ${way}`, () => afterDeath(part, ask));
    if (!way.includes("time-out")) continue;
    test(`${title}: ${way}, which is over at the first look`, () => afterDeath(part, (here) => byLateClock(ask, here)));
  }
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
  "read() with a time-out": (here) => isTold((options) => rwLock(here).read({ ...options, ...SOON })),
  "readAsync() with a time-out": (here) => isTold((options) => rwLock(here).readAsync({ ...options, ...SOON })),
  "tryWrite()": (here) => isTold((options) => rwLock(here).tryWrite(options)),
  "write() with a time-out": (here) => isTold((options) => rwLock(here).write({ ...options, ...SOON })),
  "writeAsync() with a time-out": (here) => isTold((options) => rwLock(here).writeAsync({ ...options, ...SOON })),
  "tryUpgradable()": (here) => isTold((options) => rwLock(here).tryUpgradable(options)),
});

everyWay("RwLock, a reader", (there) => rwLock(there).read(), {
  "tryWrite()": (here) => assert.ok(rwLock(here).tryWrite()),
  "write() with a time-out": (here) => rwLock(here).write(SOON).release(),
  "writeAsync() with a time-out": async (here) => (await rwLock(here).writeAsync(SOON)).release(),
  "tryUpgrade()": (here) => assert.ok(rwLock(here).upgradable().tryUpgrade()),
  "upgrade() with a time-out": (here) => rwLock(here).upgradable().upgrade(SOON).release(),
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
    "tryAcquire() with a time-out": (here) => assert.is(named(here).tryAcquire(2, SOON), true),
    "acquireAsync() with a time-out": (here) => named(here).acquireAsync(2, SOON),
    "acquireAsync()": (here) => named(here).acquireAsync(2),
  });
}

const plain = (region: Region): Semaphore => Semaphore.named("it", { region, permits: 2 });

/** It starved, so nobody who waits may take the permits that lie there. */
function starving(there: Region): void {
  const semaphore = plain(there);
  const { words } = there.memory;
  assert.is(starve(words, semaphore.index, there.me, 2), 1);
  // Somebody sleeps: the fast path is closed.
  words[semaphore.index + STARVER - 2] |= 1 << 31;
}

everyWay("Semaphore, one that starved", starving, {
  "acquire() with a time-out": (here) => plain(here).acquire(2, SOON),
  "acquireAsync() with a time-out": (here) => plain(here).acquireAsync(2, SOON),
});

const line = (region: Region): Semaphore => Semaphore.named("it", { region, permits: 2, fair: true });

function standsInLine(there: Region): void {
  const semaphore = line(there);
  semaphore.acquire(2);
  newWait(semaphore, 2, false).attempt({ waitedMs: 0, ask: false, more: false });
}

everyWay("fair Semaphore, the first in line", standsInLine, {
  "acquire() with a time-out": (here) => {
    line(here).release(2);
    line(here).acquire(2, SOON);
  },
  "acquireAsync() with a time-out": async (here) => {
    line(here).release(2);
    await line(here).acquireAsync(2, SOON);
  },
});

const once = (region: Region): Once => Once.named("it", { region });

everyWay("Once", (there) => void once(there).callAsync(never), {
  "call() with a time-out": (here) =>
    assert.is(
      once(here).call(() => undefined, SOON),
      true,
    ),
  "callAsync() with a time-out": async (here) => assert.is(await once(here).callAsync(() => undefined, SOON), true),
  "free()": (here) => once(here).free(),
});

const barrier = (region: Region): Barrier => Barrier.named("it", { region, parties: 1 });

/** The last to arrive runs the action. */
function acts(there: Region): void {
  const { index } = barrier(there);
  arrive(there.memory.words, index);
  act(there.memory.words, index, there.me);
}

everyWay("Barrier, in its action", acts, {
  "wait() with a time-out": (here) => {
    assert.throws(() => barrier(here).wait(SOON), /ERR_BROKEN_BARRIER|is broken|passed by all/);
    assert.is(barrier(here).broken, true);
  },
  "waitAsync() with a time-out": async (here) => {
    assert.is(await barrier(here).waitAsync(SOON).catch(codeOf), "ERR_BROKEN_BARRIER");
    assert.is(barrier(here).broken, true);
  },
});

function both(region: Region): { mutex: Mutex; condition: Condition } {
  const mutex = Mutex.named("lock", { region });
  return { mutex, condition: Condition.named("it", mutex) };
}

/** Chosen by a notify(), and gone before it could go on. */
function chosen(there: Region): void {
  const { mutex, condition } = both(there);
  publishNode(there.memory.words, condition.table, takeNode(there, condition.table), there.me);
  mutex.withLock(() => assert.is(condition.notify(), 1));
}

everyWay("Condition, one that was notified", chosen, {
  "wait() with a time-out": (here) => {
    const { mutex, condition } = both(here);
    assert.is(
      mutex.withLock(() => condition.wait(SOON)),
      true,
    );
  },
  "waitAsync() with a time-out": async (here) => {
    const { mutex, condition } = both(here);
    assert.is(await mutex.withLockAsync(() => condition.waitAsync(SOON)), true);
  },
});

test.run();
