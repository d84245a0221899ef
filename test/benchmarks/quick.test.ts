// watchdog: 900s
// The benchmarks in their short form: every figure is finite, and every lock of this package counted right. No times.
// The long form has the rivals of the contests too.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Run } from "../../benchmarks/result.ts";
import { effort, isLong } from "../support/effort.ts";

const program = fileURLToPath(new URL("../../benchmarks/run.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-test-"));
const test = suite("benchmarks, short");
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Standard output of the program; its exit code must be `code`. */
function bench(args: readonly string[], code = 0): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  assert.is(status, code, stderr + stdout);
  return stdout;
}

const rivals = isLong ? [] : ["--own"];

function runsOf(file: string): Run[] {
  return (JSON.parse(readFileSync(file, "utf8")) as { runs: Run[] }).runs;
}

function checkFigures(runs: readonly Run[]): void {
  assert.ok(runs.some((run) => run.subject === "holdfast"));
  for (const run of runs) {
    const label = `${run.suite}, ${run.case}, ${run.subject}`;
    if (run.failed !== undefined) {
      assert.not.ok(run.subject.startsWith("holdfast"), `${label}: ${run.failed}`);
      continue;
    }
    for (const figure of ["nsPerOp", "opsPerSecond", "p50", "p99", "spread"] as const) {
      assert.ok(Number.isFinite(run[figure]) && run[figure] >= 0, `${label}: ${figure} is ${run[figure]}`);
    }
    assert.ok(run.nsPerOp > 0, label);
  }
}

/** Suites of so many workers. */
const ofTeam = (...names: readonly string[]): string[] => names.map((name) => `${name}, ${effort(2, 4)}`);

const groups: Readonly<Record<string, readonly string[]>> = {
  "one thread": ["mutex uncontended", "locks uncontended", "async uncontended"],
  "locks contended": ["mutex contended, 2", "rw lock contended, 2", "semaphore contended, 2"],
  "threads that wait for each other": ["handoff", "ping-pong", ...ofTeam("notifyAll", "bounded buffer", "barrier")],
  "session store": ["session store"],
  "tables, beginnings, the profiler": ["table", "map values", "map growth", "start", "profiler"],
  "queues and logs": ["queue throughput, 2", "queue latency", ...ofTeam("log"), "log latency"],
};

for (const [group, names] of Object.entries(groups)) {
  test(`${group}: finite figures, right counts`, () => {
    const file = join(folder, "runs.json");
    const shown = bench(["--quick", ...rivals, "--json", file, ...names.flatMap((name) => ["--only", name])]);
    checkFigures(runsOf(file));
    for (const name of names) assert.match(shown, name);
  });
}

test("results of several runs are gathered in one file, and drawn", () => {
  const file = join(folder, "both.json");
  bench(["--quick", "--only", "mutex uncontended", "--json", file]);
  bench(["--quick", ...rivals, "--only", "mutex contended, 1 worker", "--json", file, "--charts", folder]);
  const suites = new Set(runsOf(file).map((run) => run.suite));
  assert.equal([...suites].sort(), [
    "mutex contended, 1 worker",
    "mutex uncontended",
    "mutex uncontended, beside V8's",
  ]);
  assert.match(readFileSync(join(folder, "bench-mutex-uncontended.svg"), "utf8"), /^<svg /);
});

test("a name that no suite has is an error that lists the suites", () => {
  assert.match(bench(["--only", "no such suite"], 1), "mutex uncontended");
});

test.run();
