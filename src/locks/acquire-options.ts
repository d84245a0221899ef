// What is checked of the options of an acquisition, of whatever lock: one wording and one order for all of them.

import { checkTimeout, describe, type WaitOptions } from "../cells/deadline.ts";

/** The options that acquiring calls have in common; what `recover` is given is their own affair. */
interface CheckedOptions extends WaitOptions {
  readonly recover?: ((...args: never[]) => unknown) | undefined;
}

/** Checks the options of an acquisition, which `what` names, and returns the time-out in milliseconds. */
export function checkOptions(options: CheckedOptions, what = "lock options"): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${what} must be an object, got ${describe(options)}`);
  }
  if (options.recover !== undefined && typeof options.recover !== "function") {
    throw new TypeError(`recover must be a function, got ${describe(options.recover)}`);
  }
  return checkTimeout(options.timeout);
}
