// What each lock costs that nobody contends for, in one thread: synchronous calls against the bare operations, and
// promises against what npm has. The names of the cases say what one operation is.
//
// The package multithreading comes last in each suite: its guards, whose fields lie in WeakMaps, leave the collector of
// garbage much to do.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  Mutex as AsyncMutex,
  type MutexInterface as AsyncMutexInterface,
  Semaphore as AsyncSemaphore,
} from "async-mutex";
import { Condition, Event, Mutex, Once, ReentrantMutex, Region, RwLock, Semaphore, StampedLock } from "../src/index.ts";
import { looped, loopedAsync, measure, type Subject } from "./one-thread.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { engineMutex } from "./rivals/entries.ts";
import { bareWasm, bareWords } from "./rivals/floor.ts";
import { threeStateFutexLock, twoStateSpinLock } from "./rivals/hand-written.ts";
import { multithreading } from "./rivals/multithreading.ts";

const PAIR = "lock.lock(); lock.unlock();";
const TAKE_GIVE = "Atomics.compareExchange(words, 0, 0, 1); Atomics.compareExchange(words, 0, 1, 0);";

const ENGINE = "mutex uncontended, beside V8's";

type Make = (region: Region) => Readonly<Record<string, unknown>>;

/** The same loop over this package's object with the Wasm fast path and without. */
function both(make: Make, body: string): Subject[] {
  return [
    looped("holdfast", make(Region.create()), body),
    looped("holdfast-js", make(Region.create({ wasm: false })), body),
  ];
}

function floors(): Subject[] {
  return [
    looped("floor-js", { words: bareWords() }, TAKE_GIVE),
    looped("floor-wasm", { wasm: bareWasm() }, "wasm.take(); wasm.give();"),
  ];
}

const lock: Make = (region) => ({ lock: new Mutex({ region }) });

/** Measures the cases of a suite one by one, and what is put off after them. */
class Cases {
  readonly #suite: string;
  readonly #effort: Effort;
  readonly #batch: number | undefined;
  readonly #runs: Run[] = [];
  readonly #later: (() => Promise<Run[]>)[] = [];

  constructor(suite: string, effort: Effort, batch?: number) {
    this.#suite = suite;
    this.#effort = effort;
    this.#batch = batch;
  }

  async measure(name: string, subjects: readonly Subject[], last?: Subject): Promise<void> {
    this.#runs.push(...(await measure(this.#suite, name, subjects, this.#effort, this.#batch)));
    if (last !== undefined) this.#later.push(() => measure(this.#suite, name, [last], this.#effort, this.#batch));
  }

