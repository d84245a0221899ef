// watchdog: 300s
// Random operations against a plain Map: the same results, the same contents, and check() finds nothing.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";

const test = suite("SharedTable against a Map");

const columns = { text: "string", label: "string", n: "i32", f: "f64" } as const;
type Row = { text: string; label: string; n: number; f: number };
type Table = SharedTable<string, Row>;
type Model = Map<string, Row>;
type Step = fc.Command<Model, Table>;

const anyUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((c) => String.fromCharCode(...c));
const key = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => `key ${n}`) }, anyUnits);
const text = fc.oneof(
  fc.string(),
  anyUnits,
  fc.integer({ min: 0, max: 40_000 }).map((n) => "t".repeat(n)),
);
const row = fc.record({ text, label: anyUnits, n: fc.integer(), f: fc.double() }, { noNullPrototype: true });
const zero: Row = { text: "", label: "", n: 0, f: 0 };

function step(name: string, run: (model: Model, table: Table) => void): Step {
  return { check: () => true, run, toString: () => name };
}

const commands = [
  fc.tuple(key, row).map(([k, r]) =>
    step(`set ${JSON.stringify(k)}`, (model, table) => {
      table.set(k, r);
      model.set(k, r);
    }),
  ),
  key.map((k) => step(`get ${JSON.stringify(k)}`, (model, table) => assert.equal(table.get(k), model.get(k)))),
  key.map((k) => step(`has ${JSON.stringify(k)}`, (model, table) => assert.is(table.has(k), model.has(k)))),
  key.map((k) => step(`delete ${JSON.stringify(k)}`, (model, table) => assert.is(table.delete(k), model.delete(k)))),
  key.map((k) =>
    step(`take ${JSON.stringify(k)}`, (model, table) => {
      assert.equal(table.take(k), model.get(k));
      model.delete(k);
    }),
  ),
  fc.tuple(key, row).map(([k, r]) =>
    step(`getOrInsert ${JSON.stringify(k)}`, (model, table) => {
      assert.equal(table.getOrInsert(k, r), model.get(k) ?? r);
      if (!model.has(k)) model.set(k, r);
    }),
  ),
  fc.tuple(key, fc.integer({ min: -1000, max: 1000 })).map(([k, by]) =>
    step(`add ${JSON.stringify(k)}`, (model, table) => {
      const before = model.get(k) ?? zero;
      const n = before.n + by;
      if (n !== (n | 0)) return;
      assert.is(table.add(k, "n", by), n);
      model.set(k, { ...before, n });
    }),
  ),
  fc.tuple(key, fc.option(row)).map(([k, r]) =>
    step(`update ${JSON.stringify(k)}`, (model, table) => {
      const after = r === null ? undefined : { ...r, label: model.get(k)?.text.slice(0, 100) ?? "new" };
      table.update(k, (before) => {
        assert.equal(before, model.get(k));
        return after;
      });
      if (after === undefined) model.delete(k);
      else model.set(k, after);
    }),
  ),
  fc.constant(step("snapshot", (model, table) => assert.equal(table.snapshot(), model))),
  fc.constant(step("entries", (model, table) => assert.equal(new Map(table.entries()), model))),
  fc.constant(step("size", (model, table) => assert.is(table.size, model.size))),
];
const rarely = fc.constant(
  step("clear", (model, table) => {
    table.clear();
    model.clear();
  }),
);

for (const wasm of [true, false]) {
  test(`the same results as a Map, ${wasm ? "Wasm" : "JavaScript"}`, () => {
    fc.assert(
      fc.property(fc.commands([...commands, ...commands, rarely], { maxCommands: 300, size: "max" }), (sequence) => {
        const region = Region.create({ maxThreads: 2, wasm });
        const table = new SharedTable({ region, key: "string", columns, capacity: 8 });
        fc.modelRun(() => ({ model: new Map(), real: table }), sequence);
        assert.equal(table.check().problems, []);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
}

test("many rows, through several growths, in any order", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const table = new SharedTable({ region: Region.create(), key: "i32", columns: { v: "i32" }, capacity: 8 });
      const model = new Map<number, { v: number }>();
      let state = seed | 1;
      for (let i = 0; i < 8000; i++) {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
        const key = (state >>> 8) % 3000;
        if (state % 5 === 0) assert.is(table.delete(key), model.delete(key));
        else {
          table.set(key, { v: i });
          model.set(key, { v: i });
        }
      }
      for (const [key, value] of model) assert.equal(table.get(key), value);
      assert.equal(table.snapshot(), model);
      assert.equal(table.check().problems, []);
    }),
    { numRuns: 5 },
  );
});

test.run();
