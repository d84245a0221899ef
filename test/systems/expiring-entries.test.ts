// ExpiringEntries: an entry's age decides at the boundary, and a fresh entry is never swept.
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { ExpiringEntries } from "../../src/systems/expiring-entries.ts";
import { suite } from "../support/suite.ts";

const test = suite("systems/expiring-entries");

function make(): { entries: ExpiringEntries; clock: { time: number } } {
  const clock: { time: number } = { time: 0 };
  const now = (): number => clock.time;
  return { entries: new ExpiringEntries({ region: Region.create(), now }), clock };
}

test("an entry is read for its age: at 10 s, not 1 ms later", () => {
  const { entries, clock } = make();
  entries.put("room", "ann", { name: "Ann" }, "socket");
  clock.time = 10_000;
  assert.equal(entries.list("room", 10_000), [{ id: "ann", value: { name: "Ann" }, owner: "socket", age: 10_000 }]);
  clock.time = 10_001;
  assert.equal(entries.list("room", 10_000), []);
  assert.is(entries.groups, 1, "reading removes nothing");
});

test("a sweep removes what is older, and the group with the last entry", () => {
  const { entries, clock } = make();
  entries.put("room", "ann", 1, "socket");
  clock.time = 30_000;
  assert.equal(entries.sweep(30_000), []);
  clock.time = 30_001;
  assert.equal(entries.sweep(30_000), [["room", "ann"]]);
  assert.is(entries.groups, 0);
});

test("an entry that is put anew while a sweep goes on stays", () => {
  const { entries, clock } = make();
  for (const room of ["a", "b", "c", "d"]) entries.put(room, "ann", 1, "socket");
  clock.time = 40_000;
  // Another thread's typing_start after the sweep has begun: the sweep looks at the stamp again in its own step.
  const keys = entries.sweep(50_000);
  entries.put("c", "ann", 2, "socket");
  assert.equal(keys, []);
  assert.equal(
    entries
      .sweep(30_000)
      .map(([room]) => room)
      .sort(),
    ["a", "b", "d"],
  );
  assert.is(entries.list("c", 0).length, 1);
});

test("who put it may remove it, nobody else", () => {
  const { entries } = make();
  assert.ok(entries.put("room", "ann", 1, "socket 1"));
  assert.not(entries.put("room", "ann", 2, "socket 2"), "put anew, by another socket of the same user");
  assert.equal([entries.remove("room", "ann", "socket 1"), entries.remove("room", "ann", "socket 2")], [false, true]);
  entries.put("room", "ann", 1, "socket 1");
  entries.put("room", "bob", 1, "socket 2");
  assert.equal(entries.removeOwned("room", "socket 1"), ["ann"]);
  assert.equal(
    entries.list("room", 0).map(({ id }) => id),
    ["bob"],
  );
});

test("what is not allowed in the step is not put", () => {
  const { entries } = make();
  assert.not(entries.put("room", "ann", 1, "socket", () => false));
  assert.is(entries.groups, 0);
});

test.run();
