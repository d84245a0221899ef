// watchdog: 300s
// Tables under real threads: sums are exact, rows are whole, snapshots are of one moment, and killed writers harm nobody.

import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedTable, snapshotAll } from "../../src/tables/shared-table.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";
import { terminateOnce } from "./kill.ts";
import { changeAt, columns, perform, type Row, textOf } from "./threads.ts";

const test = suite("SharedTable under threads");
const file = new URL("./threads.worker.js", import.meta.url);
const progress = new SharedArrayBuffer(4096);
const stop = new SharedArrayBuffer(4);

function make(capacity?: number): SharedTable<string, Row> {
  return new SharedTable({ region: Region.create(), key: "string", columns, capacity });
}

test("16 threads get and add on the same 1,000 keys: no addition is lost", async () => {
  const table = make();
  const input = { table: table.share(), keys: 1000, rounds: 4, progress, stop, task: "count" };
  await runWorkers({ file, count: 16, workerData: input, timeoutMs: 240_000 });
  const rows = table.snapshot();
  assert.is(rows.size, 1000);
  for (const [key, row] of rows) assert.equal(row, { text: "", n: 64, total: 64n }, key);
  assert.equal(table.check().problems, []);
});

test("16 threads on keys of their own each find what they wrote", async () => {
  const table = make(8);
  const input = { table: table.share(), keys: 300, rounds: 3000, progress, stop, task: "disjoint" };
  const outcomes = await runWorkers<number>({ file, count: 16, workerData: input, timeoutMs: 240_000 });
  assert.is(
    table.size,
    outcomes.reduce((sum, { result }) => sum + result, 0),
  );
  assert.equal(table.check().problems, []);
});

test("8 writers and 8 readers on 50 keys: every row that is read is whole", async () => {
  const table = make();
  for (let i = 0; i < 50; i++) table.set(`key ${i}`, { text: textOf(`key ${i}`, 9), n: 9, total: 9n * 1_000_000_007n });
  const input = (index: number) => ({
    table: table.share(),
    keys: 50,
    rounds: index % 2 === 0 ? 3000 : 6000,
    progress,
    stop,
    task: index % 2 === 0 ? "write" : "read",
  });
  const outcomes = await runWorkers<number>({ file, count: 16, workerData: input, timeoutMs: 240_000 });
  assert.ok(outcomes.some(({ index, result }) => index % 2 === 1 && result > 0));
  assert.equal(table.check().problems, []);
});

test("readers without the lock never see half of a 64-bit number", async () => {
  const table = make();
  const input = { table: table.share(), keys: 0, rounds: 20_000, progress, stop, task: "halves" };
  await runWorkers<number>({ file, count: 4, workerData: input, timeoutMs: 240_000 });
  assert.is(table.get("half 0")?.total, 20_000n * 0x1_0000_0001n);
});

test("all threads get the row of the first getOrInsert of a key", async () => {
  const table = make(8);
  const input = { table: table.share(), keys: 3000, rounds: 0, progress, stop, task: "agree" };
  const outcomes = await runWorkers<string[]>({ file, count: 8, workerData: input, timeoutMs: 240_000 });
  for (let i = 0; i < 3000; i++) {
    const winner = table.get(`key ${i}`)?.text;
    for (const { result } of outcomes) assert.is(result[i], winner);
  }
});

test("each row is taken by one thread, by take or by its version", async () => {
  const table = make();
  for (let i = 0; i < 2000; i++) table.set(`key ${i}`, { text: "t", n: i, total: 0n });
  const input = { table: table.share(), keys: 2000, rounds: 0, progress, stop, task: "claim" };
  const outcomes = await runWorkers<number>({ file, count: 8, workerData: input, timeoutMs: 240_000 });
  assert.is(
    outcomes.reduce((sum, { result }) => sum + result, 0),
    2000,
  );
  assert.is(table.size, 0);
});

test("snapshots are of one moment: what is counted first is ahead in each, by what is under way at most", async () => {
  const table = make();
  const other = new SharedTable({ region: table.region, key: "i32", columns: { n: "u32" } });
  const keys = 40;
  const count = 3;
  const input = { table: table.share(), other: other.share(), keys, rounds: 0, progress, stop, task: "follow" };
  const run = runWorkers<number>({ file, count, workerData: input, timeoutMs: 240_000 });
  let seen = 0;
  for (let i = 0; i < 200 || seen < 100; i++) {
    const [rows, followers] = snapshotAll([table, other]);
    for (let pair = 0; pair < keys; pair++) {
      const first = rows.get(`first ${pair}`)?.n ?? 0;
      const second = rows.get(`second ${pair}`)?.n ?? 0;
      const third = followers.get(pair)?.n ?? 0;
      assert.ok(first >= second && second >= third && first - third <= count, `${first}, ${second}, ${third}`);
      seen = Math.max(seen, third);
    }
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  Atomics.store(new Int32Array(stop), 0, 1);
  await run;
  assert.equal(table.check().problems, []);
});

test("writers killed in mid-operation leave each row before or after it, and nothing leaks", async () => {
  const region = Region.create();
  const table = new SharedTable({ region, key: "string", columns, capacity: 8 });
  const count = 24;
  const keys = 60;
  const cells = new Int32Array(progress).fill(0);
  const input = { table: table.share(), keys, rounds: 0, progress, stop, task: "die" };
  await runWorkers({
    file,
    count,
    workerData: input,
    timeoutMs: 240_000,
    mayDie: () => true,
    onMessage: (_, index, workers) => {
      terminateOnce(workers[index], () => Atomics.load(cells, 2 * index) > (index * 37) % 400);
    },
  });
  for (let worker = 0; worker < count; worker++) {
    const [begun, done] = cells.subarray(2 * worker, 2 * worker + 2);
    assert.ok(begun > 0 && begun - done <= 1, `${begun} begun, ${done} done`);
    const model = new Map<string, Row>();
    for (let number = 0; number < done; number++) perform(model, changeAt(worker, number, keys));
    const open = begun > done ? changeAt(worker, done, keys) : undefined;
    const after = new Map(model);
    if (open !== undefined) perform(after, open);
    for (let i = 0; i < keys; i++) {
      const key = `${worker}:${i}`;
      const found = table.get(key);
      const expected = key === open?.key && same(found, after.get(key)) ? after.get(key) : model.get(key);
      assert.ok(same(found, expected), `${key} after ${done} changes`);
    }
  }
  assert.equal(table.check().problems, []);
  table.clear();
  assert.equal(table.check().problems, []);
});

function same(a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.text === b.text && a.n === b.n && a.total === b.total;
}

test.run();
