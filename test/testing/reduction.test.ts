// The reductions lose nothing: random small programs end in the same ways with them and without.
// A preemption bound turns most of them off, an invariant the others: with a bound that no run reaches, and an invariant that
// always holds, what is left is the plain search over all interleavings.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ExploreOptions, explore } from "../../src/testing/index.ts";
import { random } from "../../src/testing/sampler.ts";
import { view } from "./textbook.ts";

const test = suite("reductions");

type Words = Int32Array;
type Instruction = readonly [kind: number, cell: number, value: number];

const WORDS = 4;
const plainly: Partial<ExploreOptions<Words>> = { preemptions: 1e9, invariant: () => true };

function program(draw: () => number, length: number): Instruction[] {
  return Array.from({ length }, () => [Math.floor(draw() * 8), Math.floor(draw() * WORDS), Math.floor(draw() * 3)]);
}

function interpret(w: Words, code: readonly Instruction[]): number {
  let seen = 0;
  for (const [kind, cell, value] of code) {
    switch (kind) {
      case 0:
        seen = seen * 3 + Atomics.load(w, cell);
        break;
      case 1:
        Atomics.store(w, cell, value);
        break;
      case 2:
        seen = seen * 3 + Atomics.add(w, cell, value);
        break;
      case 3:
        seen = seen * 3 + Atomics.compareExchange(w, cell, value, value + 1);
        break;
      case 4:
        seen = seen * 3 + (Atomics.wait(w, cell, value, value === 2 ? 5 : Infinity) === "ok" ? 1 : 2);
        break;
      case 5:
        seen = seen * 3 + Atomics.notify(w, cell, value);
        break;
      case 6:
        seen = seen * 3 + performance.now();
        break;
      default:
        // A branch on what was seen, so that what is read matters to what is done.
        if (seen % 2 === 1) Atomics.store(w, (cell + 1) % WORDS, seen % 3);
    }
    seen %= 1000;
  }
  return seen;
}

async function ends(options: ExploreOptions<Words>): Promise<{ kind: string; ends: string; states: number }> {
  const found = new Set<string>();
  const result = await explore({
    ...options,
    final: (w, threads) => void found.add(`${w.join()} ${threads.map((t) => `${t.state} ${t.value}`).join()}`),
  });
  const kind = result.failure?.kind ?? "ok";
  return { kind, ends: kind === "ok" ? [...found].sort().join("\n") : "", states: result.states };
}

for (const [name, seed, threads, length, crashes] of [
  ["2 threads of 6 instructions", 100, 2, 6, 0],
  ["3 threads of 4 instructions", 200, 3, 4, 0],
  ["2 threads of 4 instructions, a death", 300, 2, 4, 1],
] as const) {
  test(`${name}: all ends are found with reductions, and no others`, async () => {
    let passing = 0;
    let fewer = 0;
    for (let i = 0; i < 60; i++) {
      const draw = random(seed + i);
      const codes = Array.from({ length: threads }, () => program(draw, length));
      const options: ExploreOptions<Words> = {
        memory: view(WORDS),
        crashes,
        slices: "allowed",
        plain: "ignore",
        ...(crashes > 0 && i % 2 === 0 ? { onCrash: (t, w) => void Atomics.store(w, t, 2) } : {}),
        threads: codes.map((code) => (w: Words) => interpret(w, code)),
      };
      const reduced = await ends(options);
      const whole = await ends({ ...options, ...plainly });
      assert.is(reduced.kind, whole.kind, `program ${seed + i}`);
      assert.is(reduced.ends, whole.ends, `program ${seed + i}`);
      if (reduced.kind === "ok") passing++;
      if (reduced.states < whole.states) fewer++;
    }
    assert.ok(passing > 5, `${passing} programs passed`);
    assert.ok(fewer > 5, `${fewer} programs had fewer states`);
  });
}

/** Some instructions are made under a lock, on plain words; now and then one is made without it. */
function guarded(w: Words, code: readonly Instruction[]): number {
  let seen = 0;
  for (const [kind, cell, value] of code) {
    const free = kind === 7 && cell === 3;
    if (kind < 3) seen += interpret(w, [[kind, cell, value]]);
    else if (free || Atomics.compareExchange(w, WORDS, 0, 1) === 0) {
      w[WORDS + 1] = w[WORDS + 1] * 2 + value;
      if (w[WORDS + 1] > 2) w[WORDS + 2] = seen + value;
      seen += w[WORDS + 2];
      if (!free) Atomics.store(w, WORDS, 0);
    }
    seen %= 100;
  }
  return seen;
}

for (const [crashes, bound] of [
  [0, {}],
  [1, {}],
  [1, { preemptions: 1e9 }],
] as const) {
  const how = `${crashes} deaths${"preemptions" in bound ? ", under a bound" : ""}`;
  test(`plain words under a lock, ${how}: all ends and all races are found`, async () => {
    const kinds = new Set<string>();
    let fewer = 0;
    for (let i = 0; i < 40; i++) {
      const draw = random(500 + i);
      const codes = Array.from({ length: 2 }, () => program(draw, 4));
      const options: ExploreOptions<Words> = {
        memory: view(WORDS + 3),
        crashes,
        threads: codes.map((code) => (w: Words) => guarded(w, code)),
      };
      const reduced = await ends({ ...options, ...bound });
      const whole = await ends({ ...options, ...plainly });
      assert.is(reduced.kind, whole.kind, `program ${500 + i}`);
      assert.is(reduced.ends, whole.ends, `program ${500 + i}`);
      kinds.add(reduced.kind);
      if (reduced.states < whole.states) fewer++;
    }
    assert.equal([...kinds].sort(), ["ok", "race"]);
    assert.ok(fewer > 20, `${fewer} programs had fewer states`);
  });
}

test("races of random programs are found with reductions if they are without", async () => {
  const kinds = new Set<string>();
  for (let i = 0; i < 80; i++) {
    const draw = random(900 + i);
    const codes = Array.from({ length: 2 }, () => program(draw, 4).filter(([kind]) => kind < 4));
    const options: ExploreOptions<Words> = {
      memory: view(WORDS + 1),
      threads: codes.map((code, me) => (w: Words) => {
        const seen = interpret(w, code);
        // Guarded by whatever the programs happen to agree on.
        if (seen % 2 === me) w[WORDS] = seen;
      }),
    };
    const reduced = (await explore(options)).failure?.kind ?? "ok";
    assert.is(reduced, (await explore({ ...options, ...plainly })).failure?.kind ?? "ok", `program ${900 + i}`);
    kinds.add(reduced);
  }
  assert.equal([...kinds].sort(), ["ok", "race"]);
});

test.run();
