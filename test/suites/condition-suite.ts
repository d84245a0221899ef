// What a Condition promises, of any lock, on any backend, between the tasks of one thread and simulated other threads.

import * as assert from "uvu/assert";
import { Condition } from "../../src/locks/condition.ts";
import type { ConditionLock } from "../../src/locks/condition-lock.ts";
import { TABLE } from "../../src/protocols/condition.ts";
import { publishNode } from "../../src/protocols/wait-nodes.ts";
import type { Region } from "../../src/region/region.ts";
import { takeNode } from "../../src/region/wait-queue.ts";
import type { Backend } from "../support/backends.ts";
import { anotherThread, bury } from "../support/crash.ts";
import type { Suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";

/** A guard of a hold that a condition can wait with. */
export interface HeldGuard {
  readonly held: boolean;
  release(): void;
  markConsistent(): boolean;
}

/** One kind of lock that has conditions. */
export interface LockKind {
  readonly title: string;
  named(name: string, region: Region): ConditionLock;
  hold(lock: ConditionLock): HeldGuard;
  holdAsync(lock: ConditionLock): Promise<HeldGuard>;
}

interface Bench {
  readonly region: Region;
  readonly lock: ConditionLock;
  readonly condition: Condition;
  /** Runs `fn` with the lock held. */
  held<T>(fn: () => T): Promise<T>;
  /** A task that holds the lock and waits; notes its number when it was notified. */
  waiter(number: number, options?: object): Promise<boolean>;
  readonly order: number[];
}

export function conditionSuite(test: Suite, { title: backend, region: makeRegion }: Backend, kind: LockKind): void {
  const setUp = (): Bench => {
    const region = makeRegion();
    const lock = kind.named("lock", region);
    const condition = new Condition(lock);
    const order: number[] = [];
    const held = async <T>(fn: () => T): Promise<T> => {
      const guard = await kind.holdAsync(lock);
      try {
        return fn();
      } finally {
        guard.release();
      }
    };
    const waiter = async (number: number, options: object = {}): Promise<boolean> => {
      const guard = await kind.holdAsync(lock);
      try {
        const notified = await condition.waitAsync(options);
        assert.is(guard.held, true);
        if (notified) order.push(number);
        return notified;
      } finally {
        guard.release();
      }
    };
    return { region, lock, condition, held, waiter, order };
  };
  const claim = (text: string, body: (bench: Bench) => unknown): void =>
    test(`${kind.title}, ${backend}: ${text}`, () => body(setUp()));

  claim("without the lock held every call is ERR_NOT_OWNER and changes nothing", async ({ condition, lock }) => {
    for (const call of [
      () => condition.wait(),
      () => condition.waitFor(() => true),
      () => condition.notify(),
      () => condition.notifyAll(),
    ]) {
      assert.is(codeOf(call), "ERR_NOT_OWNER");
    }
    assert.is((await rejected(condition.waitAsync())).code, "ERR_NOT_OWNER");
    assert.is((await rejected(condition.waitForAsync(() => true))).code, "ERR_NOT_OWNER");
    assert.is(lock.isHeldForWait(), false);
    assert.is(condition.waiters, 0);
  });

  claim("wait gives false on time-out, with the lock held again and the guard good", ({ condition, lock }) => {
    const guard = kind.hold(lock);
    assert.is(condition.wait({ timeout: 0 }), false);
    assert.is(condition.wait({ timeout: 3 }), false);
    assert.is(guard.held, true);
    assert.is(condition.waiters, 0);
    guard.release();
    assert.is(lock.isHeldForWait(), false);
  });

  claim("waitFor gives the predicate's last result", async ({ condition, lock }) => {
    const guard = kind.hold(lock);
    let calls = 0;
    assert.is(
      condition.waitFor(() => ++calls),
      1,
    );
    assert.is(
      condition.waitFor(() => 0, { timeout: 2 }),
      0,
    );
    assert.is(await condition.waitForAsync(async () => "yes"), "yes");
    assert.is(await condition.waitForAsync(() => undefined, { timeout: 2 }), undefined);
    assert.throws(
      () =>
        condition.waitFor(() => {
          throw new Error("mine");
        }),
      "mine",
    );
    assert.is(guard.held, true);
    guard.release();
  });

  claim("notify(n) chooses n, first in, first out, and says how many", async ({ condition, held, waiter, order }) => {
    const waits = [1, 2, 3, 4, 5].map((number) => waiter(number));
    await held(() => assert.is(condition.waiters, 5));
    assert.is(await held(() => condition.notify(0)), 0);
    assert.is(await held(() => condition.notify()), 1);
    await Promise.race(waits);
    assert.equal(order, [1]);
    assert.is(await held(() => condition.notify(2)), 2);
    await Promise.all([waits[1], waits[2]]);
    assert.equal(order, [1, 2, 3]);
    assert.is(await held(() => condition.notify(9)), 2);
    await Promise.all(waits);
    assert.equal(order, [1, 2, 3, 4, 5]);
    assert.is(await held(() => condition.notify()), 0);
  });

  claim("notifyAll wakes everyone who waits, nobody who comes later", async ({ condition, held, waiter }) => {
    const waits = [1, 2, 3].map((number) => waiter(number));
    assert.is(await held(() => condition.notifyAll()), 3);
    assert.equal(await Promise.all(waits), [true, true, true]);
    assert.is(await waiter(4, { timeout: 5 }), false);
  });

  claim("a wait that timed out or was aborted leaves no trace", async ({ condition, held, waiter, order }) => {
    const abort = new AbortController();
    const aborted = rejected(waiter(1, { signal: abort.signal }));
    const late = waiter(2, { timeout: 5 });
    const stays = waiter(3);
    assert.is(await late, false);
    abort.abort(new Error("enough"));
    assert.is((await aborted).message, "enough");
    assert.is(await held(() => condition.waiters), 1);
    assert.is(await held(() => condition.notify(5)), 1);
    assert.is(await stays, true);
    assert.equal(order, [3]);
  });

  claim(
    "an aborted wait that was notified already passes the signal on",
    async ({ condition, held, waiter, order }) => {
      const abort = new AbortController();
      const aborted = rejected(waiter(1, { signal: abort.signal }));
      const second = waiter(2);
      await held(() => {
        assert.is(condition.notify(), 1);
        abort.abort(new Error("enough"));
      });
      assert.is((await aborted).message, "enough");
      assert.is(await second, true);
      assert.equal(order, [2]);
    },
  );

  claim("an aborted signal is refused before the lock is given back", async ({ condition, lock }) => {
    const guard = kind.hold(lock);
    const reason = new Error("no");
    assert.is(await rejected(condition.waitAsync({ signal: AbortSignal.abort(reason) })), reason);
    assert.is(guard.held, true);
    guard.release();
  });

  claim("bad arguments change nothing", ({ condition, lock }) => {
    const guard = kind.hold(lock);
    assert.instance(
      thrown(() => condition.wait({ timeout: -1 })),
      RangeError,
    );
    assert.instance(
      thrown(() => condition.wait(5 as never)),
      TypeError,
    );
    assert.instance(
      thrown(() => condition.notify(-1)),
      RangeError,
    );
    assert.instance(
      thrown(() => condition.notify("1" as never)),
      TypeError,
    );
    assert.instance(
      thrown(() => new Condition({} as never)),
      TypeError,
    );
    assert.is(guard.held, true);
    guard.release();
  });

  claim(
    "a waiter that dies waiting, chosen or not, swallows no signal",
    async ({ region, condition, held, waiter, order }) => {
      // A waiter of another thread up to its sleep, from which it never returns.
      const deadWaiter = (): Region => {
        const other = anotherThread(region);
        const theirs = kind.named("lock", other);
        kind.hold(theirs);
        const table = condition.index + TABLE;
        publishNode(other.memory.words, table, takeNode(other, table), other.me);
        theirs.releaseForWait();
        return other;
      };
      const unchosen = deadWaiter();
      const chosen = deadWaiter();
      const waits = [1, 2, 3].map((number) => waiter(number));
      await held(() => assert.is(condition.waiters, 5));
      bury(unchosen);
      // The oldest is known to be dead, so the second is chosen: nobody knows yet that it will not come.
      const guard = await kind.holdAsync(condition.lock);
      assert.is(condition.notify(2), 2);
      bury(chosen);
      guard.release();
      await Promise.all([waits[0], waits[1]]);
      assert.equal(order, [1, 2]);
      assert.is(await held(() => condition.notify(9)), 1);
      await waits[2];
    },
  );

  claim(
    "its holder's death is told to a waiter that takes the lock again",
    async ({ region, condition, lock, held, waiter }) => {
      const other = anotherThread(region);
      const theirs = kind.named("lock", other);
      const first = waiter(1, { recover: (guard: HeldGuard) => void assert.is(guard.held, true) });
      const second = rejected(waiter(2));
      await held(() => assert.is(condition.waiters, 2));
      kind.hold(theirs);
      const their = Condition.from(condition.share(), theirs);
      assert.is(their.notify(), 1);
      bury(other);
      assert.is(await first, true);
      const third = anotherThread(region);
      const thirdLock = kind.named("lock", third);
      kind.hold(thirdLock);
      Condition.from(condition.share(), thirdLock).notify();
      bury(third);
      // Released unmarked by the waiter's finally: told, and then not recoverable.
      assert.is((await second).code, "ERR_OWNER_DIED");
      assert.is(lock.isLost(), true);
    },
  );

  claim("waiters learn that the lock is lost for good", async ({ region, lock, waiter }) => {
    const waits = [rejected(waiter(1)), rejected(waiter(2, { timeout: 60_000 }))];
    const other = anotherThread(region);
    const guard = await kind.holdAsync(lock);
    guard.release();
    kind.hold(kind.named("lock", other));
    bury(other);
    const failing = thrown(() => kind.hold(lock)) as never as { guard: HeldGuard };
    failing.guard.release();
    assert.equal(
      (await Promise.all(waits)).map(({ code }) => code),
      ["ERR_NOT_RECOVERABLE", "ERR_NOT_RECOVERABLE"],
    );
  });

  claim("too many waits are ERR_REGION_FULL, and the lock stays held", async ({ condition, lock, held }) => {
    const limit = 512;
    const guard = await kind.holdAsync(lock);
    guard.release();
    const waits: Promise<boolean>[] = [];
    for (let k = 0; k < limit; k++) {
      kind.hold(lock);
      waits.push(condition.waitAsync());
      assert.is(lock.isHeldForWait(), false);
    }
    const last = kind.hold(lock);
    assert.is(
      codeOf(() => condition.wait()),
      "ERR_REGION_FULL",
    );
    assert.is((await rejected(condition.waitAsync())).code, "ERR_REGION_FULL");
    assert.is(last.held, true);
    assert.is(condition.notifyAll(), limit);
    last.release();
    // Each has the lock when its wait ends.
    for (const wait of waits) assert.is(await wait.finally(() => lock.releaseForWait()), true);
    assert.is(await held(() => condition.notifyAll()), 0);
  });

  claim(
    "name, handle, text; another lock's condition is refused; free",
    async ({ region, lock, condition, held, waiter }) => {
      const named = Condition.named("filled", lock);
      assert.is(named.name, "filled");
      assert.is(named.region, region);
      const same = Condition.from(structuredClone(named.share()), lock);
      const wait = waiter(1);
      await held(() =>
        assert.is(
          codeOf(() => condition.free()),
          "ERR_IN_USE",
        ),
      );
      assert.match(condition.toString(), /Condition at \d+: of .*"lock", 1 waiting/);
      await held(() => condition.notify());
      await wait;
      const other = kind.named("other", region);
      assert.is(
        codeOf(() => Condition.named("filled", other)),
        "ERR_REGION_OPTIONS",
      );
      assert.is(
        codeOf(() => Condition.from(named.share(), other)),
        "ERR_REGION_OPTIONS",
      );
      same.free();
      kind.hold(lock);
      assert.is(
        codeOf(() => named.notify()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => named.wait()),
        "ERR_CLOSED",
      );
      assert.is(
        codeOf(() => Condition.from(same.share(), lock)),
        "ERR_CLOSED",
      );
      lock.releaseForWait();
    },
  );
}
