// Searches one mutant: the library with one patch, by the one model that must fail.
import { type MutantOutcome, runMutants } from "../../src/testing/mutants.ts";
import { withLibrary } from "./library.ts";
import { MisfitError } from "./misfit.ts";
import { type Mutant, needsOf, type Protocol } from "./model.ts";

/** Searches the one model that a mutant must fail; for its shortest failing schedule only if that is asked. */
export async function searchMutant(protocol: Protocol, mutant: Mutant, shortest: boolean): Promise<MutantOutcome> {
  const found = withLibrary(
    [mutant],
    async (library) => {
      const model = protocol.models(library).find((m) => m.name === mutant.model);
      if (model === undefined) throw new Error(`mutant "${mutant.name}": there is no model "${mutant.model}"`);
      const { name, expect } = mutant;
      // A mutant that must not be endless has as much time as a model (cases.ts).
      const patience = expect.includes("endless") ? {} : { watchdogMs: 120_000 };
      const options = () => ({ ...patience, ...model.options, shortest });
      return (await runMutants([{ name, expect, options }])).outcomes[0];
    },
    needsOf(protocol),
  );
  return found.catch((error: unknown) => {
    if (!(error instanceof MisfitError)) throw error;
    return { name: mutant.name, caught: false, how: error.message, result: undefined };
  });
}
