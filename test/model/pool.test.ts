// Claims about the pool of processes: a case whose process ends, is killed, throws or takes too long has failed and says
// why, and the cases behind it are run all the same, in a new process.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Case, Outcome } from "./cases.ts";
import { runCases } from "./pool.ts";

const test = suite("pool of processes");

const program = new URL("./pool-victim.js", import.meta.url);

async function run(names: readonly string[], limit?: number): Promise<Map<string, Outcome>> {
  const found = new Map<string, Outcome>();
  const cases: Case[] = names.map((name) => ({ protocol: "none", kind: "model", name }));
  await runCases(cases, ({ name }, outcome) => found.set(name, outcome), { jobs: 1, limit, program });
  return found;
}

for (const [name, why] of [
  ["exits", /its process ended \(exit code 3\)/],
  ["is killed", /its process ended \(SIGKILL\)/],
  ["throws", /it threw/],
] as const) {
  test(`a case whose process ${name} has failed, and the next one runs`, async () => {
    const found = await run([name, "passes"]);
    assert.match(found.get(name)?.failure ?? "", why);
    assert.is(found.get(name)?.ok, false);
    assert.is(found.get(name)?.exhaustive, false);
    assert.is(found.get("passes")?.ok, true);
  });
}

test("a case that takes longer than the limit has failed, and its process is gone", async () => {
  const found = await run(["hangs"], 1);
  assert.match(found.get("hangs")?.failure ?? "", /ended after 1 seconds \(option --limit\)/);
  assert.is(found.get("hangs")?.ok, false);
});

test.run();
