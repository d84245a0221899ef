// What is recorded of each kind of lock, of time-outs, of full buffers; and the calls of `profile`. All in one thread, by
// tasks that wait for each other.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Mutex, ReentrantMutex, Region, RwLock, Semaphore, TimeoutError } from "../../src/index.ts";
import { profile } from "../../src/profile/index.ts";
import type { LockCounts, Profile } from "../../src/profile/types.ts";
import { HOLD_SPAN, MAX_PAIRS, MAX_SPANS, R_CONTENDED } from "../../src/region/record-layout.ts";
import { Recorder } from "../../src/region/recorder.ts";
import { countOf } from "../../src/region/recording.ts";
import { SharedMap } from "../../src/tables/index.ts";

const test = suite("profile of each kind");
let made = 0;
const fresh = (): string => `kinds ${++made}`;

function totalOf(found: Profile, name: string): LockCounts {
  return found.locks.find((lock) => lock.name === name)?.total as LockCounts;
}

/** A task takes the lock and gives it back when another one waits for it. */
async function contend(take: () => Promise<() => void>): Promise<void> {
  const release = await take();
  const second = take();
  release();
  (await second)();
}

test.before.each(() => profile.start({ threshold: 0 }));
test.after.each(() => {
  profile.stop();
});

test("mutexes, fair ones too, and reentrant ones: a task's wait and its hold", async () => {
  const locks = [
    new Mutex({ name: fresh() }),
    new Mutex({ name: fresh(), fair: true }),
    new ReentrantMutex({ name: fresh() }),
  ];
  for (const lock of locks) {
    await contend(async () => {
      const guard = await lock.lockAsync();
      return () => guard.release();
    });
    const { acquisitions, contended, timedHolds, wait, maxWait } = totalOf(profile.snapshot(), lock.name as string);
    assert.equal({ acquisitions, contended, timedHolds }, { acquisitions: 2, contended: 1, timedHolds: 1 });
    assert.ok(wait > 0 && wait === maxWait);
  }
});

test("read-write locks: a reader waits for a writer, a writer for a reader", async () => {
  const lock = new RwLock({ name: fresh() });
  const writer = await lock.writeAsync();
  const reader = lock.readAsync();
  writer.release();
  const guard = await reader;
  const second = lock.writeAsync();
  // It takes the gate first, then waits for the reader.
  await new Promise(setImmediate);
  guard.release();
  (await second).release();
  const { contended, timedHolds, wait } = totalOf(profile.snapshot(), lock.name as string);
  // Both waited, so both holds are timed.
  assert.equal({ contended, timedHolds }, { contended: 2, timedHolds: 2 });
  assert.ok(wait > 0);
});

test("semaphores, also fair ones", async () => {
  for (const fair of [false, true]) {
    const semaphore = new Semaphore({ name: fresh(), permits: 0, fair });
    const waits = semaphore.acquireAsync();
    semaphore.release();
    await waits;
    assert.is(totalOf(profile.snapshot(), semaphore.name as string).contended, 1);
  }
});

test("reads and permits that are had at once are counted, from a thread's first wait on or if made meanwhile", async () => {
  const region = Region.create({ name: "default" });
  const lock = new RwLock({ region, name: fresh() });
  const semaphore = new Semaphore({ region, name: fresh(), permits: 2 });
  const owned = new Semaphore({ region, name: fresh(), permits: 2, owned: true });
  for (let k = 0; k < 5; k++) {
    lock.withRead(() => semaphore.withPermits(() => owned.withPermits(() => {})));
    lock.withWrite(() => {});
  }
  const found = profile.snapshot();
  assert.is(totalOf(found, lock.name as string).acquisitions, 10);
  assert.is(totalOf(found, semaphore.name as string).acquisitions, 5);
  assert.is(totalOf(found, owned.name as string).acquisitions, 5);
  assert.is(totalOf(found, owned.name as string).contended, 0);
});

test("a shard of a table is named with its table, and its growth is counted", () => {
  const name = fresh();
  const map = SharedMap.named(name);
  for (let k = 0; k < 2000; k++) map.set(`key ${k}`, "value");
  const table = profile.snapshot().tables.find((one) => one.name === name);
  assert.is(table?.entries, 2000);
  assert.is(table?.shards.length, 64);
  assert.ok((table?.growths ?? 0) >= 1);
  // What a reader counts, it counts of the shard's word.
  const lock = Number(table?.shards[3].lock.split(":")[1]) / 4;
  const { region } = new Mutex({ name: fresh() });
  countOf(region.memory, lock, R_CONTENDED, 1);
  const shard = profile.snapshot().locks.find(({ part }) => part?.of === name);
  assert.is(shard?.kind, "shard 3 of SharedTable");
  assert.is(shard?.name, name);
  assert.is(shard?.part?.index, 3);
});

