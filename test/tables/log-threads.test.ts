// watchdog: 300s
// native: too
// SharedLog among real threads: every reader sees every entry once and in order, overrun or not; killed writers; waits.

import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedLog } from "../../src/tables/log.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("SharedLog among threads");
const file = new URL("./log.worker.js", import.meta.url);
const timeoutMs = 240_000;

interface Report {
  entries: number;
  lost: number;
  byWriter: number[];
}

function run(log: SharedLog, writers: number, readers: number, rounds: number): ReturnType<typeof runWorkers<Report>> {
  return runWorkers<Report>({
    file,
    count: writers + readers,
    workerData: (index) => ({
      log: log.share(),
      rounds,
      writers,
      asynchronous: index % 2 === 0,
      task: index < writers ? "write" : "read",
    }),
    timeoutMs,
  });
}

test("6 writers, 6 readers: every reader sees every entry once, in order, late joiners too", async () => {
  const log = new SharedLog({ region: Region.create(), capacity: 100_000 });
  const outcomes = await run(log, 6, 6, 1500);
  for (const { result } of outcomes.slice(6)) {
    assert.is(result.entries, 6 * 1500);
    assert.is(result.lost, 0);
  }
  assert.is(log.position, 6 * 1501);
  const after = await runWorkers<Report>({
    file,
    count: 1,
    workerData: { log: log.share(), writers: 6, asynchronous: false, task: "read" },
    timeoutMs,
  });
  assert.is(after[0].result.entries, 6 * 1500);
  assert.equal(log.check().problems, []);
});

test("a small log overruns its readers, who see what is left whole and in order, and count the rest", async () => {
  const log = new SharedLog({ region: Region.create(), capacity: 40, maxBytes: 2000 });
  const keeper = log.reader();
  const outcomes = await runWorkers<number>({
    file,
    count: 8,
    workerData: { log: log.share(), rounds: 2000, task: "write" },
    timeoutMs,
    onMessage: () => {},
  });
  assert.is(outcomes.length, 8);
  let seen = 0;
  while (keeper.tryRead() !== undefined) seen++;
  assert.is(seen + keeper.lost, 8 * 2001);
  assert.is(keeper.position, log.position);
  assert.equal(log.check().problems, []);
});

test("overrun while they read", async () => {
  const log = new SharedLog({ region: Region.create(), capacity: 30 });
  const writers = 3;
  let begun = 0;
  const outcomes = await runWorkers<Report>({
    file,
    count: writers + 4,
    // Readers wait for one end only: the log may have dropped the others.
    workerData: (index) => ({
      log: log.share(),
      rounds: 3000,
      writers: 1,
      asynchronous: index % 2 === 0,
      task: index < writers ? "write" : "read",
    }),
    timeoutMs,
    onMessage: () => begun++,
  });
  assert.is(begun, writers);
  for (const { result } of outcomes.slice(writers)) assert.ok(result.entries + result.lost <= writers * 3001);
});

test("an append wakes every sleeping reader, free ends their wait", async () => {
  for (const end of ["append", "free"] as const) {
    const log = new SharedLog({ region: Region.create(), capacity: 3 });
    let waiting = 0;
    const outcomes = await runWorkers({
      file,
      count: 4,
      workerData: { log: log.share(), task: "block" },
      timeoutMs,
      onMessage: () => {
        if (++waiting < 4) return;
        const beat = setInterval(() => {
          if (end === "free") {
            clearInterval(beat);
            log.free();
          } else if (log.position < 50) log.append("news");
          else clearInterval(beat);
        }, 10);
      },
    });
    for (const { result } of outcomes) assert.is(result, end === "free" ? "ERR_CLOSED" : "news");
  }
});

test("the event loop stays alive while a task waits, and only then", async () => {
  const log = new SharedLog({ region: Region.create(), capacity: 3 });
  const outcomes = await runWorkers({
    file,
    count: 1,
    workerData: { log: log.share(), task: "linger" },
    timeoutMs,
    onMessage: () => void setTimeout(() => log.append("entry"), 50),
  });
  assert.equal(outcomes[0].result, ["entry", "ERR_TIMEOUT"]);
});

test("killed writers leave whole entries, and block neither readers nor writers", async () => {
  const log = new SharedLog({ region: Region.create(), capacity: 1_000_000 });
  const mortals = 12;
  const survivors = 2;
  const readers = 3;
  const outcomes = await runWorkers<Report>({
    file,
    count: mortals + survivors + readers,
    workerData: (index) => ({
      log: log.share(),
      rounds: index < mortals ? 10_000_000 : 400,
      writers: survivors,
      asynchronous: index % 2 === 0,
      task: index < mortals + survivors ? "write" : "read",
    }),
    timeoutMs,
    mayDie: (index) => index < mortals,
    onMessage: (_, index, workers) => {
      if (index < mortals) setTimeout(() => void workers[index].terminate(), (index * 7) % 40);
    },
  });
  for (const { result } of outcomes.slice(mortals + survivors)) {
    for (let writer = mortals; writer < mortals + survivors; writer++) assert.is(result.byWriter[writer], 399);
    assert.is(result.lost, 0);
  }
  assert.equal(log.check().problems, []);
  const reader = log.reader();
  while (reader.tryRead() !== undefined) assert.is(reader.lost, 0);
  assert.is(reader.position, log.position);
});

test.run();
