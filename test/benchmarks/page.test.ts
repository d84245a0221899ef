// The tables of the results page: what is marked, what is listed as behind, and what is said of a peer that failed.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { filled, type Results } from "../../benchmarks/page.ts";
import type { Run } from "../../benchmarks/result.ts";

const test = suite("benchmarks, page");

function run(name: string, subject: string, nsPerOp: number, failed?: string): Run {
  const figures = { nsPerOp, opsPerSecond: 1e9 / nsPerOp, p50: nsPerOp, p99: nsPerOp, spread: 0.1 };
  return { suite: "locks, 2 workers", case: name, subject, workers: 2, ...figures, ...(failed ? { failed } : {}) };
}

const results: Results = {
  machine: { cpu: "A  CPU", cores: 2, node: "v20.0.0", platform: "linux x64" },
  runs: [
    run("even", "holdfast", 104),
    run("even", "peer", 100),
    run("behind", "holdfast", 200),
    run("behind", "peer", 100),
    run("behind", "floor-js", 10),
    run("wrong", "holdfast", 200),
    run("wrong", "peer", 1, "lost counts: 5 operations, 4 counted"),
    run("ahead", "holdfast", 10),
    run("ahead", "peer", 100),
  ],
};

test("only a rival that counted right and is more than 5 % ahead puts a cell among those behind", () => {
  const page = filled("<!-- behind -->\nstale\n<!-- end -->", results);
  assert.match(page, "In 1 of 3 cells with a rival:");
  assert.match(page, "| locks, 2 workers | behind | peer | 2.00 |");
  assert.not.match(page, "| even |");
  assert.not.match(page, "stale");
});

test("the cell is marked, its first is bold, and a failure is explained under the table", () => {
  const page = filled("# Title\n<!-- suites: locks -->\n<!-- end -->\ntail", results);
  assert.match(page, "| behind | 200 ns ± 5 % ▼ | **100 ns ± 5 %** | 10 ns ± 5 % |");
  assert.match(page, "| even | 104 ns ± 5 % | 100 ns ± 5 % |  |");
  assert.match(page, "| wrong | 200 ns ± 5 % | fails |  |");
  assert.match(page, "- wrong, peer: lost counts: 5 operations, 4 counted");
  assert.ok(page.startsWith("# Title\n") && page.endsWith("\ntail"));
});

test("writing a page twice changes nothing more", () => {
  const once = filled("<!-- machine -->\n<!-- end -->\n\n<!-- suites: none -->\n<!-- end -->", results);
  assert.match(once, "A CPU, 2 cores; Node v20.0.0, linux x64.");
  assert.is(filled(once, results), once);
});

test.run();
