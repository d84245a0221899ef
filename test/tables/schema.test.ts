// Declared columns: what is refused, and when two declarations are the same table.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Region } from "../../src/region/region.ts";
import { parseSchema } from "../../src/tables/schema.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";

const test = suite("schema");

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    return (error as Error).name;
  }
  return "nothing thrown";
}

test("the order of declaration does not matter for memory, types and names do", () => {
  const a = parseSchema("string", { x: "u32", y: "string", z: "f64" }, "a");
  const b = parseSchema("string", { z: "f64", y: "string", x: "u32" }, "b");
  assert.is(a.fingerprint, b.fingerprint);
  assert.is(a.byName.get("x")?.word, b.byName.get("x")?.word);
  assert.equal(
    b.columns.map((column) => column.name),
    ["z", "y", "x"],
  );
  for (const other of [
    { x: "i32", y: "string", z: "f64" },
    { x: "u32", y: "string" },
    { X: "u32", y: "string", z: "f64" },
  ]) {
    assert.is.not(parseSchema("string", other, "other").fingerprint, a.fingerprint);
  }
  assert.is.not(parseSchema("i32", { x: "u32", y: "string", z: "f64" }, "c").fingerprint, a.fingerprint);
});

test("columns of eight bytes stand at eight bytes", () => {
  const schema = parseSchema("i32", { a: "u32", b: "i64", c: "bool", d: "f64", e: "string" }, "t");
  assert.is((schema.byName.get("b")?.word ?? 1) & 1, 0);
  assert.is((schema.byName.get("d")?.word ?? 1) & 1, 0);
});

test("bad declarations are refused with ERR_TABLE_SCHEMA", () => {
  const region = Region.create();
  const make = (key: unknown, columns: unknown) => () => new SharedTable({ region, key, columns } as never);
  assert.is(codeOf(make("float", {})), "ERR_TABLE_SCHEMA");
  assert.is(codeOf(make("string", undefined)), "ERR_TABLE_SCHEMA");
  assert.is(codeOf(make("string", ["u32"])), "ERR_TABLE_SCHEMA");
  assert.is(codeOf(make("string", { a: "u64" })), "ERR_TABLE_SCHEMA");
  assert.is(codeOf(make("string", { "": "u32" })), "ERR_TABLE_SCHEMA");
  assert.is(codeOf(make("string", JSON.parse('{"__proto__": "u32"}'))), "ERR_TABLE_SCHEMA");
  const many = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`c${i}`, "u32"]));
  assert.is(codeOf(make("string", many)), "ERR_TABLE_SCHEMA");
  assert.is(
    codeOf(() => new SharedTable(undefined as never)),
    "TypeError",
  );
  assert.is(
    codeOf(() => new SharedTable({ region: {} as never, key: "i32", columns: {} })),
    "TypeError",
  );
  assert.is(
    codeOf(() => new SharedTable({ region, key: "i32", columns: {}, capacity: 0 })),
    "RangeError",
  );
  assert.is(
    codeOf(() => new SharedTable({ region, key: "i32", columns: {}, capacity: "9" as never })),
    "TypeError",
  );
});

test("a name is one table, and refuses another schema", () => {
  const region = Region.create();
  const first = new SharedTable({ region, name: "n", key: "string", columns: { a: "u32", b: "string" } });
  const second = SharedTable.named("n", { region, key: "string", columns: { b: "string", a: "u32" } });
  first.set("k", { a: 1, b: "x" });
  assert.equal(Object.entries(second.get("k") ?? {}), [
    ["b", "x"],
    ["a", 1],
  ]);
  const third = SharedTable.named<string, { a: number; b: string }>("n", { region });
  assert.equal(third.get("k"), { a: 1, b: "x" });
  assert.is(third.name, "n");
  assert.is(
    codeOf(() => SharedTable.named("n", { region, key: "string", columns: { a: "u32" } })),
    "ERR_TABLE_SCHEMA",
  );
  assert.is(
    codeOf(() => SharedTable.named("n", { region, key: "i32", columns: { a: "u32", b: "string" } })),
    "ERR_TABLE_SCHEMA",
  );
  assert.is(
    codeOf(() => SharedTable.named("none", { region })),
    "ERR_TABLE_SCHEMA",
  );
  assert.equal(
    region.names().map(({ name }) => name),
    ["n"],
  );
});

test("a handle finds the table, and what is none is refused", () => {
  const region = Region.create();
  const made = new SharedTable({ region, key: "i64", columns: { v: "i64" } });
  made.set(-5n, { v: 7n });
  const attached = SharedTable.from(made.share());
  assert.equal(attached.get(-5n), { v: 7n });
  assert.is(
    codeOf(() => SharedTable.from(made.share(), { key: "i64", columns: { v: "f64" } })),
    "ERR_TABLE_SCHEMA",
  );
  assert.is(
    codeOf(() => SharedTable.from({} as never)),
    "TypeError",
  );
  assert.is(
    codeOf(() => SharedTable.from({ ...made.share(), holdfast: "mutex" } as never)),
    "ERR_REGION_KIND",
  );
  assert.is(
    codeOf(() => SharedTable.from({ ...made.share(), offset: 100 })),
    "ERR_REGION_CORRUPT",
  );
});

test("a corrupt header is told", () => {
  const region = Region.create();
  const made = new SharedTable({ region, key: "i32", columns: { value: "u32" } });
  const handle = made.share();
  region.memory.words[handle.offset >> 2] = 0;
  assert.is(
    codeOf(() => SharedTable.from(handle)),
    "ERR_TABLE_CORRUPT",
  );
});

test.run();
