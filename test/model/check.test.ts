// watchdog: 900s
// The short form of check:model: the small models of every protocol, and all mutants. The long form has all models.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isLong } from "../support/effort.ts";
import { listCases, type Outcome } from "./cases.ts";
import { loadLibrary } from "./library.ts";
import { runCases } from "./pool.ts";
import { protocols } from "./protocols.ts";

const test = suite("check:model");

test("no interleaving of a model fails, and every mutant is caught", async () => {
  const cases = await listCases(!isLong);
  const bad: string[] = [];
  const models: (Outcome & { protocol: string })[] = [];
  await runCases(cases, (what, outcome) => {
    if (what.kind === "model") models.push({ ...outcome, protocol: what.protocol });
    if (!outcome.ok || !outcome.exhaustive) {
      bad.push(`${what.protocol}, ${what.kind} ${what.name}: ${outcome.failure ?? outcome.extent}`);
    }
  });
  assert.equal(bad, []);
  for (const { name, mutants } of protocols) {
    const mine = models.filter((m) => m.protocol === name);
    assert.ok(
      mine.some((m) => m.crashes > 0),
      `${name}: no model with a death`,
    );
    assert.ok(mutants.length >= 3, `${name}: too few mutants`);
  }
  const sum = (pick: (o: Outcome) => number): string => models.reduce((n, o) => n + pick(o), 0).toLocaleString("en");
  console.log(`  ${sum((o) => o.states)} states, ${sum((o) => o.transitions)} transitions`);
});

test("a patch that does not fit exactly once is an error", async () => {
  for (const find of ["words", "no such text"]) {
    try {
      await loadLibrary([{ file: "protocols/mutex.js", find, replace: "" }]);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, /fits \d+ times, not once/);
    }
  }
});

test("a case that cannot run is one failed case that says why, and the others go on", async () => {
  const good = { protocol: "once", kind: "model", name: (await listCases(true, "once"))[0].name } as const;
  const found: Record<string, Outcome> = {};
  const cases = [{ protocol: "mutex", kind: "model", name: "no such model" }, good] as const;
  await runCases(cases, (what, outcome) => (found[what.name] = outcome), { jobs: 1 });
  assert.match(found["no such model"].failure ?? "", /no model is named/);
  assert.is(found["no such model"].ok || found["no such model"].exhaustive, false);
  assert.is(found[good.name].ok, true);
});

test.run();
