// The 24 tests of the session manager that this store is the port of, in their 7 classes and by their names, with totals
// checked in the main thread. The concurrent ones share one crowd of 100 worker threads. What goes beyond them is in
// session-store-more.test.ts.
import * as assert from "uvu/assert";
import { Barrier } from "../../src/locks/barrier.ts";
import { Region } from "../../src/region/region.ts";
import {
  type SessionState,
  SessionStore,
  type SessionStoreOptions,
  tsDelete,
  tsExists,
  tsGet,
  tsSet,
} from "../../src/systems/session-store.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const file = new URL("./session-store.worker.js", import.meta.url);
const make = (options: SessionStoreOptions = {}): SessionStore =>
  new SessionStore({ region: Region.create(), ...options });
const plain = (state: SessionState): object => ({ ...state });

interface Seen {
  readonly wrong: string[];
  readonly deleted: boolean;
  readonly last: boolean;
}

interface Crowd {
  readonly store: SessionStore;
  readonly seen: Seen[];
}

let started: Promise<Crowd> | undefined;

/** The crowd's run, made once for the tests that look at it. */
function crowd(): Promise<Crowd> {
  started ??= runCrowd();
  return started;
}

async function runCrowd(): Promise<Crowd> {
  const region = Region.create();
  const store = make({ region, lockTimeout: 60_000 });
  store.set("everyone's", true);
  const barrier = new Barrier({ region, parties: 100 }).share();
  const outcomes = await runWorkers<Seen>({
    file,
    count: 100,
    workerData: { job: "crowd", store: store.share(), barrier },
    timeoutMs: 120_000,
  });
  return { store, seen: outcomes.map(({ result }) => result) };
}

const basic = suite("TestBasicOperations");

basic("set and get", () => {
  const store = make();
  const value = { name: "Ann", tags: ["a", "b"], nested: { deep: [1, null, true, "\u0000ü"] } };
  store.set("key", value);
  assert.equal(store.get("key"), value);
  store.set("key", 2);
  assert.is(store.get("key"), 2);
});

basic("get with default", () => {
  const store = make();
  assert.is(store.get("none", "default"), "default");
  assert.is(store.get("none"), undefined);
  store.set("null", null);
  assert.is(store.get("null", "default"), null, "a stored null is a value");
});

basic("delete operation", () => {
  const store = make();
  store.set("key", 1);
  assert.equal([store.delete("key"), store.delete("key"), store.get("key")], [true, false, undefined]);
});

basic("exists check", () => {
  const store = make();
  store.set("key", null);
  assert.equal([store.exists("key"), store.exists("other")], [true, false]);
});

basic("clear all", () => {
  const store = make();
  store.setMultiple({ a: 1, b: 2, c: 3 });
  assert.is(store.clearAll(), 3);
  assert.equal([store.exists("a"), store.getStats().session_keys, store.clearAll()], [false, 0, 0]);
});

const concurrent = suite("TestConcurrentAccess");

concurrent("100 concurrent writes", async () => {
  const { store } = await crowd();
  for (let i = 50; i < 100; i++) assert.equal(store.get(`own ${i}`), { by: i });
});

concurrent("200 concurrent reads", async () => {
  const { seen } = await crowd();
  assert.is(seen.length, 100);
  assert.equal(
    seen.flatMap(({ wrong }) => wrong),
    [],
  );
});

concurrent("mixed read/write (300 operations)", async () => {
  const { store } = await crowd();
  const keys = Array.from({ length: 100 }, (_, i) => `mixed ${i}`);
  assert.equal(
    Object.values(store.getMultiple(keys)),
    keys.map((_, i) => i),
  );
});

concurrent("50 concurrent deletes", async () => {
  const { store, seen } = await crowd();
  assert.is(seen.filter(({ deleted }) => deleted).length, 50);
  for (let i = 0; i < 50; i++) assert.not(store.exists(`own ${i}`));
  assert.is(seen.filter(({ last }) => last).length, 1, "of 100 threads that delete one key, one is told that it did");
});

const races = suite("TestRaceConditions");

races("counter race (detection): get, then set loses 99 of 100 increments when everyone has read first", async () => {
  assert.is((await crowd()).store.get("lost counter"), 1);
});

races("atomic counter (100 increments)", async () => {
  assert.is((await crowd()).store.get("counter"), 100);
});

races("dictionary update (50 concurrent)", async () => {
  const users = (await crowd()).store.get("users") as Record<string, unknown>;
  assert.is(Object.keys(users).length, 50);
  for (let i = 0; i < 50; i++) assert.equal(users[`user ${i}`], { index: i });
});

const deadlocks = suite("TestDeadlockPrevention");

deadlocks("nested operations", () => {
  const store = make({ lockTimeout: 0 });
  store.set("a", 1);
  const result = store.atomicUpdate(({ a }) => {
    store.set("b", Number(a) + 1);
    assert.equal([store.get("b"), store.exists("b")], [2, true], "a nested operation sees what another has changed");
    store.atomicUpdate((state) => ({ c: Number(state.b) + 1 }));
    assert.is(store.delete("a"), true);
    return { d: Number(store.get("c")) + 1 };
  });
  assert.equal(result, { d: 4 });
  assert.equal(plain(store.getMultiple(["a", "b", "c", "d"])), { b: 2, c: 3, d: 4 });
});

