// The tables of the results page, written between its marks from a file of results, so that no figure is copied by hand:
//
//   <!-- machine -->, <!-- behind -->, <!-- suites: WORD, WORD --> … <!-- end -->
//
// Invariant: a cell in which this package is not first is marked; `behind` lists those in which a peer that counted right
// is more than 5 % ahead.

import { readFileSync, writeFileSync } from "node:fs";
import { duration } from "./report.ts";
import type { Run } from "./result.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly platform: string;
}

export interface Results {
  readonly machine: Machine;
  readonly runs: readonly Run[];
}

/** Not rivals: what no lock can do without, and what is compared with for its own sake. */
const NO_RIVALS = /^(floor|empty await|import alone|recording|without locks|postMessage, in pairs)/;
const AHEAD = 0.05;

const isOwn = (run: Run): boolean => run.subject.startsWith("holdfast");
const isRival = (run: Run): boolean => !isOwn(run) && !NO_RIVALS.test(run.subject) && run.failed === undefined;

/** One case in one suite, by all its subjects. */
interface Cell {
  readonly suite: string;
  readonly name: string;
  readonly runs: readonly Run[];
}

function cellsOf(runs: readonly Run[]): Cell[] {
  const cells = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.suite}\n${run.case}`;
    cells.set(key, [...(cells.get(key) ?? []), run]);
  }
  return Array.from(cells.values(), (group) => ({ suite: group[0].suite, name: group[0].case, runs: group }));
}

/** The rival that is ahead of `holdfast` by more than 5 %, if one is, and how far. */
function leader({ runs }: Cell): { readonly run: Run; readonly times: number } | undefined {
  const own = runs.find((run) => run.subject === "holdfast");
  const [best] = runs.filter(isRival).sort((a, b) => a.nsPerOp - b.nsPerOp);
  if (own === undefined || own.failed !== undefined || best === undefined) return undefined;
  const times = own.nsPerOp / best.nsPerOp;
  return times > 1 + AHEAD ? { run: best, times } : undefined;
}

/** One table a suite: a line a case, a column a subject. */
function suiteTables(cells: readonly Cell[]): string {
  const suites = Array.from(new Set(cells.map((cell) => cell.suite)));
  return suites
    .map((suite) =>
      suiteTable(
        suite,
        cells.filter((cell) => cell.suite === suite),
      ),
    )
    .join("\n\n");
}

function suiteTable(suite: string, cells: readonly Cell[]): string {
  const subjects = Array.from(new Set(cells.flatMap((cell) => cell.runs.map((run) => run.subject))));
  const notes: string[] = [];
  const rows = cells.map((cell) => {
    const ahead = leader(cell);
    const columns = subjects.map((subject) => {
      const run = cell.runs.find((candidate) => candidate.subject === subject);
      if (run === undefined) return "";
      if (run.failed !== undefined) {
        notes.push(`${cell.name}, ${subject}: ${run.failed.replaceAll("|", "/")}`);
        return "fails";
      }
      const mark = subject === "holdfast" && ahead !== undefined ? " ▼" : "";
      const text = `${duration(run.nsPerOp)} ± ${Math.round((run.spread / 2) * 100)} %${mark}`;
      return run === ahead?.run ? `**${text}**` : text;
    });
    return `| ${cell.name} | ${columns.join(" | ")} |`;
  });
  const head = [`| ${suite} | ${subjects.join(" | ")} |`, `|---|${subjects.map(() => "---").join("|")}|`];
  const failures = notes.length === 0 ? [] : ["", ...notes.map((note) => `- ${note}`)];
  return [...head, ...rows, ...failures].join("\n");
}

function behind(cells: readonly Cell[]): string {
  const rows = cells.flatMap((cell) => {
    const ahead = leader(cell);
    return ahead === undefined
      ? []
      : [`| ${cell.suite} | ${cell.name} | ${ahead.run.subject} | ${ahead.times.toFixed(2)} |`];
  });
  const rivals = cells.filter((cell) => cell.runs.some(isRival)).length;
  const head = `In ${rows.length} of ${rivals} cells with a rival:`;
  return [head, "", "| suite | case | first | holdfast takes × |", "|---|---|---|---|", ...rows].join("\n");
}

/** What stands between a mark and its end. */
function contents(mark: string, { machine, runs }: Results): string {
  const cells = cellsOf(runs);
  if (mark === "machine") {
    return `${machine.cpu.replaceAll(/\s+/g, " ")}, ${machine.cores} cores; Node ${machine.node}, ${machine.platform}.`;
  }
  if (mark === "behind") return behind(cells);
  const words = mark.replace("suites: ", "").split(", ");
  return suiteTables(cells.filter((cell) => words.some((word) => cell.suite.startsWith(word))));
}

/** The page with its tables written anew. */
export function filled(page: string, results: Results): string {
  return page.replaceAll(
    /<!-- (machine|behind|suites: [^>]*?) -->[\s\S]*?<!-- end -->/g,
    (_, mark: string) => `<!-- ${mark} -->\n\n${contents(mark, results)}\n\n<!-- end -->`,
  );
}

export function fillPage(file: string, results: Results): void {
  writeFileSync(file, filled(readFileSync(file, "utf8"), results));
}
