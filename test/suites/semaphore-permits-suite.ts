// What a Semaphore promises whoever uses it: counts and bounds, names, arguments, and the end by free().

import * as assert from "uvu/assert";
import { Event, Region, Semaphore } from "../../src/index.ts";
import { taskCell } from "../../src/locks/semaphore-waits.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { assertNoTrace, type SemaphoreKit } from "./semaphore-kit.ts";

export function permits(kit: SemaphoreKit): void {
  const { test, region, kind, make } = kit;

  test("counts permits, one or several at a time", () => {
    const semaphore = make(5);
    assert.is(semaphore.available, 5);
    semaphore.acquire();
    semaphore.acquire(3);
    assert.is(semaphore.available, 1);
    assert.is(semaphore.tryAcquire(2), false);
    assert.is(semaphore.tryAcquire(), true);
    assert.is(semaphore.tryAcquire(), false);
    semaphore.release(4);
    semaphore.release();
    assert.is(semaphore.available, 5);
    assert.is(semaphore.drain(), 5);
    assert.is(semaphore.drain(), 0);
    assert.is(semaphore.available, 0);
    semaphore.release(5);
    assert.is(
      semaphore.withPermits(() => semaphore.available, 2),
      3,
    );
    assertNoTrace(semaphore);
  });

  test("withPermits gives back whatever happens", async () => {
    const semaphore = make(2);
    const error = new Error("inside");
    assert.is(
      thrown(() =>
        semaphore.withPermits(() => {
          throw error;
        }, 2),
      ),
      error,
    );
    assert.is(await rejected(semaphore.withPermitsAsync(() => Promise.reject(error), 2)), error);
    assert.is(await semaphore.withPermitsAsync(async () => semaphore.available), 1);
    assert.is(semaphore.available, 2);
    assert.instance(
      thrown(() => semaphore.withPermits(undefined as never)),
      TypeError,
    );
    assert.instance(await rejected(semaphore.withPermitsAsync(1 as never)), TypeError);
    assert.is(semaphore.available, 2);
  });

  test("releasing past the bound is a RangeError, and nothing changes", () => {
    const semaphore = make(2, kind.owned ? {} : { bounded: true });
    semaphore.acquire();
    const code = kind.owned ? "ERR_NOT_OWNER" : "RangeError";
    assert.is(
      codeOf(() => semaphore.release(2)),
      code,
    );
    assert.is(semaphore.available, 1);
    semaphore.release();
    assert.is(
      codeOf(() => semaphore.release()),
      code,
    );
    assert.is(semaphore.available, 2);
    if (kind.owned) return;
    const unbounded = make(2 ** 30 - 1);
    assert.is(
      codeOf(() => unbounded.release(2)),
      "RangeError",
    );
    unbounded.release();
    assert.is(
      codeOf(() => unbounded.release()),
      "RangeError",
    );
    assert.is(unbounded.available, 2 ** 30);
    assert.is(unbounded.tryAcquire(2 ** 30), true);
    assert.is(unbounded.available, 0);
    unbounded.release(2 ** 30);
    assert.is(
      codeOf(() => unbounded.release(2 ** 30)),
      "RangeError",
    );
    assert.is(unbounded.available, 2 ** 30);
  });

  test("a freed semaphore says so; free refuses while someone waits", async () => {
    const semaphore = make(1);
    const copy = Semaphore.from({ ...semaphore.share() });
    semaphore.acquire();
    const waiting = semaphore.acquireAsync();
    assert.is(
      codeOf(() => copy.free()),
      "ERR_IN_USE",
    );
    semaphore.release();
    await waiting;
    semaphore.release();
    semaphore.free();
    for (const call of [
      () => copy.acquire(),
      () => copy.tryAcquire(),
      () => copy.tryAcquire(1, { timeout: 1 }),
      () => copy.release(),
      () => copy.drain(),
      () => copy.free(),
    ]) {
      assert.is(codeOf(call), "ERR_CLOSED", String(call));
    }
    assert.is((await rejected(copy.acquireAsync())).code, "ERR_CLOSED");
    assert.match(String(copy), /^Semaphore at \d+: freed$/);
    assert.is(
      codeOf(() => Semaphore.from(copy.share())),
      "ERR_CLOSED",
    );
  });

  test("a wait that was given up swallows no wake of what comes to lie in its place", async () => {
    // Both regions have room for a single block of this size: the next one lies where the last one lay.
    const semaphore = make(1);
    semaphore.acquire();
    const cell = taskCell(semaphore);
    const controller = new AbortController();
    const gone = rejected(semaphore.acquireAsync(1, { signal: controller.signal }));
    controller.abort();
    await gone;
    semaphore.release();
    semaphore.free();
    assert.is(Atomics.notify(region.memory.words, cell), 0);
  });

  test("bad arguments throw before anything changes", async () => {
    const { bytesUsed } = region.stats();
    for (const options of [{ permits: -1 }, { permits: 2 ** 30 + 1 }, { permits: 0.5 }]) {
      assert.instance(
        thrown(() => new Semaphore({ region, ...kind, ...options })),
        RangeError,
      );
    }
    for (const options of [{}, { permits: "1" }, { permits: 1, bounded: 1 }, { permits: 1, owned: "yes" }]) {
      assert.instance(
        thrown(() => new Semaphore({ region, fair: true, ...options } as never)),
        TypeError,
      );
    }
    assert.instance(
      thrown(() => new Semaphore(null as never)),
      TypeError,
    );
    assert.is(region.stats().bytesUsed, bytesUsed);
    const semaphore = make(2);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 30 + 1]) {
      assert.is(
        codeOf(() => semaphore.acquire(n)),
        "RangeError",
      );
      assert.is(
        codeOf(() => semaphore.tryAcquire(n)),
        "RangeError",
      );
      assert.is(
        codeOf(() => semaphore.release(n)),
        "RangeError",
      );
      assert.instance(await rejected(semaphore.acquireAsync(n)), RangeError);
    }
    for (const n of ["1", null, {}, 1n]) {
      assert.is(
        codeOf(() => semaphore.acquire(n as never)),
        "TypeError",
      );
      assert.is(
        codeOf(() => semaphore.release(n as never)),
        "TypeError",
      );
    }
    assert.is(
      codeOf(() => semaphore.acquire(1, null as never)),
      "TypeError",
    );
    assert.is(
      codeOf(() => semaphore.acquire(1, { timeout: -1 })),
      "RangeError",
    );
    assert.is(
      codeOf(() => semaphore.tryAcquire(1, { timeout: "1" as never })),
      "TypeError",
    );
    assert.instance(await rejected(semaphore.acquireAsync(1, { signal: 1 as never })), TypeError);
    assert.instance(await rejected(semaphore.acquireAsync(1, { timeout: Number.NaN })), RangeError);
    assert.is(semaphore.available, 2);
    assertNoTrace(semaphore);
  });

  test("a name means one semaphore, which keeps its number and kind", () => {
    const semaphore = Semaphore.named("slots", { region, permits: 2, ...kind });
    const copy = Semaphore.named("slots", { region, permits: 9, owned: !kind.owned, fair: !kind.fair });
    assert.is(copy.owned, kind.owned ?? false);
    assert.is(copy.fair, kind.fair ?? false);
    copy.acquire();
    assert.is(semaphore.available, 1);
    assert.is(String(semaphore), 'Semaphore "slots": 1 permits available, 0 waiters');
    copy.release();
    const twin = Semaphore.from({ ...semaphore.share() });
    assert.is(twin.owned, kind.owned ?? false);
    assert.is(twin.tryAcquire(2), true);
    twin.release(2);
    assert.is(
      codeOf(() => Semaphore.from(new Event({ region }).share() as never)),
      "ERR_REGION_KIND",
    );
    semaphore.free();
  });

  test("a region of many threads has room for its tables", () => {
    const wide = Region.create({ maxThreads: 1000 });
    const semaphore = new Semaphore({ region: wide, permits: 1, ...kind });
    const next = new Semaphore({ region: wide, permits: 7, ...kind });
    semaphore.acquire();
    semaphore.release();
    assert.is(next.available, 7);
  });
}
