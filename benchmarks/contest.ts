// A contest: several teams of workers at the same task, in turn within each round, so that a disturbance of the machine
// meets all of them. A subject that hangs or counts wrong keeps its line in the results, with what was wrong.

import { type Effort, median, type Run, spreadOf } from "./result.ts";
import { type Entry, type Params, type Repetition, Team } from "./team.ts";

const WARM_ROUNDS = 2;
/** Each worker compiles its code for itself, on whatever cores there are. */
const WARM_MS = 250;
const WARM_MS_A_WORKER = 75;

/** One case of a contest. */
export interface Case {
  /** As it is named in the results. */
  readonly name: string;
  /** Which of tasks/ the workers do, and its numbers. */
  readonly task: string;
  readonly params: Params;
  /** Milliseconds of each of the two repetitions that warm up, if the usual number is too small. */
  readonly warm?: number;
}

/** All cases with teams of `workers` workers; the teams live through all of them. */
export async function contest(
  suite: string,
  cases: readonly Case[],
  entries: readonly Entry[],
  workers: number,
  effort: Effort,
): Promise<Run[]> {
  const teams = new Map<Entry, Team>();
  const runs: Run[] = [];
  try {
    for (const which of cases) runs.push(...(await contestOne(suite, which, entries, workers, effort, teams)));
  } finally {
    for (const team of teams.values()) team.end();
  }
  return runs;
}

async function contestOne(
  suite: string,
  which: Case,
  entries: readonly Entry[],
  workers: number,
  effort: Effort,
  teams: Map<Entry, Team>,
): Promise<Run[]> {
  const repetitions = new Map(entries.map((entry): [Entry, Repetition[]] => [entry, []]));
  const failures = new Map<Entry, string>();
  // The rounds before 0 warm up: the first tells how fast the workers are, then they run long enough to be compiled.
  const warm = effort.quick ? 1 : WARM_ROUNDS;
  for (let round = -warm; round < effort.rounds; round++) {
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[(k + round + warm) % entries.length];
      if (failures.has(entry)) continue;
      const team = teams.get(entry) ?? new Team(entry, workers);
      teams.set(entry, team);
      if (round < 0 && entry.foreign !== undefined) continue;
      const milliseconds =
        round < 0 && !effort.quick ? (which.warm ?? WARM_MS + WARM_MS_A_WORKER * workers) : effort.milliseconds;
      const result = await team.repeat(which.task, which.params, milliseconds);
      if (typeof result === "string") {
        failures.set(entry, result);
        // What hung or was torn can't be used again; the next case gets a new one.
        team.end();
        teams.delete(entry);
      } else if (round >= 0) repetitions.get(entry)?.push(result);
    }
  }
  return entries.map((entry) => summary(suite, which.name, entry.subject, workers, repetitions, failures, entry));
}

function summary(
  suite: string,
  name: string,
  subject: string,
  workers: number,
  repetitions: ReadonlyMap<Entry, readonly Repetition[]>,
  failures: ReadonlyMap<Entry, string>,
  entry: Entry,
): Run {
  const seen = repetitions.get(entry) ?? [];
  const middle = (of: (repetition: Repetition) => number | undefined): number =>
    median(seen.flatMap((r) => of(r) ?? []));
  const nsPerOp = middle((r) => r.nsPerOp);
  const failed = failures.get(entry);
  const run = {
    suite,
    case: name,
    subject,
    workers,
    nsPerOp,
    opsPerSecond: 1e9 / nsPerOp,
    p50: middle((r) => r.p50),
    p99: middle((r) => r.p99),
    spread: spreadOf(seen.map((r) => r.nsPerOp)),
  };
  if (failed !== undefined) return { ...run, failed };
  return {
    ...run,
    ...(seen.some((r) => r.max !== undefined) ? { max: Math.max(...seen.map((r) => r.max ?? 0)) } : {}),
    ...(seen.some((r) => r.cpuNsPerOp !== undefined) ? { cpuNsPerOp: middle((r) => r.cpuNsPerOp) } : {}),
    ...(seen.some((r) => r.fairness !== undefined) ? { fairness: middle((r) => r.fairness) } : {}),
  };
}
