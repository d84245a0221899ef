// What a profile says of known contention: which lock, which call sites, how long, compared with what the threads measure
// themselves. Bounds are of nested intervals, so they hold on any machine, however busy.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { Mutex, OwnerDiedError } from "../../src/index.ts";
import { profile } from "../../src/profile/index.ts";
import { chromeTrace } from "../../src/profile/render/trace.ts";
import type { LockCounts, LockProfile, Profile } from "../../src/profile/types.ts";
import { cores } from "../../src/region/host.ts";
import { checkTrace } from "../support/chrome-trace.ts";
import { suite } from "../support/suite.ts";
import { flagsOf, type Measured, ROUNDS } from "./profile.roles.ts";

const test = suite("profile");
const url = new URL("./profile.worker.js", import.meta.url);

function startWorker(role: string, flags: SharedArrayBuffer): Worker {
  return new Worker(url, { workerData: { role, flags } });
}

async function resultOf<T>(worker: Worker): Promise<T> {
  const ended = once(worker, "exit");
  const [message] = await once(worker, "message");
  await ended;
  return message as T;
}

function lockOf(found: Profile, name: string): LockProfile {
  const lock = found.locks.find((one) => one.name === name);
  assert.ok(lock, `${name} is in the profile`);
  return lock as LockProfile;
}

const names = (frames: readonly { name: string }[]): string => frames.map(({ name }) => name).join(" < ");

test("of five locks the hot one comes first, with its waits, its holds and its culprit", async () => {
  const cool = ["a", "b", "c", "d"].map((name) => Mutex.named(`cool ${name}`));
  const flags = new SharedArrayBuffer(8);
  profile.start({ threshold: 0 });
  const workers = [startWorker("culprit", flags), startWorker("victim", flags)];
  const [culpritId, victimId] = workers.map(({ threadId }) => threadId);
  for (const mutex of cool) for (let k = 0; k < 100; k++) mutex.lock().release();
  const [culprit, victim] = await Promise.all(workers.map((worker) => resultOf<Measured>(worker)));
  const found = profile.stop();

  assert.is(found.locks[0].name, "hot");
  assert.is(found.locks[0].kind, "Mutex");
  for (const mutex of cool) {
    const { total } = lockOf(found, mutex.name as string);
    assert.equal([total.acquisitions, total.contended, total.wait], [100, 0, 0]);
  }
  const hot = found.locks[0];
  assert.is(hot.total.acquisitions, 2 * ROUNDS);
  // Only the very first acquisition found the lock free.
  assert.is(hot.total.contended, 2 * ROUNDS - 1);
  const of = (id: number) => hot.threads.find(({ thread }) => thread === id)?.counts as LockCounts;

  // The victim waits for the long holds, the culprit for the short ones.
  const victims = of(victimId);
  assert.is(victims.contended, ROUNDS);
  assert.ok(victims.wait <= victim.around * 1e6, `${victims.wait} ns recorded, ${victim.around} ms around the calls`);
  assert.ok(
    victims.wait >= culprit.awaited * 1e6,
    `${victims.wait} ns recorded, at least ${culprit.awaited} ms waited`,
  );
  assert.ok(victims.maxWait <= victims.wait && victims.parks >= ROUNDS);
  const culprits = of(culpritId);
  assert.is(culprits.contended, ROUNDS - 1);
  assert.ok(culprits.wait <= culprit.around * 1e6 && culprits.wait >= victim.awaited * 1e6);
  // The very first hold may be a sample.
  assert.is(culprits.timedHolds - culprits.sampledHolds, ROUNDS - 1);
  // The first waiter of a lock always spins, if there are cores to do so.
  assert.is(hot.total.spins > 0, cores() > 1, `${hot.total.spins} turns of spinning`);
  assert.ok(culprits.hold >= culprit.held * 1e6);

  const sum = (counts: readonly number[]): number => counts.reduce((x, y) => x + y, 0);
  assert.is(sum(hot.waits.counts), 2 * ROUNDS - 1);
  assert.is(sum(hot.holds.counts), hot.total.timedHolds);

  const blamed = found.sites.filter(({ lock, waiter }) => lock === hot.id && names(waiter).startsWith("victim"));
  assert.is(sum(blamed.map(({ waits }) => waits)), ROUNDS);
  const first = blamed.find(({ holder }) => names(holder).startsWith("culprit"));
  // Of the first hold, which took a free lock, only the place of its release may be known.
  assert.ok(first !== undefined && first.waits >= ROUNDS - 1, JSON.stringify(blamed));
  assert.is(first.waiter[0].file.endsWith("profile.roles.js"), true);

  assert.ok(found.spans.some(({ what, lock }) => what === "wait" && lock === hot.id));
  assert.ok(found.spans.some(({ what, lock }) => what === "hold" && lock === hot.id));
  for (const { start, length } of found.spans) assert.ok(start >= 0 && length >= 0 && start <= found.duration);
  assert.equal(JSON.parse(JSON.stringify(found)), found);
  // The trace of what real threads did: the format holds, and arrows lead from holds to the waits behind them.
  assert.ok(checkTrace(chromeTrace(found)) > 0);
});

test("a thread that was killed while it held a lock: the death is counted, what it recorded is kept", async () => {
  const flags = new SharedArrayBuffer(8);
  profile.start({ threshold: 0 });
  const worker = startWorker("holder", flags);
  // Not by blocking: a parent that has not run its event loop since it made a worker may not hear of its end (Deno).
  while (Atomics.load(flagsOf(flags), 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await worker.terminate();
  const mutex = Mutex.named("left held");
  try {
    mutex.lock();
    assert.unreachable("the lock was left by a thread that died");
  } catch (error) {
    assert.instance(error, OwnerDiedError);
    const { guard } = error as OwnerDiedError<ReturnType<Mutex["lock"]>>;
    assert.ok(guard?.markConsistent());
    guard?.release();
  }
  const { total } = lockOf(profile.stop(), "left held");
  assert.equal([total.ownerDeaths, total.contended, total.timedHolds], [1, 1, 1]);
});

test("a region that this thread does not have is recorded, and said to be unknown", async () => {
  profile.start();
  const worker = startWorker("own region", new SharedArrayBuffer(8));
  assert.is(await resultOf(worker), "done");
  const found = profile.stop();
  const foreign = found.locks.find(({ kind }) => kind === "of a region that this thread does not have");
  assert.is(foreign?.total.contended, 1);
  assert.ok(found.notes.some((note) => note.includes("is not one of this thread's")));
  assert.ok(found.notes.some((note) => note.startsWith("Ended, with what they recorded kept: workers")));
});

test("nothing is recorded while no recording is on", async () => {
  profile.start();
  profile.stop();
  const mutex = Mutex.named("unseen");
  const first = await mutex.lockAsync();
  const second = mutex.lockAsync();
  first.release();
  (await second).release();
  assert.is(lockOf(profile.snapshot(), "unseen").total.contended, 0);
  assert.not(profile.recording);
});

test.run();