test("a wait that runs out of time is counted, and is not healthy until reset or for a while", async () => {
  const mutex = new Mutex({ name: fresh() });
  assert.ok(profile.isHealthy());
  const guard = await mutex.lockAsync();
  try {
    await mutex.lockAsync({ timeout: 1 });
    assert.unreachable("it was held");
  } catch (error) {
    assert.instance(error, TimeoutError);
  }
  guard.release();
  assert.is(totalOf(profile.snapshot(), mutex.name as string).timeouts, 1);
  assert.not(profile.isHealthy());
  assert.ok(profile.isHealthy({ withinMs: 0 }));
  const { timeouts, contended, acquisitions, waitMs } = profile.getStats();
  assert.equal([timeouts, contended], [1, 1]);
  assert.ok(acquisitions >= 1 && waitMs > 0);
  profile.reset();
  assert.ok(profile.isHealthy() && profile.recording);
  assert.is(profile.getStats().timeouts, 0);
});

test("full buffers count what they dropped, and the timeline still reaches from end to end", () => {
  const recorder = Recorder.ofThread() as Recorder;
  const { region, index } = new Mutex({ name: fresh() });
  const row = recorder.rowOf(region.memory, index, 1);
  assert.ok(row);
  const begun = performance.now();
  const spans = 5 * MAX_SPANS;
  for (let k = 0; k < spans; k++) recorder.span(row, HOLD_SPAN, begun + k, 1e6);
  for (let k = 0; k < MAX_PAIRS + 10; k++) {
    const trace = Object.assign(Object.create(Error.prototype), { stack: `Error\n    at f${k} (/app.js:1:${k + 1})` });
    recorder.keep({ row, trace, length: 1, holder: undefined, ticket: 0, until: 0, exclusive: false });
  }
  recorder.flush();
  const found = profile.snapshot();
  assert.ok(found.spans.length <= MAX_SPANS && found.spans.length >= MAX_SPANS / 2);
  assert.is(found.spans.length + found.dropped, spans + 10);
  const starts = found.spans.map(({ start }) => start);
  assert.ok(Math.max(...starts) - Math.min(...starts) > 0.9 * spans * 1e6);
  assert.is(found.sites.length, MAX_PAIRS);
});

test("diff gives what came between two snapshots", async () => {
  const mutex = new Mutex({ name: fresh() });
  const take = async () => {
    const guard = await mutex.lockAsync();
    return () => guard.release();
  };
  await contend(take);
  const a = profile.snapshot();
  for (let k = 0; k < 3; k++) await contend(take);
  const b = profile.snapshot();
  const between = profile.diff(a, b);
  const { acquisitions, contended, timedHolds, wait } = totalOf(between, mutex.name as string);
  assert.equal({ acquisitions, contended, timedHolds }, { acquisitions: 6, contended: 3, timedHolds: 3 });
  assert.is(wait, totalOf(b, mutex.name as string).wait - totalOf(a, mutex.name as string).wait);
  assert.is(between.duration, b.duration - a.duration);
  assert.is(
    between.sites.reduce((sum, { waits }) => sum + waits, 0),
    3,
  );
  assert.equal(profile.diff(b, b).locks, []);
});

test("one of so many waits has a call site, and stands for the others", async () => {
  profile.start({ threshold: 0, sampleEvery: 4 });
  const mutex = new Mutex({ name: fresh() });
  for (let k = 0; k < 8; k++) {
    await contend(async () => {
      const guard = await mutex.lockAsync();
      return () => guard.release();
    });
  }
  const { sites, sampleEvery } = profile.snapshot();
  assert.is(sampleEvery, 4);
  assert.is(
    sites.reduce((sum, { waits }) => sum + waits, 0),
    8,
  );
});

test("a timer and a signal hand profiles over, until the recording ends", async () => {
  const signal = "SIGUSR2";
  const before = process.listenerCount(signal);
  // The profiler's own timer keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  const profiles = await new Promise<Profile[]>((resolve) => {
    const seen: Profile[] = [];
    const onProfile = (found: Profile): void => {
      seen.push(found);
      if (seen.length === 3) resolve(seen);
    };
    profile.start({ everyMs: 1, signal, onProfile });
    process.emit(signal, signal);
  });
  for (const { version } of profiles) assert.is(version, 1);
  clearInterval(alive);
  profile.stop();
  assert.is(process.listenerCount(signal), before);
});

test("bad options are refused", () => {
  const bad = (options: object, kind: typeof TypeError | typeof RangeError) =>
    assert.throws(
      () => profile.start(options),
      (error: unknown) => error instanceof kind,
    );
  bad({ threshold: "1ms" }, TypeError);
  bad({ threshold: -1 }, RangeError);
  bad({ sampleEvery: 0 }, RangeError);
  bad({ sampleEvery: 1.5 }, RangeError);
  bad({ everyMs: 100 }, TypeError);
  bad({ signal: "SIGUSR2" }, TypeError);
  assert.throws(
    () => profile.start(null as never),
    (error: unknown) => error instanceof TypeError,
  );
});

test("regions that are made during a recording are in it", async () => {
  const region = Region.create({ name: "late" });
  const mutex = new Mutex({ region, name: "late lock" });
  await contend(async () => {
    const guard = await mutex.lockAsync();
    return () => guard.release();
  });
  assert.is(totalOf(profile.snapshot(), "late lock (region late)").contended, 1);
});

test.run();
