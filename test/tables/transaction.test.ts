// watchdog: 300s
// Transactions: what the callback sees and does, that it is all or nothing, also for a thread that dies at any store.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/cells/atomics.ts";
import { HoldfastError } from "../../src/cells/errors.ts";
import { S_RECORD, T_SEED } from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import type { TableCore } from "../../src/tables/core.ts";
import { encodeKey } from "../../src/tables/row.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import type { TableTransaction } from "../../src/tables/types.ts";
import { runWorkers } from "../support/watchdog.ts";
import { runMortal } from "./mortal-memory.ts";
import { seeded } from "./seeded.ts";

const test = suite("transaction");
const columns = { text: "string", n: "i32" } as const;
type Row = { text: string; n: number };
type MyTable = SharedTable<string, Row>;

function make(): MyTable {
  return new SharedTable({ region: Region.create(), key: "string", columns });
}

function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "nothing thrown";
}

test("returns what the callback returns, which sees its own changes", () => {
  const table = make();
  table.set("a", { text: "A", n: 1 });
  const result = table.transaction(["a", "b", "c", "a"], (tx) => {
    assert.equal(tx.get("a"), { text: "A", n: 1 });
    assert.is(tx.get("b"), undefined);
    assert.is(tx.set("b", { text: "B", n: 2 }), tx);
    assert.equal(tx.get("b"), { text: "B", n: 2 });
    assert.ok(tx.delete("a") && !tx.delete("a") && !tx.delete("c"));
    assert.is(tx.get("a"), undefined);
    tx.set("a", { text: "new", n: 3 });
    return "done";
  });
  assert.is(result, "done");
  assert.equal(
    table.snapshot(),
    new Map([
      ["a", { text: "new", n: 3 }],
      ["b", { text: "B", n: 2 }],
    ]),
  );
  assert.is(table.size, 2);
  assert.is(
    table.transaction([], () => 7),
    7,
  );
  assert.equal(table.check().problems, []);
});

test("a callback that throws changes nothing, and leaves no lock", () => {
  const table = make();
  table.set("a", { text: "A", n: 1 });
  const before = table.snapshot();
  const failure = new Error("mine");
  try {
    table.transaction(["a", "b"], (tx) => {
      tx.delete("a");
      tx.set("b", { text: "B", n: 2 });
      throw failure;
    });
    assert.unreachable();
  } catch (error) {
    assert.is(error, failure);
  }
  assert.equal(table.snapshot(), before);
  table.set("b", { text: "", n: 0 });
});

test("misuse is told, with nothing changed", () => {
  const table = make();
  table.set("a", { text: "A", n: 1 });
  const before = table.snapshot();
  const run = (work: (tx: TableTransaction<string, Row>) => unknown) =>
    errorOf(() => table.transaction(["a", "b"], work));
  assert.match(
    run((tx) => tx.get("c")),
    /^RangeError.*"c" is none of the transaction's keys/,
  );
  assert.match(
    run((tx) => tx.set("z", { text: "", n: 0 })),
    /^RangeError/,
  );
  assert.match(
    run((tx) => tx.delete("z")),
    /^RangeError/,
  );
  assert.match(
    run((tx) => tx.set("a", { text: 5, n: 0 } as never)),
    /^TypeError.*"text"/,
  );
  assert.match(
    run((tx) => tx.set("a", { text: "", n: 0.5 })),
    /^TypeError|^RangeError/,
  );
  assert.is(
    run(() => table.get("a")),
    "ERR_WOULD_DEADLOCK",
  );
  assert.is(
    run(() => table.transaction(["b"], () => 1)),
    "ERR_WOULD_DEADLOCK",
  );
  assert.match(
    run(async (tx) => tx.delete("a")),
    /^TypeError.*async/,
  );
  assert.match(
    errorOf(() => table.transaction(5 as never, () => 1)),
    /^TypeError/,
  );
  assert.match(
    errorOf(() => table.transaction(["a"], 5 as never)),
    /^TypeError/,
  );
  assert.match(
    errorOf(() => table.transaction([5 as never], () => 1)),
    /^TypeError/,
  );
  let kept: TableTransaction<string, Row> | undefined;
  table.transaction(["a"], (tx) => (kept = tx) && undefined);
  assert.is(
    errorOf(() => kept?.set("a", { text: "", n: 0 })),
    "ERR_CLOSED",
  );
  assert.equal(table.snapshot(), before);
});

