// A contest: several teams of workers at the same task, in turn within each round, so that a disturbance of the machine
// meets all of them. A subject that hangs or counts wrong keeps its line in the results, with what was wrong.

import { type Effort, median, type Run, spreadOf } from "./result.ts";
import { type Entry, type Params, type Repetition, Team } from "./team.ts";

/**
 * Milliseconds that a team runs before it is measured. Each worker compiles its code for itself, on whatever cores there are:
 * all of it with the team's first case, ...
 */
const WARM_MS = 500;
const WARM_MS_A_WORKER = 125;
/** ... and the innermost loop only with each further one. */
const REWARM_MS = 60;
const REWARM_MS_A_WORKER = 15;
/** Repetitions that this may take: those of fixed rounds are the shorter, the more the team still has to compile. */
const WARM_ROUNDS = 30;

/** One case of a contest. */
export interface Case {
  /** As it is named in the results. */
  readonly name: string;
  /** Which of tasks/ the workers do, and its numbers. */
  readonly task: string;
  readonly params: Params;
  /** Milliseconds that the team runs before it is measured, if the usual number is too small. */
  readonly warm?: number;
}

/** All cases with teams of `workers` workers; the teams live through all of them. */
export async function contest(
  suite: string,
  cases: readonly Case[],
  everyone: readonly Entry[],
  workers: number,
  effort: Effort,
): Promise<Run[]> {
  const entries = everyone.filter(({ subject }) => !effort.own || subject.startsWith("holdfast"));
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
  const fail = (entry: Entry, why: string): void => {
    failures.set(entry, why);
    // What hung or was torn can't be used again; the next case gets a new one.
    teams.get(entry)?.end();
    teams.delete(entry);
  };
  for (const entry of entries) {
    const again = teams.has(entry);
    const team = teams.get(entry) ?? new Team(entry, workers);
    teams.set(entry, team);
    if (entry.foreign !== undefined) continue;
    const why = await warmUp(team, which, effort.quick ? effort.milliseconds : warmingTime(which, workers, again));
    if (why !== undefined) fail(entry, why);
  }
  for (let round = 0; round < effort.rounds; round++) {
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[(k + round) % entries.length];
      const result = await teams.get(entry)?.repeat(which.task, which.params, effort.milliseconds);
      if (typeof result === "string") fail(entry, result);
      else if (result !== undefined) repetitions.get(entry)?.push(result);
    }
  }
  return entries.map((entry) => summary(suite, which.name, entry.subject, workers, repetitions, failures, entry));
}

/** Lets the team run until it has run for so long; what went wrong, if anything did. */
async function warmUp(team: Team, { task, params }: Case, milliseconds: number): Promise<string | undefined> {
  let left = milliseconds;
  for (let round = 0; left > 0 && round < WARM_ROUNDS; round++) {
    const result = await team.repeat(task, params, left);
    if (typeof result === "string") return result;
    left -= result.milliseconds;
  }
  return undefined;
}

/** `again`: the team has done another case before. */
function warmingTime({ warm }: Case, workers: number, again: boolean): number {
  if (warm !== undefined) return warm;
  return again ? REWARM_MS + REWARM_MS_A_WORKER * workers : WARM_MS + WARM_MS_A_WORKER * workers;
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
    ...(seen.some((r) => r.switchesPerOp !== undefined) ? { switchesPerOp: middle((r) => r.switchesPerOp) } : {}),
    ...(seen.some((r) => r.fairness !== undefined) ? { fairness: middle((r) => r.fairness) } : {}),
  };
}
