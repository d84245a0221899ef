// watchdog: 300s
// Deadlocks among real threads: each circle, of whatever locks, is broken in one thread, with an error that names it, and
// all others go on; no wait that would end by itself is ever taken for one.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { store } from "../../src/cells/atomics.ts";
import { DeadlockError } from "../../src/cells/errors.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { Once } from "../../src/locks/once.ts";
import type { LockObject } from "../../src/locks/place.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { Semaphore } from "../../src/locks/semaphore.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { tryLock } from "../../src/protocols/mutex.ts";
import { type DeadlockEdge, FIRST_SLICE_MS } from "../../src/region/deadlock.ts";
import { T_CLAIM, T_PARKS } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { announceSleep } from "../../src/region/threads.ts";
import { FOR_OWNER } from "../../src/region/waits.ts";
import { anotherThread, vanish } from "../support/crash.ts";
import { backends } from "../support/lock-backends.ts";
import { thrown } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";
import type { DeadlockData, DeadlockResult, Want } from "./deadlock.worker.ts";

const test = suite("deadlock");
const file = new URL("./deadlock.worker.js", import.meta.url);
const wants = (lock: number, how: Want["how"] = "lock", timeout?: number): Want =>
  timeout === undefined ? { lock, how } : { lock, how, timeout };

async function run(
  locks: readonly LockObject[],
  plans: DeadlockData["plans"],
  more: { rounds?: number; count?: number; attach?: boolean } = {},
): Promise<DeadlockResult[]> {
  const { rounds, count = plans.length, attach } = more;
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const workerData = { locks: locks.map((lock) => lock.share()), plans, gate, attach, ...(rounds && { rounds }) };
  // Whoever has no wish waits until somebody was told.
  const onMessage = (): void => {
    Atomics.store(gate, 1, 1);
    Atomics.notify(gate, 1);
  };
  const outcomes = await runWorkers<DeadlockResult>({ file, count, workerData, onMessage });
  return outcomes.map(({ result }) => result);
}

/** The one who was told, and what; the others must have got what they wanted. */
function theVictim(results: readonly DeadlockResult[]): { result: DeadlockResult; cycle: readonly DeadlockEdge[] } {
  const told = results.filter(({ code }) => code === "ERR_DEADLOCK");
  assert.is(told.length, 1, results.map(({ code, message }) => `${code}: ${message}`).join("\n"));
  assert.ok(results.every(({ code }) => code === undefined || code === "ERR_DEADLOCK"));
  const cycle = told[0].cycle as readonly DeadlockEdge[];
  // Each waits for the next one, the one who was told first; that is the last one made of the circle's threads.
  for (const [at, { heldBy }] of cycle.entries()) assert.is(heldBy, cycle[(at + 1) % cycle.length].thread);
  assert.is(cycle[0].thread, Math.max(...cycle.map(({ thread }) => thread)));
  for (const { lock, thread } of cycle) {
    assert.ok(told[0].message.includes(`thread ${thread} waits for ${lock}`), told[0].message);
  }
  return { result: told[0], cycle };
}

const pairs: readonly [string, (region: Region) => LockObject[], readonly Want[]][] = [
  ["two mutexes", (region) => [new Mutex({ region }), new Mutex({ region })], [wants(0), wants(1)]],
  [
    "two fair mutexes",
    (region) => [new Mutex({ region, fair: true }), new Mutex({ region, fair: true })],
    [wants(0), wants(1)],
  ],
  [
    "a fair reentrant mutex and a mutex",
    (region) => [new ReentrantMutex({ region, fair: true }), new Mutex({ region })],
    [wants(0), wants(1)],
  ],
  [
    "a reentrant mutex and a mutex",
    (region) => [new ReentrantMutex({ region }), new Mutex({ region })],
    [wants(0), wants(1)],
  ],
  [
    "a mutex and a reader that a writer waits for",
    (region) => [new Mutex({ region }), new RwLock({ region })],
    [wants(0), wants(1, "write")],
  ],
  [
    "two stamped locks",
    (region) => [new StampedLock({ region }), new StampedLock({ region })],
    [wants(0, "write"), wants(1, "write")],
  ],
  [
    "a mutex and an owned semaphore's last permit",
    (region) => [new Mutex({ region }), new Semaphore({ region, permits: 1, owned: true })],
    [wants(0), wants(1, "permits")],
  ],
  [
    "a mutex and a once that is being done",
    (region) => [new Mutex({ region }), new Once({ region })],
    [wants(0), wants(1, "once")],
  ],
];

for (const { name, create } of backends) {
  for (const [title, make, [first, second]] of pairs) {
    test(`${name}: ${title}`, async () => {
      const locks = make(create());
      const { cycle } = theVictim(
        await run(locks, [
          { hold: [first], want: second },
          { hold: [second], want: first },
        ]),
      );
      assert.is(cycle.length, 2);
      assert.equal(cycle.map(({ lock }) => lock).sort(), locks.map((lock) => lock.label()).sort());
    });
  }
}

