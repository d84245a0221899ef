// watchdog: 300s
// Hostile arguments for every public method of the tables: each call gives a result that its contract allows, or an error
// that says what is wrong in the words of this library, and leaves what was there as it was.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Region } from "../../src/region/region.ts";
import {
  SharedCounter,
  SharedLog,
  SharedMap,
  SharedMultiMap,
  SharedQueue,
  SharedSet,
  SharedTable,
  StringPool,
  snapshotAll,
} from "../../src/tables/index.ts";
import { hostile, OwnError } from "./hostile-values.ts";

const test = suite("hostile arguments");

type Use = (a: never, b: never) => unknown;

/** Methods that take arguments, with good ones: each position is tried with every hostile value. */
interface Subject {
  readonly name: string;
  readonly state: () => unknown;
  readonly check?: () => readonly string[];
  readonly uses: readonly (readonly [string, Use, readonly unknown[]])[];
}

const options = { timeout: 0 };
const region = Region.create({ byteLength: 1 << 20, maxThreads: 8 });

function subjects(): Subject[] {
  const table = new SharedTable({ region, key: "string", columns: { n: "u32", text: "string" } });
  const row = { n: 1, text: "t" };
  table.set("a", row);
  const numbers = new SharedTable({ region, key: "i32", columns: { big: "i64", ratio: "f64", on: "bool" } });
  const map = new SharedMap({ region });
  map.set("a", "b");
  const set = new SharedSet({ region });
  set.add("a");
  const multi = new SharedMultiMap({ region });
  multi.add("a", "b");
  const queue = new SharedQueue({ region, capacity: 4 });
  const emptied = (push: unknown): void => {
    if (typeof push === "function") push();
    queue.drain();
  };
  const over = new SharedQueue({ region, capacity: 4 });
  over.close();
  const log = new SharedLog({ region, capacity: 4 });
  log.append("first");
  const reader = log.reader();
  const counter = new SharedCounter({ region });
  counter.add(5);
  const pool = new StringPool({ region });
  pool.intern("a");
  const numberRow = { big: 1n, ratio: 1, on: true };
  return [
    {
      name: "SharedTable",
      state: () => [...table],
      check: () => table.check().problems,
      uses: [
        ["get", (k) => table.get(k), ["none"]],
        ["has", (k) => table.has(k), ["none"]],
        ["getWithVersion", (k) => table.getWithVersion(k), ["none"]],
        ["delete", (k) => table.delete(k), ["none"]],
        ["take", (k) => table.take(k), ["none"]],
        ["compareAndDelete", (k, v) => table.compareAndDelete(k, v), ["a", 999]],
        ["set", (k, r) => table.set(k, r), ["a", row]],
        ["getOrInsert", (k, r) => table.getOrInsert(k, r), ["a", row]],
        ["update", (k, f) => table.update(k, f), ["a", (r: unknown) => r]],
        ["update to", (k, r) => table.update("a", () => (r === undefined ? (k as never) : r)), [row, row]],
        ["transaction", (k, f) => table.transaction(k, f), [["a"], () => 1]],
        ["tx.get", (k) => table.transaction(["a"], (tx) => tx.get(k)), ["a"]],
        ["tx.set", (k, r) => table.transaction(["a"], (tx) => tx.set(k, r)), ["a", row]],
        ["tx.delete", (k) => table.transaction(["none"], (tx) => tx.delete(k)), ["none"]],
        ["add", (k, c) => table.add(k, c, 0 as never), ["a", "n"]],
        ["add, the amount", (d) => table.add("a", "n", d), [0]],
        ["max", (k, c) => table.max(k, c, 0 as never), ["a", "n"]],
        ["max, the value", (d) => table.max("a", "n", d), [0]],
        ["snapshotAll", (t) => snapshotAll(t), [[table]]],
        ["snapshotAll of one", (t) => snapshotAll([t]), [table]],
      ],
    },
    {
      name: "SharedTable of integers",
      state: () => [...numbers],
      check: () => numbers.check().problems,
      uses: [
        ["get", (k) => numbers.get(k), [5]],
        ["delete", (k) => numbers.delete(k), [5]],
        ["set", (k, r) => numbers.set(k, r), [Number.NaN, numberRow]],
        ["set, i64", (v) => numbers.set(1, { ...numberRow, big: v, n: 1 } as never), [1n]],
        ["set, bool", (v) => numbers.set(1, { ...numberRow, on: v, n: 1 } as never), [true]],
        ["add, i64", (v) => numbers.add(Number.NaN, "big", v), [1n]],
        ["add, f64", (v) => numbers.add(Number.NaN, "ratio", v), [1]],
      ],
    },
    {
      name: "SharedMap",
      state: () => [...map],
      check: () => map.check().problems,
      uses: [
        ["get", (k) => map.get(k), ["none"]],
        ["has", (k) => map.has(k), ["none"]],
        ["set", (k, v) => map.set(k, v), ["a", "b"]],
        ["delete", (k) => map.delete(k), ["none"]],
        ["take", (k) => map.take(k), ["none"]],
        ["getOrInsert", (k, v) => map.getOrInsert(k, v), ["a", "b"]],
        ["update", (k, f) => map.update(k, f), ["a", (v: string) => v]],
        ["compareAndDelete", (k, v) => map.compareAndDelete(k, v), ["a", "none"]],
      ],
    },
    {
      name: "SharedSet",
      state: () => [...set],
      check: () => set.check().problems,
      uses: [
        ["add", (v) => set.add(v), ["a"]],
        ["has", (v) => set.has(v), ["none"]],
        ["delete", (v) => set.delete(v), ["none"]],
      ],
    },
    {
      name: "SharedMultiMap",
      state: () => [...multi],
      check: () => multi.check().problems,
      uses: [
        ["add", (k, m) => multi.add(k, m), ["a", "b"]],
        ["delete", (k, m) => multi.delete(k, m), ["none", "b"]],
        ["deleteAll", (k) => multi.deleteAll(k), ["none"]],
        ["take", (k) => multi.take(k), ["none"]],
        ["has", (k, m) => multi.has(k, m), ["a", "b"]],
        ["get", (k) => multi.get(k), ["none"]],
      ],
    },
    {
      name: "SharedQueue",
      state: () => [queue.size, queue.closed],
      check: () => queue.check().problems,
      uses: [
        ["push", (v) => emptied(() => queue.push(v)), ["x"]],
        ["push, options", (o) => emptied(() => queue.push("x", o)), [options]],
        ["tryPush", (v) => emptied(() => queue.tryPush(v)), ["x"]],
        ["tryPush, options", (o) => emptied(() => queue.tryPush("x", o)), [options]],
        ["pushAsync", async (v) => emptied(await queue.pushAsync(v)), ["x"]],
        ["pushAsync, options", async (o) => emptied(await queue.pushAsync("x", o)), [options]],
        ["pop, options", (o) => over.pop(o), [options]],
        ["tryPop, options", (o) => over.tryPop(o), [options]],
        ["popAsync, options", (o) => over.popAsync(o), [options]],
      ],
    },
    {
      name: "SharedLog",
      state: () => [log.position],
      check: () => log.check().problems,
      uses: [
        ["reader", (o) => log.reader(o), [{ from: "oldest" }]],
        ["reader, from", (from) => log.reader({ from }), ["oldest"]],
        ["reader, a position", (from) => log.reader({ from }), [0]],
        ["read, options", (o) => log.reader({ from: "oldest" }).read(o), [options]],
        ["tryRead, options", (o) => reader.tryRead(o), [options]],
        ["readAsync, options", (o) => log.reader({ from: "oldest" }).readAsync(o), [options]],
      ],
    },
    {
      name: "SharedCounter",
      state: () => counter.value,
      uses: [["add", (d) => counter.add(d), [0]]],
    },
    {
      name: "StringPool",
      state: () => pool.size,
      check: () => pool.check().problems,
      uses: [
        ["intern", (t) => pool.intern(t), ["a"]],
        ["find", (t) => pool.find(t), ["none"]],
        ["get", (i) => pool.get(i), [1]],
      ],
    },
  ];
}

