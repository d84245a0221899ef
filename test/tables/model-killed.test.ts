// Random operations against a plain Map, by writers of which some die at one of their stores: the table is then before or
// after the operation, whole, and goes on; check() finds nothing.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { SharedTable as Table } from "../../src/tables/table.ts";
import { suite } from "../support/suite.ts";
import { runMortal } from "./mortal-memory.ts";

const test = suite("SharedTable against a Map, with killed writers");

const columns = { text: "string", n: "u32" } as const;
type Row = { text: string; n: number };
type Rows = Map<string, Row>;

const keys = Array.from({ length: 21 }, (_, k) => `key ${k}`);

const step = fc.record({
  kind: fc.constantFrom("set", "set", "set", "update", "add", "delete", "take", "clear" as const),
  key: fc.constantFrom(...keys),
  row: fc.record(
    {
      text: fc.oneof(
        fc.string(),
        fc.integer({ min: 0, max: 3000 }).map((length) => "t".repeat(length)),
      ),
      n: fc.integer({ min: 0, max: 1000 }),
    },
    { noNullPrototype: true },
  ),
  /** After how many stores the writer dies, if it has not ended before. */
  stores: fc.option(fc.nat({ max: 80 })),
  look: fc.constantFrom("snapshot", "entries", "get", "check", "stats" as const),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function apply(table: SharedTable<string, Row>, { kind, key, row }: Step): void {
  if (kind === "set") table.set(key, row);
  else if (kind === "update") table.update(key, (before) => ({ ...row, n: (before?.n ?? 0) + 1 }));
  else if (kind === "add") table.add(key, "n", 1);
  else if (kind === "delete") table.delete(key);
  else if (kind === "take") table.take(key);
  else table.clear();
}

function expected(rows: Rows, { kind, key, row }: Step): Rows {
  const after: Rows = kind === "clear" ? new Map() : new Map(rows);
  const n = (rows.get(key)?.n ?? 0) + 1;
  if (kind === "set") after.set(key, row);
  else if (kind === "update") after.set(key, { ...row, n });
  else if (kind === "add") after.set(key, { text: rows.get(key)?.text ?? "", n });
  else if (kind === "delete" || kind === "take") after.delete(key);
  return after;
}

const inOrder = (rows: Iterable<[string, Row]>): string =>
  JSON.stringify([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { text, n }]) => [key, text, n]));

/** All rows as the first to look sees them after a death: each way to look must make a table whole that was left half done. */
function look(table: SharedTable<string, Row>, way: Step["look"]): Rows {
  const { size } = table;
  if (way === "check") assert.equal(table.check().problems, []);
  if (way === "stats") assert.is(table.stats().entries, size);
  const rows: Rows = new Map(way === "entries" ? table.entries() : []);
  if (way === "get") {
    for (const key of keys) {
      const row = table.get(key);
      if (row !== undefined) rows.set(key, row);
    }
  }
  const all = table.snapshot() as Rows;
  if (way === "entries" || way === "get") assert.is(inOrder(rows), inOrder(all), way);
  assert.is(size, all.size, `size, then ${way}`);
  return all;
}

/** The seed is fixed, so that a run says the same each time; HOLDFAST_SEED takes another. */
const seed = Number(globalThis.process?.env.HOLDFAST_SEED ?? 20_261_122);

test("each operation that a death cuts off is before or after, and all others are as a Map's", () => {
  let deaths = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const region = Region.create({ byteLength: 1 << 20, maxByteLength: 1 << 20, maxThreads: 4, wasm: false });
      const table = new SharedTable({ region, key: "string", columns, capacity: 8 });
      const core = Table.coreOf(table);
      let rows: Rows = new Map();
      for (const one of steps) {
        const after = expected(rows, one);
        const died = one.stores !== null && runMortal(core, one.stores, () => apply(table, one));
        if (one.stores === null) apply(table, one);
        const found = look(table, one.look);
        if (died) {
          deaths++;
          assert.ok(
            [rows, after].some((whole) => inOrder(whole) === inOrder(found)),
            `${one.kind} of ${one.key}, dead after ${one.stores} stores`,
          );
        } else assert.is(inOrder(found), inOrder(after));
        rows = found;
        assert.equal(table.check().problems, []);
      }
    }),
    { numRuns: 100, seed },
  );
  assert.ok(deaths > 200, `only ${deaths} deaths were tried`);
});

test.run();
