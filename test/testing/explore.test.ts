// Claims about explore() on textbook protocols: the right ones pass whole, each wrong one fails as it must.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Body, check, type ExploreOptions, explore, ModelError } from "../../src/testing/index.ts";
import * as t from "./textbook.ts";

const test = suite("explore");

type Words = Int32Array;
type Lock = (w: Words, at: number) => void;

/** A critical section that counts in plain memory: any two owners at once race. */
const counting =
  (lock: Lock, unlock: Lock): Body<Words> =>
  (w) => {
    lock(w, 0);
    w[1] = w[1] + 1;
    unlock(w, 0);
  };

const several = (n: number, body: Body<Words>, rounds = 1) => Array.from({ length: n }, () => ({ body, rounds }));

const lockModel = (lock: Lock, unlock: Lock, threads: number, rounds: number): ExploreOptions<Words> => ({
  memory: t.view(2),
  names: ["word", "count"],
  threads: several(threads, counting(lock, unlock), rounds),
  final: (w) => assert.is(w[1], threads * rounds),
});

for (const [threads, rounds] of [
  [2, 1],
  [2, 2],
  [3, 1],
]) {
  test(`a three-state futex lock passes with ${threads} threads × ${rounds}`, async () => {
    const result = await check(lockModel(t.futexLock, t.futexUnlock, threads, rounds));
    assert.ok(result.exhaustive);
    assert.ok(result.schedules > 1);
  });

  test(`a spin lock passes with ${threads} threads × ${rounds}, and says that it assumed loops to be endless`, async () => {
    const result = await check(lockModel(t.spinLock, t.spinUnlock, threads, rounds));
    assert.ok(result.exhaustive);
    assert.ok(result.assumptions.length > 0);
  });
}

test("check, then set lets two owners in", async () => {
  const result = await explore(lockModel(t.checkThenSetLock, t.futexUnlock, 2, 1));
  assert.is(result.failure?.kind, "race");
  assert.match(result.failure?.message ?? "", /count/);
});

test("a lock that forgets its other waiters loses a wake-up with 3 threads, and not with 2", async () => {
  assert.ok((await explore(lockModel(t.forgetfulLock, t.futexUnlock, 2, 1))).ok);
  const { failure } = await explore(lockModel(t.forgetfulLock, t.futexUnlock, 3, 1));
  assert.is(failure?.kind, "deadlock");
});

test("what needs the end of a slice is a lost wake-up, also if the slice would cure it", async () => {
  const lock: Lock = (w, at) => {
    for (;;) {
      const v = Atomics.compareExchange(w, at, 0, 1);
      if (v === 0) return;
      if (v === 2 || Atomics.compareExchange(w, at, 1, 2) === 1) Atomics.wait(w, at, 2, 250);
    }
  };
  const model = lockModel(lock, t.futexUnlock, 3, 1);
  assert.is((await explore(model)).failure?.kind, "lost-wakeup");
  assert.ok((await explore({ ...model, slices: "allowed" })).ok);
});

const condition = (wait: (w: Words, lock: number, cell: number) => void, wake: (w: Words) => void) => ({
  memory: t.view(3),
  names: ["lock", "sequence", "flag"],
  threads: [
    (w: Words) => {
      t.futexLock(w, 0);
      while (w[2] === 0) wait(w, 0, 1);
      t.futexUnlock(w, 0);
    },
    (w: Words) => {
      t.futexLock(w, 0);
      w[2] = 1;
      t.futexUnlock(w, 0);
      wake(w);
    },
  ],
});

test("a condition variable with a sequence word passes", async () => {
  assert.ok((await check(condition(t.sequenceWait, (w) => t.sequenceNotify(w, 1)))).exhaustive);
});

test("a condition variable without a sequence word loses a wake-up", async () => {
  const { failure } = await explore(condition(t.bareWait, (w) => Atomics.notify(w, 1, 1)));
  assert.is(failure?.kind, "deadlock");
});

