// One thread of the comparison with the oracle (oracle.ts).

import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import { data, finish, step } from "../support/watchdog.ts";
import { COLUMNS, COUNTERS, FIRSTS, type Tally } from "./oracle.ts";

interface Input {
  readonly table: TableHandle<string, { text: string; n: number; total: bigint }>;
  readonly rounds: number;
  readonly keys: number;
}

const { table: handle, rounds, keys, index } = data<Input>();
const table = SharedTable.from(handle, { key: "string", columns: COLUMNS });
const own = new Map<string, { n: number; length: number }>();
const added = new Array<number>(COUNTERS).fill(0);
const firsts = new Map<string, number>();
const TEXT = "x".repeat(1000);

let state = Math.imul(index + 1, 0x9e3779b1) | 1;
function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

function read(key: string): void {
  const [found, expected] = [table.get(key), own.get(key)];
  const same =
    found === undefined || expected === undefined
      ? found === expected
      : found.n === expected.n && found.text.length === expected.length;
  if (!same) throw new Error(`${key}: ${JSON.stringify(found?.n)} was read, ${JSON.stringify(expected)} was written`);
}

function write(key: string, round: number): void {
  const length = below(20) === 0 ? below(1000) : below(40);
  table.set(key, { text: TEXT.slice(0, length), n: round, total: 0n });
  own.set(key, { n: round, length });
}

/** The row of the first thread stays: every thread finds the same winner, for ever. */
function first(key: string): void {
  const { n } = table.getOrInsert(key, { text: "", n: index, total: 0n });
  const before = firsts.get(key);
  if (before !== undefined && before !== n) throw new Error(`${key}: first ${before}, then ${n}`);
  firsts.set(key, n);
}

for (let round = 0; round < rounds; round++) {
  if ((round & 1023) === 0) step(`operation ${round}`);
  const key = `${index}/${below(keys)}`;
  const kind = below(16);
  if (kind < 6) read(key);
  else if (kind < 11) write(key, round);
  else if (kind < 13) {
    if (table.delete(key) !== own.delete(key)) throw new Error(`${key}: deleted, or not, against the oracle`);
  } else if (kind < 15) {
    const counter = below(COUNTERS);
    table.add(`counter ${counter}`, "total", BigInt(index + 1));
    added[counter] += index + 1;
  } else first(`first ${below(FIRSTS)}`);
}

const rows = [...own].map(([key, { n, length }]) => [key, n, length] as const);
finish({ rows, added, operations: rounds } satisfies Tally);
