// Rooms: both directions always agree, whoever joins, leaves, disconnects or dies meanwhile.
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { ExpiringEntries } from "../../src/systems/expiring-entries.ts";
import { Rooms } from "../../src/systems/rooms.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("systems/rooms");
const make = (): Rooms<{ user: string }> => new Rooms({ region: Region.create() });

/** What does not agree between members and rooms. */
function disagreements(rooms: Rooms): string[] {
  const { members, rooms: all } = rooms.snapshot();
  const wrong: string[] = [];
  for (const [member, { rooms: own }] of members) {
    for (const room of own) if (!all.get(room)?.includes(member)) wrong.push(`${member} is not in its room ${room}`);
  }
  for (const [room, inside] of all) {
    if (inside.length === 0) wrong.push(`${room} is empty`);
    if (new Set(inside).size !== inside.length) wrong.push(`${room} has someone twice`);
    for (const member of inside)
      if (!members.get(member)?.rooms.includes(room)) wrong.push(`phantom ${member} in ${room}`);
  }
  return wrong;
}

test("connect, join, leave, disconnect, with the sizes of each moment", () => {
  const rooms = make();
  assert.equal([rooms.connect("a", { user: "ann" }), rooms.connect("a", { user: "eve" })], [true, false]);
  rooms.connect("b", { user: "bob" });
  assert.is(rooms.change("a", () => ({ join: ["x", "y"] }))?.sizes.get("x"), 1);
  assert.is(rooms.change("b", () => ({ join: ["x"] }))?.sizes.get("x"), 2);
  assert.equal(rooms.members("x"), ["a", "b"]);
  assert.equal(rooms.get("a"), { data: { user: "ann" }, rooms: ["x", "y"] });
  assert.equal(
    [...(rooms.change("a", () => ({ leave: ["y", "z"] }))?.sizes ?? [])],
    [
      ["y", 0],
      ["z", 0],
    ],
  );
  assert.equal([...(rooms.disconnect("a")?.sizes ?? [])], [["x", 1]]);
  assert.is(rooms.disconnect("a"), undefined);
  rooms.disconnect("b");
  assert.equal(rooms.snapshot(), { members: new Map(), rooms: new Map() });
});

test("who is not connected joins nothing: no phantom participant", () => {
  const rooms = make();
  assert.is(
    rooms.change("a", () => ({ join: ["x"] })),
    undefined,
  );
  rooms.connect("a", { user: "ann" });
  // Disconnected by another thread between the decision and the step.
  let decided = 0;
  const changed = rooms.change("a", () => {
    if (decided++ === 0) rooms.disconnect("a");
    return { join: ["x"] };
  });
  assert.equal([changed, decided, rooms.members("x")], [undefined, 1, []]);
});

test("a decision is made again when the member has changed under it", () => {
  const rooms = make();
  rooms.connect("a", { user: "ann" });
  const seen: string[] = [];
  rooms.change("a", ({ data }) => {
    seen.push(data.user);
    if (seen.length === 1) rooms.change("a", () => ({ data: { user: "eve" } }));
    return data.user === "ann" ? { join: ["of ann"] } : undefined;
  });
  assert.equal([seen, rooms.members("of ann")], [["ann", "eve"], []]);
});

test("a decision that throws, and names that are no strings, change nothing", () => {
  const rooms = make();
  rooms.connect("a", { user: "ann" });
  const refuse = (): never => {
    throw new RangeError("no");
  };
  assert.is(
    codeOf(() => rooms.change("a", refuse)),
    "RangeError",
  );
  assert.is(
    codeOf(() => rooms.change("a", () => ({ join: ["x", 5 as never] }))),
    "TypeError",
  );
  assert.equal(rooms.get("a")?.rooms, []);
});

test("any string is a name", () => {
  const rooms = make();
  for (const name of ["", "\u0000", "m\u0000a", "\u0001a", "__proto__"]) {
    rooms.connect(name, { user: name });
    rooms.change(name, () => ({ join: ["\u0000", ""] }));
  }
  assert.is(rooms.members("\u0000").length, 5);
  assert.equal(disagreements(rooms as unknown as Rooms), []);
});

test("6 threads at random, two of them killed: members and rooms agree, and so does what is typed", async () => {
  const region = Region.create();
  const rooms = new Rooms({ region });
  const typing = new ExpiringEntries({ region });
  for (let seed = 1; seed <= 3; seed++) {
    let alive = 2;
    await runWorkers({
      file: new URL("./rooms.worker.js", import.meta.url),
      count: 6,
      workerData: (index) => ({ rooms: rooms.share(), typing: typing.share(), each: 1500, killed: index < 2, seed }),
      mayDie: (index) => index < 2,
      onMessage: (_message, index, workers) => {
        if (alive-- > 0) workers[index].terminate();
      },
    });
    assert.equal(disagreements(rooms), []);
  }
  for (const member of rooms.snapshot().members.keys()) rooms.disconnect(member);
  assert.equal(rooms.snapshot(), { members: new Map(), rooms: new Map() });
});

test.run();
