// npm run bench: every suite, or those that are asked for; a table of ratios on the terminal, and all figures as JSON.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { misused, readOptions } from "../examples/options.ts";
import { fillPage, type Machine, type Results } from "./page.ts";
import { regressions, table } from "./report.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { suites as all } from "./suites.ts";

const usage = `Usage: npm run bench [-- OPTIONS]
  --only WORD      suites whose name has it at the beginning of a word; may be given several times
  --json FILE      writes the figures; suites that the file has already and that were not run now stay in it
  --compare FILE   prints what became slower than in that file beyond the noise; exit code 1 if anything did
  --charts DIR     draws the charts of all figures of --json into DIR (SVG)
  --page FILE      writes the tables of a page from all figures of --json
  --from FILE      measures nothing: takes the figures of that file, for --compare, --charts and --page
  --quick          a smoke test: a few milliseconds a suite. Its times mean nothing
  --own            none of the rivals that would have processes of their own
  --seconds N      seconds of each repetition (default 0.2)
  --rounds N       repetitions (default 7)
  --list           the suites' names
  --help`;

function read(file: string): Results {
  try {
    const results = JSON.parse(readFileSync(file, "utf8")) as Results;
    if (Array.isArray(results.runs)) return results;
  } catch (error) {
    misused(`${file} can't be read: ${(error as Error).message}`, usage);
  }
  misused(`${file} holds no figures of npm run bench -- --json`, usage);
}

function machine(): Machine & Record<string, unknown> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: totalmem(),
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** The new runs, and those of the file whose suites were not run now. */
function merged(file: string, runs: readonly Run[]): Results {
  const old = existsSync(file) ? read(file).runs : [];
  const measured = new Set(runs.map((run) => run.suite));
  return { machine: machine(), runs: [...old.filter((run) => !measured.has(run.suite)), ...runs] };
}

async function runAll(wanted: readonly Suite[], effort: Effort, done: (runs: readonly Run[]) => void): Promise<Run[]> {
  const runs: Run[] = [];
  for (const suite of wanted) {
    const results = await suite.run(effort);
    runs.push(...results);
    for (const name of new Set(results.map((run) => run.suite))) {
      const of = results.filter((run) => run.suite === name);
      process.stdout.write(`${table(name, suite.yardstick, of)}\n`);
    }
    // After each suite, so that what was measured is kept whatever comes.
    done(runs);
  }
  return runs;
}

async function main(): Promise<number> {
  const values = readOptions(usage, {
    only: { type: "string", multiple: true },
    json: { type: "string" },
    compare: { type: "string" },
    charts: { type: "string" },
    page: { type: "string" },
    from: { type: "string" },
    quick: { type: "boolean", default: false },
    own: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    seconds: { type: "string", default: "0.2" },
    rounds: { type: "string", default: "7" },
  });
  const { only, json } = values;
  const wanted = all.filter(({ name }) => only === undefined || only.some((word) => ` ${name}`.includes(` ${word}`)));
  if (values.list || wanted.length === 0) {
    if (!values.list)
      process.stderr.write(`no suite's name has words that begin with "${only?.join('", "')}"; there are:\n`);
    for (const { name } of all) process.stdout.write(`${name}\n`);
    return values.list ? 0 : 1;
  }
  const effort: Effort = values.quick
    ? { rounds: 1, milliseconds: 5, quick: true, own: values.own }
    : { rounds: Number(values.rounds), milliseconds: 1000 * Number(values.seconds), quick: false, own: values.own };
  if (!(effort.rounds > 0 && effort.milliseconds > 0)) misused("--rounds and --seconds must be above 0", usage);
  const before = values.compare === undefined ? [] : read(values.compare).runs;
  let results: Results;
  if (values.from !== undefined) results = read(values.from);
  else {
    const runs = await runAll(wanted, effort, (sofar) => {
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(merged(json, sofar), undefined, 1)}\n`);
    });
    results = json === undefined ? { machine: machine(), runs } : read(json);
  }
  return await present(values, results, before);
}

/** Charts, page and comparison, as asked for; the exit code. */
async function present(
  { charts, page, compare }: { charts?: string; page?: string; compare?: string },
  results: Results,
  before: readonly Run[],
): Promise<number> {
  if (charts !== undefined) {
    const { drawAll } = await import("./charts.ts");
    drawAll(results.runs, charts);
  }
  if (page !== undefined) fillPage(page, results);
  const slower = regressions(before, results.runs);
  for (const line of slower) process.stdout.write(`slower: ${line}\n`);
  if (compare !== undefined && slower.length === 0) process.stdout.write("nothing became slower\n");
  return slower.length > 0 ? 1 : 0;
}

// A worker of a peer that hung may still be about.
process.exit(await main());
