// What every Mutex must do, whatever its region is made of and whatever serves its fast path.

import { getEventListeners } from "node:events";
import * as assert from "uvu/assert";
import { type HoldfastError, OwnerDiedError } from "../../src/cells/errors.ts";
import { wakeAll } from "../../src/cells/park.ts";
import type { Guard } from "../../src/locks/guard.ts";
import { type LockOptions, Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { isStarving, withdrawStarving } from "../../src/protocols/mutex.ts";
import { KIND_RAW } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { anotherThread, bury, vanish } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { runWorkers, type WorkerOutcome } from "../support/watchdog.ts";
import type { Told } from "./mutex.worker.ts";

export interface Backend {
  readonly name: string;
  /** A new region; the default one where that is what is tested. */
  readonly region: () => Region;
  /** Variables of the workers' environment. */
  readonly env?: (index: number) => Record<string, string>;
  /** Whether the mutexes are first in, first out. */
  readonly fair?: boolean;
}

const file = new URL("./mutex.worker.js", import.meta.url);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits until `condition` holds, turning the event loop; throws if that never happens. */
async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`never came true: ${condition}`);
    await turn();
  }
}

export function mutexSuite(backend: Backend): void {
  const test = suite(`Mutex: ${backend.name}`);
  const { fair } = backend;
  const make = (name?: string): Mutex => new Mutex({ region: backend.region(), name, fair });
  let names = 0;
  const unique = (): string => `${backend.name} ${names++}`;

  const workers = (
    told: Partial<Told> & { readonly behaviour: string },
    mutex: Mutex,
    run: Partial<Parameters<typeof runWorkers>[0]> = {},
  ): Promise<WorkerOutcome[]> => {
    const { env } = backend;
    const words = told.words ?? new Int32Array(new SharedArrayBuffer(64));
    return runWorkers({ file, count: 1, env, workerData: { words, ...told, handle: mutex.share() }, ...run });
  };

  /** Runs `work` while a worker holds the mutex. */
  async function whileHeld(mutex: Mutex, work: () => unknown): Promise<void> {
    const words = new Int32Array(new SharedArrayBuffer(64));
    let done: Promise<void> | undefined;
    const go = async (): Promise<void> => {
      try {
        await work();
      } finally {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
      }
    };
    const onMessage = (): void => {
      done = go();
      done.catch(() => undefined);
    };
    const [outcome] = await workers({ behaviour: "hold", words }, mutex, { onMessage });
    await done;
    assert.is(outcome.result, "ok");
  }

  /** A mutex whose owner died: it took it in another "thread", which is buried. */
  function orphaned(): Mutex {
    const mutex = make();
    const other = anotherThread(mutex.region);
    mutexIn(other, mutex).lock();
    bury(other);
    return mutex;
  }

  // --- one thread ---

  test("lock holds it, the guard's release gives it up", () => {
    const mutex = make();
    assert.not.ok(mutex.locked);
    const guard = mutex.lock();
    assert.ok(mutex.locked && mutex.heldByMe && guard.held);
    assert.is(mutex.owner, 0);
    assert.is(guard.lock, mutex);
    guard.release();
    assert.not.ok(mutex.locked || mutex.heldByMe || guard.held);
    assert.is(mutex.owner, undefined);
  });

  test("unlock gives it up", () => {
    const mutex = make();
    mutex.lock();
    mutex.unlock();
    assert.not.ok(mutex.locked);
  });

  test("a guard is Disposable: `using` releases it, by an exception too", () => {
    const mutex = make();
    {
      using guard = mutex.lock();
      assert.ok(guard.held);
    }
    assert.not.ok(mutex.locked);
    const fails = (): void => {
      using _ = mutex.lock();
      throw new Error("inside");
    };
    assert.is(thrown(fails).message, "inside");
    assert.not.ok(mutex.locked);
  });

  test("disposing a guard twice does nothing", () => {
    const mutex = make();
    const guard = mutex.lock();
    guard.release();
    guard.release();
    guard[Symbol.dispose]();
    assert.not.ok(mutex.locked);
  });

  test("a stale guard never ends a later hold, even after unlock()", () => {
    const mutex = make();
    const stale = mutex.lock();
    mutex.unlock();
    const later = mutex.lock();
    stale.release();
    assert.not.ok(stale.held);
    assert.not.ok(stale.markConsistent());
    assert.ok(later.held);
    later.release();
    const again = mutex.tryLock() as Guard<Mutex>;
    stale.release();
    later.release();
    assert.ok(again.held);
    again.release();
  });

  test("a stale guard of one handle never ends a hold of another handle to the same lock", () => {
    const mutex = make();
    const other = Mutex.from(structuredClone(mutex.share()));
    assert.is.not(other, mutex);
    const stale = mutex.lock();
    assert.ok(other.heldByMe);
    other.unlock();
    const later = other.lock();
    stale.release();
    assert.ok(later.held && mutex.locked);
    later.release();
    assert.not.ok(mutex.locked);
  });

  test("a stale guard never ends an async task's hold", async () => {
    const mutex = make();
    const stale = mutex.lock();
    const awaited = mutex.lockAsync();
    mutex.unlock();
    const later = await awaited;
    stale.release();
    assert.ok(later.held);
    later.release();
  });

  test("relocking is ERR_WOULD_DEADLOCK, tells the owner, and keeps the hold", () => {
    const mutex = make();
    const guard = mutex.lock();
    for (const options of [undefined, {}, { timeout: 10 }, { timeout: 0 }]) {
      const error = thrown(() => mutex.lock(options));
      assert.is(error.code, "ERR_WOULD_DEADLOCK");
      assert.match(error.message, /is held by this thread \(0\) already/);
    }
    assert.is(
      codeOf(() => mutex.tryLock({ timeout: 10 })),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(
      codeOf(() => mutex.withLock(() => undefined)),
      "ERR_WOULD_DEADLOCK",
    );
    assert.ok(guard.held);
    guard.release();
  });

  test("tryLock takes a free lock, gives undefined for a held one", () => {
    const mutex = make();
    const guard = mutex.tryLock() as Guard<Mutex>;
    assert.ok(guard.held);
    assert.is(mutex.tryLock(), undefined);
    assert.is(mutex.tryLock({ timeout: 0 }), undefined);
    guard.release();
    const timed = mutex.tryLock({ timeout: 1000 }) as Guard<Mutex>;
    assert.ok(timed.held);
    timed.release();
  });

  test("withLock returns what fn returns, and releases when it throws", () => {
    const mutex = make();
    assert.is(
      mutex.withLock(() => (mutex.heldByMe ? 42 : 0)),
      42,
    );
    assert.not.ok(mutex.locked);
    const error = new Error("mine");
    assert.is(
      thrown(() =>
        mutex.withLock(() => {
          throw error;
        }),
      ),
      error,
    );
    assert.not.ok(mutex.locked);
  });

  test("withLock does not mind that fn unlocks and locks by itself", () => {
    const mutex = make();
    let inner: Guard<Mutex> | undefined;
    mutex.withLock(() => {
      mutex.unlock();
      inner = mutex.lock();
    });
    assert.ok(inner?.held, "the inner hold is not withLock's to end");
    inner.release();
  });

  test("withLockAsync holds the lock until fn's promise settles", async () => {
    const mutex = make();
    const result = await mutex.withLockAsync(async () => {
      await turn();
      assert.ok(mutex.heldByMe);
      return "done";
    });
    assert.is(result, "done");
    assert.not.ok(mutex.locked);
    const error = await rejected(
      mutex.withLockAsync(async () => {
        await turn();
        throw new Error("mine");
      }),
    );
    assert.is(error.message, "mine");
    assert.not.ok(mutex.locked);
  });

  test("unlock, markConsistent without the lock: ERR_NOT_OWNER", () => {
    const mutex = make();
    for (const call of ["unlock", "markConsistent"] as const) {
      const error = thrown(() => mutex[call]());
      assert.is(error.code, "ERR_NOT_OWNER");
      assert.match(error.message, new RegExp(`^${call}: this thread does not hold Mutex at \\d+, which is free$`));
    }
  });

  test("markConsistent on a sound lock says that nothing was in question", () => {
    const mutex = make();
    const guard = mutex.lock();
    assert.is(mutex.markConsistent(), false);
    assert.is(guard.markConsistent(), false);
    guard.release();
    assert.is(guard.markConsistent(), false);
  });

  test("bad options are refused before anything changes, free lock or held", async () => {
    const mutex = make();
    const bad: [unknown, string][] = [
      [{ timeout: "5" }, "TypeError"],
      [{ timeout: null }, "TypeError"],
      [{ timeout: 5n }, "TypeError"],
      [{ timeout: -1 }, "RangeError"],
      [{ timeout: Number.NaN }, "RangeError"],
      [{ recover: 5 }, "TypeError"],
      [{ recover: null }, "TypeError"],
      [null, "TypeError"],
      [5, "TypeError"],
    ];
    for (const isHeld of [false, true]) {
      const guard = isHeld ? mutex.lock() : undefined;
      const word = mutex.toString();
      for (const [options, expected] of bad) {
        assert.is(
          codeOf(() => mutex.lock(options as LockOptions)),
          expected,
        );
        assert.is(
          codeOf(() => mutex.tryLock(options as LockOptions)),
          expected,
        );
        assert.is(
          codeOf(() => mutex.withLock(() => assert.unreachable(), options as LockOptions)),
          expected,
        );
        assert.is((await rejected(mutex.lockAsync(options as LockOptions))).constructor.name, expected);
        const withLock = mutex.withLockAsync(() => assert.unreachable(), options as LockOptions);
        assert.is((await rejected(withLock)).constructor.name, expected);
        assert.is(mutex.toString(), word);
      }
      for (const signal of [5, null, {}, "now"]) {
        assert.is((await rejected(mutex.lockAsync({ signal } as never))).constructor.name, "TypeError");
      }
      assert.is(mutex.waiters, 0);
      guard?.release();
    }
    assert.not.ok(mutex.locked);
  });

  test("bad options of the constructor, from, named", () => {
    for (const options of [null, 5, "name"])
      assert.is(
        codeOf(() => new Mutex(options as never)),
        "TypeError",
      );
    assert.is(
      codeOf(() => new Mutex({ region: {} as Region })),
      "TypeError",
    );
    assert.is(
      codeOf(() => Mutex.named("", { region: backend.region() })),
      "RangeError",
    );
    assert.is(
      codeOf(() => Mutex.named(5 as never, { region: backend.region() })),
      "TypeError",
    );
    for (const handle of [undefined, null, 5, {}, []])
      assert.is(
        codeOf(() => Mutex.from(handle as never)),
        "TypeError",
      );
  });

  test("from refuses handles of other kinds, of nothing, of what was freed", () => {
    const mutex = make();
    const handle = mutex.share();
    const wrong = thrown(() => Mutex.from({ ...handle, holdfast: "table" } as never)) as HoldfastError;
    assert.is(wrong.code, "ERR_REGION_KIND");
    assert.is(wrong.constructor.name, "RegionError");
    assert.is(
      codeOf(() => Mutex.from(handle.region as never)),
      "ERR_REGION_KIND",
    );
    assert.is(
      codeOf(() => Mutex.from({ ...handle, region: undefined } as never)),
      "TypeError",
    );
    const raw = mutex.region.allocate(64, KIND_RAW);
    const serial = mutex.region.serialOf(raw);
    assert.is(
      codeOf(() => Mutex.from({ ...handle, offset: raw, serial })),
      "ERR_REGION_KIND",
    );
    assert.is(
      codeOf(() => Mutex.from({ ...handle, serial: handle.serial + 1000 })),
      "ERR_CLOSED",
    );
    for (const offset of [0, -64, 1e15, handle.offset + 4, Number.NaN, "x"]) {
      assert.is(
        codeOf(() => Mutex.from({ ...handle, offset } as MutexHandle)),
        "ERR_REGION_CORRUPT",
      );
    }
    mutex.free();
    assert.is(
      codeOf(() => Mutex.from(handle)),
      "ERR_CLOSED",
    );
  });

  test("one name is one lock; a handle knows its name", () => {
    const region = backend.region();
    const name = unique();
    const mutex = Mutex.named(name, { region, fair });
    const again = new Mutex({ name, region, fair });
    assert.is(mutex.name, name);
    assert.is(Mutex.from(mutex.share()).name, name);
    assert.is(new Mutex({ region }).name, undefined);
    mutex.lock();
    assert.ok(again.heldByMe);
    again.unlock();
    assert.is.not(Mutex.named(unique(), { region }).share().offset, mutex.share().offset);
  });

  test("toString says name, state and owner", () => {
    const region = backend.region();
    const name = unique();
    const mutex = Mutex.named(name, { region, fair });
    assert.is(String(mutex), `Mutex "${name}": free`);
    mutex.lock();
    assert.is(String(mutex), `Mutex "${name}": held by this thread (0)`);
    mutex.unlock();
    mutex.free();
    assert.match(String(mutex), /^Mutex at \d+: freed$/);
    assert.match(String(make()), /^Mutex at \d+: free$/);
    const orphan = orphaned();
    assert.match(String(orphan), /held by a thread that died/);
    assert.is(orphan.owner, undefined);
    assert.ok(orphan.locked);
    const { guard } = thrown(() => orphan.lock()) as OwnerDiedError<Guard<Mutex>>;
    assert.match(String(orphan), /held by this thread \(0\), state inconsistent since an owner died/);
    guard?.release();
    assert.match(String(orphan), /: not recoverable$/);
  });

  test("stats count acquisitions, and those that were contended", () => {
    const mutex = make();
    assert.equal(mutex.stats(), { acquisitions: 0, contended: 0 });
    for (let k = 0; k < 10; k++) mutex.withLock(() => undefined);
    assert.equal(mutex.stats(), { acquisitions: 10, contended: 0 });
  });

  // --- free ---

  test("free: every member of every handle says ERR_CLOSED", async () => {
    const mutex = make();
    const other = Mutex.from(mutex.share());
    const guard = mutex.lock();
    mutex.free();
    for (const handle of [mutex, other]) {
      assert.is(
        codeOf(() => handle.lock()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.lock({ timeout: 5 })),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.tryLock()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => handle.tryLock({ timeout: 5 })),
        "ERR_CLOSED",
      );
      assert.is((await rejected(handle.lockAsync())).code, "ERR_CLOSED");
      assert.is(
        codeOf(() => handle.free()),
        "ERR_CLOSED",
      );
      assert.not.ok(handle.heldByMe);
      assert.is(handle.owner, undefined);
    }
    guard.release();
    assert.not.ok(guard.held);
  });

  test("free: handles, guards and tasks of a freed lock never touch the next one in its memory", async () => {
    const region = backend.region();
    const old = new Mutex({ region, fair });
    const stale = old.lock();
    old.free();
    const next = new Mutex({ region, fair });
    assert.is(next.share().offset, old.share().offset, "the memory is used again");
    assert.equal(next.stats(), { acquisitions: 0, contended: 0 });
    assert.is(
      codeOf(() => old.lock()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.lock({ timeout: 5 })),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.tryLock()),
      "ERR_CLOSED",
    );
    assert.is((await rejected(old.lockAsync())).code, "ERR_CLOSED");
    assert.not.ok(next.locked);
    const guard = next.lock();
    stale.release();
    assert.is(
      codeOf(() => old.unlock()),
      "ERR_CLOSED",
    );
    assert.is(
      codeOf(() => old.free()),
      "ERR_CLOSED",
    );
    assert.match(String(old), /: freed$/);
    assert.ok(guard.held);
    guard.release();
  });

  test("free: a lock that another thread holds is ERR_IN_USE, and stays as it was", async () => {
    const mutex = make(unique());
    await whileHeld(mutex, () => {
      const error = thrown(() => mutex.free());
      assert.is(error.code, "ERR_IN_USE");
      assert.match(error.message, /can't be freed: it is held by thread \d+/);
      assert.ok(mutex.locked);
      assert.is(Mutex.named(mutex.name as string, { region: mutex.region }).share().offset, mutex.share().offset);
    });
    mutex.withLock(() => undefined);
    const [outcome] = await workers({ behaviour: "free" }, mutex);
    assert.is(outcome.result, "ok");
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_CLOSED",
    );
  });

  test("free: a lock whose owner died, or that is not recoverable, can be freed", () => {
    const orphan = orphaned();
    orphan.free();
    assert.is(
      codeOf(() => orphan.lock()),
      "ERR_CLOSED",
    );
    const broken = orphaned();
    (thrown(() => broken.lock()) as OwnerDiedError<Guard<Mutex>>).guard?.release();
    broken.free();
    assert.is(
      codeOf(() => broken.lock()),
      "ERR_CLOSED",
    );
  });

  test("free: those that sleep for it and those that await it are told, even if its memory serves another lock at once", async () => {
    const region = backend.region();
    const mutex = new Mutex({ region, fair });
    const guard = mutex.lock();
    const here = rejected(mutex.lockAsync());
    const next: Mutex[] = [];
    let begun = 0;
    const onMessage = async (): Promise<void> => {
      if (++begun < 4) return;
      // Two sleep, two await in their own threads.
      await until(() => mutex.waiters >= 3);
      mutex.free();
      assert.is(wakeAll(mutex.region.memory.words, mutex.share().offset >> 2), 0, "free woke all sleepers itself");
      next.push(new Mutex({ region, fair }));
      next[0].lock();
    };
    const told = (index: number): object => ({
      behaviour: index < 2 ? "lock" : "await",
      words: new Int32Array(new SharedArrayBuffer(64)),
      handle: mutex.share(),
    });
    const outcomes = await workers({ behaviour: "" }, mutex, { count: 4, workerData: told, onMessage });
    for (const { result } of outcomes) assert.is((result as HoldfastError).code, "ERR_CLOSED");
    assert.is((await here).code, "ERR_CLOSED");
    assert.is(next[0].share().offset, mutex.share().offset);
    assert.ok(next[0].heldByMe);
    guard.release();
    assert.ok(next[0].heldByMe);
    next[0].unlock();
  });

  test("free: a million locks made and freed do not fill the region", () => {
    const region = backend.region();
    new Mutex({ region, fair }).free();
    const before = region.stats();
    for (let k = 0; k < 1_000_000; k += 10) {
      const ten = Array.from({ length: 10 }, () => new Mutex({ region, fair }));
      for (const mutex of ten) mutex.free();
    }
    assert.is(region.stats().bytesUsed, before.bytesUsed);
    for (let k = 0; k < 5000; k++) Mutex.named("again and again", { region }).free();
    assert.is(region.stats().bytesUsed, before.bytesUsed);
  });

  // --- other threads ---

  test("unlock by another thread is ERR_NOT_OWNER and names the owner", async () => {
    const mutex = make();
    mutex.lock();
    const [outcome] = await workers({ behaviour: "unlock" }, mutex);
    const { code, message, info } = outcome.result as HoldfastError;
    assert.is(code, "ERR_NOT_OWNER");
    assert.match(message, /which is held by thread 0$/);
    assert.equal(info, { owner: 0 });
    assert.ok(mutex.heldByMe);
    mutex.unlock();
    const worker = make();
    await whileHeld(worker, () => {
      assert.match(thrown(() => worker.unlock()).message, /which is held by thread [1-9]\d*$/);
      assert.ok((worker.owner as number) > 0);
      assert.not.ok(worker.heldByMe);
      assert.ok(worker.locked);
    });
  });

  test("tryLock, lock and lockAsync give up at their time-out, and leave no waiter behind", async () => {
    const mutex = make();
    await whileHeld(mutex, async () => {
      assert.is(mutex.tryLock(), undefined);
      const begun = performance.now();
      assert.is(mutex.tryLock({ timeout: 20 }), undefined);
      assert.ok(performance.now() - begun >= 20, "not before the time-out");
      const error = thrown(() => mutex.lock({ timeout: 5 })) as HoldfastError;
      assert.is(error.code, "ERR_TIMEOUT");
      assert.match(
        error.message,
        /^Mutex at \d+ was not acquired within 5 ms: it is held by thread \d+, 0 other waiters$/,
      );
      assert.equal(error.info, { timeout: 5, owner: mutex.owner, waiters: 0 });
      assert.is(
        codeOf(() => mutex.lock({ timeout: 0 })),
        "ERR_TIMEOUT",
      );
      assert.is(
        codeOf(() => mutex.withLock(() => assert.unreachable(), { timeout: 1 })),
        "ERR_TIMEOUT",
      );
      for (const timeout of [0, 0.5, 5]) {
        assert.is((await rejected(mutex.lockAsync({ timeout }))).code, "ERR_TIMEOUT");
      }
      const asyncBegun = performance.now();
      await rejected(mutex.lockAsync({ timeout: 20 }));
      assert.ok(performance.now() - asyncBegun >= 20);
      assert.is(mutex.waiters, 0);
    });
    mutex.withLock(() => undefined);
  });

  test("unlock wakes a sleeping waiter, and an awaiting one", async () => {
    const mutex = make();
    for (const behaviour of ["lock", "await"]) {
      const guard = mutex.lock();
      const [outcome] = await workers({ behaviour }, mutex, {
        onMessage: async () => {
          if (behaviour === "lock") await until(() => mutex.waiters === 1);
          else for (let k = 0; k < 50; k++) await turn();
          guard.release();
        },
      });
      assert.is(outcome.result, "ok");
    }
    assert.not.ok(mutex.locked);
  });

  test("waiters counts sleeping threads and this thread's tasks", async () => {
    const mutex = make();
    const guard = mutex.lock();
    const awaited = mutex.lockAsync();
    const outcomes = await workers({ behaviour: "lock" }, mutex, {
      count: 2,
      onMessage: async (_, index) => {
        if (index !== 0) return;
        await until(() => mutex.waiters === 3);
        guard.release();
        (await awaited).release();
      },
    });
    for (const { result } of outcomes) assert.is(result, "ok");
    assert.is(mutex.waiters, 0);
    assert.ok(mutex.stats().contended > 0);
  });

  // --- async ---

  test("two tasks of one thread exclude each other, first come, first served", async () => {
    const mutex = make();
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        mutex.withLockAsync(async () => {
          assert.is(inside++, 0);
          await turn();
          order.push(k);
          inside--;
        }),
      ),
    );
    assert.equal(
      order,
      Array.from({ length: 20 }, (_, k) => k),
    );
  });

  test("a sync lock while a task of this thread holds it is ERR_WOULD_DEADLOCK; the task's turn comes after a sync hold", async () => {
    const mutex = make();
    const guard = await mutex.lockAsync();
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_WOULD_DEADLOCK",
    );
    assert.is(mutex.tryLock(), undefined);
    guard.release();
    const sync = mutex.lock();
    let had = false;
    const awaited = mutex.lockAsync().then((acquired) => {
      had = true;
      return acquired;
    });
    for (let k = 0; k < 5; k++) await turn();
    assert.not.ok(had);
    sync.release();
    (await awaited).release();
  });

  test("an aborted signal rejects with its reason: before, during, and not after", async () => {
    const mutex = make();
    const reason = new Error("enough");
    const before = await rejected(mutex.lockAsync({ signal: AbortSignal.abort(reason) }));
    assert.is(before, reason);
    assert.not.ok(mutex.locked);
    const guard = mutex.lock();
    const controller = new AbortController();
    const { signal } = controller;
    const during = mutex.lockAsync({ signal });
    const behind = mutex.lockAsync();
    assert.is(mutex.waiters, 2);
    controller.abort(reason);
    assert.is(await rejected(during), reason);
    assert.is(mutex.waiters, 1);
    guard.release();
    (await behind).release();
    const late = new AbortController();
    const held = await mutex.lockAsync({ signal: late.signal });
    late.abort(reason);
    await turn();
    assert.ok(held.held, "an abort after the acquisition changes nothing");
    held.release();
    assert.is(getEventListeners(signal, "abort").length, 0);
    assert.is(getEventListeners(late.signal, "abort").length, 0);
    const plain = new AbortController();
    plain.abort();
    assert.is((await rejected(mutex.lockAsync({ signal: plain.signal }))).name, "AbortError");
    assert.is(
      (await rejected(mutex.withLockAsync(() => assert.unreachable(), { signal: plain.signal }))).name,
      "AbortError",
    );
  });

  test("aborting whichever task of a queue loses nobody's turn", async () => {
    const mutex = make();
    for (let victim = 0; victim < 5; victim++) {
      const guard = mutex.lock();
      const controllers = Array.from({ length: 5 }, () => new AbortController());
      let served = 0;
      const tasks = controllers.map(async ({ signal }) => {
        const acquired = await mutex.lockAsync({ signal });
        served++;
        await turn();
        acquired.release();
      });
      const outcomes = Promise.allSettled(tasks);
      await turn();
      guard.release();
      controllers[victim].abort();
      const rejections = (await outcomes).filter(({ status }) => status === "rejected").length;
      assert.is(served + rejections, 5);
      assert.not.ok(mutex.locked);
    }
  });

  test("a task that gives up leaves no timer and no listener", async () => {
    const mutex = make();
    const guard = mutex.lock();
    const { signal } = new AbortController();
    const before = timersAlive();
    await rejected(mutex.lockAsync({ timeout: 5, signal }));
    const aborted = new AbortController();
    const task = mutex.lockAsync({ timeout: 1e9, signal: aborted.signal });
    aborted.abort();
    await rejected(task);
    const served = mutex.lockAsync({ timeout: 1e9, signal });
    guard.release();
    (await served).release();
    assert.is(getEventListeners(signal, "abort").length, 0);
    assert.is(timersAlive(), before);
  });

  // --- a dead owner, as the next one sees it (how threads die is in test/locks) ---

  test("the next owner gets ERR_OWNER_DIED with the lock held through its guard", async () => {
    for (const acquire of [
      (mutex: Mutex) => mutex.lock(),
      (mutex: Mutex) => mutex.lock({ timeout: 100 }),
      (mutex: Mutex) => mutex.tryLock(),
      (mutex: Mutex) => mutex.lockAsync(),
      (mutex: Mutex) => mutex.withLock(() => assert.unreachable()),
      (mutex: Mutex) => mutex.withLockAsync(() => assert.unreachable()),
    ]) {
      const mutex = orphaned();
      const error = await rejected((async () => acquire(mutex))());
      assert.instance(error, OwnerDiedError);
      assert.is(error.code, "ERR_OWNER_DIED");
      const { guard } = error as OwnerDiedError<Guard<Mutex>>;
      assert.ok(guard?.held && mutex.heldByMe);
      assert.is(guard.markConsistent(), true);
      assert.is(guard.markConsistent(), false);
      guard.release();
      mutex.lock().release();
    }
  });

  test("an owner that vanished without notice is found by whoever's time is over", async () => {
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ timeout: 30 }),
      (mutex: Mutex) => mutex.tryLock({ timeout: 30 }),
      (mutex: Mutex) => mutex.lockAsync({ timeout: 30 }),
    ]) {
      const mutex = make();
      const other = anotherThread(mutex.region);
      mutexIn(other, mutex).lock();
      vanish(other);
      assert.is(mutex.tryLock(), undefined, "nobody knows yet");
      assert.is((await rejected((async () => acquire(mutex))())).code, "ERR_OWNER_DIED");
    }
  });

  // A fair lock has no flag that keeps newcomers away: S does.
  if (!fair)
    test("a task whose place before newcomers was taken away asks for it again", async () => {
      const mutex = make();
      const { words } = mutex.region.memory;
      const index = mutex.share().offset >> 2;
      mutex.lock();
      const task = mutex.lockAsync();
      for (let round = 0; round < 5; round++) {
        await until(() => {
          // Overtaken: the task is woken, and finds the lock held again.
          mutex.unlock();
          assert.ok(mutex.tryLock());
          return isStarving(words[index]);
        });
        withdrawStarving(words, index);
      }
      mutex.unlock();
      (await task).release();
    });

  test("released unmarked, the lock is not recoverable, for everyone and for good", async () => {
    const mutex = orphaned();
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    const task = rejected(mutex.lockAsync());
    guard?.release();
    assert.is((await task).code, "ERR_NOT_RECOVERABLE");
    assert.is(
      codeOf(() => mutex.lock()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => mutex.tryLock()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => mutex.unlock()),
      "ERR_NOT_OWNER",
    );
    assert.is((await rejected(mutex.lockAsync())).code, "ERR_NOT_RECOVERABLE");
    const [sync, awaiting] = await workers({ behaviour: "" }, mutex, {
      count: 2,
      workerData: (index) => ({
        behaviour: index === 0 ? "lock" : "await",
        handle: mutex.share(),
        words: new Int32Array(4),
      }),
    });
    assert.is((sync.result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
    assert.is((awaiting.result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
  });

  test("not recoverable is told to those that sleep and await already", async () => {
    const mutex = orphaned();
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    let begun = 0;
    const outcomes = await workers({ behaviour: "" }, mutex, {
      count: 4,
      workerData: (index) => ({
        behaviour: index < 2 ? "lock" : "await",
        handle: mutex.share(),
        words: new Int32Array(4),
      }),
      onMessage: async () => {
        if (++begun < 4) return;
        await until(() => mutex.waiters === 2);
        for (let k = 0; k < 50; k++) await turn();
        guard?.release();
      },
    });
    for (const { result } of outcomes) assert.is((result as HoldfastError).code, "ERR_NOT_RECOVERABLE");
  });

  test("recover: called with the lock held; if it returns, the acquisition goes on", async () => {
    const calls: boolean[] = [];
    const recover = (guard: Guard<Mutex>): void => void calls.push(guard.held);
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ recover }),
      (mutex: Mutex) => mutex.tryLock({ recover }),
      (mutex: Mutex) => mutex.lockAsync({ recover }),
    ]) {
      const mutex = orphaned();
      const guard = (await acquire(mutex)) as Guard<Mutex>;
      assert.ok(guard.held);
      guard.release();
      mutex.lock().release();
    }
    assert.is(
      orphaned().withLock(() => 7, { recover }),
      7,
    );
    assert.is(await orphaned().withLockAsync(() => 8, { recover }), 8);
    assert.equal(calls, [true, true, true, true, true]);
    make()
      .lock({ recover: () => assert.unreachable() })
      .release();
  });

  test("recover: if it throws, its error is passed on and the lock is not recoverable", async () => {
    const error = new Error("can't be repaired");
    const recover = (): never => {
      throw error;
    };
    for (const acquire of [
      (mutex: Mutex) => mutex.lock({ recover }),
      (mutex: Mutex) => mutex.tryLock({ recover }),
      (mutex: Mutex) => mutex.lockAsync({ recover }),
      (mutex: Mutex) => mutex.withLock(() => assert.unreachable(), { recover }),
    ]) {
      const mutex = orphaned();
      assert.is(await rejected((async () => acquire(mutex))()), error);
      assert.is(
        codeOf(() => mutex.lock()),
        "ERR_NOT_RECOVERABLE",
      );
    }
  });

  test("recover: one that releases the lock itself acquires nothing", () => {
    const mutex = orphaned();
    const run = (): void =>
      mutex.withLock(() => assert.unreachable(), {
        recover: (guard) => {
          guard.markConsistent();
          guard.release();
        },
      });
    const error = thrown(run);
    assert.is(error.code, "ERR_NOT_OWNER");
    assert.match(error.message, /recover released the lock/);
    mutex.lock().release();
  });

  test("an owner that dies after it took over from a dead one is told like the first", () => {
    const mutex = orphaned();
    const other = anotherThread(mutex.region);
    thrown(() => mutexIn(other, mutex).lock());
    bury(other);
    const { guard } = thrown(() => mutex.lock()) as OwnerDiedError<Guard<Mutex>>;
    assert.is(guard?.markConsistent(), true);
    guard?.release();
    assert.match(String(mutex), /: free$/);
  });

  // --- stress ---

  for (const [behaviour, count, many] of [
    ["count", 4, 30_000],
    ["count async", 4, 4000],
    ["count in all ways", 4, 3000],
  ] as const) {
    // First in, first out: every hold is a switch of threads.
    const rounds = fair ? many / 10 : many;
    test(`${count} threads that ${behaviour} lose no count`, async () => {
      const mutex = make();
      const words = new Int32Array(new SharedArrayBuffer(64));
      await workers({ behaviour, words, rounds }, mutex, { count });
      assert.is(words[1], count * rounds);
      assert.is(words[2], count * rounds * 20);
      assert.not.ok(mutex.locked);
      assert.ok(mutex.stats().acquisitions >= count * rounds);
    });
  }

  test.run();
}

/** The same mutex seen through another view of its region. */
function mutexIn(region: Region, mutex: Mutex): Mutex {
  const handle = mutex.share();
  const from = Region.from;
  Region.from = () => region;
  try {
    return Mutex.from(handle);
  } finally {
    Region.from = from;
  }
}
