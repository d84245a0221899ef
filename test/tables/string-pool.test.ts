// watchdog: 300s
// StringPool: one id per string for ever, from any number of threads, killed ones among them.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { KIND_NAME, KIND_STRING_POOL, KIND_TABLE } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedCounter } from "../../src/tables/counter.ts";
import { StringPool } from "../../src/tables/string-pool.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";
import { assertThrows, dieAfter, errorOf, MORTAL_REGION } from "./judge.ts";

const test = suite("StringPool");
const file = new URL("./collections.worker.js", import.meta.url);

function make(): StringPool {
  return new StringPool({ region: Region.create({ maxThreads: 4 }) });
}

test("a string has one id, an id one string", () => {
  const pool = make();
  const texts = ["a", "", "A", "é", "e\u0301", "\ud800", "\0", "x".repeat(2 ** 20)];
  texts.forEach((text, id) => {
    assert.is(pool.find(text), undefined);
    assert.is(pool.get(id), undefined);
    assert.is(pool.intern(text), id);
  });
  for (const round of [1, 2]) {
    texts.forEach((text, id) => {
      assert.is(pool.intern(text), id, `round ${round}`);
      assert.is(pool.find(text), id);
      assert.is(pool.get(id), text);
    });
  }
  assert.is(pool.size, texts.length);
  assert.equal(pool.check(), { ok: true, problems: [] });
  assert.match(String(pool), /StringPool.*8 strings/);
});

test("ids beyond what a thread remembers", () => {
  const pool = make();
  for (let id = 0; id < 5000; id++) assert.is(pool.intern(`text ${id}`), id);
  for (const id of [0, 1024, 2048, 1, 4999, 0, 1024]) assert.is(pool.get(id), `text ${id}`);
  assert.equal(pool.check().problems, []);
});