  async end(): Promise<Run[]> {
    for (const later of this.#later) this.#runs.push(...(await later()));
    return this.#runs;
  }
}

async function mutexes(effort: Effort): Promise<Run[]> {
  const { Mutex: Peer } = await multithreading();
  const nothing = (): void => undefined;
  const own = (name: string, body: string): Subject => looped(name, { ...lock(Region.create()), nothing }, body);
  const cases = new Cases("mutex uncontended", effort);
  await cases.measure(
    "lock + unlock",
    [
      ...floors(),
      ...both(lock, PAIR),
      own("holdfast (guard)", "const guard = lock.lock(); guard.release();"),
      own("holdfast (withLock)", "lock.withLock(nothing);"),
      own("holdfast (tryLock)", "lock.tryLock(); lock.unlock();"),
      looped("holdfast (fair)", { lock: new Mutex({ region: Region.create(), fair: true }) }, PAIR),
      looped("three-state futex", { lock: threeStateFutexLock(bareWords()) }, PAIR),
      looped("two-state spin", { lock: twoStateSpinLock(bareWords()) }, PAIR),
    ],
    looped("multithreading", { lock: new Peer() }, "lock.blockingLock().dispose();"),
  );
  return await cases.end();
}

async function others(effort: Effort): Promise<Run[]> {
  const peer = await multithreading();
  const cases = new Cases("locks uncontended", effort);
  const of = (name: string, subjects: readonly Subject[], last?: Subject): Promise<void> =>
    cases.measure(name, [...floors(), ...subjects], last);
  const rw: Make = (region) => ({ lock: new RwLock({ region }) });
  const theirs = { rw: new peer.RwLock(), semaphore: new peer.Semaphore(2) };
  await of(
    "reentrant mutex: lock + unlock",
    both((region) => ({ lock: new ReentrantMutex({ region }) }), PAIR),
  );
  const read = looped("multithreading", theirs, "rw.blockingRead().dispose();");
  await of("rw lock: read + release", both(rw, "lock.read().release();"), read);
  const write = looped("multithreading", theirs, "rw.blockingWrite().dispose();");
  await of("rw lock: write + release", both(rw, "lock.write().release();"), write);
  await of(
    "stamped lock: optimistic read + validate",
    both((region) => ({ lock: new StampedLock({ region }) }), "lock.validate(lock.optimisticRead());"),
  );
  await of(
    "semaphore: acquire + release",
    both((region) => ({ lock: new Semaphore({ region, permits: 2 }) }), "lock.acquire(); lock.release();"),
    looped("multithreading", theirs, "semaphore.blockingAcquire().dispose();"),
  );
  await of(
    "event: set + clear",
    both((region) => ({ event: new Event({ region }) }), "event.set(); event.clear();"),
  );
  await of("once: call after the first", onces());
  await of("condition: notify, nobody waits", conditions(), peerNotify(peer));
  return await cases.end();
}

function onces(): Subject[] {
  const nothing = (): void => undefined;
  return both((region) => ({ once: new Once({ region }), nothing }), "once.call(nothing);");
}

function conditions(): Subject[] {
  return both((region) => {
    const mutex = new Mutex({ region });
    mutex.lock();
    return { condition: new Condition(mutex, { region }) };
  }, "condition.notify();");
}

function peerNotify({ Condvar }: Awaited<ReturnType<typeof multithreading>>): Subject {
  return looped("multithreading", { condition: new Condvar() }, "condition.notifyOne();");
}

async function asynchronous(effort: Effort): Promise<Run[]> {
  const peer = await multithreading();
  const cases = new Cases("async uncontended", effort, effort.quick ? 100 : 2000);
  const own = (name: string, make: Make, body: string, wasm = true): Subject =>
    loopedAsync(name, make(Region.create({ wasm })), body);
  const plain: AsyncMutexInterface = new AsyncMutex();
  const mutexBody = "(await lock.lockAsync()).release();";
  const semaphoreBody = "await lock.acquireAsync(); lock.release();";
  const permits: Make = (region) => ({ lock: new Semaphore({ region, permits: 2 }) });
  const empty = loopedAsync("empty await", {}, "await undefined;");
  await cases.measure(
    "mutex: lockAsync + release",
    [
      empty,
      own("holdfast", lock, mutexBody),
      own("holdfast-js", lock, mutexBody, false),
      loopedAsync("async-mutex", { plain }, "(await plain.acquire())();"),
    ],
    loopedAsync("multithreading", { lock: new peer.Mutex() }, "(await lock.lock()).dispose();"),
  );
  await cases.measure(
    "rw lock: readAsync + release",
    [empty, own("holdfast", (region) => ({ lock: new RwLock({ region }) }), "(await lock.readAsync()).release();")],
    loopedAsync("multithreading", { lock: new peer.RwLock() }, "(await lock.read()).dispose();"),
  );
  await cases.measure(
    "semaphore: acquireAsync + release",
    [
      empty,
      own("holdfast", permits, semaphoreBody),
      own("holdfast-js", permits, semaphoreBody, false),
      loopedAsync("async-mutex", { lock: new AsyncSemaphore(2) }, "(await lock.acquire())[1]();"),
    ],
    loopedAsync("multithreading", { lock: new peer.Semaphore(2) }, "(await lock.acquire()).dispose();"),
  );
  return await cases.end();
}

/** In a process of its own, which has the flag that it takes; nothing where V8 has no such mutex. */
async function beside(effort: Effort): Promise<Run[]> {
  if (engineMutex().length === 0) return [];
  const program = fileURLToPath(new URL("./engine-mutex.js", import.meta.url));
  const asked = ["--harmony-struct", program, ENGINE, JSON.stringify(effort)];
  return JSON.parse(
    execFileSync(process.execPath, asked, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  ) as Run[];
}

export const suites: Suite[] = [
  { name: "mutex uncontended", yardstick: "floor-js", run: mutexes },
  { name: ENGINE, yardstick: "Atomics.Mutex", run: beside },
  { name: "locks uncontended", yardstick: "floor-js", run: others },
  { name: "async uncontended", yardstick: "empty await", run: asynchronous },
];
