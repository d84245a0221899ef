// Roles of the workers of semaphore-suite.ts.
import { Event, type EventHandle, Semaphore, type SemaphoreHandle } from "../../src/index.ts";
import { sleepers, untilBlocking, withoutSlices } from "../support/lock-backends.ts";
import { ready, type VictimData } from "../support/victim.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Work {
  role: string;
  handle: SemaphoreHandle;
  /** Permits a request, where the role has one. */
  n: number;
  rounds: number;
  /** [permits in use, most permits in use, errors, stop, plain counter, plain inside, order …] */
  words: Int32Array;
  go: EventHandle;
}

const work = data<Work>();
const { role, n, rounds, words, index } = work;
const semaphore = Semaphore.from(work.handle);

/** A random number below `limit`: xorshift, with a seed of its own in each worker. */
let seed = index * 7919 + 1;
function random(limit: number): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % limit;
}

/** With `held` permits held: the oracle counts what is in use. */
function inside(held: number, permits: number): void {
  const used = Atomics.add(words, 0, held) + held;
  if (used > permits) Atomics.add(words, 2, 1);
  if (held === permits) {
    // Nobody else is inside: plain accesses see each other.
    if (words[5] !== 0) Atomics.add(words, 2, 1);
    words[5] = 1;
    words[4]++;
    for (let k = random(50); k > 0; k--);
    words[5] = 0;
  }
  Atomics.sub(words, 0, held);
}

/** Sync and async, small and large, time-outs and aborts, tries: `rounds` of them. */
async function mixed(permits: number): Promise<number> {
  let exclusive = 0;
  for (let round = 0; round < rounds; round++) {
    const want = 1 + random(permits);
    const kind = random(10);
    step(`round ${round}, ${want} permits, kind ${kind}`);
    let taken = true;
    if (kind < 4) semaphore.acquire(want);
    else if (kind < 5) taken = semaphore.tryAcquire(want);
    else if (kind < 6) taken = semaphore.tryAcquire(want, { timeout: random(3) });
    else if (kind < 8) await semaphore.acquireAsync(want);
    else {
      const controller = new AbortController();
      const timeout = kind === 8 ? random(3) : undefined;
      const request = semaphore.acquireAsync(want, { timeout, signal: controller.signal });
      if (kind === 9 && random(2) === 0) setTimeout(() => controller.abort(), random(3));
      taken = await request.then(
        () => true,
        () => false,
      );
    }
    if (!taken) continue;
    inside(want, permits);
    if (want === permits) exclusive++;
    semaphore.release(want);
  }
  return exclusive;
}

if (role === "acquire") {
  withoutSlices();
  step("acquiring");
  semaphore.acquire(n);
  finish("acquired");
} else if (role === "acquireAsync") {
  withoutSlices();
  const request = semaphore.acquireAsync(n);
  step("awaits");
  await request;
  finish("acquired");
} else if (role === "acquire with slices") {
  step("acquiring");
  semaphore.acquire(n);
  finish("acquired");
} else if (role === "await with slices") {
  const request = semaphore.acquireAsync(n);
  step("awaits");
  await request;
  finish("acquired");
} else if (role === "consume") {
  withoutSlices();
  for (let round = 0; round < rounds; round++) {
    step(`round ${round}`);
    if (index % 2 === 0) semaphore.acquire();
    else await semaphore.acquireAsync();
  }
  finish();
} else if (role === "produce") {
  for (let round = 0; round < rounds; round++) semaphore.release(1);
  finish();
} else if (role === "mixed") {
  withoutSlices();
  finish(await mixed(n));
} else if (role === "storm") {
  // Small requests, one after the other, until told to stop.
  withoutSlices();
  let acquired = 0;
  while (Atomics.load(words, 3) === 0) {
    step("storming");
    semaphore.acquire();
    inside(1, 1 << 30);
    acquired++;
    Atomics.add(words, 6 + index, 1);
    semaphore.release();
  }
  finish(acquired);
} else if (role === "large") {
  withoutSlices();
  const event = Event.from(work.go);
  const storms = work.count - 1;
  // All of them storm, and go on while the large requests wait.
  const served = (): number[] => Array.from({ length: storms }, (_, k) => Atomics.load(words, 7 + k));
  untilBlocking(() => served().every((count) => count > 10));
  const before = served();
  for (let round = 0; round < rounds; round++) {
    step(`large request ${round}`);
    semaphore.acquire(n);
    semaphore.release(n);
  }
  untilBlocking(() => served().every((count, k) => count > before[k]));
  event.set();
  finish();
} else if (role === "count") {
  // Served `rounds` times, from when everyone is in line: who was among the first 16, and how many there were.
  withoutSlices();
  for (let round = 0; round < rounds; round++) {
    semaphore.acquire();
    if (words[4] < 16) words[8 + words[4]] = index;
    words[4]++;
    semaphore.release();
  }
  finish(rounds);
} else if (role === "in order") {
  withoutSlices();
  // One after the other gets in line.
  untilBlocking(() => sleepers(semaphore) === index);
  semaphore.acquire(n);
  const place = Atomics.add(words, 0, 1);
  words[6 + place] = index;
  semaphore.release(n);
  finish();
} else if (role === "busy") {
  // Awaits permits, and then blocks, so that nobody serves the task.
  const request = semaphore.acquireAsync(n);
  step("awaits");
  Atomics.wait(words, 3, 0);
  await request;
  finish("acquired");
} else if (role === "victim holds") {
  semaphore.acquire(n);
  ready(data<VictimData>());
} else if (role === "victim holds async") {
  await semaphore.acquireAsync(n);
  ready(data<VictimData>());
} else if (role === "victim waits") {
  const victim = data<VictimData>();
  if (victim.ending === "terminate()") {
    // Sleeps until it is ended.
    ready({ ...victim, ending: "an uncaught error" });
    semaphore.acquire(n);
  } else {
    void semaphore.acquireAsync(n);
    ready(victim);
  }
} else if (role === "exits soon") {
  semaphore.acquire(n);
  step("holds");
  Atomics.wait(words, 0, 0, 30);
  process.exit(3);
} else if (role === "storm for killing") {
  const { id } = data<{ id: number }>();
  // Ready and waiting, so that whoever takes a dead one's place is there at once.
  Atomics.wait(words, 128 + id, 0);
  for (;;) {
    const want = 1 + random(n);
    if (random(2) === 0) semaphore.acquire(want);
    else await semaphore.acquireAsync(want);
    if (want === n) {
      // Alone: whoever was here before has left, or was ended.
      const before = Atomics.exchange(words, 5, id);
      if (before !== 0 && Atomics.load(words, 64 + before) === 0) Atomics.add(words, 2, 1);
      words[4]++;
      if (Atomics.compareExchange(words, 5, id, 0) !== id) Atomics.add(words, 2, 1);
    }
    Atomics.add(words, 6 + data<{ slot: number }>().slot, 1);
    semaphore.release(want);
  }
}
