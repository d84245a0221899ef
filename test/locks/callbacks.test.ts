// What the locks say to a function that is none, or that would run on after the lock was given back.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Condition } from "../../src/locks/condition.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { Once } from "../../src/locks/once.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { Semaphore } from "../../src/locks/semaphore.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { Region } from "../../src/region/region.ts";

type Call = (fn: never) => unknown;

const region = Region.create();
const mutex = new Mutex({ region });
const reentrant = new ReentrantMutex({ region });
const rw = new RwLock({ region });
const stamped = new StampedLock({ region });
const semaphore = new Semaphore({ region, permits: 1 });
const condition = new Condition(mutex, { region });

const once = () => new Once({ region });
const locked = <T>(fn: () => T) => mutex.withLock(fn);

const SYNC: ReadonlyArray<[name: string, twin: string, call: Call]> = [
  ["withLock", "withLockAsync", (fn) => mutex.withLock(fn)],
  ["withLock", "withLockAsync", (fn) => reentrant.withLock(fn)],
  ["withRead", "withReadAsync", (fn) => rw.withRead(fn)],
  ["withWrite", "withWriteAsync", (fn) => rw.withWrite(fn)],
  ["withRead", "withReadAsync", (fn) => stamped.withRead(fn)],
  ["withWrite", "withWriteAsync", (fn) => stamped.withWrite(fn)],
  ["readOptimistically", "withReadAsync", (fn) => stamped.readOptimistically(fn)],
  ["withPermits", "withPermitsAsync", (fn) => semaphore.withPermits(fn)],
  ["call", "callAsync", (fn) => once().call(fn)],
  ["waitFor", "waitForAsync", (fn) => locked(() => condition.waitFor(fn))],
];

const ASYNC: ReadonlyArray<[name: string, call: (fn: never) => Promise<unknown>]> = [
  ["withLockAsync", (fn) => mutex.withLockAsync(fn)],
  ["withLockAsync", (fn) => reentrant.withLockAsync(fn)],
  ["withReadAsync", (fn) => rw.withReadAsync(fn)],
  ["withWriteAsync", (fn) => rw.withWriteAsync(fn)],
  ["withPermitsAsync", (fn) => semaphore.withPermitsAsync(fn)],
  ["callAsync", (fn) => once().callAsync(fn)],
  ["waitForAsync", (fn) => mutex.withLockAsync(() => condition.waitForAsync(fn))],
];

function assertAllFree() {
  for (const lock of [mutex, reentrant, rw, stamped]) assert.match(String(lock), /: free$/);
  assert.is(semaphore.available, 1);
}

function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

for (const [name, twin, call] of SYNC) {
  const of = `${name} (for which ${twin} is there), ${String(call).replace(/^.*=> /, "")}`;

  test(`${of}: what is no function is refused by name`, () => {
    for (const [wrong, said] of [
      [5, "number 5"],
      [undefined, "undefined"],
      [{}, "an object (Object)"],
    ]) {
      const error = errorOf(() => call(wrong as never));
      assert.instance(error, TypeError);
      assert.is(error.message, `${name} needs a function, got ${said}`);
    }
    assertAllFree();
  });

  test(`${of}: an async function is refused before it runs, and the twin named`, () => {
    let ran = false;
    const fn = async () => {
      ran = true;
    };
    const error = errorOf(() => call(fn as never));
    assert.instance(error, TypeError);
    assert.ok(error.message.startsWith(`${name} `) && error.message.endsWith(`use ${twin}`), error.message);
    assert.not(ran);
    assertAllFree();
  });

  test(`${of}: a plain function may return a promise: it is the caller's`, () => {
    let calls = 0;
    call((() => {
      calls++;
      return Promise.resolve();
    }) as never);
    assert.is(calls, 1);
    assertAllFree();
  });
}

for (const [name, call] of ASYNC) {
  const of = `${name}, ${String(call).replace(/^.*=> /, "")}`;

  test(`${of}: what is no function is refused by name`, async () => {
    let error: Error | undefined;
    await call(5 as never).catch((thrown) => {
      error = thrown;
    });
    assert.instance(error, TypeError);
    assert.is(error?.message, `${name} needs a function, got number 5`);
    assertAllFree();
  });

  test(`${of}: plain and async functions are run`, async () => {
    let calls = 0;
    await call((() => ++calls) as never);
    await call((async () => ++calls) as never);
    assert.is(calls, 2);
    assertAllFree();
  });
}

test.run();
