// Mutants: a checker that passes the right code proves little until it has been seen to fail the wrong one.

import { ModelError } from "./errors.ts";
import { explore } from "./explore.ts";
import type { FailureKind } from "./judge.ts";
import type { ExploreOptions, ExploreResult } from "./options.ts";

/** A broken version of a protocol, and how it must fail. */
export interface MutantCase<M> {
  readonly name: string;
  /** The exploration that must find it. Made only when it runs. */
  readonly options: () => ExploreOptions<M> | Promise<ExploreOptions<M>>;
  /** Kinds of failure that count as caught; "endless" is a body that never ends. Default: any. */
  readonly expect?: readonly (FailureKind | "endless")[];
}

export interface MutantOutcome {
  readonly name: string;
  readonly caught: boolean;
  /** The kind of the failure, or why it counts as escaped. */
  readonly how: string;
  readonly result: ExploreResult | undefined;
}

export interface MutantsResult {
  readonly total: number;
  readonly caught: number;
  /** Names of those that no run failed, or that failed in another way than they must. */
  readonly escaped: readonly string[];
  readonly outcomes: readonly MutantOutcome[];
}

/** Explores every mutant; none may pass. */
export async function runMutants<M>(
  mutants: readonly MutantCase<M>[],
  each?: (outcome: MutantOutcome) => void,
): Promise<MutantsResult> {
  const outcomes: MutantOutcome[] = [];
  for (const mutant of mutants) {
    const outcome = await runMutant(mutant);
    outcomes.push(outcome);
    each?.(outcome);
  }
  const escaped = outcomes.filter((o) => !o.caught).map((o) => o.name);
  return { total: outcomes.length, caught: outcomes.length - escaped.length, escaped, outcomes };
}

async function runMutant<M>({ name, options, expect }: MutantCase<M>): Promise<MutantOutcome> {
  const judge = (kind: FailureKind | "endless", result: ExploreResult | undefined): MutantOutcome => {
    const caught = expect === undefined || expect.includes(kind);
    return { name, caught, how: caught ? kind : `failed with ${kind}, not ${expect?.join(" or ")}`, result };
  };
  try {
    const result = await explore(await options());
    if (result.failure !== undefined) return judge(result.failure.kind, result);
    return { name, caught: false, how: "passed", result };
  } catch (error) {
    // For example a wait in slices for ever that counts them: no cycle of states, and no end either.
    if (error instanceof ModelError && error.code === "ERR_MODEL_ENDLESS") return judge("endless", undefined);
    throw error;
  }
}
