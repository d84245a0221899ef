// Searches one mutant: the library with one patch, by the one model that must fail.
import { type MutantOutcome, runMutants } from "../../src/testing/mutants.ts";
import { loadLibrary } from "./library.ts";
import { MisfitError } from "./misfit.ts";
import { type Mutant, needsOf, type Protocol } from "./model.ts";

/** Searches the one model that a mutant must fail; for its shortest failing schedule only if that is asked. */
export async function searchMutant(protocol: Protocol, mutant: Mutant, shortest: boolean): Promise<MutantOutcome> {
  const { name, expect } = mutant;
  try {
    const library = await loadLibrary([mutant], needsOf(protocol));
    const model = protocol.models(library).find((m) => m.name === mutant.model);
    if (model === undefined) throw new Error(`mutant "${name}": there is no model "${mutant.model}"`);
    // A mutant that must not be endless has as much time as a model (cases.ts).
    const patience = expect.includes("endless") ? {} : { watchdogMs: 120_000 };
    const options = () => ({ ...patience, ...model.options, shortest });
    return (await runMutants([{ name, expect, options }])).outcomes[0];
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error;
    return { name, caught: false, how: error.message, result: undefined };
  }
}
