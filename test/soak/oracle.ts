// Many operations by many threads on one table, against an oracle: each thread has rows of its own, which it compares
// with a Map at every read, and all add to counters that they share, whose sums must be exact in the end.

import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { runWorkers } from "../support/watchdog.ts";

export const COLUMNS = { text: "string", n: "u32", total: "i64" } as const;
/** Counters that all threads add to; rows that all threads want to be the first of. */
export const COUNTERS = 64;
export const FIRSTS = 500;

export interface Tally {
  /** The thread's own rows: key, number and length of the text. */
  readonly rows: readonly (readonly [string, number, number])[];
  /** What it added to each counter. */
  readonly added: readonly number[];
  readonly operations: number;
}

export interface OracleResult {
  readonly operations: number;
  readonly rows: number;
  readonly seconds: number;
  readonly mismatches: readonly string[];
}

/** Runs `operations` operations, shared evenly by `threads` workers, and compares what is left with the oracle. */
export async function compareWithOracle({
  operations,
  threads = 16,
  keys = 2000,
}: {
  readonly operations: number;
  readonly threads?: number;
  /** Keys that each thread has for itself. */
  readonly keys?: number;
}): Promise<OracleResult> {
  const begun = performance.now();
  const table = new SharedTable({ region: Region.create(), key: "string", columns: COLUMNS });
  const workerData = { table: table.share(), rounds: Math.ceil(operations / threads), keys };
  const file = new URL("./oracle.worker.js", import.meta.url);
  const outcomes = await runWorkers<Tally>({ file, count: threads, workerData, timeoutMs: 1_800_000 });
  const mismatches = judge(
    table,
    outcomes.map(({ result }) => result),
  );
  const done = outcomes.reduce((sum, { result }) => sum + result.operations, 0);
  return { operations: done, rows: table.size, seconds: (performance.now() - begun) / 1000, mismatches };
}

function judge(table: SharedTable<string, { text: string; n: number; total: bigint }>, tallies: readonly Tally[]) {
  const mismatches: string[] = [];
  const rows = table.snapshot();
  let expected = 0;
  for (const { rows: own } of tallies) {
    expected += own.length;
    for (const [key, n, length] of own) {
      const found = rows.get(key);
      if (found?.n !== n || found.text.length !== length) mismatches.push(`${key}: not what its thread wrote last`);
    }
  }
  for (let counter = 0; counter < COUNTERS; counter++) {
    const sum = tallies.reduce((total, { added }) => total + added[counter], 0);
    if (sum > 0) expected++;
    const found = rows.get(`counter ${counter}`)?.total ?? 0n;
    if (found !== BigInt(sum)) mismatches.push(`counter ${counter}: ${found}, and ${sum} was added`);
  }
  for (let first = 0; first < FIRSTS; first++) if (rows.has(`first ${first}`)) expected++;
  if (rows.size !== expected) mismatches.push(`${rows.size} rows, and the oracle has ${expected}`);
  mismatches.push(...table.check().problems);
  return mismatches.slice(0, 100);
}
