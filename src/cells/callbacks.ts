// Checks of functions that run while something is held, before anything is. An async function would run on after its
// first await with nothing held any more, and nothing would tell: so it is refused where the twin for it exists.

import { describe } from "./deadline.ts";

/** What `async` functions are made by; a compiler that rewrites them to plain ones hides them from this check. */
const AsyncFunction = (async () => undefined).constructor as unknown;

/** Throws TypeError unless `fn`, an argument of `where`, is a function. */
export function checkFunction(where: string, fn: unknown): void {
  if (typeof fn !== "function") throw new TypeError(`${where} needs a function, got ${describe(fn)}`);
}

/** Throws TypeError if `fn`, an argument of `where`, is no function, or an async one, for which `twin` is there. */
export function checkSyncFunction(where: string, twin: string, fn: unknown): void {
  checkFunction(where, fn);
  if ((fn as () => unknown).constructor === AsyncFunction) {
    throw new TypeError(
      `${where} does not wait for an async function, which would run on after ${where} returned: use ${twin}`,
    );
  }
}
