// What the workers of threads.worker.ts and the tests that judge them both know.

import type { SharedTable } from "../../src/tables/shared-table.ts";

export const columns = { text: "string", n: "i32", total: "i64" } as const;
export type Row = { text: string; n: number; total: bigint };

/** A text that its key and length determine. */
export function textOf(key: string, length: number): string {
  return `${key}=${key.repeat(1 + Math.floor(length / key.length)).slice(0, length)}`;
}

export interface Change {
  readonly kind: "set" | "delete" | "add";
  readonly key: string;
  readonly length: number;
  readonly n: number;
}

/** The number-th change of a worker. */
export function changeAt(worker: number, number: number, keys: number): Change {
  let state = Math.imul(worker * 65_537 + number + 1, 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 15), 0x297a2d39);
  state = (state ^ (state >>> 15)) >>> 0;
  const key = `${worker}:${state % keys}`;
  const kind = (["set", "set", "set", "delete", "add"] as const)[(state >>> 12) % 5];
  const length = (state >>> 16) % 100 === 0 ? 20_000 : (state >>> 8) % 400;
  return { kind, key, length, n: number };
}

/** Applies a change to a table or to the Map that is its model. */
export function perform(table: SharedTable<string, Row> | Map<string, Row>, change: Change): void {
  const { kind, key, length, n } = change;
  if (kind === "delete") table.delete(key);
  else if (kind === "set") table.set(key, { text: textOf(key, length), n, total: BigInt(n) });
  else if (!(table instanceof Map)) table.add(key, "n", 1);
  else {
    const row = table.get(key) ?? { text: "", n: 0, total: 0n };
    table.set(key, { ...row, n: row.n + 1 });
  }
}