const RAW =
  /Cannot (read|destructure|convert|mix|set|use|access|create|perform)|is not (a function|iterable|an object|a constructor|defined|extensible)|undefined is not|null is not|Spread syntax|Reflect\.|Invalid (array|argument|value|typed)|must be an object\b.*Reflect|Object prototype|Maximum call|circular|toString|out of bounds|Iterator value/;

/** What is wrong with an error that a hostile argument gave. */
function fault(error: unknown): string | undefined {
  if (error instanceof OwnError) return undefined;
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const plain = error.constructor === TypeError || error.constructor === RangeError;
  if (!plain && !(error instanceof HoldfastError)) return `a ${error.constructor.name}: ${error.message}`;
  if (RAW.test(error.message)) return `raw: ${error.message.slice(0, 200)}`;
  if (error.message.length > 600) return `a message of ${error.message.length} characters`;
  if (error.message.length < 15) return `short: ${error.message}`;
  return undefined;
}

const classes = {
  SharedMap,
  SharedSet,
  SharedMultiMap,
  SharedQueue,
  SharedLog,
  SharedCounter,
  StringPool,
  SharedTable: SharedTable as unknown as typeof SharedMap,
};

/** Ways to make and to attach, for each class. What is made by chance is freed again. */
function makers(): Subject[] {
  const good = { region, key: "string", columns: { n: "u32" }, capacity: 4, maxBytes: 4096 } as const;
  return Object.entries(classes).map(([name, Class]) => {
    const make = Class as unknown as {
      new (options: unknown): { free(): void };
      named(name: unknown, options?: unknown): { free(): void };
      from(handle: unknown): { free(): void };
    };
    const handle = new make(good) as unknown as { share(): Record<string, unknown> };
    const shared = handle.share();
    const one = (option: string) => (value: unknown) => new make({ ...good, [option]: value }).free();
    return {
      name: `making a ${name}`,
      state: () => [region.stats().bytesUsed, region.names()],
      uses: [
        ["new", (o) => new make(o).free(), [good]],
        ["named", (n) => make.named(n, good).free(), ["named"]],
        ["named, options", (o) => make.named("named", o).free(), [good]],
        ...["name", "region", "capacity", "maxBytes", "key", "columns"].map(
          (option) => [`new, ${option}`, one(option), [(good as Record<string, unknown>)[option]]] as const,
        ),
        ["new, a column's type", (t) => new make({ ...good, columns: { n: t } }).free(), ["u32"]],
        ["from", (h) => void make.from(h), [shared]],
        ...Object.keys(shared).map(
          (part) =>
            [`from, ${part}`, (v: unknown) => void make.from({ ...shared, [part]: v }), [shared[part]]] as const,
        ),
      ],
    };
  });
}

/** What a state looks like. */
function show(state: unknown): string {
  return JSON.stringify(state, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

for (const { name, state, check, uses } of [...subjects(), ...makers()]) {
  test(name, async () => {
    const faults: string[] = [];
    for (const [method, use, good] of uses) {
      for (let at = 0; at < good.length; at++) {
        for (const [what, value] of hostile) {
          const before = show(state());
          try {
            await use(...(good.map((input, position) => (position === at ? value : input)) as [never, never]));
          } catch (error) {
            const after = show(state());
            const found = after === before ? fault(error) : `${before} became ${after}`.slice(0, 300);
            if (found !== undefined) faults.push(`${method}, argument ${at}, ${what}: ${found}`);
          }
        }
      }
    }
    assert.equal(faults, []);
    if (check !== undefined) assert.equal(check(), []);
  });
}

test.run();