test("a sequence read after the unlock loses a wake-up", async () => {
  const { failure } = await explore(condition(t.lateSequenceWait, (w) => t.sequenceNotify(w, 1)));
  assert.is(failure?.kind, "deadlock");
});

const semaphore = (release: Lock): ExploreOptions<Words> => ({
  memory: t.view(1),
  names: ["permits"],
  threads: [(w) => t.acquire(w, 0), (w) => t.acquire(w, 0), { body: (w) => release(w, 0), rounds: 2 }],
});

test("a semaphore that always notifies passes", async () => {
  assert.ok((await check(semaphore(t.release))).exhaustive);
});

test("a semaphore that notifies only from zero strands a waiter", async () => {
  assert.is((await explore(semaphore(t.releaseFromZero))).failure?.kind, "deadlock");
});

const readersAndWriter = (readLock: Lock): ExploreOptions<Words> => ({
  memory: t.view(2),
  names: ["state", "data"],
  threads: [
    ...several(2, (w) => {
      readLock(w, 0);
      void w[1];
      t.readUnlock(w, 0);
    }),
    (w) => {
      t.writeLock(w, 0);
      w[1] = 1;
      t.writeUnlock(w, 0);
    },
  ],
});

test("a reader/writer lock by one compare-exchange passes", async () => {
  assert.ok((await check(readersAndWriter(t.readLock))).exhaustive);
});

test("a reader/writer lock that checks, then adds lets a reader in beside the writer", async () => {
  assert.is((await explore(readersAndWriter(t.readLockCheckThenAdd))).failure?.kind, "race");
});

// A death: the hook stands for the parent's exit event. Word 2 + t is 1 once thread t is known to be dead.

test("a lock whose owner is stored in a second word can't be taken over from who died in between", async () => {
  const { failure } = await explore<Words>({
    memory: t.view(4),
    names: ["held", "owner", "dead 0", "dead 1"],
    crashes: 1,
    onCrash: (thread, w) => {
      Atomics.store(w, 2 + thread, 1);
      Atomics.notify(w, 0);
    },
    threads: several(2, (w, { index }) => {
      while (Atomics.compareExchange(w, 0, 0, 1) !== 0) {
        const owner = Atomics.load(w, 1);
        if (owner !== 0 && Atomics.load(w, 1 + owner) === 1) {
          if (Atomics.compareExchange(w, 1, owner, index + 1) === owner) break;
        } else Atomics.wait(w, 0, 1);
      }
      Atomics.store(w, 1, index + 1);
      Atomics.store(w, 1, 0);
      Atomics.store(w, 0, 0);
      Atomics.notify(w, 0, 1);
    }),
  });
  assert.ok(failure !== undefined && ["deadlock", "livelock"].includes(failure.kind), failure?.message);
  assert.match(String(failure), /dies/);
});

test("the same lock with its owner in the word itself passes with a death at every step", async () => {
  const result = await check<Words>({
    memory: t.view(3),
    names: ["owner", "dead 0", "dead 1"],
    crashes: 1,
    onCrash: (thread, w) => {
      Atomics.store(w, 1 + thread, 1);
      Atomics.notify(w, 0);
    },
    threads: several(2, (w, { index }) => {
      for (;;) {
        const owner = Atomics.compareExchange(w, 0, 0, index + 1);
        if (owner === 0) break;
        if (Atomics.load(w, owner) === 1) {
          if (Atomics.compareExchange(w, 0, owner, index + 1) === owner) break;
        } else Atomics.wait(w, 0, owner, 250);
      }
      Atomics.store(w, 0, 0);
      Atomics.notify(w, 0, 1);
    }),
  });
  assert.ok(result.exhaustive);
});

