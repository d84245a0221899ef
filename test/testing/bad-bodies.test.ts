// Bodies that can't be checked: an error that says which and at which step, never a wrong "passed".
import * as assert from "uvu/assert";
import { type Body, type ExploreOptions, explore, ModelError } from "../../src/testing/index.ts";
import { suite } from "../support/suite.ts";
import { view } from "./textbook.ts";

const test = suite("bodies that can't be checked");

type Words = Int32Array;

async function refused(
  code: string,
  step: number | undefined,
  threads: readonly Body<Words>[],
  more: Partial<ExploreOptions<Words>> = {},
): Promise<ModelError> {
  let result: unknown;
  try {
    result = await explore({ memory: view(2), threads, ...more });
  } catch (error) {
    assert.instance(error, ModelError, String((error as Error).stack));
    const e = error as ModelError;
    assert.is(e.code, code, e.message);
    assert.match(e.message, /thread \d/);
    if (step !== undefined) assert.is(e.step, step, e.message);
    return e;
  }
  assert.unreachable(`passed: ${JSON.stringify(result)}`);
  throw new Error();
}

test("a counter outside the memory", async () => {
  let calls = 0;
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [
    (w) => {
      Atomics.load(w, 0);
      calls++;
    },
  ]);
  assert.ok(calls > 0);
});

test("a counter hidden in an object", async () => {
  const hidden = { calls: 0 };
  await refused("ERR_MODEL_NONDETERMINISTIC", undefined, [
    (w) => {
      Atomics.load(w, 0);
      if (hidden.calls++ % 3 === 2) Atomics.load(w, 1);
    },
  ]);
});

test("a lock kept in a variable", async () => {
  let locked = false;
  await refused("ERR_MODEL_NONDETERMINISTIC", undefined, [
    (w) => {
      if (locked) return;
      locked = true;
      Atomics.add(w, 0, 1);
      locked = false;
    },
  ]);
});

test("a flag that one body sets and another reads", async () => {
  let ready = false;
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [
    (w) => {
      Atomics.store(w, 0, 1);
      ready = true;
    },
    (w) => {
      Atomics.load(w, 0);
      return ready;
    },
  ]);
});

test("a flag, the other way round", async () => {
  let ready = false;
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [
    (w) => {
      Atomics.load(w, 0);
      return ready;
    },
    (w) => {
      Atomics.store(w, 0, 1);
      ready = true;
    },
  ]);
});

test("a list that bodies add to", async () => {
  const order: number[] = [];
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [(w) => (Atomics.load(w, 0), void order.push(1))]);
});

test("Math.random, also if the error is swallowed", async () => {
  await refused("ERR_MODEL_RANDOMNESS", 1, [
    (w) => {
      Atomics.load(w, 0);
      try {
        Atomics.store(w, 0, Math.random() > 0.5 ? 1 : 0);
      } catch {
        // Whatever it was, the body goes on.
      }
    },
  ]);
});

test("crypto.getRandomValues and randomUUID", async () => {
  await refused("ERR_MODEL_RANDOMNESS", 0, [() => crypto.getRandomValues(new Uint8Array(1))]);
  await refused("ERR_MODEL_RANDOMNESS", 0, [() => crypto.randomUUID()]);
});

test("the real time, by process.hrtime", async () => {
  await refused("ERR_MODEL_REAL_TIME", 1, [(w) => (Atomics.load(w, 0), process.hrtime.bigint())]);
});

test("performance.now, Date.now and new Date are the injected clock", async () => {
  const result = await explore({
    memory: view(1),
    threads: [
      () => {
        const times = [performance.now(), Date.now(), new Date().getTime(), performance.now()];
        if (new Set(times).size !== 1) throw new Error(times.join());
      },
    ],
  });
  assert.ok(result.ok, String(result.failure));
});

test("a body that computes for ever", async () => {
  const error = await refused(
    "ERR_MODEL_ENDLESS",
    1,
    [
      () => undefined,
      (w) => {
        Atomics.load(w, 0);
        for (;;);
      },
    ],
    { watchdogMs: 500 },
  );
  assert.match(error.message, /thread 1, after its step 1/);
});

