// npm run check:model: every interleaving of the shipped protocols, and all mutants, shared out over the cores.
//
//   node dist/test/model/check.js [--short|--long] [--json] [--only MODEL] [--mutant NAME] [--replay SCHEDULE] [--verbose]
//                                 [--jobs N] [--limit SECONDS] [--part K/N]
//
// --short      the small models only (npm test)
// --long       the models that are too large for the usual form, and no others
// --only       models whose protocol and name hold the words; with --replay, runs one schedule of it and prints it
// --mutant     only mutants whose name holds the words; prints each one's shortest failing schedule
// --jobs       processes; default: one for each core
// --limit      seconds after which a case has failed; default 600, with --long 7200
// --part       only every N-th case, beginning with the K-th: for several machines
// --json       one JSON document as the last line of standard output
// A case that throws, or whose process is lost, is a failed case; the others go on.
// Exit code 0 only if every protocol passes and every mutant is caught.
import { parseArgs } from "node:util";
import { type Case, listCases, type Outcome } from "./cases.ts";
import { runCases } from "./pool.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    only: { type: "string" },
    mutant: { type: "string" },
    replay: { type: "string" },
    jobs: { type: "string" },
    limit: { type: "string" },
    part: { type: "string" },
  },
});

interface Found {
  readonly what: Case;
  readonly outcome: Outcome;
}

const say = (line: string): void => {
  if (!values.json) console.log(line);
};
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const count = (n: number): string => n.toLocaleString("en");

function sayCase({ protocol, kind, name }: Case, o: Outcome): void {
  const verdict = o.ok && o.exhaustive ? "ok  " : "FAIL";
  const rate = Math.round(o.transitions / Math.max(o.seconds, 1e-6));
  const figures =
    `${count(o.states)} states, ${count(o.transitions)} transitions, ${count(o.schedules)} runs ` +
    `in ${o.seconds.toFixed(2)} s (${count(rate)} transitions/s)`;
  if (kind === "model") say(`  ${verdict} ${protocol} | ${name}: ${figures}; ${o.extent}`);
  else say(`  ${verdict} ${protocol} | mutant, ${name}: ${o.extent} (${o.seconds.toFixed(2)} s)`);
  const wanted = kind === "model" || values.mutant !== undefined || values.verbose || !o.ok;
  if (wanted && o.failure !== undefined) say(`\n${o.failure}\n`);
}

const passed = ({ outcome }: Found): boolean => outcome.ok && outcome.exhaustive;

/** One model; `exhaustive` only if every interleaving of it was searched. */
function describe({ what, outcome }: Found): object {
  const { threads, crashes, states, seconds, extent } = outcome;
  return { name: what.name, threads, crashes, states, seconds, exhaustive: extent === "all", extent };
}

/** What `--json` says of one protocol, as design and README have it. */
function sumUp(found: readonly Found[]): object {
  const models = found.filter((f) => f.what.kind === "model").map((f) => f.outcome);
  const sum = (pick: (o: Outcome) => number): number => models.reduce((n, o) => n + pick(o), 0);
  return {
    threads: Math.max(0, ...models.map((o) => o.threads)),
    states: sum((o) => o.states),
    transitions: sum((o) => o.transitions),
    schedules: sum((o) => o.schedules),
    exhaustive: models.every((o) => o.exhaustive),
    crashes: Math.max(0, ...models.map((o) => o.crashes)),
    seconds: sum((o) => o.seconds),
    bounded: models.filter((o) => o.extent.startsWith("bounded")).length,
    models: found.filter((f) => f.what.kind === "model").map(describe),
    failures: found.filter((f) => f.what.kind === "model" && !passed(f)).map((f) => f.what.name),
  };
}

function partOf(cases: readonly Case[], part: string): readonly Case[] {
  const [, first, of] = (/^(\d+)\/(\d+)$/.exec(part) ?? []).map(Number);
  if (!(first >= 1 && first <= of)) throw new Error(`--part takes K/N, K from 1 to N, not "${part}"`);
  return cases.filter((_, at) => at % of === first - 1);
}

async function main(): Promise<boolean> {
  const start = performance.now();
  const { short, long, only, mutant } = values;
  const listed = partOf(await listCases(short, only, mutant, long), values.part ?? "1/1");
  if (listed.length === 0) throw new Error(`nothing is named "${values.only ?? values.mutant}"`);
  const shortest = values.mutant !== undefined || values.verbose;
  const cases = listed.map((c) => ({ ...c, shortest, replay: values.replay }));
  const found: Found[] = [];
  await runCases(
    cases,
    (what, outcome) => {
      found.push({ what, outcome });
      sayCase(what, outcome);
    },
    { jobs: number(values.jobs), limit: number(values.limit) ?? (values.long ? 7200 : undefined) },
  );
  const mutants = found.filter((f) => f.what.kind === "mutant");
  const escaped = mutants.filter((f) => !f.outcome.ok).map((f) => f.what.name);
  const failed = found.filter((f) => !passed(f));
  const caught = mutants.length - escaped.length;
  const models = found.length - mutants.length;
  say(
    `${models} models, ${failed.length - failed.filter((f) => f.what.kind === "mutant").length} failed; ${caught} of ${mutants.length} mutants caught; ` +
      `${((performance.now() - start) / 1000).toFixed(0)} s`,
  );
  if (values.json) {
    const names = [...new Set(listed.map((c) => c.protocol))];
    const protocols = Object.fromEntries(names.map((n) => [n, sumUp(found.filter((f) => f.what.protocol === n))]));
    console.log(JSON.stringify({ protocols, mutants: { total: mutants.length, caught, escaped } }));
  }
  return failed.length === 0;
}

process.exitCode = (await main()) ? 0 : 1;
