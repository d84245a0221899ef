// watchdog: 300s
// SharedMap: what each method does, bad input, a Map as the model, many threads.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { SharedTable, snapshotAll } from "../../src/tables/shared-table.ts";
import { runWorkers } from "../support/watchdog.ts";
import { assertThrows, errorOf } from "./judge.ts";

const test = suite("SharedMap");

function make(): SharedMap {
  return new SharedMap({ region: Region.create({ maxThreads: 4 }), capacity: 8 });
}

test("it is a Map of strings", () => {
  const map = make();
  assert.is(map.get("a"), undefined);
  assert.is(map.set("a", "1"), map);
  map.set("", "\ud800").set("b", "x".repeat(2 ** 20));
  assert.is(map.get("a"), "1");
  assert.is(map.get(""), "\ud800");
  assert.is(map.get("b")?.length, 2 ** 20);
  assert.ok(map.has("a") && !map.has("A") && map.size === 3);
  map.set("b", "2");
  const expected = { "": "\ud800", a: "1", b: "2" };
  assert.equal(Object.fromEntries(map), expected);
  assert.equal(Object.fromEntries(map.entries()), expected);
  assert.equal(Object.fromEntries(map.snapshot()), expected);
  assert.equal([...map.keys()].sort(), ["", "a", "b"]);
  assert.equal([...map.values()].sort(), ["1", "2", "\ud800"]);
  assert.ok(map.delete("a") && !map.delete("a"));
  assert.is(map.take("b"), "2");
  assert.is(map.take("b"), undefined);
  assert.match(String(map), /SharedMap: 1 keys/);
  map.clear();
  assert.is(map.size, 0);
  assert.equal(map.check(), { ok: true, problems: [] });
  assert.is(map.stats().entries, 0);
});

test("getOrInsert, update and compareAndDelete are one step each", () => {
  const map = make();
  assert.is(map.getOrInsert("a", "1"), "1");
  assert.is(map.getOrInsert("a", "2"), "1");
  assert.is(
    map.update("a", (value) => `${value}+`),
    "1+",
  );
  assert.is(
    map.update("new", (value) => String(value)),
    "undefined",
  );
  assert.is(
    map.update("new", () => undefined),
    undefined,
  );
  assert.not.ok(map.has("new"));
  assert.not.ok(map.compareAndDelete("a", "1"));
  assert.not.ok(map.compareAndDelete("b", "1"));
  assert.ok(map.compareAndDelete("a", "1+"));
  assert.not.ok(map.has("a"));
});

test("a callback that throws, or gives no string, or uses the map, changes nothing", () => {
  const map = make().set("a", "1");
  const boom = (): never => {
    throw new Error("boom");
  };
  assertThrows(() => map.update("a", boom), /boom/);
  assertThrows(() => map.update("a", () => 5 as never), /^TypeError/);
  assertThrows(() => map.update("a", () => map.get("a")), /^ERR_WOULD_DEADLOCK/);
  assert.is(map.get("a"), "1");
});

test("bad input is refused", () => {
  const map = make();
  for (const bad of [undefined, null, 5, {}]) {
    assertThrows(() => map.get(bad as never), /^TypeError/);
    assertThrows(() => map.set(bad as never, ""), /^TypeError/);
    assertThrows(() => map.set("", bad as never), /^TypeError/);
    assertThrows(() => map.getOrInsert("", bad as never), /^TypeError/);
    assertThrows(() => map.update("", bad as never), /^TypeError/);
    assertThrows(() => map.compareAndDelete("", bad as never), /^TypeError/);
    assertThrows(() => SharedMap.from(bad as never), /^TypeError/);
  }
  assertThrows(() => map.set("k", "x".repeat(2 ** 20 + 1)), /^RangeError/);
  assertThrows(() => map.set("x".repeat(2 ** 20 + 1), ""), /^RangeError/);
  assert.is(map.size, 0);
  assertThrows(() => new SharedMap(null as never), /^TypeError/);
  assertThrows(() => new SharedMap({ region: 5 as never }), /^TypeError/);
  assertThrows(() => new SharedMap({ capacity: 0 }), /^RangeError/);
});

