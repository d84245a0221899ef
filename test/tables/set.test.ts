// watchdog: 300s
// SharedSet: what each method does, bad input, a Set as the model, many threads.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { runWorkers } from "../support/watchdog.ts";
import { assertThrows } from "./judge.ts";

const test = suite("SharedSet");

function make(): SharedSet {
  return new SharedSet({ region: Region.create({ maxThreads: 4 }), capacity: 8 });
}

test("it is a Set of strings whose add tells who added", () => {
  const set = make();
  assert.ok(set.add("a") && set.add("") && set.add("\udc00"));
  assert.not.ok(set.add("a"));
  assert.ok(set.has("a") && set.has("") && !set.has("b"));
  assert.is(set.size, 3);
  const expected = new Set(["", "a", "\udc00"]);
  assert.equal(new Set(set), expected);
  assert.equal(new Set(set.values()), expected);
  assert.equal(new Set(set.keys()), expected);
  assert.equal(set.snapshot(), expected);
  assert.ok(set.delete("a") && !set.delete("a"));
  assert.match(String(set), /SharedSet: 2 keys/);
  set.clear();
  assert.equal([...set], []);
  assert.equal(set.check(), { ok: true, problems: [] });
  assert.is(set.stats().entries, 0);
});

test("bad input is refused", () => {
  const set = make();
  for (const bad of [undefined, null, 5, {}]) {
    assertThrows(() => set.add(bad as never), /^TypeError/);
    assertThrows(() => set.has(bad as never), /^TypeError/);
    assertThrows(() => set.delete(bad as never), /^TypeError/);
    assertThrows(() => SharedSet.from(bad as never), /^TypeError/);
  }
  assertThrows(() => set.add("x".repeat(2 ** 20 + 1)), /^RangeError/);
  assertThrows(() => new SharedSet("x" as never), /^TypeError/);
  assertThrows(() => SharedSet.from(new SharedMap({ region: set.region }).share() as never), /^ERR_REGION_KIND/);
  assert.is(set.size, 0);
});

test("names and handles lead to the same set", () => {
  const region = Region.create({ maxThreads: 4 });
  const set = SharedSet.named("seen", { region });
  set.add("a");
  assert.not.ok(SharedSet.named("seen", { region }).add("a"));
  assert.ok(SharedSet.from(structuredClone(set.share())).delete("a"));
  assert.is(set.size, 0);
});

test("the same results as a Set", () => {
  const value = fc.oneof(
    fc.integer({ min: 0, max: 20 }).map((n) => `value ${n}`),
    fc.string(),
  );
  const steps = fc.array(fc.tuple(fc.constantFrom("add", "delete", "has"), value), { maxLength: 300, size: "max" });
  fc.assert(
    fc.property(steps, (steps) => {
      const set = make();
      const model = new Set<string>();
      for (const [kind, value] of steps) {
        if (kind === "has") assert.is(set.has(value), model.has(value));
        else if (kind === "delete") assert.is(set.delete(value), model.delete(value));
        else {
          assert.is(set.add(value), !model.has(value));
          model.add(value);
        }
        assert.is(set.size, model.size);
      }
      assert.equal(set.snapshot(), model);
      assert.equal(set.check().problems, []);
    }),
    { numRuns: 40 },
  );
});

test("12 threads: for each string in, one was told that it added it", async () => {
  const set = new SharedSet({ region: Region.create() });
  const outcomes = await runWorkers<[number, number]>({
    file: new URL("./collections.worker.js", import.meta.url),
    count: 12,
    workerData: { object: set.share(), rounds: 4000, task: "claim", progress: new SharedArrayBuffer(8) },
    timeoutMs: 240_000,
  });
  const sum = (which: 0 | 1): number => outcomes.reduce((total, { result }) => total + result[which], 0);
  assert.is(sum(0) - sum(1), set.size);
  assert.ok(sum(1) > 0);
  assert.equal(set.check().problems, []);
});

test.run();
