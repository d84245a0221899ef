// watchdog: 300s
// SharedMultiMap: what each method does, bad input, a Map of Sets as the model, joiners beside the last leaver.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { between, membersOf, withMember, withoutMember } from "../../src/tables/members.ts";
import { SharedMultiMap } from "../../src/tables/multi-map.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { runWorkers } from "../support/watchdog.ts";
import { assertThrows } from "./judge.ts";

const test = suite("SharedMultiMap");

function make(): SharedMultiMap {
  return new SharedMultiMap({ region: Region.create({ maxThreads: 4 }), capacity: 8 });
}

test("keys have sets of members, and vanish with the last one", () => {
  const map = make();
  assert.ok(map.add("lobby", "Alice") && map.add("lobby", "Bob") && map.add("attic", ""));
  assert.not.ok(map.add("lobby", "Alice"));
  assert.equal(map.get("lobby"), ["Alice", "Bob"]);
  assert.equal(map.get("attic"), [""]);
  assert.equal(map.get("cellar"), []);
  assert.ok(map.has("lobby") && map.has("lobby", "Bob") && map.has("attic", ""));
  assert.not.ok(map.has("cellar") || map.has("lobby", "Ali") || map.has("lobby", ""));
  assert.is(map.size, 2);
  assert.equal([...map.keys()].sort(), ["attic", "lobby"]);
  assert.equal(new Map(map), new Map(map.entries()));
  assert.equal(map.snapshot().get("lobby"), new Set(["Alice", "Bob"]));
  assert.ok(map.delete("lobby", "Alice"));
  assert.not.ok(map.delete("lobby", "Alice") || map.delete("cellar", "Alice"));
  assert.equal(map.get("lobby"), ["Bob"]);
  assert.ok(map.delete("lobby", "Bob"));
  assert.not.ok(map.has("lobby"));
  map.add("lobby", "Carol");
  assert.equal(map.take("lobby"), ["Carol"]);
  assert.equal(map.take("lobby"), []);
  assert.ok(map.deleteAll("attic") && !map.deleteAll("attic"));
  assert.is(map.size, 0);
  assert.equal(map.check(), { ok: true, problems: [] });
  map.clear();
  assert.match(String(map), /SharedMultiMap: 0 keys/);
});

test("the array is a copy", () => {
  const map = make();
  map.add("k", "a");
  map.get("k").push("b");
  assert.equal(map.get("k"), ["a"]);
});

test("bad input is refused", () => {
  const map = make();
  for (const bad of [undefined, null, 5, {}]) {
    assertThrows(() => map.add(bad as never, "m"), /^TypeError/);
    assertThrows(() => map.add("k", bad as never), /^TypeError: SharedMultiMap: a member/);
    assertThrows(() => map.delete("k", bad as never), /^TypeError/);
    assertThrows(() => map.get(bad as never), /^TypeError/);
    assertThrows(() => SharedMultiMap.from(bad as never), /^TypeError/);
  }
  assertThrows(() => map.has("k", null as never), /^TypeError/);
  assertThrows(() => map.add("k", "m".repeat(2 ** 20)), /^RangeError.*1048576/);
  map.add("k", "m".repeat(2 ** 20 - 4));
  assertThrows(() => map.add("k", "one more"), /^RangeError/);
  assert.is(map.get("k").length, 1);
  assertThrows(() => new SharedMultiMap(5 as never), /^TypeError/);
  const set = new SharedSet({ region: map.region });
  assertThrows(() => SharedMultiMap.from(set.share() as never), /^ERR_REGION_KIND/);
});

test("names and handles lead to the same multi-map", () => {
  const region = Region.create({ maxThreads: 4 });
  const map = SharedMultiMap.named("rooms", { region });
  map.add("k", "a");
  assert.ok(SharedMultiMap.named("rooms", { region }).has("k", "a"));
  assert.ok(SharedMultiMap.from(structuredClone(map.share())).delete("k", "a"));
  assert.is(map.size, 0);
});

const member = fc.oneof(
  fc.constantFrom("", "a", "b", "ab", "\0", "\x01", "\x01a", "\x01b", "\0\0", "a\0", "\0a", "\ud800", "\udc00"),
  fc.array(fc.constantFrom("\0", "\x01", "a", "b"), { maxLength: 4 }).map((units) => units.join("")),
  fc.string(),
);

test("any members, whatever is in them, stand in a text and come out again", () => {
  fc.assert(
    fc.property(fc.uniqueArray(member, { minLength: 1 }), fc.nat(), (members, drop) => {
      let text: string | undefined;
      for (const one of members) {
        assert.not.ok(text?.includes(between(one)));
        text = withMember(text, between(one));
      }
      assert.equal(membersOf(text as string), members);
      const gone = members[drop % members.length];
      const left = withoutMember(text as string, between(gone));
      assert.equal(
        left === undefined ? [] : membersOf(left),
        members.filter((one) => one !== gone),
      );
    }),
    { numRuns: 300 },
  );
});

test("the same results as a Map of Sets", () => {
  const kinds = ["add", "add", "add", "delete", "delete", "has", "get", "take", "deleteAll"] as const;
  const key = fc.constantFrom("", "k", "l", "m");
  const steps = fc.array(fc.tuple(fc.constantFrom(...kinds), key, member), { maxLength: 200, size: "max" });
  fc.assert(
    fc.property(steps, (steps) => {
      const map = make();
      const model = new Map<string, Set<string>>();
      for (const [kind, key, member] of steps) {
        const set = model.get(key) ?? new Set();
        if (kind === "add") {
          assert.is(map.add(key, member), !set.has(member));
          model.set(key, set.add(member));
        } else if (kind === "delete") {
          assert.is(map.delete(key, member), set.delete(member));
          if (set.size === 0) model.delete(key);
        } else if (kind === "has") assert.is(map.has(key, member), set.has(member));
        else if (kind === "get") assert.equal(map.get(key), [...set]);
        else {
          if (kind === "take") assert.equal(map.take(key), [...set]);
          else assert.is(map.deleteAll(key), model.has(key));
          model.delete(key);
        }
        assert.is(map.size, model.size);
      }
      assert.equal(map.snapshot(), model);
      assert.equal(map.check().problems, []);
    }),
    { numRuns: 40 },
  );
});

test("H43: 12 threads join and leave 3 rooms: no joiner is lost beside the last leaver, no empty room stays", async () => {
  const map = new SharedMultiMap({ region: Region.create() });
  const outcomes = await runWorkers<number>({
    file: new URL("./collections.worker.js", import.meta.url),
    count: 12,
    workerData: { object: map.share(), rounds: 1200, task: "roam", progress: new SharedArrayBuffer(8) },
    timeoutMs: 240_000,
  });
  for (const { result } of outcomes) assert.is(result, 1);
  assert.equal([...map.keys()].sort(), Array.from({ length: 6 }, (_, i) => `home of ${i}`).sort());
  for (const members of map.snapshot().values()) assert.is(members.size, 2);
  assert.equal(map.check().problems, []);
});

test.run();
