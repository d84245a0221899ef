// Claims about checkpoint() and scope(): they lose no end of any run, they need fewer states, and a body that remembers more
// than it says is refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkpoint, type ExploreOptions, explore, ModelError, scope } from "../../src/testing/index.ts";
import { random } from "../../src/testing/sampler.ts";
import { view } from "./textbook.ts";

const test = suite("checkpoints");

type Words = Int32Array;
type Instruction = readonly [kind: number, cell: number, value: number];

const WORDS = 3;

function program(draw: () => number, length: number): Instruction[] {
  return Array.from({ length }, () => [Math.floor(draw() * 6), Math.floor(draw() * WORDS), Math.floor(draw() * 3)]);
}

/** One instruction: what it returns depends on what it saw, but on less than all of it. */
function perform(w: Words, [kind, cell, value]: Instruction): number {
  switch (kind) {
    case 0:
      return Atomics.load(w, cell) & 1;
    case 1:
      Atomics.store(w, cell, value);
      return 0;
    case 2:
      return Atomics.add(w, cell, value) & 1;
    case 3: {
      // Tries until it got through, at most three times.
      for (let i = 0; i < 3; i++) {
        const seen = Atomics.load(w, cell);
        if (Atomics.compareExchange(w, cell, seen, seen ^ 1) === seen) return 1;
      }
      return 0;
    }
    case 4:
      return Atomics.wait(w, cell, value, value === 2 ? 5 : Number.POSITIVE_INFINITY) === "ok" ? 1 : 0;
    default:
      return Atomics.notify(w, cell, value) > 0 ? 1 : 0;
  }
}

const tellers = {
  nothing: (w: Words, code: readonly Instruction[]): number =>
    code.reduce((seen, instruction) => (seen * 2 + perform(w, instruction)) % 5, 0),
  checkpoints: (w: Words, code: readonly Instruction[]): number =>
    code.reduce((seen, instruction, i) => {
      checkpoint(i, seen);
      return (seen * 2 + perform(w, instruction)) % 5;
    }, 0),
  scopes: (w: Words, code: readonly Instruction[]): number =>
    code.reduce((seen, instruction) => (seen * 2 + scope(() => perform(w, instruction))) % 5, 0),
  /** Keeps to itself what it has seen, and lets it out at the end. */
  lies: (w: Words, code: readonly Instruction[]): number =>
    code.reduce((seen, instruction, i) => {
      checkpoint(i);
      return (seen * 2 + perform(w, instruction)) % 5;
    }, 0),
} as const;

async function ends(
  tell: keyof typeof tellers,
  codes: readonly (readonly Instruction[])[],
  more: Partial<ExploreOptions<Words>>,
): Promise<{ kind: string; ends: string; states: number }> {
  const found = new Set<string>();
  const result = await explore({
    memory: view(WORDS),
    slices: "allowed",
    threads: codes.map((code) => (w: Words) => tellers[tell](w, code)),
    ...more,
    final: (w, threads) => void found.add(`${w.join()} ${threads.map((t) => `${t.state} ${t.value}`).join()}`),
  });
  const kind = result.failure?.kind ?? "ok";
  return { kind, ends: kind === "ok" ? [...found].sort().join("\n") : "", states: result.states };
}

for (const [name, seed, threads, length, more] of [
  ["2 threads of 5 instructions", 100, 2, 5, {}],
  ["3 threads of 3 instructions", 200, 3, 3, {}],
  ["2 threads of 3 instructions, a death", 300, 2, 3, { crashes: 1 }],
  ["2 threads of 4 instructions, under a bound", 400, 2, 4, { preemptions: 2 }],
] as const) {
  test(`${name}: all ends are found with checkpoints and with scopes, and no others`, async () => {
    const fewer = { checkpoints: 0, scopes: 0 };
    let passing = 0;
    for (let i = 0; i < 15; i++) {
      const draw = random(seed + i);
      const codes = Array.from({ length: threads }, () => program(draw, length));
      const plain = await ends("nothing", codes, more);
      if (plain.kind === "ok") passing++;
      for (const tell of ["checkpoints", "scopes"] as const) {
        const told = await ends(tell, codes, more);
        assert.is(told.kind, plain.kind, `program ${seed + i}, ${tell}`);
        assert.is(told.ends, plain.ends, `program ${seed + i}, ${tell}`);
        if (told.kind === "ok" && told.states < plain.states) fewer[tell]++;
      }
    }
    assert.ok(passing > 5, `${passing} programs passed`);
    assert.ok(fewer.checkpoints > 1 && fewer.scopes > 1, `fewer states: ${JSON.stringify(fewer)}`);
  });
}

