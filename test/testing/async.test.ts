// Claims about async bodies: promises, waitAsync and timers are part of the search.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Body, check, explore, type ModelError } from "../../src/testing/index.ts";
import { futexLock, futexUnlock, view } from "./textbook.ts";

const test = suite("async bodies");

type Words = Int32Array;

async function lockAsync(w: Words): Promise<void> {
  if (Atomics.compareExchange(w, 0, 0, 1) === 0) return;
  while (Atomics.exchange(w, 0, 2) !== 0) {
    const armed = Atomics.waitAsync(w, 0, 2);
    if (armed.async) await armed.value;
  }
}

const counting: Body<Words> = async (w) => {
  await lockAsync(w);
  w[1] = w[1] + 1;
  futexUnlock(w, 0);
};

const blocking: Body<Words> = (w) => {
  futexLock(w, 0);
  w[1] = w[1] + 1;
  futexUnlock(w, 0);
};

test("an async lock and a blocking one exclude each other, in every interleaving", async () => {
  const result = await check<Words>({
    memory: view(2),
    names: ["word", "count"],
    threads: [
      { body: counting, rounds: 2 },
      { body: blocking, rounds: 2 },
    ],
    final: (w) => assert.is(w[1], 4),
  });
  assert.ok(result.exhaustive);
});

test("two tasks of one thread interleave only where they await", async () => {
  const seen = new Set<string>();
  await check<Words>({
    memory: view(2),
    threads: [
      async (w) => {
        const order: string[] = [];
        const task = async (name: string): Promise<void> => {
          order.push(`${name} in`);
          await lockAsync(w);
          order.push(name);
          futexUnlock(w, 0);
        };
        await Promise.all([task("a"), task("b")]);
        return order.join();
      },
      blocking,
    ],
    final: (_w, [tasks]) => void seen.add(String(tasks.value)),
  });
  assert.ok([...seen].every((order) => order.startsWith("a in,b in")));
  assert.ok(seen.has("a in,b in,a,b"));
});

test("an async waiter sits in the same queue as the blocking ones: a wake that it takes is taken from them", async () => {
  // The classic mistake: sync and async waiters share a wake token, and the async one then blocks elsewhere.
  const { failure } = await explore<Words>({
    memory: view(3),
    names: ["cell", "elsewhere", "done"],
    threads: [
      async (w) => {
        const armed = Atomics.waitAsync(w, 0, 0);
        // The one wake goes to this event loop, which can't pass it on before what only thread 1 ends has ended.
        Atomics.wait(w, 1, 0);
        if (armed.async) await armed.value;
        Atomics.notify(w, 0);
      },
      (w) => {
        Atomics.wait(w, 0, 0);
        Atomics.store(w, 1, 1);
        Atomics.notify(w, 1);
      },
      (w) => Atomics.notify(w, 0, 1),
    ],
  });
  assert.is(failure?.kind, "deadlock");
});

test("waitAsync answers at once where it must, and times out", async () => {
  const seen = new Set<string>();
  await check<Words>({
    memory: view(1),
    threads: [
      async (w) => {
        const unequal = Atomics.waitAsync(w, 0, 5);
        const zero = Atomics.waitAsync(w, 0, Atomics.load(w, 0), 0);
        const timed = Atomics.waitAsync(w, 0, 0, 10);
        const value = timed.async ? await timed.value : timed.value;
        return [unequal.value, zero.value, value].join();
      },
      (w) => Atomics.notify(w, 0),
    ],
    final: (_w, [t]) => void seen.add(String(t.value)),
  });
  assert.equal([...seen].sort(), ["not-equal,timed-out,ok", "not-equal,timed-out,timed-out"]);
});

test("timers fire at any time, never after they were cleared, and pass the time", async () => {
  const seen = new Set<string>();
  await check<Words>({
    memory: view(1),
    threads: [
      async (w) => {
        const start = performance.now();
        const cleared = setTimeout(() => Atomics.store(w, 0, 99), 5);
        clearTimeout(cleared);
        await new Promise((resolve) => setTimeout(resolve, 10));
        assert.ok(performance.now() - start >= 10);
        return Atomics.load(w, 0);
      },
      (w) => Atomics.store(w, 0, 1),
    ],
    final: (_w, [t]) => void seen.add(String(t.value)),
  });
  assert.equal([...seen].sort(), ["0", "1"]);
});

test("a promise that is settled at once by an aborted signal is searched as well", async () => {
  const seen = new Set<string>();
  await check<Words>({
    memory: view(2),
    threads: [
      async (w) => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(new Error("aborted")), 5);
        const armed = Atomics.waitAsync(w, 0, 0);
        const aborted = new Promise<string>((resolve) => {
          controller.signal.addEventListener("abort", () => resolve("aborted"));
        });
        return armed.async ? Promise.race([armed.value, aborted]) : armed.value;
      },
      (w) => {
        Atomics.store(w, 0, 1);
        Atomics.notify(w, 0);
      },
    ],
    final: (_w, [t]) => void seen.add(String(t.value)),
  });
  assert.equal([...seen].sort(), ["aborted", "not-equal", "ok"]);
});

test("a rejected body is an exception", async () => {
  const { failure } = await explore<Words>({
    memory: view(1),
    threads: [
      async (w) => {
        Atomics.load(w, 0);
        await Promise.resolve();
        throw new Error("from the task");
      },
    ],
  });
  assert.is(failure?.kind, "exception");
  assert.match(failure?.message ?? "", /from the task/);
});

test("a death takes the event loop along: its waits are gone, a wake that chose it is lost", async () => {
  const counts = new Set<number>();
  await check<Words>({
    memory: view(1),
    crashes: 1,
    threads: [
      async (w) => {
        const armed = Atomics.waitAsync(w, 0, 0, 10);
        if (armed.async) await armed.value;
      },
      { body: (w) => Atomics.notify(w, 0), crash: false },
    ],
    final: (_w, [, waker]) => void counts.add(waker.value as number),
  });
  assert.equal([...counts].sort(), [0, 1]);
});

test("an async body that keeps state outside the memory is refused", async () => {
  let calls = 0;
  try {
    await explore<Words>({
      memory: view(1),
      threads: [
        async (w) => {
          await Promise.resolve();
          if (calls++ % 2 === 1) Atomics.load(w, 0);
          Atomics.store(w, 0, 1);
        },
      ],
    });
    assert.unreachable();
  } catch (error) {
    assert.is((error as ModelError).code, "ERR_MODEL_NONDETERMINISTIC");
  }
});

test.run();
