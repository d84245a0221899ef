// A thread of the kill storm: locks and unlocks in all ways, with a detector of its own, until it is told to end or ended.
//
// Words: 0 stop | 1 the thread inside, 0 for none | 2 how often two were inside at once | 3, 4 counts that must be equal
// whenever nobody is inside | 5 told of a death | 8 … progress, one a thread.
import { OwnerDiedError } from "../../src/cells/errors.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { handle, words, seat } = data<{ handle: MutexHandle; words: Int32Array; seat: number }>();
const mutex = Mutex.from(handle);
const me = 1000 + seat;

/** What an owner that died left half-done. */
function repair(guard: Guard<Mutex>): void {
  Atomics.add(words, 5, 1);
  Atomics.store(words, 1, 0);
  words[4] = words[3];
  guard.markConsistent();
}

function work(): void {
  // The detector uses neither the lock nor what it protects.
  if (Atomics.compareExchange(words, 1, 0, me) !== 0) Atomics.add(words, 2, 1);
  words[3]++;
  for (let k = 0; k < 30; k++) if (Atomics.load(words, 1) !== me) Atomics.add(words, 2, 1);
  words[4]++;
  if (words[3] !== words[4]) Atomics.add(words, 2, 1);
  Atomics.compareExchange(words, 1, me, 0);
  Atomics.add(words, 8 + seat, 1);
}

async function acquire(way: number): Promise<Guard<Mutex> | undefined> {
  try {
    if (way === 0) return await mutex.lockAsync();
    if (way === 1) return await mutex.lockAsync({ timeout: 0.5 }).catch(ignoreTimeOut);
    if (way === 2) return mutex.tryLock();
    if (way === 3) return mutex.tryLock({ timeout: 1 });
    return mutex.lock();
  } catch (error) {
    if (!(error instanceof OwnerDiedError)) throw error;
    const guard = error.guard as Guard<Mutex>;
    repair(guard);
    return guard;
  }
}

function ignoreTimeOut(error: unknown): undefined {
  if ((error as { code?: string }).code !== "ERR_TIMEOUT") throw error;
}

for (let round = 0; Atomics.load(words, 0) === 0; round++) {
  const way = (round * 7 + seat) % 11;
  step(`round ${round} way ${way}`);
  const guard = await acquire(way);
  if (guard === undefined) continue;
  work();
  guard.release();
  // Messages and ends of the thread come by the event loop.
  if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
}
finish();
