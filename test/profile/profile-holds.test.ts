// How long locks are held, waited for or not, and how often a waiter spins; a deadlock that is found. Bounds of times are
// of nested intervals.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Mutex, Once, ReentrantMutex, Region, RwLock, TimeoutError } from "../../src/index.ts";
import { HoldSampler } from "../../src/profile/hold-sampler.ts";
import { profile } from "../../src/profile/index.ts";
import { heldFor, meanHold } from "../../src/profile/render/summary.ts";
import { htmlReport, prometheusText, terminalTable } from "../../src/profile/reports.ts";
import type { LockCounts, Profile } from "../../src/profile/types.ts";
import { POLICY, tryLock } from "../../src/protocols/mutex.ts";
import { spinningWithin, turns } from "../../src/region/spinning.ts";
import { flagsOf, waitUntil } from "./profile.roles.ts";

const test = suite("profile of holds");
const { region } = new Mutex();
let made = 0;
const fresh = (): string => `holds ${++made}`;

function totalOf(found: Profile, name: string | undefined): LockCounts {
  return found.locks.find((lock) => lock.name === name)?.total as LockCounts;
}

/** Marks every lock that is free now, so that the next hold of each is timed. */
function markAll(): void {
  new HoldSampler(() => [region]).end();
}

/** Lets some time pass: how much, in nanoseconds. */
function work(): number {
  const begun = performance.now();
  while (performance.now() - begun < 0.2);
  return (performance.now() - begun) * 1e6;
}

test.before.each(() => profile.start({ threshold: 0 }));
test.after.each(() => {
  profile.stop();
});

const exclusive: readonly [string, (name: string) => (body: () => void) => void][] = [
  ["a mutex", (name) => (body) => new Mutex({ name }).withLock(body)],
  ["a fair mutex", (name) => (body) => new Mutex({ name, fair: true }).withLock(body)],
  ["a reentrant mutex", (name) => (body) => new ReentrantMutex({ name }).withLock(body)],
  ["a read-write lock, for writing", (name) => (body) => new RwLock({ name }).withWrite(body)],
];

for (const [title, make] of exclusive) {
  test(`of ${title} that nobody waits for one hold is timed for each mark`, () => {
    const name = fresh();
    const hold = make(name);
    hold(() => {});
    markAll();
    let inside = 0;
    const begun = performance.now();
    hold(() => {
      inside = work();
    });
    const around = (performance.now() - begun) * 1e6;
    hold(() => {});
    const { acquisitions, contended, timedHolds, sampledHolds, ...counts } = totalOf(profile.snapshot(), name);
    assert.equal(
      { acquisitions, contended, timedHolds, sampledHolds },
      { acquisitions: 3, contended: 0, timedHolds: 1, sampledHolds: 1 },
    );
    assert.ok(counts.hold >= inside && counts.hold <= around, `${inside} ≤ ${counts.hold} ≤ ${around}`);
    assert.is(counts.sampledHold, counts.hold);
    assert.is(counts.wait, 0);
    // The one stands for all three.
    assert.is(Math.round(heldFor({ ...counts, acquisitions, contended, timedHolds, sampledHolds })), 3 * counts.hold);
    assert.is(Math.round(meanHold({ ...counts, acquisitions, contended, timedHolds, sampledHolds })), counts.hold);
  });
}

test("a mark changes nothing but the path: no acquisition counts as contended, no flag stays", () => {
  const mutex = new Mutex({ name: fresh() });
  markAll();
  assert.not(mutex.locked);
  assert.is(mutex.waiters, 0);
  mutex.tryLock()?.release();
  markAll();
  mutex.lock().release();
  assert.equal(mutex.stats(), { acquisitions: 2, contended: 1 });
  mutex.lock();
  // A lock that is held has no mark.
  markAll();
  mutex.unlock();
  assert.is(region.memory.words[mutex.index], 0);
  markAll();
  mutex.free();
});

test("one of many read holds is timed, and one that began with a wait", async () => {
  const name = fresh();
  const lock = new RwLock({ region: Region.create({ name: "default" }), name });
  let inside = 0;
  const begun = performance.now();
  lock.withRead(() => {
    inside = work();
  });
  const around = (performance.now() - begun) * 1e6;
  for (let k = 0; k < 10; k++) lock.withRead(() => {});
  const { timedHolds, sampledHolds, hold, acquisitions } = totalOf(profile.snapshot(), name);
  assert.equal({ timedHolds, sampledHolds, acquisitions }, { timedHolds: 1, sampledHolds: 1, acquisitions: 11 });
  assert.ok(hold >= inside && hold <= around, `${inside} ≤ ${hold} ≤ ${around}`);
});