for (const [how, spin] of [
  [
    "computes for ever after an await",
    async () => {
      await undefined;
      for (;;);
    },
  ],
  [
    "awaits for ever what is settled",
    async () => {
      for (;;) await undefined;
    },
  ],
] as const) {
  test(`an async body that ${how}; and the next exploration goes on as if nothing had been`, async () => {
    const { Atomics: real } = globalThis;
    const error = await refused(
      "ERR_MODEL_ENDLESS",
      1,
      [
        () => undefined,
        async (w) => {
          Atomics.load(w, 0);
          await spin();
        },
      ],
      { watchdogMs: 500 },
    );
    assert.match(error.message, /thread 1, after its step 1: .* after an await/);
    assert.is(globalThis.Atomics, real);
    const task: Body<Words> = async (w) => {
      await undefined;
      Atomics.add(w, 0, 1);
    };
    const result = await explore<Words>({ memory: view(1), threads: [task, task], final: (w) => w[0] === 2 });
    assert.ok(result.ok && result.exhaustive);
  });
}

test("a body that never stops to make operations", async () => {
  await refused("ERR_MODEL_ENDLESS", undefined, [
    (w) => {
      for (;;) Atomics.add(w, 0, 1);
    },
  ]);
});

test("a body that swallows its suspension and goes on for ever", async () => {
  await refused(
    "ERR_MODEL_ENDLESS",
    undefined,
    [
      (w) => {
        for (;;) {
          try {
            Atomics.load(w, 0);
          } catch {
            // As code with a too general catch does.
          }
        }
      },
    ],
    { watchdogMs: 500 },
  );
});

test("an endless loop that changes nothing is no pass", async () => {
  const result = await explore<Words>({
    memory: view(1),
    threads: [
      (w) => {
        for (;;) Atomics.load(w, 0);
      },
    ],
  });
  assert.is(result.failure?.kind, "livelock");
});

test("shared memory that is not the model's", async () => {
  const own = new Int32Array(new SharedArrayBuffer(4));
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [(w) => (Atomics.load(w, 0), Atomics.add(own, 0, 1))]);
});

test("shared memory written past the views", async () => {
  await refused("ERR_MODEL_FOREIGN_STATE", 1, [
    (w) => {
      Atomics.load(w, 0);
      Buffer.from(w.buffer as SharedArrayBuffer)[0] = 1;
    },
  ]);
});

test("a view of one body that is used in another", async () => {
  const kept: { view?: Words } = {};
  const result = explore<Words>({
    memory: view(1),
    threads: [
      (w) => {
        kept.view ??= w;
        Atomics.load(w, 0);
      },
    ],
    final: () => void Atomics.load(kept.view as Words, 0),
  });
  // Outside bodies the view shows nothing of the model: the real Atomics refuses it.
  assert.is((await result).failure?.kind, "final");
});

test("a body that awaits something which nothing in the model settles", async () => {
  const result = await explore<Words>({
    memory: view(1),
    threads: [
      async (w) => {
        await new Promise(() => undefined);
        Atomics.load(w, 0);
      },
    ],
  });
  assert.is(result.failure?.kind, "deadlock");
  assert.match(result.failure?.message ?? "", /nothing in the model settles/);
});

test("memory that is not shared, and numbers that make no sense", async () => {
  const rejects = async (options: ExploreOptions<Words>, type: new (...args: never[]) => Error): Promise<void> => {
    try {
      await explore(options);
    } catch (error) {
      assert.instance(error, type);
      return;
    }
    assert.unreachable();
  };
  await rejects({ memory: new Int32Array(1), threads: [() => undefined] }, TypeError);
  await rejects({ memory: view(1), threads: [] }, RangeError);
  await rejects({ memory: view(1), threads: [() => undefined], crashes: -1 }, RangeError);
  await rejects({ memory: view(1), threads: [() => undefined], preemptions: Number.NaN }, RangeError);
});

test.run();