test("many keys at once, through growths, and other tables in the callback", () => {
  const table = make();
  const other = new SharedTable({ region: table.region, key: "i32", columns: { v: "string" } });
  const keys = Array.from({ length: 5000 }, (_, i) => `key ${i}`);
  table.transaction(keys, (tx) => {
    keys.forEach((key, i) => {
      tx.set(key, { text: key.repeat(i % 5), n: i });
      other.set(i, { v: key });
    });
  });
  assert.is(table.size, 5000);
  keys.forEach((key, i) => assert.equal(table.get(key), { text: key.repeat(i % 5), n: i }));
  table.transaction(keys.slice(0, 4000), (tx) => {
    for (const key of keys.slice(0, 4000)) tx.delete(key);
  });
  assert.is(table.size, 1000);
  assert.equal(table.check().problems, []);
  const { bytesUsed } = table.region.stats();
  table.clear();
  assert.ok(table.region.stats().bytesUsed < bytesUsed);
  assert.equal(table.check().problems, []);
});

test("a full region changes nothing", () => {
  const region = Region.create({ byteLength: 1 << 19, maxByteLength: 1 << 19, maxThreads: 4 });
  const table = seeded(new SharedTable({ region, key: "i32", columns: { text: "string" } }));
  for (let i = 0; i < 100; i++) table.set(i, { text: "x".repeat(300) });
  const before = table.snapshot();
  const keys = Array.from({ length: 3000 }, (_, i) => i);
  const code = errorOf(() =>
    table.transaction(keys, (tx) => {
      for (const key of keys) tx.set(key, { text: "y".repeat(500) });
    }),
  );
  assert.is(code, "ERR_REGION_FULL");
  assert.equal(table.snapshot(), before);
  assert.equal(table.check().problems, []);
  table.transaction([1, 2], (tx) => tx.set(1, { text: "one" }).delete(2));
  assert.is(table.get(1)?.text, "one");
  assert.is(table.size, 99);
});

// Death at every store, with keys in three shards.

interface World {
  readonly table: MyTable;
  readonly core: TableCore;
  readonly keys: string[];
}

function world(): World {
  const region = Region.create({ byteLength: 1 << 20, maxByteLength: 1 << 20, maxThreads: 4, wasm: false });
  const made = new SharedTable({ region, key: "string", columns, capacity: 8 });
  region.memory.words.set([1, 2, 3, 4], (made.share().offset >> 2) + T_SEED);
  const table = SharedTable.from(made.share(), { key: "string", columns });
  const core = Table.coreOf(table);
  const keys: string[] = [];
  const shards = new Set([3, 7, 8].map((number) => core.shardAt(number)));
  for (let i = 0; keys.length < 40; i++) {
    if (shards.has(core.shardOf(core.hash(encodeKey(core.schema, `k${i}`, ""))))) keys.push(`k${i}`);
  }
  return { table, core, keys };
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

function textOf(rows: Map<string, Row>): string {
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, row]) => `${key}:${row.text}:${row.n}`).join("\n");
}

interface Step {
  readonly chosen: readonly string[];
  readonly run: () => void;
  readonly before: Map<string, Row>;
  readonly after: Map<string, Row>;
}

/** A random transaction over one to seven keys, and what it makes of the rows. */
function stepOf({ table, keys }: World, next: (below: number) => number, rows: Map<string, Row>, number: number): Step {
  const chosen = Array.from({ length: 1 + next(7) }, () => keys[next(Math.min(keys.length, 10 + number))]);
  const after = new Map(rows);
  const work: ((tx: TableTransaction<string, Row>) => void)[] = chosen.map((key) => {
    if (next(3) === 0) {
      after.delete(key);
      return (tx) => void tx.delete(key);
    }
    const row = { text: "x".repeat([3, 30, 700, 17_000][next(4)]), n: number };
    after.set(key, row);
    return (tx) => void tx.set(key, row);
  });
  const run = (): void => table.transaction(chosen, (tx) => work.forEach((change) => change(tx)));
  return { chosen, run, before: rows, after };
}

function walk(seed: number, count: number, inspect: (here: World, step: Step, restore: () => void) => void): void {
  const here = world();
  const next = random(seed);
  const { bytes } = here.core.region.memory;
  let rows = new Map<string, Row>();
  for (let number = 0; number < count; number++) {
    const step = stepOf(here, next, rows, number);
    const start = bytes.slice();
    inspect(here, step, () => bytes.set(start));
    bytes.set(start);
    step.run();
    rows = step.after;
    assert.is(textOf(here.table.snapshot()), textOf(rows));
  }
}

