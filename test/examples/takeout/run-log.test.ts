// The run's log: whole lines from many threads, also when some are killed while they write.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RunLog } from "../../../examples/takeout/run-log.ts";
import { Region } from "../../../src/region/region.ts";
import { TestFolder } from "./takeout-folder.ts";

const test = suite("examples/takeout/run-log");
const folder = new TestFolder();
test.before.each(() => folder.make());
test.after.each(() => folder.remove());

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}(main|worker \d+) +(\S.*)$/;
const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);

function writer(log: RunLog, number: number, lines: number): Worker {
  const workerData = { handle: log.share(), writer: number, lines };
  return new Worker(new URL("./run-log.worker.js", import.meta.url), { workerData });
}

test("eight threads: every line is whole, none is lost, each thread's are in order", async () => {
  const file = join(folder.path, "run.log");
  const { log } = RunLog.start(file, Region.create());
  await Promise.all(Array.from({ length: 8 }, (_, i) => once(writer(log, i, 200), "exit")));
  const lines = linesOf(file);
  assert.is(lines.length, 1600);
  const next = new Map<string, number>();
  for (const line of lines) {
    const [, who, what] = LINE.exec(line) ?? [];
    assert.ok(who, `torn: ${line.slice(0, 80)}`);
    const [number, i, text, end] = what.split(":");
    assert.is(who, `worker ${number}`);
    assert.is(Number(i), next.get(who) ?? 0);
    next.set(who, Number(i) + 1);
    assert.is(text, String.fromCharCode(97 + Number(number)).repeat((Number(i) * 37) % 5000));
    assert.is(end, "end");
  }
});

test("a run that broke off is seen whatever the byte at which the last lines that are read begin", () => {
  const file = join(folder.path, "run.log");
  const begun = `2026-01-01T00:00:00.000Z  main        begins: 1 pages\n`;
  const ended = `2026-01-01T00:00:00.000Z  main        finished: 1 conversations\n`;
  for (let more = 0; more < 2 * begun.length; more++) {
    const lines = begun.repeat(40) + `${"x".repeat(more)}\n`;
    writeFileSync(file, lines + begun);
    assert.is(RunLog.start(file, Region.create()).resumed, true, `${more} bytes more`);
    writeFileSync(file, lines + ended);
    assert.is(RunLog.start(file, Region.create()).resumed, false, `${more} bytes more`);
  }
  assert.is(readFileSync(file, "utf8"), "", "a log that is begun anew");
});

test("threads killed while they write: the others go on, and what a killed one began is a line of its own", async () => {
  const file = join(folder.path, "run.log");
  const { log } = RunLog.start(file, Region.create());
  const killed = [0, 1, 2].map((i) => writer(log, i, 2000));
  const others = [3, 4].map((i) => once(writer(log, i, 100), "exit"));
  await Promise.all(killed.map((worker) => once(worker, "message").then(() => worker.terminate())));
  await Promise.all(others);
  log.write("the main thread goes on");
  const lines = linesOf(file);
  const whole = lines.filter((line) => LINE.test(line) && (line.endsWith(":end") || line.endsWith("goes on")));
  const torn = lines.filter((line) => !whole.includes(line));
  assert.ok(
    torn.every((line) => line.endsWith("(its writer was killed)")) && torn.length <= killed.length,
    torn.join("\n").slice(0, 300),
  );
  for (const number of [3, 4]) assert.is(whole.filter((line) => line.includes(`worker ${number} `)).length, 100);
  assert.match(lines.at(-1) ?? "", /main +the main thread goes on$/);
});

test("a thread killed in the middle of a line: the next writer ends that line, then writes its own", async () => {
  const file = join(folder.path, "run.log");
  const { log } = RunLog.start(file, Region.create());
  const worker = writer(log, 0, 0);
  await once(worker, "message");
  await worker.terminate();
  log.write("after it");
  const [half, after, ...more] = linesOf(file);
  assert.is(half, "half a li … (its writer was killed)");
  assert.match(after, /main +after it$/);
  assert.equal(more, []);
});

test("half a line of a killed process is ended; a run that broke off is told by its log, a finished one begins anew", () => {
  const file = join(folder.path, "run.log");
  const first = RunLog.start(file, Region.create());
  assert.is(first.resumed, false);
  first.log.write("begins");
  writeFileSync(file, "2026-01-01T00:00:00.000Z  worker 3  pages 1 to", { flag: "a" });
  const second = RunLog.start(file, Region.create());
  assert.is(second.resumed, true);
  second.log.write("a name\nwith\u001b[2Jbreaks\u2028");
  assert.is(linesOf(file)[1], "2026-01-01T00:00:00.000Z  worker 3  pages 1 to … (its writer was killed)");
  assert.match(linesOf(file)[2], /main +a name with \[2Jbreaks $/);
  second.log.finish("all");
  const third = RunLog.start(file, Region.create());
  assert.is(third.resumed, false);
  assert.equal(linesOf(file), []);
});

test("a log that can't be written is an error that names it", () => {
  assert.throws(
    () => RunLog.start(join(folder.path, "none", "run.log"), Region.create()),
    (error: Error) => /^cannot write .*run\.log: no such file or folder \(ENOENT\)$/.test(error.message),
  );
});

test.run();
