// Workers of deadlock.test.ts: each holds something, waits until all do, and then wants something more.

import { parentPort } from "node:worker_threads";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { Once } from "../../src/locks/once.ts";
import type { LockHandle } from "../../src/locks/place.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { Semaphore } from "../../src/locks/semaphore.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { sleepers, untilBlocking } from "../support/lock-backends.ts";
import { data, finish, step } from "../support/watchdog.ts";

/** What a worker does with a lock: its number among the locks, and how. */
export interface Want {
  readonly lock: number;
  readonly how: "lock" | "read" | "write" | "upgrade" | "upgradable" | "permits" | "once";
  readonly timeout?: number;
  /** Only once another thread sleeps for the lock. */
  readonly behind?: boolean;
}

export interface DeadlockData {
  readonly locks: readonly LockHandle[];
  readonly plans: readonly { hold: readonly Want[]; want?: Want }[];
  /** How many are in place, and how many want. */
  readonly gate: Int32Array;
  /** Whether each attaches to the regions of all locks before it begins. */
  readonly attach?: boolean;
  /** Rounds of the storm, if it is one. */
  readonly rounds?: number;
}

export interface DeadlockResult {
  readonly code: string | undefined;
  readonly message: string;
  readonly cycle: unknown;
  /** Milliseconds from the last one's place to the error. */
  readonly waited: number;
}

type Release = () => void;
const given = data<DeadlockData>();
/** Kept, so that no region is given up. */
let attachedTo: readonly Mutex[] = [];
let upgrade: (() => { release(): void }) | undefined;

function take({ lock, how, timeout }: Want, inside: () => void = () => undefined): Release {
  const handle = given.locks[lock] as never;
  const kind = given.locks[lock].holdfast;
  const options = timeout === undefined ? undefined : { timeout };
  if (how === "once") {
    Once.from(handle).call(inside, options);
    return () => undefined;
  }
  if (how === "permits") {
    const semaphore = Semaphore.from(handle);
    semaphore.acquire(1, options);
    return () => semaphore.release();
  }
  if (how === "upgrade") {
    const guard = upgrade?.();
    return () => guard?.release();
  }
  if (how === "upgradable") {
    const guard = RwLock.from(handle).upgradable(options);
    upgrade = () => guard.upgrade();
    return () => guard.release();
  }
  if (how === "read" || how === "write") {
    const rw = kind === "rw-lock" ? RwLock.from(handle) : StampedLock.from(handle);
    const guard = how === "read" ? rw.read(options) : rw.write(options);
    return () => guard.release();
  }
  const mutex = kind === "mutex" ? Mutex.from(handle) : ReentrantMutex.from(handle);
  const recover = (): void => undefined;
  if (mutex instanceof ReentrantMutex) mutex.lock({ recover });
  const guard = mutex.lock({ ...options, recover } as never);
  return () => {
    guard.release();
    if (mutex instanceof ReentrantMutex) mutex.unlock();
  };
}

function wantIt(want: Want): void {
  if (want.behind) {
    const lock = RwLock.from(given.locks[want.lock] as never);
    untilBlocking(() => sleepers(lock) > 0);
  }
  take(want)();
}

function holdAndWant(): void {
  if (given.attach) attachedTo = given.locks.map((handle) => Mutex.from(handle as never));
  const { hold, want } = given.plans[given.index];
  const once = hold.find(({ how }) => how === "once");
  const releases = hold.filter(({ how }) => how !== "once").map((what) => take(what));
  const rest = (): void => {
    Atomics.add(given.gate, 0, 1);
    Atomics.notify(given.gate, 0);
    for (;;) {
      const seen = Atomics.load(given.gate, 0);
      if (seen >= given.count) break;
      Atomics.wait(given.gate, 0, seen);
    }
    const begun = performance.now();
    step("wanting");
    let error: unknown;
    try {
      if (want !== undefined) wantIt(want);
      else Atomics.wait(given.gate, 1, 0);
    } catch (thrown) {
      error = thrown;
      parentPort?.postMessage("told");
    }
    const waited = performance.now() - begun;
    for (const release of releases.reverse()) release();
    if (attachedTo.some(({ freed }) => freed)) throw new Error("a lock was freed");
    if (error !== undefined && !(error instanceof HoldfastError)) throw error;
    const { code, message = "", info } = (error ?? {}) as Partial<HoldfastError>;
    finish({ code, message, cycle: info?.cycle, waited } satisfies DeadlockResult);
  };
  if (once !== undefined) take(once, rest);
  else rest();
}

/** Takes locks in one order, sync, many times, held for longer than a look for deadlocks takes to come. */
function storm(): void {
  const { locks, rounds = 0, index, gate } = given;
  let seed = index + 1;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % n;
  };
  for (let round = 0; round < rounds; round++) {
    step("a round");
    const releases: Release[] = [];
    for (let lock = 0; lock < locks.length; lock++) {
      if (random(3) === 0) continue;
      const kind = locks[lock].holdfast;
      const how = kind === "semaphore" ? "permits" : kind.endsWith("mutex") ? "lock" : random(2) ? "read" : "write";
      releases.push(take({ lock, how }));
    }
    // Long enough for the others' looks, now and then.
    if (random(8) === 0) Atomics.wait(gate, 1, 0, 60);
    for (const release of releases.reverse()) release();
  }
  finish({ code: undefined, message: "", cycle: undefined, waited: 0 } satisfies DeadlockResult);
}

if (given.rounds === undefined) holdAndWant();
else storm();