test("bad input is refused", () => {
  const pool = make();
  pool.intern("a");
  for (const text of [undefined, null, 5, {}]) assertThrows(() => pool.intern(text as never), /^TypeError/);
  assertThrows(() => pool.intern("x".repeat(2 ** 20 + 1)), /^RangeError/);
  for (const id of [undefined, null, "0", {}]) assertThrows(() => pool.get(id as never), /^TypeError/);
  for (const id of [-1, 0.5, 1, 2 ** 31, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.is(pool.get(id), undefined);
  }
  assert.is(pool.size, 1);
  assertThrows(() => new StringPool({ region: pool.region, capacity: 0 }), /^RangeError/);
  assertThrows(() => new StringPool(7 as never), /^TypeError/);
  const counter = new SharedCounter({ region: pool.region });
  assertThrows(() => StringPool.from(counter.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => StringPool.from(undefined as never), /^TypeError/);
});

test("names and handles lead to the same pool", () => {
  const region = Region.create({ maxThreads: 4 });
  const pool = StringPool.named("tags", { region });
  assert.is(pool.intern("urgent"), 0);
  assert.is(StringPool.named("tags", { region }).intern("urgent"), 0);
  assert.is(StringPool.from(structuredClone(pool.share())).get(0), "urgent");
});

test("a full region: nothing is changed, and what is there stays", () => {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
  const pool = new StringPool({ region, capacity: 8 });
  let interned = 0;
  while (errorOf(() => pool.intern(`${interned}`.padEnd(3000, "x"))) === "nothing thrown") interned++;
  assert.is(
    errorOf(() => pool.intern("y".repeat(300_000))),
    "ERR_REGION_FULL",
  );
  assert.ok(interned > 10);
  assert.is(pool.size, interned);
  assert.is(pool.get(interned), undefined);
  for (let id = 0; id < interned; id++) assert.is(pool.intern(`${id}`.padEnd(3000, "x")), id);
  assert.equal(pool.check().problems, []);
});

test("the same results as a list", () => {
  const texts = fc.array(fc.oneof(fc.string({ maxLength: 2 }), fc.string()), { maxLength: 100, size: "max" });
  fc.assert(
    fc.property(texts, (texts) => {
      const pool = make();
      const model: string[] = [];
      for (const text of texts) {
        if (!model.includes(text)) model.push(text);
        assert.is(pool.intern(text), model.indexOf(text));
      }
      model.forEach((text, id) => assert.is(pool.get(id), text));
      assert.is(pool.size, model.length);
    }),
    { numRuns: 30 },
  );
});

test("a thread that dies at any store has interned or has not, and no id is skipped", () => {
  const region = Region.create({ ...MORTAL_REGION, byteLength: 1 << 19, maxByteLength: 1 << 19 });
  const handle = new StringPool({ region, capacity: 8 }).share();
  const { bytes } = region.memory;
  let deaths = 0;
  for (let number = 0; number < 6; number++) {
    const text = `text ${number}`.padEnd([4, 40, 900][number % 3], ".");
    const start = bytes.slice();
    for (let stores = 0; ; stores++) {
      bytes.set(start);
      // Attached anew each time: what an object keeps of rows by their versions is of another past.
      const pool = StringPool.from(handle);
      // A shard that it held is repaired at its next use, since its owner is in no operation any more.
      if (!dieAfter(pool, stores, () => pool.intern(text))) break;
      deaths++;
      const before = pool.find(text);
      assert.ok(before === undefined || before === number);
      assert.is(pool.get(number), before === undefined ? undefined : text);
      assert.is(pool.intern("another"), before === undefined ? number : number + 1);
      assert.is(pool.intern(text), before ?? number + 1);
      assert.equal(pool.check().problems, [], `text ${number}, dead after ${stores}`);
    }
  }
  assert.ok(deaths > 100, `only ${deaths} deaths were tried`);
});

test("a thread that dies at any store of free() leaves nothing behind, and its name can be used", () => {
  const region = Region.create({ ...MORTAL_REGION, byteLength: 1 << 19, maxByteLength: 1 << 19 });
  // What a name takes in the directory stays.
  StringPool.named("tags", { region, capacity: 8 }).free();
  const { bytesUsed } = region.stats();
  const pool = StringPool.named("tags", { region, capacity: 8 });
  for (let id = 0; id < 20; id++) pool.intern(`text ${id}`.padEnd(id * 20));
  const start = region.memory.bytes.slice();
  let [deaths, anew] = [0, 0];
  for (let stores = 0; ; stores += 3) {
    region.memory.bytes.set(start);
    if (!dieAfter(StringPool.named("tags", { region }), stores, () => pool.free())) break;
    deaths++;
    const next = StringPool.named("tags", { region, capacity: 8 });
    const size = errorOf(() => next.size) === "nothing thrown" ? next.size : -1;
    assert.ok(size === 20 || size === 0, `${size} strings, dead after ${stores}`);
    if (size === 0) {
      anew++;
      assert.is(next.intern("first"), 0);
    }
    assert.equal(next.check().problems, [], `dead after ${stores}`);
    next.free();
    assert.is(region.stats().bytesUsed, bytesUsed, `dead after ${stores}`);
  }
  assert.ok(deaths > 100 && anew > 20, `${deaths} deaths, ${anew} pools anew`);
});

test("a thread that dies at any step of making a named pool leaves nothing behind", () => {
  for (let at = 0; ; at++) {
    const region = Region.over(new SharedArrayBuffer(1 << 19));
    const victim = anotherThread(region);
    const crashed = crashAt(at, () => void StringPool.named("tags", { region: victim, capacity: 8 }));
    bury(victim);
    StringPool.named("tags", { region, capacity: 8 }).free();
    assert.equal(region.names(), []);
    for (const kind of [KIND_NAME, KIND_TABLE, KIND_STRING_POOL]) {
      assert.equal(region.taggedBlocks(kind, 0), [], `step ${at}: blocks of the kind ${kind}`);
    }
    if (crashed) continue;
    assert.ok(at > 60, `${at} steps`);
    break;
  }
});

test("12 threads intern the same strings: all get the same ids", async () => {
  const pool = new StringPool({ region: Region.create() });
  const outcomes = await runWorkers<number[]>({
    file,
    count: 12,
    workerData: { object: pool.share(), rounds: 1500, task: "intern", progress: new SharedArrayBuffer(96) },
    timeoutMs: 240_000,
  });
  for (const { result } of outcomes) assert.equal(result, outcomes[0].result);
  assert.is(pool.size, 1500);
  assert.equal(
    [...outcomes[0].result].sort((a, b) => a - b),
    Array.from({ length: 1500 }, (_, id) => id),
  );
  assert.equal(pool.check().problems, []);
});

test("killed threads give no id twice and skip none", async () => {
  const pool = new StringPool({ region: Region.create() });
  const outcomes = await runWorkers<number[]>({
    file,
    count: 14,
    workerData: (index) => ({
      object: pool.share(),
      rounds: 4000,
      task: index < 10 ? "internUntilDeath" : "intern",
      progress: new SharedArrayBuffer(112),
    }),
    mayDie: (index) => index < 10,
    onMessage: (_, index, workers) => void setTimeout(() => void workers[index].terminate(), (index * 7) % 40),
    timeoutMs: 240_000,
  });
  for (const { result } of outcomes.slice(10)) assert.equal(result, outcomes[10].result);
  assert.equal(pool.check().problems, []);
  for (let id = 0; id < pool.size; id++) assert.is(pool.intern(pool.get(id) as string), id);
});

test.run();