// A gate that opens once; the opener wakes one waiter, and each waiter that comes through wakes the next.
const gate = (wake: number): ExploreOptions<Words> => ({
  memory: t.view(1, 1),
  names: ["shut"],
  crashes: 1,
  threads: [
    { body: (w) => (Atomics.store(w, 0, 0), Atomics.notify(w, 0, wake)), crash: false },
    ...several(2, (w) => {
      while (Atomics.load(w, 0) === 1) Atomics.wait(w, 0, 1);
      Atomics.notify(w, 0, 1);
    }),
  ],
});

test("a wake that notifies the dead is lost to the living", async () => {
  const { failure } = await explore(gate(1));
  assert.is(failure?.kind, "deadlock");
  assert.match(String(failure), /notify shut 1 → 1/);
  assert.match(String(failure), /dies/);
});

test("who wakes everyone need not care which of them are dead", async () => {
  assert.ok((await check(gate(Number.POSITIVE_INFINITY))).exhaustive);
});

test("a futex mutex that notifies the dead strands the next waiter", async () => {
  // The owner lives; the one waiter that it wakes dies before it can take the lock and pass the wake on.
  const { failure } = await explore<Words>({
    ...lockModel(t.futexLock, t.futexUnlock, 3, 1),
    final: undefined,
    crashes: 1,
    plain: "ignore",
  });
  assert.is(failure?.kind, "deadlock");
});

test("notify wakes exactly as many as it says, first come, first served", async () => {
  const order = new Set<string>();
  await check<Words>({
    memory: t.view(3),
    threads: [
      (w) => (Atomics.store(w, 1, 1), Atomics.wait(w, 0, 0)),
      (w) => {
        while (Atomics.load(w, 1) === 0);
        return Atomics.wait(w, 0, 0);
      },
      (w) => {
        const first = Atomics.notify(w, 0, 1);
        Atomics.store(w, 0, 1);
        return first + Atomics.notify(w, 0);
      },
    ],
    final: (_w, [, , waker]) => void order.add(String(waker.value)),
  });
  assert.equal([...order].sort(), ["0", "1", "2"]);
});

test("a deadline ends at any time, a time-out of 0 at once", async () => {
  const seen = new Set<string>();
  await check<Words>({
    memory: t.view(1),
    threads: [
      (w) => [Atomics.wait(w, 0, 0, 5), Atomics.wait(w, 0, 0, 0), Atomics.wait(w, 0, 9)].join(),
      (w) => Atomics.notify(w, 0),
    ],
    final: (_w, [waiter]) => void seen.add(String(waiter.value)),
  });
  assert.equal([...seen].sort(), ["ok,timed-out,not-equal", "timed-out,timed-out,not-equal"]);
});

test("a wait that timed out finds its deadline over", async () => {
  await check<Words>({
    memory: t.view(1),
    threads: [
      (w) => {
        const deadline = performance.now() + 5;
        if (Atomics.wait(w, 0, 0, 5) === "timed-out") assert.ok(performance.now() >= deadline);
      },
      (w) => Atomics.notify(w, 0),
    ],
  });
});

test("plain accesses that race are reported, or not if that is asked", async () => {
  const racing: ExploreOptions<Words> = {
    memory: t.view(1),
    names: ["data"],
    threads: [(w) => void (w[0] = 1), (w) => w[0]],
  };
  assert.is((await explore(racing)).failure?.kind, "race");
  assert.ok((await explore({ ...racing, plain: "ignore" })).ok);
});

test("a broken invariant and a wrong end are reported with what was thrown", async () => {
  const options: ExploreOptions<Words> = {
    memory: t.view(1),
    threads: several(2, (w) => void Atomics.store(w, 0, Atomics.load(w, 0) + 1)),
  };
  const inv = await explore({ ...options, invariant: (w) => w[0] < 2 });
  assert.is(inv.failure?.kind, "invariant");
  const end = await explore({ ...options, final: (w) => assert.is(w[0], 2) });
  assert.is(end.failure?.kind, "final");
});

test("a budget of states that cuts the search says so", async () => {
  const result = await explore({ ...lockModel(t.futexLock, t.futexUnlock, 3, 1), states: 500 });
  assert.ok(result.ok);
  assert.not(result.exhaustive);
  assert.match(result.cut ?? "", /500 states/);
});

