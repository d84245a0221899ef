// Checkpoints that are put in by reading the code (live.ts): they name what is alive, and lose no end of any run.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { explore } from "../../src/testing/explore.ts";
import { sharedLibrary } from "./library.ts";
import { tellLive } from "./live.ts";
import { needsOf } from "./model.ts";
import { protocols } from "./protocols.ts";

const test = suite("live variables");

/** What is named at the statements of a function, in their order. */
function told(code: string, objects: Record<string, string> = {}): string[] {
  const text = tellLive(`function f(words, a) {\n${code}\n}`, (name) => name === "f", objects);
  return [...text.matchAll(/its\.atLoop\("[^"]*", \[([^\]]*)\], \[([^\]]*)\]\)/g)].map(([, names, also]) =>
    [names, also].filter((part) => part !== "").join(" | "),
  );
}

test("a variable is named as long as it is read before it is written anew", () => {
  assert.equal(told("const x = g(words); if (x > a) return 1; return g(words);"), [
    "words, a",
    "words, a, x",
    "",
    "words",
  ]);
  assert.equal(told("let x = g(a); x = g(words); return x;"), ["words, a", "words", "x"]);
});

test("what a loop needs in its next round is alive in it, and what leaves it is not", () => {
  assert.equal(
    told("let n = 0; for (;;) { const x = g(words); if (x < n) break; if (x === a) continue; n = x; } return n;"),
    ["words, a", "words, a, n", "words, a, n", "words, a, n, x", "words, a, n, x", "words, a, x", "n"],
  );
  assert.equal(told("while (g(words) < a) { g(words); } for (let i = 0; i < a; i++) g(i);"), [
    "words, a",
    "words, a",
    "a",
    "a, i",
  ]);
});

test("all is alive that functions within the function name, and in statements of other kinds", () => {
  assert.equal(
    told("const h = () => a; g(words); return 1;"),
    ["words, a", "words, a, h", "a, h"].map((names) => names.replace(", h", "")),
  );
  assert.equal(told("try { g(words); } finally { g(a); } return 1;"), ["words, a", ""]);
  assert.equal(told("g(words);", { a: "a.state" }), ["words | a.state"]);
});

test("two variables of one name, one within the block of the other, are refused", () => {
  assert.throws(() => told("const x = 1; { const x = 2; g(x); } return x;"), /two variables x/);
});

test("a method becomes a scope, and tells what its object remembers", () => {
  const code = "class C extends B {\n  async one(a) { await g(a); }\n  #two(a, b) { const x = g(a); return x; }\n}";
  const told = { inside: "this.remembered()", after: "this.remembered(), this.cell" };
  assert.is(
    tellLive(code, () => true, { b: "b.state" }, { "C.#two": told }),
    code
      .replace("{ const", "{ return its.inScope(() => { @0 const")
      .replace("return x; }", "@15 return x; }, () => [this.remembered(), this.cell, b.state]); }")
      .replace("@0", 'if (its.listens()) its.atLoop("C.#two 9", [a], [b.state, this.remembered()]);')
      .replace("@15", 'if (its.listens()) its.atLoop("C.#two 25", [x], [b.state, this.remembered()]);'),
  );
  assert.throws(() => tellLive(code, () => true, {}, { "C.three": told }), /no method C\.three/);
});

for (const [protocol, name] of [
  ["rw-lock", "rw: 2 writers"],
  ["rw-lock", "rw: 2 writers, a death"],
  ["unheard", "unheard: once: 2 threads × 2, a death"],
  ["semaphore", "semaphore: one wants two permits, one wants one"],
  ["barrier", "barrier: 2 threads with a time-out"],
] as const) {
  test(`${name}: the ends are the same, and so many, as if nothing was told`, async () => {
    const chosen = protocols.find((p) => p.name === protocol);
    assert.ok(chosen);
    const model = chosen.models(await sharedLibrary(needsOf(chosen))).find((m) => m.name === name);
    assert.ok(model);
    const search = async (checkpoints: "use" | "ignore"): Promise<{ ends: string; states: number }> => {
      const ends = new Set<string>();
      const final = (words: Int32Array, threads: readonly { state: string; value: unknown }[]): void => {
        model.options.final?.(words, threads as never);
        ends.add(`${words.join()} ${threads.map(({ state, value }) => `${state} ${String(value)}`).join()}`);
      };
      const more = checkpoints === "ignore" ? { checkpoints } : {};
      const result = await explore({ watchdogMs: 120_000, ...model.options, ...more, final, livelocks: "ignore" });
      assert.is(result.failure, undefined);
      assert.is(result.exhaustive, true);
      return { ends: [...ends].sort().join("\n"), states: result.states };
    };
    const plain = await search("ignore");
    const fewer = await search("use");
    assert.is(fewer.ends, plain.ends);
    assert.ok(fewer.states < plain.states, `${fewer.states} states, ${plain.states} without`);
  });
}

test.run();