deadlocks("high contention (10 threads × 100 operations)", async () => {
  const store = make({ lockTimeout: 60_000 });
  const outcomes = await runWorkers<number>({ file, count: 10, workerData: { job: "contend", store: store.share() } });
  assert.is(
    outcomes.reduce((sum, { result }) => sum + result, 0),
    250,
  );
  assert.is(store.get("total"), 250);
  const { lock_acquisitions, failed_acquisitions } = store.getStats();
  assert.equal([lock_acquisitions, failed_acquisitions], [1001, 0]);
});

deadlocks("lock timeout mechanism", async () => {
  const store = make({ lockTimeout: 30 });
  store.set("key", "value");
  const gate = new Int32Array(new SharedArrayBuffer(4));
  await runWorkers({
    file,
    count: 1,
    workerData: { job: "hold", store: store.share(), gate },
    onMessage() {
      const operations: [string, () => unknown][] = [
        ["get", () => store.get("key", "default")],
        ["set", () => store.set("key", 2)],
        ["delete", () => store.delete("key")],
        ["exists", () => store.exists("key")],
        ["clearAll", () => store.clearAll()],
        ["getMultiple", () => store.getMultiple(["key"])],
        ["setMultiple", () => store.setMultiple({ key: 3 })],
        ["atomicUpdate", () => store.atomicUpdate(() => ({ key: 4 }))],
      ];
      try {
        for (const [name, operation] of operations) assert.is(codeOf(operation), "ERR_TIMEOUT", name);
        assert.equal(store.getStats().failed_acquisitions, operations.length, "each time-out is counted once");
      } finally {
        Atomics.store(gate, 0, 1);
        Atomics.notify(gate, 0);
      }
    },
  });
  assert.equal([store.get("key"), store.get("held")], ["value", true]);
});

const batches = suite("TestBatchOperations");

batches("get multiple atomically", () => {
  const store = make();
  store.setMultiple({ a: 1, b: [2] });
  assert.equal(plain(store.getMultiple(["a", "b", "none"])), { a: 1, b: [2] });
});

batches("set multiple atomically", () => {
  const store = make();
  store.set("a", 1);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  assert.is(
    codeOf(() => store.setMultiple({ a: 2, b: circle as never })),
    "TypeError",
  );
  assert.is(
    codeOf(() => store.setMultiple({ a: 2, b: "x".repeat(2 ** 21) })),
    "RangeError",
  );
  assert.equal(plain(store.getMultiple(["a", "b"])), { a: 1 }, "a batch that fails has stored nothing");
});

batches("atomic read consistency", async () => {
  const store = make({ lockTimeout: 60_000 });
  const outcomes = await runWorkers<number>({ file, count: 4, workerData: { job: "batch", store: store.share() } });
  assert.equal(
    outcomes.map(({ result }) => result),
    [0, 0, 0, 0],
  );
});

const statistics = suite("TestStatistics");

statistics("statistics tracking", () => {
  const store = make({ lockTimeout: 5000 });
  store.set("a", 1);
  store.set("b", 2);
  store.get("a");
  const wanted = { lock_acquisitions: 3, failed_acquisitions: 0, session_keys: 2, lock_timeout_seconds: 5 };
  assert.equal(store.getStats(), wanted);
  assert.equal(SessionStore.from(store.share()).getStats(), wanted, "they are of the store, not of the object");
  assert.is(make().getStats().lock_timeout_seconds, 5, "the default");
});

statistics("health check: false after a recent time-out, and true again later", async () => {
  const clock = { time: 1000 };
  const store = make({ lockTimeout: 0, unhealthyFor: 500, now: () => clock.time });
  assert.ok(store.isHealthy());
  const gate = new Int32Array(new SharedArrayBuffer(4));
  await runWorkers({
    file,
    count: 1,
    workerData: { job: "hold", store: store.share(), gate },
    onMessage() {
      assert.is(
        codeOf(() => store.get("key")),
        "ERR_TIMEOUT",
      );
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
  });
  assert.not(store.isHealthy());
  clock.time += 499;
  assert.not(store.isHealthy());
  clock.time += 1;
  assert.ok(store.isHealthy());
  assert.is(store.getStats().failed_acquisitions, 1, "the count stays");
});

statistics("stats reset", () => {
  const store = make();
  store.set("a", 1);
  store.resetStats();
  assert.equal(store.getStats(), {
    lock_acquisitions: 0,
    failed_acquisitions: 0,
    session_keys: 1,
    lock_timeout_seconds: 5,
  });
  assert.ok(store.isHealthy());
});

const convenience = suite("TestConvenienceFunctions");

convenience("convenience set/get, and the same store in another thread", async () => {
  tsSet("from main", { a: 1 });
  tsSet("to delete", 1);
  assert.equal([tsGet("from main"), tsGet("none", "default")], [{ a: 1 }, "default"]);
  const [outcome] = await runWorkers({ file, count: 1, workerData: { job: "common", store: make().share() } });
  assert.equal(outcome.result, [{ a: 1 }, true, false, true]);
  assert.equal(tsGet("from worker"), { index: 0 });
});

convenience("convenience exists", () => {
  tsSet("there", false);
  assert.equal([tsExists("there"), tsExists("not there")], [true, false]);
});

convenience("convenience delete", () => {
  tsSet("going", 1);
  assert.equal([tsDelete("going"), tsDelete("going"), tsExists("going")], [true, false, false]);
});

basic.run();
concurrent.run();
races.run();
deadlocks.run();
batches.run();
statistics.run();
convenience.run();
