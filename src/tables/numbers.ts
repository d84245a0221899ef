// The arithmetic of add() and max(): what a numeric column may be changed by, and to.

import { outOfRange, unknownColumn } from "./row.ts";
import { type Column, type Schema, show } from "./schema.ts";

/** The column for add and max; throws TypeError if there is none of that name or it holds no numbers. */
export function numericColumn(schema: Schema, name: unknown, where: string): Column {
  const column = schema.byName.get(name as string);
  if (column === undefined) throw unknownColumn(schema, name, where);
  if (column.type === "string" || column.type === "bool") {
    throw new TypeError(`${where}: add and max need a numeric column, ${show(name)} is ${column.type}`);
  }
  return column;
}

/** Throws TypeError or RangeError unless `amount` is of the column's kind; any integer will do for u32. */
export function checkAmount(column: Column, amount: unknown, where: string): void {
  const { what, type } = column;
  if (type === "i64") {
    if (typeof amount === "bigint") return;
    throw new TypeError(`${where}: ${what} can be changed by a bigint, got ${show(amount)}`);
  }
  if (typeof amount !== "number") {
    throw new TypeError(`${where}: ${what} can be changed by a number, got ${show(amount)}`);
  }
  if (type === "f64" ? !Number.isNaN(amount) : Number.isSafeInteger(amount)) return;
  const wanted = type === "f64" ? "a number that is not NaN" : "an integer";
  throw new RangeError(`${where}: ${what} can be changed by ${wanted}, got ${show(amount)}`);
}

/** `current + amount`; throws RangeError if the column can't hold it. */
export function sum(column: Column, current: number | bigint, amount: number | bigint, where: string): number | bigint {
  const total = typeof current === "bigint" ? current + (amount as bigint) : current + (amount as number);
  return fits(column, total, where);
}

/** The larger of the two; a stored NaN counts as less than any number. */
export function larger(
  column: Column,
  current: number | bigint,
  value: number | bigint,
  where: string,
): number | bigint {
  return current >= value ? current : fits(column, value, where);
}

function fits(column: Column, value: number | bigint, where: string): number | bigint {
  const type = column.type;
  if (type === "f64") {
    if (!Number.isNaN(value)) return value;
    throw new RangeError(`${where}: ${column.what}: adding infinities of opposite sign gives no number`);
  }
  if (type === "i64" ? BigInt.asIntN(64, value as bigint) === value : inRange(type, value as number)) return value;
  throw outOfRange(column, value, where, "and would become");
}

function inRange(type: string, value: number): boolean {
  return type === "u32" ? value >>> 0 === value : (value | 0) === value;
}