async function refused(run: () => Promise<unknown>, what: string): Promise<void> {
  try {
    await run();
    assert.unreachable(what);
  } catch (error) {
    assert.instance(error, ModelError, what);
    assert.is((error as ModelError).code, "ERR_MODEL_NONDETERMINISTIC", what);
    assert.match((error as ModelError).message, /remembers more than it said/, what);
  }
}

const liars: Readonly<Record<string, (w: Words) => unknown>> = {
  "a value that is not named": (w) => {
    const seen = Atomics.load(w, 0);
    checkpoint("looked");
    Atomics.load(w, 1);
    return Atomics.add(w, 2, seen);
  },
  "a variable that a scope leaves behind": (w) => {
    let seen = 0;
    scope(() => {
      seen = Atomics.load(w, 0);
    });
    Atomics.load(w, 1);
    return Atomics.add(w, 2, seen);
  },
  "a counter of rounds": (w) => {
    for (let i = 0; i < 4; i++) {
      checkpoint("again");
      if (Atomics.load(w, 0) !== 0) return i;
    }
    return Atomics.add(w, 2, 1);
  },
  "what lives on over several checkpoints": (w) => {
    const seen = Atomics.load(w, 0);
    for (const place of [1, 2, 3]) {
      checkpoint(place);
      Atomics.load(w, 1);
    }
    return seen;
  },
  "two places that go by one name": (w) => {
    if (Atomics.load(w, 0) === 0) {
      checkpoint("here");
      Atomics.load(w, 1);
      return "early";
    }
    checkpoint("here");
    Atomics.load(w, 1);
    return "late";
  },
};

for (const [what, body] of Object.entries(liars)) {
  test(`a body that remembers more than it says is refused: ${what}`, async () => {
    const options = { memory: view(3), threads: [body, (w: Words) => Atomics.store(w, 0, 7)] };
    await refused(() => explore(options), what);
    await refused(() => explore({ ...options, mode: "random", schedules: 200 }), `${what}, at random`);
    const whole = await explore({ ...options, checkpoints: "ignore" });
    assert.ok(whole.exhaustive, `${what}, not believed`);
  });
}

test("no lie passes with other ends than the truth: 40 programs", async () => {
  let caught = 0;
  let harmless = 0;
  for (let i = 0; i < 40; i++) {
    const draw = random(500 + i);
    const codes = [program(draw, 4), program(draw, 4)];
    const truth = await ends("nothing", codes, {});
    try {
      const told = await ends("lies", codes, {});
      assert.equal([told.kind, told.ends], [truth.kind, truth.ends], `program ${500 + i}`);
      harmless++;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      assert.is(error.code, "ERR_MODEL_NONDETERMINISTIC");
      caught++;
    }
  }
  assert.ok(caught > 5 && harmless > 5, `${caught} refused, ${harmless} harmless`);
});

test("checkpoints that are ignored change nothing", async () => {
  const codes = [program(random(3), 4), program(random(4), 4)];
  assert.equal(await ends("checkpoints", codes, { checkpoints: "ignore" }), await ends("nothing", codes, {}));
});

test("a loop that comes back to its checkpoint is a livelock if nothing else ever happens", async () => {
  const result = await explore({
    memory: view(2),
    threads: [
      (w: Words) => {
        while (Atomics.load(w, 0) === 0) checkpoint("again");
      },
      (w: Words) => void Atomics.store(w, 1, 1),
    ],
  });
  assert.is(result.failure?.kind, "livelock");
  const polite = await explore({
    memory: view(2),
    threads: [
      (w: Words) => {
        while (Atomics.load(w, 0) === 0) checkpoint("again");
      },
      (w: Words) => void Atomics.store(w, 0, 1),
    ],
  });
  assert.is(polite.failure, undefined);
});

test("a wait in slices that goes round is no livelock, and the thread that it waits for is not forgotten", async () => {
  const result = await explore({
    memory: view(1),
    slices: "allowed",
    threads: [
      (w: Words) => {
        for (;;) {
          checkpoint("round");
          if (Atomics.load(w, 0) !== 0) return "seen";
          Atomics.wait(w, 0, 0, 250);
        }
      },
      (w: Words) => void Atomics.store(w, 0, 1),
    ],
    final: (_w, threads) => threads[0].value === "seen",
  });
  assert.is(result.failure, undefined);
  assert.ok(result.exhaustive);
});

test("only primitive values, and nothing happens outside an exploration", async () => {
  checkpoint(1, "two");
  assert.is(
    scope(() => 3),
    3,
  );
  const result = await explore({
    memory: view(1),
    threads: [(w: Words) => (Atomics.load(w, 0), checkpoint({} as never))],
  });
  assert.is(result.failure?.kind, "exception");
  assert.match(result.failure?.message ?? "", /primitive/);
});

test.run();
