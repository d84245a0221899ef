// watchdog: 300s
// native: too
// Histories of real threads over a map, a table and a queue: each can be put in one order that a Map or an array obeys.

import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { historyClock, type Operation } from "../../src/testing/history.ts";
import { checkLinearizable, type SequentialModel } from "../../src/testing/linearize.ts";
import { mapModel, queueModel } from "../../src/testing/models.ts";
import { counterColumns, type HistoryPlan } from "./linearizable.ts";

const CAPACITY = 4;
/** Histories that may pass before two operations overlap. */
const ROUNDS = 20;

async function history(kind: HistoryPlan["kind"], handle: unknown, threads: number, operations: number, seed: number) {
  const shared = { kind, handle, threads, operations, seed, clock: historyClock() };
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const file = new URL("./linearizable.worker.js", import.meta.url);
  const parts = Array.from({ length: threads }, (_, thread) => {
    const worker = new Worker(file, { workerData: { ...shared, gate, thread } satisfies HistoryPlan });
    return new Promise<Operation[]>((resolve, reject) => {
      // A thread that hangs must not hang the run.
      const watchdog = setTimeout(() => {
        reject(new Error(`thread ${thread} did not end`));
        void worker.terminate();
      }, 240_000);
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => clearTimeout(watchdog));
    });
  });
  return (await Promise.all(parts)).flat();
}

function overlaps(operations: readonly Operation[]): boolean {
  return operations.some((op) =>
    operations.some(
      (other) => other.thread !== op.thread && other.called > op.called && other.called < (op.returned ?? 0),
    ),
  );
}

/** Histories of new objects until one has operations that overlap: a busy machine may run the threads one by one. */
async function assertLinearizable<S>(
  record: (seed: number) => Promise<Operation[]>,
  model: SequentialModel<S>,
  count: number,
): Promise<void> {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const operations = await record(seed);
    assert.is(operations.length, count);
    assert.is(checkLinearizable(operations, model).problem, undefined);
    if (overlaps(operations)) return;
  }
  console.log(`no two operations overlapped in ${ROUNDS} histories: this machine ran the threads one by one`);
}

for (const [threads, operations] of [
  [2, 400],
  [4, 200],
  [16, 40],
]) {
  test(`${threads} threads over a map leave a linearizable history`, async () => {
    const record = async (seed: number): Promise<Operation[]> => {
      const map = new SharedMap({ region: Region.create() });
      const recorded = await history("map", map.share(), threads, operations, seed);
      assert.is(map.check().ok, true);
      return recorded;
    };
    await assertLinearizable(record, mapModel(), threads * operations);
  });

  test(`${threads} threads over a table leave a linearizable history`, async () => {
    const record = async (seed: number): Promise<Operation[]> => {
      const table = new SharedTable({ region: Region.create(), key: "string", columns: counterColumns });
      const recorded = await history("table", table.share(), threads, operations, seed);
      assert.is(table.check().ok, true);
      return recorded;
    };
    await assertLinearizable(record, mapModel(), threads * operations);
  });

  test(`${threads} threads over a queue leave a linearizable history`, async () => {
    const record = (seed: number): Promise<Operation[]> => {
      const queue = new SharedQueue({ region: Region.create(), capacity: CAPACITY });
      return history("queue", queue.share(), threads, operations, seed);
    };
    await assertLinearizable(record, queueModel(CAPACITY), threads * operations);
  });
}

test("the checker refuses such a history once a stale value is put into it", async () => {
  const map = new SharedMap({ region: Region.create() });
  const recorded = await history("map", map.share(), 2, 50, 9);
  const at = recorded.findIndex((op) => op.name === "get");
  const forged = recorded.map((op, i) => (i === at ? { ...op, result: "never written" } : op));
  assert.is(checkLinearizable(forged, mapModel()).ok, false);
});

test.run();