test("a preemption bound finds what few switches can do, and says that it is a bound", async () => {
  const none = await explore({ ...lockModel(t.checkThenSetLock, t.futexUnlock, 2, 1), preemptions: 0 });
  assert.ok(none.ok);
  assert.not(none.exhaustive);
  const one = await explore({ ...lockModel(t.checkThenSetLock, t.futexUnlock, 2, 1), preemptions: 1 });
  assert.is(one.failure?.kind, "race");
});

for (const mode of ["random", "pct"] as const) {
  test(`${mode} schedules find the forgotten waiter, and one seed gives one result`, async () => {
    const options = { ...lockModel(t.forgetfulLock, t.futexUnlock, 3, 1), mode, schedules: 5000, seed: 3 };
    const one = await explore(options);
    const two = await explore(options);
    assert.is(one.failure?.kind, "deadlock");
    assert.is(one.failure?.schedule, two.failure?.schedule);
  });
}

test("a failing schedule can be run again, and one that can't happen is refused", async () => {
  const model = lockModel(t.forgetfulLock, t.futexUnlock, 3, 1);
  const { failure } = await explore(model);
  const again = await explore({ ...model, replay: failure?.schedule });
  assert.is(again.failure?.kind, failure?.kind);
  assert.is(again.failure?.steps.length, failure?.steps.length);
  for (const replay of ["0 0 x1", "zero"]) {
    try {
      await explore({ ...model, replay });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ModelError);
      assert.is((error as ModelError).code, "ERR_MODEL_SCHEDULE");
    }
  }
});

test("a failure prints one column per thread, and the shared words by their names", async () => {
  const { failure } = await explore({
    ...lockModel(t.bareWait.bind(null) as never, t.futexUnlock, 1, 1),
    names: [{ name: "word", show: (v) => ["FREE", "HELD", "WAITERS"][Number(v)] }, "count"],
    threads: [
      { name: "alice", body: (w) => (t.futexLock(w, 0), t.futexLock(w, 0)) },
      { name: "bob", body: (w) => Atomics.load(w, 1) },
    ],
    final: undefined,
  });
  const text = String(failure);
  assert.match(text, /deadlock: for ever: alice sleeps on word/);
  assert.match(text, /step │ alice +│ bob +│ shared words/);
  assert.match(text, /cas word FREE ⇒ HELD +│ +│ word=HELD/);
  assert.match(text, /exchange word WAITERS → HELD +│ +│ word=WAITERS/);
  assert.match(text, /The shortest failing schedule \(\d+ steps\); run it again with \{ replay: "[\d ]+" \}/);
});

test("the shortest failing schedule is printed", async () => {
  const { failure } = await explore<Words>({
    memory: t.view(1),
    threads: several(2, (w) => {
      for (let i = 0; i < 5; i++) Atomics.add(w, 0, 1);
    }),
    invariant: (w) => w[0] !== 3,
  });
  assert.ok(failure?.shortest);
  assert.is(failure?.steps.length, 4, "three steps, and the start");
});

test("three threads of a mutex are searched at more than 100,000 transitions a second", async () => {
  const result = await check({ ...lockModel(t.futexLock, t.futexUnlock, 3, 2), states: 400_000 });
  console.log(`  ${result.transitionsPerSecond.toLocaleString("en")} transitions a second (target 100,000)`);
  assert.ok(result.transitions > 400_000);
});

test("after an exploration all globals are what they were", async () => {
  const before = [Atomics, Date, Math.random, setTimeout, Int32Array, performance.now];
  const ownNow = Object.hasOwn(performance, "now");
  await explore(lockModel(t.checkThenSetLock, t.futexUnlock, 2, 1));
  assert.equal(before, [Atomics, Date, Math.random, setTimeout, Int32Array, performance.now]);
  assert.is(Object.hasOwn(performance, "now"), ownNow);
});

test.run();
