// Ends a body that never comes back. Only the engine itself can interrupt running JavaScript: in Node through vm's
// time-out, which also ends code that vm did not load. Elsewhere such a body hangs, as it would in its own program.

import { hostModule } from "./host.ts";

interface Vm {
  Script: new (source: string) => { runInThisContext(options: { timeout: number }): unknown };
}

const KEY = "__holdfastModelSlice";
let script: { runInThisContext(options: { timeout: number }): unknown } | undefined;

/** Runs `slice`; throws what `late` makes if it takes longer than `ms` milliseconds. */
export function guarded<T>(slice: () => T, ms: number, late: () => Error): T {
  const vm = ms === Number.POSITIVE_INFINITY ? undefined : hostModule<Vm>("vm");
  if (vm === undefined) return slice();
  script ??= new vm.Script(`globalThis.${KEY}()`);
  const scope = globalThis as unknown as Record<string, unknown>;
  const before = scope[KEY];
  scope[KEY] = slice;
  try {
    return script.runInThisContext({ timeout: ms }) as T;
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") throw late();
    throw error;
  } finally {
    scope[KEY] = before;
  }
}
