// watchdog: 300s
// clear() under real threads, some of which are killed at whatever they are at: all rows are there or none is.

import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("clear under threads");
const file = new URL("./clear.worker.js", import.meta.url);
const columns = { n: "u32", text: "string" } as const;
const keys = Array.from({ length: 150 }, (_, i) => `key ${i}`);

test("killed within clear() or a transaction, threads leave all rows or none", async () => {
  const table = new SharedTable({ region: Region.create(), key: "string", columns });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const killers = 12;
  let killed = 0;
  const outcomes = await runWorkers({
    file,
    count: killers + 1,
    workerData: (index) => ({ task: index === killers ? "look" : "change", table: table.share(), keys, stop }),
    timeoutMs: 240_000,
    mayDie: (index) => index !== killers,
    onMessage: (_, index, workers) => {
      workers[index].once("exit", () => {
        if (++killed === killers) Atomics.store(stop, 0, 1);
      });
      void workers[index].terminate();
    },
  });
  assert.is(killed, killers);
  assert.ok(outcomes[killers].finished);
  assert.ok([0, keys.length].includes(table.size), `${table.size} rows`);
  assert.equal(table.check().problems, []);
  table.clear();
  assert.is(table.size, 0);
  assert.equal(table.check().problems, []);
});

test.run();
