// Runs the models of a protocol, and its mutants, and sums up what was found.
import { explore } from "../../src/testing/explore.ts";
import { type MutantOutcome, runMutants } from "../../src/testing/mutants.ts";
import type { ExploreResult } from "../../src/testing/options.ts";
import { MisfitError, withLibrary } from "./library.ts";
import type { Model, Mutant, Protocol } from "./model.ts";

export interface ModelReport {
  readonly model: string;
  readonly threads: number;
  readonly result: ExploreResult;
  /** The model was meant to be searched whole, and was. */
  readonly exhaustive: boolean;
}

export interface ProtocolReport {
  readonly threads: number;
  readonly states: number;
  readonly transitions: number;
  readonly schedules: number;
  /** All models but the sampled and bounded ones were searched whole. */
  readonly exhaustive: boolean;
  readonly crashes: number;
  readonly seconds: number;
  readonly failures: readonly string[];
}

const wanted = (model: Model): boolean => model.options.mode === undefined && model.options.preemptions === undefined;

/** Searches all models of a protocol, or those of the short form, one after the other. */
export async function searchProtocol(
  protocol: Protocol,
  short: boolean,
  each: (report: ModelReport) => void,
): Promise<ProtocolReport> {
  return withLibrary([], async (library) => {
    const reports: ModelReport[] = [];
    const models = protocol.models(library).filter((m) => !short || m.short);
    let crashes = 0;
    for (const model of models) {
      const result = await explore(model.options);
      const report = {
        model: model.name,
        threads: model.options.threads.length,
        result,
        exhaustive: !wanted(model) || result.exhaustive,
      };
      crashes = Math.max(crashes, model.options.crashes ?? 0);
      reports.push(report);
      each(report);
    }
    const sum = (pick: (r: ExploreResult) => number): number => reports.reduce((n, r) => n + pick(r.result), 0);
    return {
      threads: Math.max(...reports.map((r) => r.threads)),
      states: sum((r) => r.states),
      transitions: sum((r) => r.transitions),
      schedules: sum((r) => r.schedules),
      exhaustive: reports.every((r) => r.exhaustive),
      crashes,
      seconds: sum((r) => r.seconds),
      failures: reports.flatMap((r) => (r.result.ok ? [] : [`${r.model}: ${String(r.result.failure)}`])),
    };
  });
}

/** Searches the one model that a mutant must fail. */
export async function searchMutant(protocol: Protocol, mutant: Mutant): Promise<MutantOutcome> {
  const found = withLibrary([mutant], async (library) => {
    const model = protocol.models(library).find((m) => m.name === mutant.model);
    if (model === undefined) throw new Error(`mutant "${mutant.name}": there is no model "${mutant.model}"`);
    const { name, expect } = mutant;
    return (await runMutants([{ name, expect, options: () => model.options }])).outcomes[0];
  });
  return found.catch((error: unknown) => {
    if (!(error instanceof MisfitError)) throw error;
    return { name: mutant.name, caught: false, how: error.message, result: undefined };
  });
}
