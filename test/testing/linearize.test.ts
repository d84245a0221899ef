// Claims about checkLinearizable: right histories pass, each classic anomaly is named, real workers can be recorded.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  checkLinearizable,
  historyClock,
  mapModel,
  mutexModel,
  type Operation,
  queueModel,
  race,
  recordHistory,
  registerModel,
  semaphoreModel,
} from "../../src/testing/index.ts";

const test = suite("linearizability");

/** [thread, call, return or undefined, name, arguments, result] */
type Row = readonly [number, number, number | undefined, string, readonly unknown[], unknown];

const history = (...rows: Row[]): Operation[] =>
  rows.map(([thread, called, returned, name, args, result]) => ({ thread, called, returned, name, args, result }));

test("overlapping operations may take effect in either order, others may not", () => {
  const overlapping = history([0, 0, 3, "write", [1], undefined], [1, 1, 2, "read", [], 0]);
  assert.ok(checkLinearizable(overlapping, registerModel(0)).ok);
  const stale = history([0, 0, 1, "write", [1], undefined], [1, 2, 3, "read", [], 0]);
  const { ok, problem } = checkLinearizable(stale, registerModel(0));
  assert.not(ok);
  assert.match(problem ?? "", /register: after thread 0: write\(1\).* allows thread 1: read\(\) → 0/);
});

test("two readers must agree on the order of two writes", () => {
  const disagree = history(
    [0, 0, 9, "write", [1], undefined],
    [1, 1, 10, "write", [2], undefined],
    [2, 2, 3, "read", [], 1],
    [2, 4, 5, "read", [], 2],
    [3, 6, 7, "read", [], 1],
  );
  assert.not(checkLinearizable(disagree, registerModel(0)).ok);
  assert.ok(checkLinearizable(disagree.slice(0, 4), registerModel(0)).ok);
});

test("a lost update is found", () => {
  const lost = history([0, 0, 2, "add", [1], 0], [1, 1, 3, "add", [1], 0], [0, 4, 5, "read", [], 1]);
  assert.not(checkLinearizable(lost, registerModel(0)).ok);
  const swap = history([0, 0, 1, "compareAndSet", [0, 5], true], [1, 2, 3, "compareAndSet", [0, 6], false]);
  assert.ok(checkLinearizable(swap, registerModel(0)).ok);
});

test("an operation that never returned may or may not have taken effect", () => {
  const write = [0, 0, undefined, "write", [1], undefined] as const;
  assert.ok(checkLinearizable(history(write, [1, 1, 2, "read", [], 1]), registerModel(0)).ok);
  assert.ok(checkLinearizable(history(write, [1, 1, 2, "read", [], 0]), registerModel(0)).ok);
  const back = history(write, [1, 1, 2, "read", [], 1], [1, 3, 4, "read", [], 0]);
  assert.not(checkLinearizable(back, registerModel(0)).ok);
});

test("two holders of a mutex at once are found, and an unlock by another thread", () => {
  const both = history([0, 0, 1, "lock", [], undefined], [1, 2, 3, "lock", [], undefined]);
  assert.not(checkLinearizable(both, mutexModel()).ok);
  const after = history(
    [0, 0, 1, "lock", [], undefined],
    [1, 2, 5, "lock", [], undefined],
    [0, 3, 4, "unlock", [], undefined],
    [2, 6, 7, "tryLock", [], false],
  );
  assert.ok(checkLinearizable(after, mutexModel()).ok);
  assert.not(checkLinearizable(history([0, 0, 1, "unlock", [], undefined]), mutexModel()).ok);
});

test("a semaphore gives no more permits than it has", () => {
  const three = [0, 1, 2].map((i): Row => [i, i * 2, i * 2 + 1, "acquire", [], true]);
  assert.not(checkLinearizable(history(...three), semaphoreModel(2)).ok);
  assert.ok(checkLinearizable(history(...three), semaphoreModel(3)).ok);
});

test("a map is checked key by key, and as a whole if something spans it", () => {
  const rows: Row[] = [
    [0, 0, 1, "set", ["a", 1], undefined],
    [1, 2, 3, "getOrInsert", ["a", 2], 1],
    [1, 4, 5, "add", ["n", 2], 2],
    [0, 6, 7, "take", ["a"], 1],
    [1, 8, 9, "has", ["a"], false],
  ];
  assert.ok(checkLinearizable(history(...rows), mapModel()).ok);
  assert.ok(checkLinearizable(history(...rows, [0, 10, 11, "size", [], 1]), mapModel()).ok);
  assert.not(checkLinearizable(history(...rows, [0, 10, 11, "size", [], 2]), mapModel()).ok);
  const twice = history([0, 0, 2, "getOrInsert", ["k", 1], 1], [1, 1, 3, "getOrInsert", ["k", 2], 2]);
  assert.match(checkLinearizable(twice, mapModel()).problem ?? "", /key k/);
});

test("a queue keeps its order, and gives nothing twice", () => {
  const pushes: Row[] = [
    [0, 0, 1, "push", ["x"], undefined],
    [0, 2, 3, "push", ["y"], undefined],
  ];
  assert.ok(checkLinearizable(history(...pushes, [1, 4, 5, "pop", [], "x"]), queueModel()).ok);
  assert.not(checkLinearizable(history(...pushes, [1, 4, 5, "pop", [], "y"]), queueModel()).ok);
  const twice = history(...pushes, [1, 4, 6, "pop", [], "x"], [2, 5, 7, "pop", [], "x"]);
  assert.not(checkLinearizable(twice, queueModel()).ok);
});

test("an operation that the model does not know is an error", () => {
  assert.throws(() => checkLinearizable(history([0, 0, 1, "peek", [], 0]), queueModel()), /knows no operation "peek"/);
});

test("long histories of many overlapping operations are decided", () => {
  const rows: Row[] = [];
  for (let i = 0; i < 1500; i++) rows.push([i % 4, i * 2, i * 2 + 9, "add", [1], i]);
  const result = checkLinearizable(history(...rows), registerModel(0));
  assert.ok(result.ok, result.problem);
});

test("a recorder takes stamps around the call, and leaves what threw unreturned", async () => {
  const recorder = recordHistory(historyClock(), 3);
  assert.is(
    recorder.record("read", [], () => 5),
    5,
  );
  const fail = (): never => {
    throw new Error("no result");
  };
  assert.throws(() => recorder.record("read", [], fail), /no result/);
  await recorder.recordAsync("read", [], async () => 6);
  assert.equal(
    recorder.operations.map((op) => [op.thread, op.result, op.called, op.returned]),
    [
      [3, 5, 0, 1],
      [3, undefined, 2, undefined],
      [3, 6, 3, 4],
    ],
  );
});

const worker = new URL("./linearize.worker.js", import.meta.url);

test("real workers: atomic adds are linearizable, a read and a write in two steps are not", async () => {
  const run = async (exported: string): Promise<boolean> => {
    const data = { clock: historyClock(), cell: new Int32Array(new SharedArrayBuffer(4)) };
    const { values } = await race({ threads: 3, body: worker, exported, data, rounds: 20 });
    return checkLinearizable(values.flat(2) as Operation[], registerModel(0)).ok;
  };
  assert.ok(await run("atomic"));
  let caught = false;
  for (let i = 0; i < 20 && !caught; i++) caught = !(await run("twoSteps"));
  assert.ok(caught);
});

test.run();
