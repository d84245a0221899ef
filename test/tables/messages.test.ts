// What the classes that are tables beneath say of bad input: the class and the name that the user knows, never the table's.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import {
  SharedCounter,
  SharedMap,
  SharedMultiMap,
  SharedQueue,
  SharedSet,
  SharedTable,
  StringPool,
  snapshotAll,
} from "../../src/tables/index.ts";
import { assertThrows } from "./judge.ts";

const test = suite("messages");
const long = "x".repeat(1024 * 1024 + 1);
const wrong = 1 as never;

test("a SharedMap speaks of itself, of keys and of values", () => {
  const map = new SharedMap({ region: Region.create(), name: "sessions" });
  map.set("a", "b");
  const value = /^TypeError: SharedMap "sessions": a value must be a string, got 1$/;
  for (const write of [
    () => map.set("a", wrong),
    () => map.getOrInsert("a", wrong),
    () => map.update("a", () => wrong),
  ]) {
    assertThrows(write, value);
  }
  const key = /^TypeError: SharedMap "sessions": a key must be a string, got 1$/;
  for (const use of [
    () => map.get(wrong),
    () => map.has(wrong),
    () => map.set(wrong, "b"),
    () => map.delete(wrong),
    () => map.take(wrong),
    () => map.getOrInsert(wrong, "b"),
    () => map.update(wrong, () => "b"),
    () => map.compareAndDelete(wrong, "b"),
  ]) {
    assertThrows(use, key);
  }
  assertThrows(
    () => map.set("a", undefined as never),
    /SharedMap "sessions": a value must be a string, got undefined$/,
  );
  assertThrows(() => map.update("a", (async () => "b") as never), /SharedMap "sessions": a value .*Promise/);
  assertThrows(() => map.update("a", wrong), /^TypeError: SharedMap "sessions": update needs a function/);
  assertThrows(() => map.compareAndDelete("a", wrong), /^TypeError: SharedMap "sessions": the expected value/);
  assertThrows(() => map.set("a", long), /^RangeError: SharedMap "sessions": a value may have at most 1048576 bytes/);
  assertThrows(() => map.set(long, "a"), /^RangeError: SharedMap "sessions": a key may have at most 1048576 bytes/);
  assert.equal([...map], [["a", "b"]]);
  const inside = (): string => map.update("a", () => map.get("a")) as string;
  assert.throws(inside, (error: Error) => error.message.startsWith('SharedMap "sessions": '));
});

test("sets, multi-maps and pools speak of themselves", () => {
  const region = Region.create();
  const [set, rooms, pool] = [new SharedSet({ region }), new SharedMultiMap({ region }), new StringPool({ region })];
  for (const use of [() => set.add(wrong), () => set.has(wrong), () => set.delete(wrong)]) {
    assertThrows(use, /^TypeError: SharedSet: a value must be a string, got 1$/);
  }
  for (const use of [() => rooms.add(wrong, "a"), () => rooms.get(wrong), () => rooms.deleteAll(wrong)]) {
    assertThrows(use, /^TypeError: SharedMultiMap: a key must be a string, got 1$/);
  }
  assertThrows(() => rooms.add("a", wrong), /^TypeError: SharedMultiMap: a member must be a string, got number 1$/);
  assertThrows(() => rooms.add("a", long), /^RangeError: SharedMultiMap: the members of a key may have at most/);
  for (const use of [() => pool.intern(wrong), () => pool.find(wrong)]) {
    assertThrows(use, /^TypeError: StringPool: a text must be a string, got 1$/);
  }
  assertThrows(() => pool.get("a" as never), /^TypeError: StringPool.get takes an id, a number, got "a"$/);
  assertThrows(() => pool.intern(long), /^RangeError: StringPool: a text may have at most 1048576 bytes/);
  assert.equal([set.size, rooms.size, pool.size], [0, 0, 0]);
});

test("makers and attachers name the class that was asked for", () => {
  const region = Region.create();
  const table = new SharedTable({ region, name: "people", key: "string", columns: { calls: "u32" } });
  for (const make of [SharedMap, SharedSet, SharedMultiMap]) {
    assertThrows(() => new make({ region, capacity: 0 }), new RegExp(`^RangeError: ${make.name}: capacity must be`));
    assertThrows(() => new make({ region, capacity: "9" as never }), /capacity must be a number, got "9"$/);
    const { message } = caught(() => make.named("people", { region }));
    assert.ok(message.startsWith(`${make.name} "people": the table of this name`), message);
    assert.match(message, "it has key string and columns { calls: u32 }, you asked for key string and ");
  }
  const { message } = caught(() => SharedTable.named("nobody", { region }));
  assert.match(message, 'SharedTable "nobody": there is no table of this name in the region yet');
  assertThrows(
    () => snapshotAll([new SharedMap({ region })] as never),
    /or the \.table of a collection, got .*SharedMap/,
  );
  table.free();
});

test("a handle without its table is refused, not taken for a new object's options", () => {
  for (const make of [SharedMap, SharedSet, SharedMultiMap]) {
    const { holdfast } = new make({ region: Region.create() }).share();
    assertThrows(() => make.from({ holdfast } as never), new RegExp(`^TypeError: ${make.name}.from needs the whole`));
  }
});

test("what was freed is called by its class, and can't be shared any more", () => {
  const region = Region.create();
  for (const make of [SharedMap, SharedSet, SharedMultiMap]) {
    const object = new make({ region });
    const handle = object.share() as never;
    object.free();
    for (const use of [() => object.size, () => object.share(), () => object.has("a")]) {
      assert.match(caught(use).message, `${make.name} was freed`);
    }
    assert.match(caught(() => make.from(handle)).message, `the ${make.name} of this handle was freed`);
  }
  for (const object of [
    new SharedQueue({ region, capacity: 1 }),
    new SharedCounter({ region }),
    new StringPool({ region }),
  ]) {
    object.free();
    assert.match(caught(() => object.share()).message, /^the \w+ at \d+ was freed$/);
  }
});

test("a row that is a promise, or lacks a column, says so", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns: { calls: "u32" } });
  assertThrows(
    () => table.set("a", {} as never),
    /^TypeError: SharedTable: column "calls" \(u32\) is missing; a row must/,
  );
  const later = Promise.resolve({ calls: 1 }) as never;
  for (const write of [() => table.set("a", later), () => table.update("a", () => later)]) {
    assertThrows(write, /^TypeError: SharedTable: column "calls".*the row is a promise: await it first/);
  }
  assertThrows(() => table.add("a", "calls", -1), /^RangeError: .*"calls" \(u32\) must be .* and would become -1$/);
  assert.is(table.size, 0);
});

function caught(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

test.run();
