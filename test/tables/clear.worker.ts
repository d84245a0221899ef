// Fills a table in one step and empties it in one step, over and over, until it is killed; or looks on.

import { parentPort } from "node:worker_threads";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Input {
  readonly task: "change" | "look";
  readonly table: TableHandle<string, { n: number; text: string }>;
  readonly keys: readonly string[];
  /** 1: end. */
  readonly stop: Int32Array;
}

const { task, table: handle, keys, stop, index } = data<Input>();
const table = SharedTable.from(handle);

function change(): never {
  for (let round = 0; ; round++) {
    // The lengths differ, so that memory is taken and given back in each round.
    const text = "x".repeat((round * 97 + index) % 900);
    table.transaction(keys, (tx) => {
      for (const key of keys) tx.set(key, { n: round, text });
    });
    table.clear();
    if (round === 3) parentPort?.postMessage("ready");
  }
}

/** Snapshots that have all rows or none, and rows of one round. */
function look(): void {
  while (Atomics.load(stop, 0) === 0) {
    step("a snapshot");
    const rows = [...table.snapshot().values()];
    if (rows.length !== 0 && rows.length !== keys.length) throw new Error(`${rows.length} of ${keys.length} rows`);
    for (const { n, text } of rows) {
      if (n !== rows[0].n || text !== rows[0].text) throw new Error(`rows of the rounds ${n} and ${rows[0].n}`);
    }
  }
}

finish(task === "change" ? change() : look());
