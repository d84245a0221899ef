// How much the tests do: `npm test` runs their short form, `npm run test:long` (HOLDFAST_LONG=1) the long one, with more
// rounds, kills and backends of the same facts.
//
// Invariant: both forms assert the same facts; only how often, or over how many backends, differs.

/** Whether this is the long form. */
export const isLong = globalThis.process?.env?.HOLDFAST_LONG === "1";

/** A number of rounds, threads or deaths: that of the form that runs. */
export function effort(short: number, long: number): number {
  return isLong ? long : short;
}
