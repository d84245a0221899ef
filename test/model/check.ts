// npm run check:model: every interleaving of the shipped protocols, and all mutants.
//
//   node dist/test/model/check.js [--short] [--json] [--only MODEL] [--mutant NAME] [--replay SCHEDULE] [--verbose]
//
// --short      the small models only (npm test)
// --only       models whose name holds the words; with --replay, runs one schedule of it and prints it
// --mutant     only mutants whose name holds the words; prints each one's shortest failing schedule
// --json       one JSON document as the last line of standard output
// Exit code 0 only if every protocol passes and every mutant is caught.
import { parseArgs } from "node:util";
import { explore } from "../../src/testing/explore.ts";
import type { MutantOutcome } from "../../src/testing/mutants.ts";
import { withLibrary } from "./library.ts";
import { protocols } from "./protocols.ts";
import { type ModelReport, type ProtocolReport, searchMutant, searchProtocol } from "./search.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    only: { type: "string" },
    mutant: { type: "string" },
    replay: { type: "string" },
  },
});

const say = (line: string): void => {
  if (!values.json) console.log(line);
};

function sayModel({ model, result, exhaustive }: ModelReport): void {
  const extent = result.exhaustive ? "all" : (result.cut ?? "stopped at a failure");
  const figures =
    `${result.states.toLocaleString("en")} states, ${result.transitions.toLocaleString("en")} transitions, ` +
    `${result.schedules.toLocaleString("en")} runs in ${result.seconds.toFixed(2)} s ` +
    `(${result.transitionsPerSecond.toLocaleString("en")}/s)`;
  say(`  ${result.ok && exhaustive ? "ok  " : "FAIL"} ${model}: ${figures}; ${extent}`);
  if (result.failure !== undefined) say(`\n${result.failure}\n`);
}

function sayMutant(report: MutantOutcome): void {
  say(`  ${report.caught ? "ok  " : "FAIL"} ${report.name}: ${report.how}`);
  const wanted = values.mutant !== undefined || values.verbose || !report.caught;
  const failure = report.result?.failure;
  if (wanted && failure !== undefined) say(`\n${failure}\n`);
}

/** Runs the models that --only names, whole or by one schedule. */
async function runOnly(words: string): Promise<boolean> {
  return withLibrary([], async (library) => {
    let ok = true;
    const models = protocols.flatMap((p) => p.models(library)).filter((m) => m.name.includes(words));
    if (models.length === 0) throw new Error(`no model is named "${words}"`);
    for (const { name, options } of models) {
      const replay = values.replay === undefined ? {} : { replay: values.replay };
      const result = await explore({ ...options, ...replay });
      ok &&= result.ok;
      sayModel({ model: name, threads: options.threads.length, result, exhaustive: true });
    }
    return ok;
  });
}

async function runAll(): Promise<boolean> {
  const found: Record<string, ProtocolReport> = {};
  const mutants: MutantOutcome[] = [];
  let ok = true;
  for (const protocol of protocols) {
    if (values.mutant === undefined) {
      say(`${protocol.name}:`);
      const report = await searchProtocol(protocol, values.short, sayModel);
      found[protocol.name] = report;
      ok &&= report.failures.length === 0 && report.exhaustive;
    }
    const chosen = protocol.mutants.filter((m) => values.mutant === undefined || m.name.includes(values.mutant));
    say(`${protocol.name}, ${chosen.length} mutants:`);
    for (const mutant of chosen) {
      const report = await searchMutant(protocol, mutant);
      mutants.push(report);
      sayMutant(report);
    }
  }
  const escaped = mutants.filter((m) => !m.caught).map((m) => m.name);
  const caught = mutants.length - escaped.length;
  ok &&= escaped.length === 0;
  say(`${caught} of ${mutants.length} mutants caught`);
  if (values.json)
    console.log(JSON.stringify({ protocols: found, mutants: { total: mutants.length, caught, escaped } }));
  return ok;
}

const ok = values.only === undefined ? await runAll() : await runOnly(values.only);
process.exitCode = ok ? 0 : 1;