test("a hold that began in an earlier recording is not timed in this one", async () => {
  const mutex = new Mutex({ name: fresh() });
  markAll();
  const guard = mutex.lock();
  profile.start({ threshold: 0 });
  guard.release();
  assert.is(totalOf(profile.snapshot(), mutex.name)?.timedHolds ?? 0, 0);
});

test("a once: its run is timed, and who waits for it is recorded", async () => {
  const name = fresh();
  const flags = new SharedArrayBuffer(8);
  const worker = new Worker(new URL("./profile.worker.js", import.meta.url), {
    workerData: { role: "runs once", flags, name },
  });
  const gone = once(worker, "exit");
  waitUntil(flagsOf(flags), 0, 1);
  const of = Once.named(name);
  const error = ((): unknown => {
    try {
      return of.call(() => {}, { timeout: 1 });
    } catch (thrown) {
      return thrown;
    }
  })();
  assert.instance(error, TimeoutError);
  // From now on it ends when it sees this thread asleep.
  Atomics.store(flagsOf(flags), 1, 1);
  Atomics.notify(flagsOf(flags), 1);
  assert.not(of.call(() => assert.unreachable("it is done")));
  await gone;
  const { contended, timedHolds, timeouts, wait, hold } = totalOf(profile.snapshot(), name);
  assert.equal({ contended, timedHolds, timeouts }, { contended: 2, timedHolds: 1, timeouts: 1 });
  assert.ok(wait > 0 && hold > 0);
});

test("a deadlock that was found is counted at its lock, in the profile and in every report", async () => {
  const [a, b] = [Mutex.named(fresh()), Mutex.named(fresh())];
  const flags = new SharedArrayBuffer(8);
  const worker = new Worker(new URL("./profile.worker.js", import.meta.url), {
    workerData: { role: "deadlock", flags, names: [a.name, b.name] },
  });
  const told = once(worker, "message");
  const gone = once(worker, "exit");
  b.lock();
  waitUntil(flagsOf(flags), 0, 1);
  // The worker has a and wants b. Its thread's number is the larger one, so it is told.
  a.lock().release();
  b.unlock();
  assert.equal(await told, ["ERR_DEADLOCK"]);
  await gone;
  const found = profile.stop();
  assert.equal([totalOf(found, a.name).deadlocks, totalOf(found, b.name).deadlocks], [0, 1]);
  assert.is(profile.getStats().deadlocks, 1);
  assert.ok(terminalTable(found).includes("1 deadlock was found"));
  assert.ok(htmlReport(found).includes("1 deadlock was found"));
  const metric = prometheusText(found).split("\n");
  assert.ok(
    metric.some(
      (line) => /^holdfast_lock_deadlocks(_total)?\{/.test(line) && line.includes(`"${b.name}"`) && line.endsWith(" 1"),
    ),
    metric.filter((line) => line.includes("deadlocks")).join("\n"),
  );
});

test("a waiter's turns of spinning are counted, where a thread may spin", () => {
  const { memory, me } = region;
  const mutex = new Mutex({ name: fresh() });
  const other = ((me >>> 12) << 12) | ((me & 0xfff) + 1);
  assert.ok(tryLock(memory.words, mutex.index, other) !== 0);
  for (const core of [region.core, undefined]) {
    const before = turns.taken;
    const spinning = spinningWithin(50, memory, core);
    assert.is(spinning.spinForLock(mutex.index, me, 0, 0), 0);
    assert.is(turns.taken, before + 1);
    // Nobody spins for a fair lock.
    memory.words[mutex.index + POLICY] = -1;
    assert.is(spinning.spinForLock(mutex.index, me, 0, 0), 0);
    assert.is(turns.taken, before + 1);
    memory.words[mutex.index + POLICY] = 0;
  }
  profile.stop();
  const before = turns.taken;
  spinningWithin(50, memory, undefined).spinForLock(mutex.index, me, 0, 0);
  assert.is(turns.taken, before);
});

test.run();
