// watchdog: 300s
// SharedQueue when a thread dies at any store, or an error strikes between two.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { assertThrows, dieAfter, MORTAL_REGION, random } from "./judge.ts";

const test = suite("SharedQueue of a thread that dies");

test("a thread that dies at any store has pushed, popped, drained or closed, or has not", () => {
  const region = Region.create(MORTAL_REGION);
  const queue = new SharedQueue({ region, capacity: 60 });
  const { bytes } = region.memory;
  const next = random(3);
  let model: string[] = [];
  let deaths = 0;
  for (let number = 0; number < 120; number++) {
    const value = String(number).padEnd([2, 40, 700, 3000][next(4)], ".");
    const kind = next(12);
    const after = kind === 0 ? [] : kind < 5 ? model.slice(1) : [...model, value];
    const run = (): void => {
      if (kind === 0) queue.drain();
      else if (kind < 5) queue.tryPop();
      else assert.ok(queue.tryPush(value));
    };
    const start = bytes.slice();
    for (let stores = 0; ; stores++) {
      bytes.set(start);
      if (!dieAfter(queue, stores, run)) break;
      deaths++;
      const where = `step ${number}, dead after ${stores} stores`;
      assert.equal(queue.check().problems, [], where);
      const found = queue.drain() as string[];
      assert.ok(same(found, model) || same(found, after), `${where}: neither before nor after`);
      queue.push("goes on");
      assert.is(queue.pop(), "goes on");
    }
    model = after;
  }
  assert.ok(deaths > 1000, `only ${deaths} deaths were tried`);
  assert.ok(queue.stats().bytesReserved > 4000, "it never grew");
});

test("the repair may be cut off as well", () => {
  const region = Region.create(MORTAL_REGION);
  const queue = new SharedQueue({ region, capacity: 60 });
  for (let i = 0; i < 16; i++) queue.push(`value ${i}`);
  const expected = queue.size;
  const { bytes } = region.memory;
  const start = bytes.slice();
  let deaths = 0;
  for (let stores = 0; ; stores++) {
    bytes.set(start);
    if (!dieAfter(queue, stores, () => queue.push("x".repeat(2000)))) break;
    const dead = bytes.slice();
    for (let repair = 0; ; repair++) {
      bytes.set(dead);
      const died = dieAfter(queue, repair, () => queue.check());
      assert.equal(queue.check().problems, [], `dead after ${stores}, repair dead after ${repair}`);
      assert.ok(queue.size === expected || queue.size === expected + 1);
      if (!died) break;
      deaths++;
    }
  }
  assert.ok(deaths > 300, `only ${deaths} deaths were tried`);
});

test("an error in the middle of a change leaves the queue to the next owner", () => {
  const region = Region.create({ ...MORTAL_REGION });
  const queue = new SharedQueue({ region, capacity: 10 });
  queue.push("a");
  const { bytes } = region.memory;
  bytes.set = () => {
    throw new RangeError("Maximum call stack size exceeded");
  };
  assertThrows(() => queue.push("b".repeat(100)), /^RangeError: Maximum/);
  Reflect.deleteProperty(bytes, "set");
  assert.equal(queue.check().problems, []);
  queue.push("c");
  assert.equal(queue.drain(), ["a", "c"]);
});

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

test.run();
