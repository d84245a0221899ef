// What the threads of a recorded history do: the object under test, and a random but repeatable series of operations.

import { type MapHandle, SharedMap } from "../../src/tables/map.ts";
import { type QueueHandle, SharedQueue } from "../../src/tables/queue.ts";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import type { Recorder } from "../../src/testing/history.ts";

export const counterColumns = { n: "u32" } as const;

export interface HistoryPlan {
  readonly kind: "map" | "table" | "queue";
  readonly handle: unknown;
  readonly thread: number;
  readonly threads: number;
  readonly operations: number;
  readonly seed: number;
  readonly clock: Int32Array<SharedArrayBuffer>;
  readonly gate: Int32Array<SharedArrayBuffer>;
}

/** A few keys only, so that the threads meet. */
const KEYS = ["a", "b", "c"];

function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % below;
  };
}

export function perform(plan: HistoryPlan, recorder: Recorder): void {
  const next = random(plan.seed * 1000 + plan.thread * 7919);
  if (plan.kind === "map") onMap(SharedMap.from(plan.handle as MapHandle), plan, recorder, next);
  else if (plan.kind === "queue") onQueue(SharedQueue.from(plan.handle as QueueHandle), plan, recorder, next);
  else onTable(plan.handle as TableHandle<string, { n: number }>, plan, recorder, next);
}

function onMap(map: SharedMap, plan: HistoryPlan, recorder: Recorder, next: (below: number) => number): void {
  for (let i = 0; i < plan.operations; i++) {
    const key = KEYS[next(KEYS.length)];
    const value = `${plan.thread}:${i}`;
    switch (next(6)) {
      case 0:
      case 1:
        recorder.record("get", [key], () => map.get(key));
        break;
      case 2:
      case 3:
        recorder.record("set", [key, value], () => void map.set(key, value));
        break;
      case 4:
        recorder.record("delete", [key], () => map.delete(key));
        break;
      default:
        if (next(2) === 0) recorder.record("take", [key], () => map.take(key));
        else recorder.record("getOrInsert", [key, value], () => map.getOrInsert(key, value));
    }
  }
}

function onTable(
  handle: TableHandle<string, { n: number }>,
  plan: HistoryPlan,
  recorder: Recorder,
  next: (below: number) => number,
): void {
  const table = SharedTable.from(handle, { key: "string", columns: counterColumns });
  for (let i = 0; i < plan.operations; i++) {
    const key = KEYS[next(KEYS.length)];
    const value = plan.thread * 10_000 + i;
    switch (next(5)) {
      case 0:
      case 1:
        recorder.record("get", [key], () => table.get(key)?.n);
        break;
      case 2:
        recorder.record("set", [key, value], () => void table.set(key, { n: value }));
        break;
      case 3:
        recorder.record("add", [key, 1], () => table.add(key, "n", 1));
        break;
      default:
        recorder.record("delete", [key], () => table.delete(key));
    }
  }
}

function onQueue(queue: SharedQueue, plan: HistoryPlan, recorder: Recorder, next: (below: number) => number): void {
  for (let i = 0; i < plan.operations; i++) {
    const value = `${plan.thread}:${i}`;
    if (next(2) === 0) recorder.record("tryPush", [value], () => queue.tryPush(value));
    else recorder.record("tryPop", [], () => queue.tryPop());
  }
}
