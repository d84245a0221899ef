// watchdog: 300s
// Condition: the conformance suite of each lock that has conditions on each backend, and real workers.

import * as assert from "uvu/assert";
import { Condition } from "../../src/locks/condition.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { Region } from "../../src/region/region.ts";
import { conditionSuite, type LockKind } from "../suites/condition-suite.ts";
import { backends } from "../support/backends.ts";
import { hurryPolls } from "../support/polls.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("Condition");
hurryPolls();

const kinds: readonly LockKind[] = [
  {
    title: "Mutex",
    named: (name, region) => Mutex.named(name, { region }),
    hold: (lock) => (lock as Mutex).lock(),
    holdAsync: (lock) => (lock as Mutex).lockAsync(),
  },
  {
    title: "ReentrantMutex",
    named: (name, region) => ReentrantMutex.named(name, { region }),
    hold: (lock) => (lock as ReentrantMutex).lock(),
    holdAsync: (lock) => (lock as ReentrantMutex).lockAsync(),
  },
  {
    title: "fair Mutex",
    named: (name, region) => Mutex.named(name, { region, fair: true }),
    hold: (lock) => (lock as Mutex).lock(),
    holdAsync: (lock) => (lock as Mutex).lockAsync(),
  },
  {
    title: "fair ReentrantMutex",
    named: (name, region) => ReentrantMutex.named(name, { region, fair: true }),
    hold: (lock) => (lock as ReentrantMutex).lock(),
    holdAsync: (lock) => (lock as ReentrantMutex).lockAsync(),
  },
  {
    title: "RwLock",
    named: (name, region) => RwLock.named(name, { region }),
    hold: (lock) => (lock as RwLock).write(),
    holdAsync: (lock) => (lock as RwLock).writeAsync(),
  },
];

for (const kind of kinds) for (const backend of backends) conditionSuite(test, backend, kind);

test("a wait gives back and restores the whole hold count, and every guard of it", async () => {
  for (const task of [false, true]) {
    const mutex = new ReentrantMutex({ region: Region.create() });
    const condition = new Condition(mutex);
    const first = task ? await mutex.lockAsync() : mutex.lock();
    const guards = [first, first.reenter(), first.reenter()];
    const waiting = condition.waitAsync();
    assert.is(mutex.locked, false);
    const other = mutex.lock();
    assert.equal(
      guards.map(({ held }) => held),
      [false, false, false],
    );
    for (const guard of guards.slice(1)) assert.is(guard.held, false);
    assert.is(mutex.holdCount, 1);
    condition.notify();
    other.release();
    assert.is(await waiting, true);
    assert.is(mutex.holdCount, 3);
    assert.equal(
      guards.map(({ held }) => held),
      [true, true, true],
    );
    other.release();
    assert.is(mutex.holdCount, 3);
    for (const guard of guards) guard.release();
    assert.is(mutex.locked, false);
    const later = mutex.lock();
    for (const guard of [...guards, other]) guard.release();
    assert.is(later.held, true);
  }
});

test("a guard of a hold in between never releases the hold that goes on", async () => {
  const mutex = new Mutex({ region: Region.create() });
  const condition = new Condition(mutex);
  const mine = mutex.lock();
  for (let round = 0; round < 5; round++) {
    const waiting = condition.waitAsync();
    const between = mutex.lock();
    condition.notify();
    between.release();
    await waiting;
    between.release();
    assert.is(mine.held, true);
  }
  mine.release();
  const next = mutex.lock();
  mine.release();
  assert.is(next.held, true);
});

const file = new URL("./condition.worker.js", import.meta.url);

test("sync and async waiters of many threads: first in, first out, exactly n", async () => {
  const mutex = new Mutex({ region: Region.create() });
  const condition = new Condition(mutex);
  const count = 6;
  // 0: waiters so far | 1: how many were chosen | 2 …: the worker that came, then the one that went, in order
  const plain = new Int32Array(new SharedArrayBuffer(128));
  const workers = runWorkers({
    file,
    count,
    workerData: { mode: "order", mutex: mutex.share(), condition: condition.share(), plain },
  });
  const until = async (what: () => boolean): Promise<void> => {
    for (;;) {
      const guard = await mutex.lockAsync();
      const now = what();
      guard.release();
      if (now) return;
      await new Promise(setImmediate);
    }
  };
  await until(() => plain[0] === count);
  let notified = 0;
  for (const n of [1, 2, 3]) {
    const guard = mutex.lock();
    assert.is(condition.notify(n), n);
    guard.release();
    notified += n;
    await until(() => plain[1] === notified);
    const guardAgain = mutex.lock();
    assert.is(condition.waiters, count - notified);
    guardAgain.release();
  }
  await workers;
  const came = [...plain.subarray(2, 2 + count)];
  const went = [...plain.subarray(16, 16 + count)];
  assert.equal(went.slice(0, 1), came.slice(0, 1));
  assert.equal(went.slice(1, 3).sort(), came.slice(1, 3).sort());
  assert.equal([...went].sort(), [0, 1, 2, 3, 4, 5]);
});

test("a bounded buffer between threads and tasks, Wasm and JavaScript, loses nothing", async () => {
  const mutex = new ReentrantMutex({ region: Region.create() });
  const conditions = [new Condition(mutex), new Condition(mutex)];
  const plain = new Int32Array(new SharedArrayBuffer(64));
  const rounds = 1500;
  const outcomes = await runWorkers<number>({
    file,
    count: 4,
    workerData: { mode: "buffer", mutex: mutex.share(), conditions: conditions.map((c) => c.share()), plain, rounds },
  });
  assert.is(plain[0], 0);
  assert.is(
    outcomes.reduce((sum, { result }) => sum + result, 0),
    0,
  );
});

for (const end of ["terminate", "exit"]) {
  test(`workers that end by ${end} as waiters swallow no signal`, async () => {
    const mutex = new Mutex({ region: Region.create() });
    const condition = new Condition(mutex);
    const plain = new Int32Array(new SharedArrayBuffer(64));
    const passOn = (): unknown => condition.notify();
    let looking: ReturnType<typeof setInterval> | undefined;
    const run = runWorkers({
      file,
      count: 6,
      workerData: { mode: "die", end, mutex: mutex.share(), condition: condition.share(), plain },
      mayDie: (index) => index < 3,
      onMessage: (message, _, workers) => {
        if (message !== "all wait") return;
        if (end === "terminate") for (const worker of workers.slice(0, 3)) void worker.terminate();
        const guard = mutex.lock({ recover: () => undefined });
        // Whoever is known to be dead is passed over; whoever is not passes the signal on when it is found out.
        condition.notify(3);
        guard.release();
        // Where terminate() is slow: one that was chosen, woke up and died with the lock has not passed it on.
        looking = setInterval(() => mutex.tryLock({ recover: passOn })?.release(), 20);
      },
    });
    await run.finally(() => clearInterval(looking));
    assert.is(plain[1], 3);
  });
}

test.run();
