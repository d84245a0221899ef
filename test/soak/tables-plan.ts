// What the victims of the kill storm do, and what their rows must be after so many operations: both sides know it.

import type { SharedTable } from "../../src/tables/shared-table.ts";
import { changeAt, perform, type Row, textOf } from "../tables/threads.ts";

export const KEYS = 40;
export const ACCOUNTS = 16;
export const MONEY = 1000;

export type Rows = SharedTable<string, Row>;

export function accountKey(number: number): string {
  return `account ${number}`;
}

/** The two rows that a victim always sets together, and the one that counts its transfers. */
export function pairKeys(victim: number): [string, string] {
  return [`${victim}:p`, `${victim}:q`];
}

export function transfersKey(victim: number): string {
  return `${victim}:t`;
}

type Kind = "change" | "pair" | "transfer";

export function kindAt(number: number): Kind {
  return number % 8 === 3 ? "pair" : number % 8 === 7 ? "transfer" : "change";
}

/** Does the number-th operation of a victim. */
export function operate(table: Rows, victim: number, number: number): void {
  switch (kindAt(number)) {
    case "change":
      perform(table, changeAt(victim, number, KEYS));
      break;
    case "pair": {
      const [p, q] = pairKeys(victim);
      const row = { text: textOf(p, number % 300), n: number, total: 0n };
      table.transaction([p, q], (tx) => void tx.set(p, row).set(q, row));
      break;
    }
    default:
      transfer(table, transfersKey(victim), (victim * 7 + number) % ACCOUNTS, (victim + number * 5) % ACCOUNTS);
  }
}

/** Moves one unit between two accounts and counts it, in one transaction. */
export function transfer(table: Rows, counter: string, from: number, to: number): void {
  const [payer, payee] = [accountKey(from), accountKey(to)];
  table.transaction([counter, payer, payee], (tx) => {
    const count = tx.get(counter) ?? { text: "", n: 0, total: 0n };
    tx.set(counter, { ...count, n: count.n + 1 });
    if (from === to) return;
    const [a, b] = [tx.get(payer), tx.get(payee)];
    if (a === undefined || b === undefined) throw new Error("an account is missing");
    tx.set(payer, { ...a, n: a.n - 1 }).set(payee, { ...b, n: b.n + 1 });
  });
}

/** A victim's rows after its first `count` operations. */
export function expected(victim: number, count: number): Map<string, Row> {
  const rows = new Map<string, Row>();
  let transfers = 0;
  for (let number = 0; number < count; number++) {
    const kind = kindAt(number);
    if (kind === "transfer") transfers++;
    else if (kind === "change") perform(rows, changeAt(victim, number, KEYS));
    else {
      const [p, q] = pairKeys(victim);
      const row = { text: textOf(p, number % 300), n: number, total: 0n };
      rows.set(p, row).set(q, row);
    }
  }
  if (transfers > 0) rows.set(transfersKey(victim), { text: "", n: transfers, total: 0n });
  return rows;
}

/** Every key that a victim may have. */
export function keysOf(victim: number): string[] {
  const own = Array.from({ length: KEYS }, (_, i) => `${victim}:${i}`);
  return [...own, ...pairKeys(victim), transfersKey(victim)];
}

/** The money in all accounts, from rows of one moment. */
export function moneyIn(rows: Map<string, Row>): number {
  let sum = 0;
  for (let number = 0; number < ACCOUNTS; number++) sum += rows.get(accountKey(number))?.n ?? Number.NaN;
  return sum;
}
