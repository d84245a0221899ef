// watchdog: 300s
// A writer that dies at any store leaves the table before or after its operation, and the next owner makes it whole: a
// walk through random operations on one shard, each cut off at each of its stores.
// native: too

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { T_SEED } from "../../src/protocols/table-layout.ts";
import { Region } from "../../src/region/region.ts";
import type { TableCore } from "../../src/tables/core.ts";
import { encodeKey } from "../../src/tables/row.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { runMortal } from "./mortal-memory.ts";

const test = suite("a table's writer dies at any store");

interface Row {
  text: string;
  count: number;
  ratio: number;
  big: bigint;
}
type Oracle = Map<string, Row>;
interface Operation {
  readonly name: string;
  run(table: SharedTable<string, Row>): void;
  expect(oracle: Oracle): void;
}

const columns = { text: "string", count: "u32", ratio: "f64", big: "i64" } as const;

/** A table whose rows all fall into one shard, with a seed that makes every run the same. */
function world(): { table: SharedTable<string, Row>; core: TableCore; keys: string[] } {
  const region = Region.create({ byteLength: 1 << 20, maxByteLength: 1 << 20, maxThreads: 4, wasm: false });
  const made = new SharedTable({ region, key: "string", columns, capacity: 8 });
  const base = made.share().offset >> 2;
  region.memory.words.set([1, 2, 3, 4], base + T_SEED);
  const table = SharedTable.from(made.share(), { key: "string", columns });
  const core = Table.coreOf(table);
  const keys: string[] = [];
  for (let i = 0; keys.length < 60; i++) {
    if (core.shardOf(core.hash(encodeKey(core.schema, `k${i}`, ""))) === core.shardAt(3)) keys.push(`k${i}`);
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

const zero: Row = { text: "", count: 0, ratio: 0, big: 0n };

function put(key: string, length: number, count: number): Operation {
  const row = { text: "x".repeat(length), count, ratio: count / 4, big: BigInt(count) };
  return {
    name: `set ${key} (${length})`,
    run: (table) => table.set(key, row),
    expect: (oracle) => oracle.set(key, row),
  };
}

function remove(key: string): Operation {
  return { name: `take ${key}`, run: (table) => table.take(key), expect: (oracle) => oracle.delete(key) };
}

function increase(key: string, column: "count" | "ratio" | "big"): Operation {
  const one = column === "big" ? 1n : 1;
  return {
    name: `add ${key} ${column}`,
    run: (table) => table.add(key, column, one as never),
    expect: (oracle) => {
      const row = { ...(oracle.get(key) ?? zero) };
      if (column === "big") row.big += 1n;
      else row[column] += 1;
      oracle.set(key, row);
    },
  };
}

function replace(key: string, length: number): Operation {
  return {
    name: `update ${key} (${length})`,
    run: (table) => table.update(key, (row) => ({ ...(row ?? zero), text: "u".repeat(length) })),
    expect: (oracle) => oracle.set(key, { ...(oracle.get(key) ?? zero), text: "u".repeat(length) }),
  };
}

const empty: Operation = { name: "clear", run: (table) => table.clear(), expect: (oracle) => oracle.clear() };

function pick(keys: readonly string[], next: (below: number) => number, step: number): Operation {
  const key = keys[next(Math.min(keys.length, 6 + step))];
  const length = [3, 3, 30, 90, 700, 17_000][next(6)];
  switch (next(9)) {
    case 0:
    case 1:
      return remove(key);
    case 2:
      return increase(key, (["count", "ratio", "big"] as const)[next(3)]);
    case 3:
      return replace(key, length);
    case 4:
      return step % 40 === 39 ? empty : put(key, length, step);
    default:
      return put(key, length, step);
  }
}

function contents(table: SharedTable<string, Row>): string {
  const rows = [...table.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([key, row]) => `${key}:${row.text}:${row.count}:${row.ratio}:${row.big}`).join("\n");
}

function describe(oracle: Oracle): string {
  const rows = [...oracle].sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([key, row]) => `${key}:${row.text}:${row.count}:${row.ratio}:${row.big}`).join("\n");
}

function assertBeforeOrAfter(found: string, before: string, after: string, where: string): void {
  assert.ok(found === before || found === after, `${where}: neither before nor after`);
}

function walk(seed: number, steps: number, inspect: (context: ReturnType<typeof world>, step: Step) => void): void {
  const context = world();
  const { table, core, keys } = context;
  const next = random(seed);
  const oracle: Oracle = new Map();
  const bytes = core.region.memory.bytes;
  for (let step = 0; step < steps; step++) {
    const operation = pick(keys, next, step);
    const before = describe(oracle);
    operation.expect(oracle);
    const start = bytes.slice();
    inspect(context, { operation, before, after: describe(oracle), restore: () => bytes.set(start), number: step });
    bytes.set(start);
    operation.run(table);
    assert.is(contents(table), describe(oracle), operation.name);
  }
}

interface Step {
  readonly operation: Operation;
  readonly before: string;
  readonly after: string;
  readonly number: number;
  restore(): void;
}

test("every operation, cut off at every store, is before or after, and check() finds nothing", () => {
  let deaths = 0;
  walk(7, 110, ({ table, core }, { operation, before, after, restore, number }) => {
    for (let stores = 0; ; stores++) {
      restore();
      if (!runMortal(core, stores, () => operation.run(table))) break;
      deaths++;
      const where = `step ${number}, ${operation.name}, dead after ${stores} stores`;
      const found = contents(table);
      assertBeforeOrAfter(found, before, after, where);
      assert.equal(table.check().problems, [], where);
    }
  });
  assert.ok(deaths > 2000, `only ${deaths} deaths were tried`);
});

test("the repair itself may be cut off at every store", () => {
  let deaths = 0;
  walk(11, 60, ({ table, core }, { operation, before, after, restore, number }) => {
    if (number % 6 !== 5) return;
    const bytes = core.region.memory.bytes;
    for (let stores = 1; ; stores += 5) {
      restore();
      if (!runMortal(core, stores, () => operation.run(table))) break;
      const dead = bytes.slice();
      for (let repair = 0; ; repair += 3) {
        bytes.set(dead);
        const where = `step ${number}, ${operation.name}, dead after ${stores}, repair dead after ${repair}`;
        const died = runMortal(core, repair, () => table.snapshot());
        assertBeforeOrAfter(contents(table), before, after, where);
        assert.equal(table.check().problems, [], where);
        if (!died) break;
        deaths++;
      }
    }
  });
  assert.ok(deaths > 500, `only ${deaths} deaths were tried`);
});

test("a recovered table goes on as if nothing had been", () => {
  walk(23, 40, ({ table, core, keys }, { operation, restore, number }) => {
    restore();
    if (!runMortal(core, 3 + number, () => operation.run(table))) return;
    const oracle = table.snapshot();
    for (let i = 0; i < 60; i++) {
      const key = keys[(i * 7) % keys.length];
      if (i % 3 === 0) {
        assert.is(table.delete(key), oracle.delete(key));
      } else {
        table.set(key, { ...zero, count: i });
        oracle.set(key, { ...zero, count: i });
      }
    }
    assert.is(contents(table), describe(oracle));
    assert.equal(table.check().problems, []);
  });
});

test.run();
