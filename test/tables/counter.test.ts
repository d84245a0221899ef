// watchdog: 300s
// SharedCounter: what each method does, bad input, many threads, killed threads, death at every store.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedCounter } from "../../src/tables/counter.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";
import { assertThrows, dieAfter, errorOf, MORTAL_REGION } from "./judge.ts";
import { terminateOnce } from "./kill.ts";

const test = suite("SharedCounter");
const file = new URL("./collections.worker.js", import.meta.url);

function make(): SharedCounter {
  return new SharedCounter({ region: Region.create({ maxThreads: 4 }) });
}

test("add, value and reset", () => {
  const counter = make();
  assert.is(counter.value, 0);
  counter.add();
  counter.add(41);
  counter.add(-2);
  counter.add(0);
  assert.is(counter.value, 40);
  assert.is(counter.reset(), 40);
  assert.is(counter.value, 0);
  counter.add(-7);
  assert.is(counter.value, -7);
  assert.match(String(counter), /SharedCounter.*-7/);
});

test("it counts far beyond 32 bits, exactly", () => {
  const counter = make();
  counter.add(Number.MAX_SAFE_INTEGER - 1);
  counter.add();
  assert.is(counter.value, Number.MAX_SAFE_INTEGER);
  assertThrows(() => counter.add(), /^RangeError.*2\^53/);
  assert.is(counter.value, Number.MAX_SAFE_INTEGER);
  assert.is(counter.reset(), Number.MAX_SAFE_INTEGER);
  counter.add(-5);
  assert.is(counter.value, -5);
});

test("the cell's turn wraps around without losing the sum", () => {
  const counter = make();
  counter.add(5);
  const { words, f64 } = counter.region.memory;
  const cell = counter.index + 16 + (counter.me & 0xfff) * 16;
  words[cell] = -1;
  f64[(cell >> 1) + 2] = 5;
  counter.add(1);
  assert.is(counter.value, 6);
  counter.add(1);
  assert.is(counter.value, 7);
});

test("bad input is refused", () => {
  const counter = make();
  for (const delta of ["1", null, {}, 1n]) assertThrows(() => counter.add(delta as never), /^TypeError/);
  for (const delta of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assertThrows(() => counter.add(delta), /^RangeError/);
  }
  assert.is(counter.value, 0);
  assertThrows(() => new SharedCounter(null as never), /^TypeError/);
  const queue = new SharedQueue({ region: counter.region, capacity: 1 });
  assertThrows(() => SharedCounter.from(queue.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => SharedCounter.from(5 as never), /^TypeError/);
  const small = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 20, maxThreads: 20 });
  assert.is(
    errorOf(() => {
      for (let i = 0; i < 10_000; i++) new SharedCounter({ region: small });
    }),
    "ERR_REGION_FULL",
  );
});

test("names, handles and free", () => {
  const region = Region.create({ maxThreads: 4 });
  const before = region.stats().bytesUsed;
  const counter = SharedCounter.named("hits", { region });
  counter.add(3);
  assert.is(SharedCounter.named("hits", { region }).value, 3);
  const same = SharedCounter.from(structuredClone(counter.share()));
  same.add(4);
  assert.is(counter.value, 7);
  counter.free();
  for (const use of [() => same.add(), () => same.value, () => same.reset(), () => counter.free()]) {
    assert.is(errorOf(use), "ERR_CLOSED");
  }
  assert.is(region.stats().bytesUsed, before);
});

test("the same results as a number", () => {
  const step = fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.constant("reset" as const));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const counter = make();
      let model = 0;
      for (const step of steps) {
        if (step === "reset") {
          assert.is(counter.reset(), model);
          model = 0;
        } else {
          counter.add(step);
          model += step;
        }
        assert.is(counter.value, model);
      }
    }),
    { numRuns: 30 },
  );
});

test("a thread that dies at any store has added or reset, or has not", () => {
  const region = Region.create(MORTAL_REGION);
  const counter = new SharedCounter({ region });
  const { bytes } = region.memory;
  counter.add(10);
  counter.reset();
  let deaths = 0;
  for (let number = 0; number < 8; number++) {
    const value = counter.value;
    const [run, after] = number % 3 === 2 ? [() => counter.reset(), 0] : [() => counter.add(5), value + 5];
    const start = bytes.slice();
    for (let stores = 0; ; stores++) {
      bytes.set(start);
      if (!dieAfter(counter, stores, run)) break;
      deaths++;
      assert.ok(counter.value === value || counter.value === after);
      const found = counter.value;
      assert.is(counter.reset(), found);
      counter.add(1);
      assert.is(counter.value, 1);
    }
  }
  assert.ok(deaths > 15, `${deaths} deaths`);
});

test("12 threads add and reset: each addition counts once", async () => {
  const counter = new SharedCounter({ region: Region.create() });
  let taken = 0;
  const outcomes = await runWorkers<number>({
    file,
    count: 12,
    workerData: { object: counter.share(), rounds: 20_000, task: "count", progress: new SharedArrayBuffer(96) },
    onMessage: () => {
      taken += counter.reset();
    },
  });
  const reset = outcomes.reduce((sum, { result }) => sum + result, 0);
  assert.is(taken + reset + counter.value, 12 * 20_000 * 3);
});

test("what a killed thread added stays, and the next tenant of its slot goes on", async () => {
  // So few slots that the second round sits where the first died.
  const counter = new SharedCounter({ region: Region.create({ maxThreads: 5 }) });
  let expected = 0;
  let open = 0;
  for (let round = 0; round < 3; round++) {
    const progress = new SharedArrayBuffer(64);
    const cells = new Int32Array(progress);
    await runWorkers({
      file,
      count: 4,
      workerData: { object: counter.share(), rounds: 1_000_000_000, task: "countUntilDeath", progress },
      mayDie: () => true,
      timeoutMs: 240_000,
      onMessage: (_, index, workers) =>
        terminateOnce(workers[index], () => Atomics.load(cells, 2 * index) > 100 * (index + 1)),
    });
    for (let index = 0; index < 4; index++) {
      assert.ok(cells[2 * index] > 0);
      expected += cells[2 * index + 1];
      open += cells[2 * index] - cells[2 * index + 1];
    }
  }
  assert.ok(counter.value >= expected && counter.value <= expected + open, `${counter.value}, ${expected} + ${open}`);
});

test.run();
