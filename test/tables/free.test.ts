// watchdog: 300s
// free() gives everything back, and whoever still uses the table is told, in any thread.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { S_INDEX } from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { runWorkers } from "../support/watchdog.ts";
import { runMortal } from "./mortal-memory.ts";
import { columns as threadColumns } from "./threads.ts";

const test = suite("free");
const columns = { text: "string", n: "u32" } as const;
const row = { text: "some text", n: 1 };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
  return "nothing thrown";
}

test("every method of every handle says ERR_CLOSED, also once the memory has another use", () => {
  const region = Region.create();
  const table = new SharedTable({ region, name: "t", key: "string", columns });
  const other = SharedTable.from(table.share(), { key: "string", columns });
  const handle = table.share();
  for (let i = 0; i < 3000; i++) table.set(`key ${i}`, row);
  for (let i = 0; i < 100; i++) assert.equal(other.get(`key ${i}`), row);
  table.free();
  const uses: [string, (t: typeof table) => unknown][] = [
    ["get", (t) => t.get("key 1")],
    ["has", (t) => t.has("key 1")],
    ["get of a long key", (t) => t.get("k".repeat(500))],
    ["set", (t) => t.set("key 1", row)],
    ["delete", (t) => t.delete("key 1")],
    ["take", (t) => t.take("key 1")],
    ["getOrInsert", (t) => t.getOrInsert("key 1", row)],
    ["getWithVersion", (t) => t.getWithVersion("key 1")],
    ["compareAndDelete", (t) => t.compareAndDelete("key 1", 1)],
    ["update", (t) => t.update("key 1", () => row)],
    ["add", (t) => t.add("key 1", "n", 1)],
    ["max", (t) => t.max("key 1", "n", 1)],
    ["transaction", (t) => t.transaction(["key 1"], (tx) => tx.get("key 1"))],
    ["size", (t) => t.size],
    ["keys", (t) => [...t.keys()]],
    ["entries", (t) => [...t]],
    ["snapshot", (t) => t.snapshot()],
    ["clear", (t) => t.clear()],
    ["check", (t) => t.check()],
    ["stats", (t) => t.stats()],
    ["share", (t) => t.share()],
    ["free", (t) => t.free()],
  ];
  const assertClosed = (): void => {
    for (const [name, use] of uses) {
      assert.is(
        codeOf(() => use(table)),
        "ERR_CLOSED",
        name,
      );
      assert.is(
        codeOf(() => use(other)),
        "ERR_CLOSED",
        `${name} of another handle`,
      );
    }
    assert.is(
      codeOf(() => SharedTable.from(handle)),
      "ERR_CLOSED",
    );
    assert.match(String(table), /freed/);
  };
  assertClosed();
  const next = new SharedTable({ region, name: "t", key: "i32", columns: { other: "f64" } });
  for (let i = 0; i < 3000; i++) next.set(i, { other: i });
  assertClosed();
  assert.is(next.size, 3000);
  assert.equal(next.check().problems, []);
});

test("all memory goes back, records of transactions and large rows too", () => {
  const region = Region.create();
  new SharedTable({ region, key: "string", columns });
  const { bytesUsed } = region.stats();
  for (let round = 0; round < 3; round++) {
    const table = new SharedTable({ region, name: "again", key: "string", columns });
    for (let i = 0; i < 2000; i++) table.set(`key ${i}`, { text: "x".repeat(i % 100 === 0 ? 30_000 : 20), n: i });
    table.transaction(["a", "b"], (tx) => tx.set("a", row).set("b", row));
    table.free();
    assert.is(region.stats().bytesUsed, bytesUsed);
  }
  assert.equal(region.names(), []);
});

test("a callback must not free its table", () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns });
  assert.is(
    codeOf(() => table.update("a", () => (table.free(), row))),
    "ERR_WOULD_DEADLOCK",
  );
  table.set("a", row);
});

test("a table whose memory was overwritten can be freed", () => {
  const region = Region.create();
  new SharedTable({ region, key: "string", columns });
  const { bytesUsed } = region.stats();
  const table = new SharedTable({ region, key: "string", columns });
  for (let i = 0; i < 2000; i++) table.set(`key ${i}`, row);
  const core = Table.coreOf(table);
  region.memory.words[region.memory.words[core.shardAt(2) + S_INDEX]] = -7;
  assert.not(table.check().ok);
  table.free();
  assert.is(
    codeOf(() => table.size),
    "ERR_CLOSED",
  );
  assert.is(region.stats().bytesUsed, bytesUsed);
});

test("a thread that dies at any store of free() leaves a table that can be used or freed", () => {
  const region = Region.create({ byteLength: 1 << 20, maxByteLength: 1 << 20, maxThreads: 4, wasm: false });
  new SharedTable({ region, key: "string", columns, capacity: 8 });
  const before = region.stats().bytesUsed;
  const table = new SharedTable({ region, key: "string", columns, capacity: 8 });
  for (let i = 0; i < 200; i++) table.set(`key ${i}`, row);
  const core = Table.coreOf(table);
  const { bytes } = region.memory;
  const start = bytes.slice();
  for (let stores = 0; ; stores += 7) {
    bytes.set(start);
    if (!runMortal(core, stores, () => table.free())) break;
    assert.match(
      codeOf(() => table.free()),
      /^nothing thrown|^ERR_CLOSED/,
      `after ${stores} stores`,
    );
    assert.is(
      codeOf(() => table.get("key 1")),
      "ERR_CLOSED",
    );
    assert.is(region.stats().bytesUsed, before, `after ${stores} stores`);
  }
});

test("a thread that comes while the shards are out of use and the table is not given back yet is told the same", async () => {
  const region = Region.create();
  const table = new SharedTable({ region, key: "string", columns });
  const cells = new Int32Array(new SharedArrayBuffer(16));
  const { remove } = region;
  region.remove = (offset, retire) =>
    remove.call(region, offset, () => {
      retire();
      Atomics.store(cells, 0, 1);
      Atomics.notify(cells, 0);
      // Time to be told the wrong thing; it waits for the end of this, so it has done nothing yet when that is over.
      assert.is(Atomics.wait(cells, 2, 0, 500), "timed-out");
    });
  const told = runWorkers<string>({
    file: new URL("./free.worker.js", import.meta.url),
    count: 1,
    workerData: { table: table.share(), cells },
  });
  await Atomics.waitAsync(cells, 1, 0).value;
  table.free();
  const [{ result }] = await told;
  assert.is(result, "ERR_CLOSED");
});

test("threads in the middle of their work are told", async () => {
  const region = Region.create();
  const table = new SharedTable({ region, key: "string", columns: threadColumns });
  const cells = new SharedArrayBuffer(64);
  const input = { table: table.share(), keys: 50, rounds: 0, progress: cells, stop: cells, task: "untilClosed" };
  let ready = 0;
  const outcomes = await runWorkers<string>({
    file: new URL("./threads.worker.js", import.meta.url),
    count: 4,
    workerData: input,
    onMessage: () => {
      if (++ready === 4) table.free();
    },
  });
  for (const { result } of outcomes) assert.is(result, "ERR_CLOSED");
});

test.run();
