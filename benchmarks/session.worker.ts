// One thread of the session store's benchmark: does one kind of operation so many times and times each by itself; or, as
// the holder, keeps the store's lock until it is told to let go.

import { parentPort, workerData } from "node:worker_threads";
import { SessionStore, type SessionStoreHandle } from "../src/systems/session-store.ts";

export interface SessionWork {
  readonly store: SessionStoreHandle;
  readonly operation: keyof typeof operations | "hold";
  readonly count: number;
  readonly warmUp: number;
  readonly seat: number;
  /** [0]: 0 wait, 1 go, 2 let go of the lock; [1]: threads ready. */
  readonly control: Int32Array;
}

/** Keys that all threads share, as sessions do. */
const KEYS = 100;

const { store: handle, operation, count, warmUp, seat, control } = workerData as SessionWork;
const store = SessionStore.from(handle);
const key = (k: number): string => `session ${(k * 7 + seat * 13) % KEYS}`;

const operations = {
  get: (k: number): unknown => store.get(key(k)),
  set: (k: number): unknown => store.set(key(k), { user: `user ${seat}`, step: k }),
  exists: (k: number): unknown => store.exists(key(k)),
  update: (k: number): unknown =>
    store.atomicUpdate((state) => ({ [key(k)]: { ...(state[key(k)] as object), step: k } }), [key(k)]),
} as const;

function ready(): void {
  Atomics.add(control, 1, 1);
  Atomics.notify(control, 1);
  Atomics.wait(control, 0, 0);
}

/** Milliseconds of each operation, and when the last one ended, by the clock that all threads share. */
function timed(work: (k: number) => unknown): { times: Float64Array; ended: number } {
  for (let k = 0; k < warmUp; k++) work(k);
  const times = new Float64Array(count);
  ready();
  let before = performance.now();
  for (let k = 0; k < count; k++) {
    work(k);
    const after = performance.now();
    times[k] = after - before;
    before = after;
  }
  return { times, ended: performance.timeOrigin + before };
}

function hold(): void {
  store.atomicUpdate(() => {
    Atomics.add(control, 1, 1);
    Atomics.notify(control, 1);
    for (let state = 0; state !== 2; state = Atomics.load(control, 0)) Atomics.wait(control, 0, state);
    return undefined;
  }, []);
}

if (operation === "hold") hold();
else parentPort?.postMessage(timed(operations[operation]));