test("handles and names lead to the same map, those of others do not", () => {
  const region = Region.create({ maxThreads: 4 });
  const map = SharedMap.named("users", { region }).set("a", "1");
  assert.is(SharedMap.named("users", { region }).get("a"), "1");
  const same = SharedMap.from(structuredClone(map.share()));
  assert.is(same.set("b", "2").name, "users");
  assert.is(map.get("b"), "2");
  const set = new SharedSet({ region, name: "set" });
  assertThrows(() => SharedMap.from(set.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => SharedMap.from(map.table.share() as never), /^ERR_REGION_KIND/);
  assert.is(
    errorOf(() => SharedMap.named("set", { region })),
    "ERR_TABLE_SCHEMA",
  );
  assert.is(
    errorOf(() => SharedMap.from({ ...map.share(), table: set.table.share() as never })),
    "ERR_TABLE_SCHEMA",
  );
});

test("a snapshot of several takes the tables beneath", () => {
  const region = Region.create({ maxThreads: 4 });
  const map = new SharedMap({ region }).set("a", "1");
  const table = new SharedTable({ region, key: "i32", columns: { n: "u32" } }).set(7, { n: 1 });
  const [first, second] = snapshotAll([map.table, table]);
  assert.equal([...first], [["a", { value: "1" }]]);
  assert.equal([...second], [[7, { n: 1 }]]);
});

test("the same results as a Map", () => {
  const key = fc.oneof(
    fc.integer({ min: 0, max: 20 }).map((n) => `key ${n}`),
    fc.string({ maxLength: 2 }),
  );
  const value = fc.oneof(fc.string(), fc.constantFrom("1", "2", "x".repeat(3000)));
  const kinds = ["set", "get", "delete", "take", "getOrInsert", "update", "compareAndDelete"] as const;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...kinds), key, value), { maxLength: 300, size: "max" }), (steps) => {
      const map = make();
      const model = new Map<string, string>();
      for (const [kind, key, value] of steps) {
        const before = model.get(key);
        if (kind === "set") {
          map.set(key, value);
          model.set(key, value);
        } else if (kind === "get") assert.is(map.get(key), before);
        else if (kind === "delete") assert.is(map.delete(key), model.delete(key));
        else if (kind === "take") {
          assert.is(map.take(key), before);
          model.delete(key);
        } else if (kind === "getOrInsert") {
          assert.is(map.getOrInsert(key, value), before ?? value);
          model.set(key, before ?? value);
        } else if (kind === "update") {
          const after = before === value ? undefined : value;
          assert.is(
            map.update(key, (old) => (old === value ? undefined : value)),
            after,
          );
          if (after === undefined) model.delete(key);
          else model.set(key, after);
        } else assert.is(map.compareAndDelete(key, value), before === value && model.delete(key));
      }
      assert.equal(map.snapshot(), model);
      assert.equal(new Map(map), model);
      assert.equal(map.check().problems, []);
    }),
    { numRuns: 40 },
  );
});

test("12 threads: no update is lost, each token is taken once, all agree on the first", async () => {
  const map = new SharedMap({ region: Region.create() });
  const rounds = 800;
  for (let i = 0; i < rounds; i++) map.set(`token ${i}`, "").set(`duel ${i}`, "sword");
  const outcomes = await runWorkers<number>({
    file: new URL("./collections.worker.js", import.meta.url),
    count: 12,
    workerData: { object: map.share(), rounds, task: "raise", progress: new SharedArrayBuffer(8) },
    timeoutMs: 240_000,
  });
  assert.is(
    outcomes.reduce((sum, { result }) => sum + result, 0),
    2 * rounds,
  );
  for (let i = 0; i < 10; i++) assert.is(map.get(`sum ${i}`), String((12 * rounds) / 10));
  assert.is(map.size, 10 + rounds);
  assert.equal(map.check().problems, []);
});

test.run();
