// What the benchmarks make of their figures: statistics, the table, and the comparison with an older run.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { duration, regressions, table } from "../../benchmarks/report.ts";
import { median, type Run, spreadOf } from "../../benchmarks/result.ts";

const test = suite("benchmarks, report");

function run(nsPerOp: number, more: Partial<Run> = {}): Run {
  const figures = { nsPerOp, opsPerSecond: 1e9 / nsPerOp, p50: nsPerOp, p99: nsPerOp, spread: 0.02 };
  return { suite: "locks", case: "lock", subject: "holdfast", workers: 2, ...figures, ...more };
}

test("median and spread", () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
  assert.is(spreadOf([1, 2, 3, 4, 5]), 2 / 3);
  assert.is(spreadOf([]), 0);
});

test("what is slower by more than 5 % and more than both spreads is a regression", () => {
  assert.equal(regressions([run(100)], [run(104)]), []);
  assert.equal(regressions([run(100)], [run(104, { spread: 0 })]), []);
  assert.equal(regressions([run(100, { spread: 0.3 })], [run(120)]), []);
  assert.is(regressions([run(100)], [run(120)]).length, 1);
  assert.equal(regressions([run(100)], [run(50)]), []);
});

test("what worked and fails now is a regression; what is new or failed before is none", () => {
  const [line] = regressions([run(100)], [run(Number.NaN, { failed: "hung" })]);
  assert.match(line, "hung");
  assert.equal(regressions([], [run(100)]), []);
  assert.equal(regressions([run(Number.NaN, { failed: "hung" })], [run(100)]), []);
  assert.equal(regressions([run(100, { workers: 16 })], [run(200)]), []);
});

test("the table has ratios to the yardstick, and the reason of a failure in place of figures", () => {
  const text = table("locks", "floor", [
    run(10, { subject: "floor" }),
    run(25),
    run(Number.NaN, { subject: "peer", failed: "lost counts: 5 operations, 4 counted" }),
  ]);
  assert.match(text, /holdfast +25\.0 ns +± 1 % +2\.50 x/);
  assert.match(text, /peer +lost counts: 5 operations, 4 counted/);
});

test("durations have a fitting unit", () => {
  assert.equal([3.21, 321, 3210, 32_100, 3.21e6, Number.NaN].map(duration), [
    "3.2 ns",
    "321 ns",
    "3.2 µs",
    "32 µs",
    "3.2 ms",
    "-",
  ]);
});

test.run();
