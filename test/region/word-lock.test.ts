// The one loop by which a thread sleeps for a mutex, step by step: Atomics.wait is replaced by what happens meanwhile.

import * as assert from "uvu/assert";
import { LOCK_MISSED, LOOK_FIRST } from "../../src/protocols/lock-wait.ts";
import {
  ACQUIRED,
  ACQUIRED_DIED,
  HELD_BY_ME,
  hasSyncWaiters,
  isStarving,
  MUST_WAIT,
  MUTEX_WORDS,
  RETIRED,
  tryLock,
  UNRECOVERABLE,
  unlock,
  withdrawStarving,
} from "../../src/protocols/mutex.ts";
import { KIND_RAW } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { lockBlocking, payWakes } from "../../src/region/word-lock.ts";
import { anotherThread, bury } from "../support/crash.ts";
import { suite } from "../support/suite.ts";

const test = suite("sleeping for a mutex word");

interface Scene {
  readonly words: Int32Array;
  readonly index: number;
  readonly owner: Region;
  readonly waiter: Region;
}

function scene(): Scene {
  const owner = Region.over(new SharedArrayBuffer(64 << 10));
  const waiter = anotherThread(owner);
  const index = owner.allocate(MUTEX_WORDS * 4, KIND_RAW) >> 2;
  const { words } = owner.memory;
  assert.is.not(tryLock(words, index, owner.me), 0);
  return { words, index, owner, waiter };
}

/** Runs `work`; each of its sleeps is `sleep` instead, which gets the word slept on and says how the sleep ended. */
function withSleep<T>(sleep: (word: number, ms: number) => "ok" | "timed-out" | "not-equal", work: () => T): T {
  const real = globalThis.Atomics;
  const handler: ProxyHandler<typeof Atomics> = {
    get: (target, name) => {
      if (name !== "wait") return Reflect.get(target, name) as unknown;
      return (words: Int32Array, at: number, expected: number, ms: number): string =>
        real.load(words, at) === expected ? sleep(expected, ms) : "not-equal";
    },
  };
  globalThis.Atomics = new Proxy(real, handler);
  try {
    return work();
  } finally {
    globalThis.Atomics = real;
  }
}

const forever = Number.POSITIVE_INFINITY;

function pass(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) continue;
}

test("it announces itself before it sleeps, and sleeps for a slice at the most", () => {
  const { words, index, owner, waiter } = scene();
  const slept: number[] = [];
  const result = withSleep(
    (word, ms) => {
      slept.push(ms);
      assert.ok(hasSyncWaiters(word));
      payWakes(words, index, unlock(words, index, owner.me));
      return "ok";
    },
    () => lockBlocking(waiter, index, forever),
  );
  assert.is(result, ACQUIRED);
  assert.is(slept.length, 1);
  assert.ok(slept[0] <= 250);
  assert.ok(hasSyncWaiters(words[index]), "others may sleep still");
});

test("a waiter whose place before newcomers was taken away asks for it again", () => {
  const { words, index, owner, waiter } = scene();
  const starving: boolean[] = [];
  const result = withSleep(
    (word) => {
      starving.push(isStarving(word));
      pass(2);
      // Somebody thinks that the starver is dead; then it is woken in vain, as by a thread that overtook it.
      withdrawStarving(words, index);
      if (starving.length === 6) payWakes(words, index, unlock(words, index, owner.me));
      return "ok";
    },
    () => lockBlocking(waiter, index, forever),
  );
  assert.is(result, ACQUIRED);
  // Three times it looks on in vain and takes the mark back itself; then it keeps it, and asks again once it is taken away.
  assert.equal(starving, [false, false, false, false, true, true]);
  assert.not.ok(isStarving(words[index]), "the mark goes with the acquisition");
});

test("a time-out, even while it starves, leaves no mark", () => {
  const { words, index, owner, waiter } = scene();
  const result = withSleep(
    () => {
      pass(2);
      return "ok";
    },
    () => lockBlocking(waiter, index, performance.now() + 20),
  );
  assert.is(result, MUST_WAIT);
  assert.not.ok(isStarving(words[index]));
  payWakes(words, index, unlock(words, index, owner.me));
  assert.is(words[index], 0);
});

test("an owner that dies while it sleeps: it takes the lock, and is told", () => {
  const { index, owner, waiter } = scene();
  const result = withSleep(
    () => {
      bury(owner);
      return "ok";
    },
    () => lockBlocking(waiter, index, forever),
  );
  assert.is(result, ACQUIRED_DIED);
});

test("what is freed while it sleeps: it leaves, and hands the wake on", () => {
  const { words, index, waiter } = scene();
  const retired = withSleep(
    () => {
      words[index] = RETIRED;
      return "ok";
    },
    () => lockBlocking(waiter, index, forever),
  );
  assert.is(retired, UNRECOVERABLE);
  const reused = scene();
  let wakes = 0;
  const real = globalThis.Atomics;
  const what = { isCurrent: () => false };
  globalThis.Atomics = new Proxy(real, {
    get: (target, name) => {
      if (name === "notify") wakes++;
      return Reflect.get(target, name) as unknown;
    },
  });
  try {
    assert.is(
      withSleep(
        () => "ok",
        () => lockBlocking(reused.waiter, reused.index, forever, what),
      ),
      UNRECOVERABLE,
    );
  } finally {
    globalThis.Atomics = real;
  }
  assert.is(wakes, 1);
});

test("whoever slept in one operation for what is another mutex by now sleeps no more, and passes the wake on", () => {
  for (const came of [LOCK_MISSED, LOOK_FIRST]) {
    const { waiter, index } = scene();
    let sleeps = 0;
    const result = withSleep(
      () => {
        sleeps++;
        return "ok";
      },
      () => lockBlocking(waiter, index, forever, { isCurrent: () => false }, -came),
    );
    assert.is(result, UNRECOVERABLE);
    assert.is(sleeps, 0);
  }
});

test("it does not wait for itself", () => {
  const { index, owner } = scene();
  assert.is(lockBlocking(owner, index, forever), HELD_BY_ME);
});

test.run();
