// watchdog: 120s
// The history, while its threads are killed: every plan is in the database once and whole, and nobody waits for a dead
// thread.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { statusEvent } from "../../../examples/pipeline/events.ts";
import { Recorders } from "../../../examples/pipeline/recorders.ts";
import { Region } from "../../../src/region/region.ts";
import { StreamRegistry } from "../../../src/systems/streams.ts";

const test = suite("pipeline's recorders");
const EVENTS = 40;

interface Bench {
  readonly registry: StreamRegistry;
  readonly recorders: Recorders;
  readonly file: string;
  /** An ended stream of {@link EVENTS} events, and its last record on the way. */
  record(number: number): Promise<boolean>;
}

async function withRecorders(work: (bench: Bench) => Promise<void>, make?: (folder: string) => string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "recorders-"));
  const file = make?.(folder) ?? join(folder, "plans.db");
  const region = Region.create();
  const registry = new StreamRegistry({ region });
  const recorders = new Recorders({ region, registry, file, run: "run", count: 2 });
  const record = (number: number): Promise<boolean> => {
    const stream = registry.open(`plan-${number}`);
    for (let i = 1; i < EVENTS; i++) stream?.publish(statusEvent("started", `event ${i} of ${number}`));
    stream?.end(statusEvent("completed"));
    return recorders.record({
      id: `plan-${number}`,
      generation: stream?.generation ?? 0,
      status: "completed",
      final: true,
    });
  };
  try {
    await work({ registry, recorders, file, record });
  } finally {
    await recorders.close(10_000);
    registry.free();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each plan's events as the database has them: all, each once, in order. */
function checkDatabase(file: string, plans: number): void {
  const session = new sqlite.Database(file, { readOnly: true });
  try {
    assert.equal(session.all("SELECT count(*) AS n FROM plans WHERE status = 'completed'"), [{ n: plans }]);
    const rows = session.all(
      "SELECT count(*) AS n, min(position) AS low, max(position) AS high FROM events GROUP BY generation",
    );
    assert.equal(
      rows,
      Array.from({ length: plans }, () => ({ n: EVENTS, low: 0, high: EVENTS - 1 })),
    );
  } finally {
    session.close();
  }
}

test("threads that are killed at any moment: each plan is recorded, once and whole, and the threads are replaced", () =>
  withRecorders(async ({ recorders, file, record }) => {
    let plans = 0;
    for (let round = 0; round < 12; round++) {
      const written = [0, 1, 2, 3].map(() => record(plans++));
      // One in the middle of the work, one after a first answer.
      if (round % 2 === 1) await Promise.race(written);
      await recorders.kill(round);
      assert.equal(await Promise.all(written), [true, true, true, true]);
    }
    assert.is(recorders.deaths, 12);
    assert.equal(recorders.failures, []);
    const history = await recorders.history();
    assert.is(history.length, plans);
    assert.ok(history.every(({ events, status }) => events === EVENTS && status === "completed"));
    await recorders.close(10_000);
    checkDatabase(file, plans);
  }));

test("both threads killed at once, with plans queued and a question asked: all are answered by those that follow", () =>
  withRecorders(async ({ recorders, file, record }) => {
    assert.ok(await record(0));
    const written = [1, 2, 3].map(record);
    const rows = recorders.history();
    await Promise.all([recorders.kill(0), recorders.kill(1)]);
    assert.equal(await Promise.all(written), [true, true, true]);
    assert.ok((await rows).some(({ id }) => id === "plan-0"));
    await recorders.close(10_000);
    checkDatabase(file, 4);
  }));

test("a plan that is recorded twice is recorded once", () =>
  withRecorders(async ({ recorders, registry, file, record }) => {
    assert.ok(await record(0));
    const generation = registry.list()[0].generation;
    assert.ok(await recorders.record({ id: "plan-0", generation, status: "completed", final: true }));
    await recorders.close(10_000);
    checkDatabase(file, 1);
  }));

test("a database that can't be opened: the threads are not started for ever, and what waits has failed", () =>
  withRecorders(
    async ({ recorders, record }) => {
      assert.is(await record(0), false);
      assert.ok(recorders.failures.length > 0);
      assert.is(await record(1), false, "nobody is there any more");
      assert.equal(await recorders.history(), []);
    },
    (folder) => join(folder, "no such folder", "plans.db"),
  ));

test.run();
