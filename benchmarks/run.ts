// npm run bench [-- --only WORD] [--json FILE] [--quick]: every suite, or those whose name holds the word; a table of
// ratios on the terminal, and all figures as JSON.

import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { suites as mapSuites } from "./map.bench.ts";
import { suites as mutexSuites } from "./mutex.bench.ts";
import { type Run, type Suite, table } from "./result.ts";
import { suites as spinSuites } from "./spin.bench.ts";
import { suites as tableSuites } from "./table.bench.ts";
import { suites as takeoutSuites } from "./takeout.bench.ts";

const all: Suite[] = [...mutexSuites, ...spinSuites, ...tableSuites, ...mapSuites, ...takeoutSuites];

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});

const wanted = all.filter((suite) => values.only === undefined || suite.name.includes(values.only));
if (wanted.length === 0) {
  process.stderr.write(
    `no suite's name holds "${values.only}"; there are: ${all.map((suite) => suite.name).join(", ")}\n`,
  );
  process.exit(1);
}

const effort = values.quick ? { rounds: 3, milliseconds: 40 } : { rounds: 9, milliseconds: 200 };
const runs: Run[] = [];
for (const suite of wanted) {
  const results = await suite.run(effort);
  runs.push(...results);
  for (const name of new Set(results.map((run) => run.suite))) {
    process.stdout.write(
      `${table(
        name,
        suite.yardstick,
        results.filter((run) => run.suite === name),
      )}\n`,
    );
  }
}
if (values.json !== undefined) {
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: totalmem(),
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
  };
  writeFileSync(values.json, `${JSON.stringify({ machine, runs }, undefined, 1)}\n`);
}
// A worker of a peer that hung may still be about.
process.exit(0);