test("a thread that dies at any store has made all changes or none", () => {
  let deaths = 0;
  let made = 0;
  walk(3, 40, ({ table, core }, step, restore) => {
    for (let stores = 0; ; stores++) {
      restore();
      if (!runMortal(core, stores, step.run)) break;
      deaths++;
      const found = textOf(table.snapshot());
      const where = `${step.chosen.join(" ")}, dead after ${stores} stores`;
      if (found === textOf(step.after)) made++;
      else assert.is(found, textOf(step.before), where);
      assert.equal(table.check().problems, [], where);
    }
  });
  assert.ok(deaths > 1500 && made > 100 && deaths - made > 100, `${deaths} deaths, ${made} of them after the commit`);
});

test("whichever shard is repaired first, and whatever is done to it before the others are", () => {
  let deaths = 0;
  walk(5, 30, ({ table, core }, step, restore) => {
    const where = (stores: number, key: string) => `${key} first, of ${step.chosen.join(" ")}, dead after ${stores}`;
    for (let stores = 3; ; stores += 3) {
      restore();
      if (!runMortal(core, stores, step.run)) break;
      deaths++;
      const key = step.chosen[deaths % step.chosen.length];
      const found = table.get(key);
      const possible = [step.before, step.after].filter((rows) => rows.get(key)?.n === found?.n);
      assert.ok(possible.length > 0, where(stores, key));
      // What is written to the repaired shard must not be undone by the repair of another.
      table.set(key, { text: "later", n: -1 });
      const all = textOf(table.snapshot());
      const expected = possible.map((rows) => textOf(new Map(rows).set(key, { text: "later", n: -1 })));
      assert.ok(expected.includes(all), where(stores, key));
      assert.equal(table.check().problems, [], where(stores, key));
    }
  });
  assert.ok(deaths > 300, `${deaths} deaths`);
});

test("the repair itself may be cut off at every store", () => {
  let deaths = 0;
  walk(8, 14, ({ table, core }, step, restore) => {
    const { bytes } = core.region.memory;
    for (let stores = 2; ; stores += 7) {
      restore();
      if (!runMortal(core, stores, step.run)) break;
      const dead = bytes.slice();
      for (let repair = 0; ; repair += 5) {
        bytes.set(dead);
        const died = runMortal(core, repair, () => table.snapshot());
        const found = textOf(table.snapshot());
        const where = `dead after ${stores}, repair dead after ${repair}`;
        assert.ok(found === textOf(step.after) || found === textOf(step.before), where);
        assert.equal(table.check().problems, [], where);
        if (!died) break;
        deaths++;
      }
    }
  });
  assert.ok(deaths > 300, `${deaths} deaths`);
});

test("no block is left over after deaths: clear gives everything back", () => {
  const here = world();
  const { table, core } = here;
  const { bytesUsed } = core.region.stats();
  const next = random(99);
  for (let number = 0; number < 200; number++) {
    const step = stepOf(here, next, new Map(), number);
    runMortal(core, next(150), step.run);
    table.snapshot();
  }
  assert.equal(table.check().problems, []);
  table.clear();
  assert.is(core.region.stats().bytesUsed, bytesUsed);
  for (let number = 0; number < core.shardCount; number++) {
    assert.is(load(core.region.memory.words, core.shardAt(number) + S_RECORD), 0);
  }
});

test("8 threads move money between accounts: no reader ever sees any of it on the way", async () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns: { ...columns, total: "i64" } });
  for (let i = 0; i < 30; i++) table.set(`account ${i}`, { text: "", n: 1000, total: 0n });
  const input = {
    table: table.share(),
    keys: 30,
    rounds: 400,
    progress: new SharedArrayBuffer(4),
    stop: new SharedArrayBuffer(4),
    task: "transfer",
  };
  const file = new URL("./threads.worker.js", import.meta.url);
  await runWorkers({ file, count: 8, workerData: input, timeoutMs: 240_000 });
  let sum = 0;
  for (const [key, { n }] of table.snapshot()) if (key.startsWith("account")) sum += n;
  assert.is(sum, 30_000);
  assert.equal(table.check().problems, []);
});

test.run();
