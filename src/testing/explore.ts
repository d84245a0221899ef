// explore(): runs real code that uses Atomics over every interleaving, and says what can go wrong.
import { Explorer } from "./explorer.ts";
import type { ExploreOptions, ExploreResult } from "./options.ts";

/**
 * Explores the threads over every interleaving of their operations on the shared memory (or as `mode` says).
 * Resolves with the result, `ok: false` and a `failure` if some run fails. Rejects with a ModelError if a body cannot
 * be checked: it is not deterministic, never ends, uses real time or randomness, or keeps state outside the memory.
 * While it runs, the global Atomics, clocks, timers and typed array constructors are the model's.
 */
export async function explore<M>(options: ExploreOptions<M>): Promise<ExploreResult> {
  const explorer = new Explorer(options);
  return explorer.run();
}

/** As explore, but throws an Error that prints the failing run if there is one. */
export async function check<M>(options: ExploreOptions<M>): Promise<ExploreResult> {
  const result = await explore(options);
  if (result.failure !== undefined) throw new Error(result.failure.toString());
  return result;
}