for (const { name, create } of backends) {
  test(`${name}: two mutexes of two regions, and a read-write lock and a mutex`, async () => {
    for (const first of ["lock", "write"] as const) {
      const locks = [
        first === "lock" ? new Mutex({ region: create() }) : new RwLock({ region: create() }),
        new Mutex({ region: create() }),
      ];
      const { result, cycle } = theVictim(
        await run(locks, [
          { hold: [wants(0, first === "write" ? "read" : "lock")], want: wants(1) },
          { hold: [wants(1)], want: wants(0, first) },
        ]),
      );
      assert.is(cycle.length, 2);
      assert.match(result.message, / of region [0-9a-f]{32} \(to /);
    }
  });
}

test("three regions: found if one of the threads has attached to all of them", async () => {
  const locks = ["a", "b", "c"].map((name) =>
    Mutex.named(`wide ${name}`, { region: Region.create({ name: `of ${name}` }) }),
  );
  const plans = [0, 1, 2].map((n) => ({ hold: [wants(n)], want: wants((n + 1) % 3) }));
  const { cycle, result } = theVictim(await run(locks, plans, { attach: true }));
  assert.is(cycle.length, 3);
  for (const name of ["a", "b", "c"]) assert.ok(result.message.includes(`Mutex "wide ${name}"`), result.message);
});

const region = backends[0].create();

test("a circle is told of when its last wait has slept for one slice, which is shorter than 250 ms", () => {
  const [mine, theirs] = [0, 1].map(() => new Mutex({ region: Region.create({ wasm: false }) }));
  const there = anotherThread(theirs.region);
  const twin = anotherThread(mine.region);
  for (const view of [there, twin]) {
    // Another thread's, with a number below this one's.
    store(view.memory.words, view.seatAt + T_CLAIM, -1);
  }
  mine.lock();
  assert.ok(tryLock(theirs.region.memory.words, theirs.index, there.me) !== 0);
  announceSleep(mine.region.memory.words, twin.seatAt, mine.index, mine.index, FOR_OWNER);
  const parks = (): number => theirs.region.memory.words[theirs.region.seatAt + T_PARKS];
  const before = parks();
  const error = thrown(() => theirs.lock()) as DeadlockError;
  assert.instance(error, DeadlockError);
  assert.is(parks() - before, 1);
  assert.ok(FIRST_SLICE_MS < 250);
  const cycle = error.info.cycle as readonly DeadlockEdge[];
  assert.equal(
    cycle.map(({ thread }) => thread),
    [0, -2],
  );
  mine.unlock();
});

test("three threads and three locks; the message names them all", async () => {
  const locks = ["a", "b", "c"].map((name) => Mutex.named(`circle ${name}`, { region }));
  const { result, cycle } = theVictim(
    await run(
      locks,
      [0, 1, 2].map((n) => ({ hold: [wants(n)], want: wants((n + 1) % 3) })),
    ),
  );
  assert.is(cycle.length, 3);
  assert.match(result.message, 'Mutex "circle a" (to lock), which thread');
});

test("a reader, a writer that waits for it, and a reader behind the writer", async () => {
  const locks = [new RwLock({ region }), new Mutex({ region })];
  const { cycle } = theVictim(
    await run(locks, [
      { hold: [wants(0, "read")], want: wants(1) },
      { hold: [wants(1)], want: { ...wants(0, "read"), behind: true } },
      { hold: [], want: wants(0, "write") },
    ]),
  );
  assert.equal(cycle.map(({ wants: what }) => what).sort(), ["to lock", "to read", "to write"]);
});

test("a reader that goes on does not hide the circle of a writer and another reader", async () => {
  const locks = [new RwLock({ region }), new Mutex({ region })];
  const plans = [
    { hold: [wants(0, "read")], want: wants(1) },
    { hold: [wants(1)], want: wants(0, "write") },
    { hold: [wants(0, "read")] },
  ];
  assert.is(theVictim(await run(locks, plans)).cycle.length, 2);
});

test("an upgrade and a reader", async () => {
  const locks = [new RwLock({ region }), new Mutex({ region })];
  const { cycle } = theVictim(
    await run(locks, [
      { hold: [wants(1), wants(0, "upgradable")], want: wants(0, "upgrade") },
      { hold: [wants(0, "read")], want: wants(1) },
    ]),
  );
  assert.equal(cycle.map(({ wants: what }) => what).sort(), ["to lock", "to write"]);
});

test("a wait with a time-out counts while it lasts; nothing is left of the one that was told", async () => {
  const locks = [new Mutex({ region }), new Mutex({ region })];
  const minute = 60_000;
  theVictim(
    await run(locks, [
      { hold: [wants(0)], want: wants(1, "lock", minute) },
      { hold: [wants(1)], want: wants(0, "lock", minute) },
    ]),
  );
  for (const lock of locks) assert.is(lock.toString(), `${lock.label()}: free`);
});

test("a thread that holds all permits of an owned semaphore and wants one more", () => {
  const semaphore = new Semaphore({ region, permits: 2, owned: true });
  semaphore.acquire(2);
  const error = thrown(() => semaphore.acquire());
  assert.instance(error, DeadlockError);
  semaphore.release(2);
  assert.is(semaphore.available, 2);
});

test("a circle of which one thread is dead is none: the other gets the lock", () => {
  const [mine, theirs] = [new Mutex({ region }), new Mutex({ region })];
  const other = anotherThread(region);
  const { words } = region.memory;
  mine.lock();
  assert.ok(tryLock(words, theirs.index, other.me) !== 0);
  announceSleep(words, other.seatAt, mine.index, mine.index, FOR_OWNER);
  vanish(other);
  let recovered = false;
  theirs.lock({ recover: () => void (recovered = true) });
  assert.ok(recovered);
  for (const lock of [mine, theirs]) lock.unlock();
});

test("threads that take locks of all kinds in one order are never told of a deadlock", async () => {
  const locks = [
    new Mutex({ region }),
    new RwLock({ region }),
    new Semaphore({ region, permits: 2, owned: true }),
    new ReentrantMutex({ region }),
    new StampedLock({ region }),
  ];
  const results = await run(locks, [], { rounds: 60, count: 4 });
  assert.equal(
    results.map(({ code }) => code),
    [undefined, undefined, undefined, undefined],
  );
});

test.run();
