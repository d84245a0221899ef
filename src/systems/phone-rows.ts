// The rows of the phone table, and how they stand to the lookup file.
//
// Invariant: a row has an alias exactly if its rank is below NO_NAME, and a filter exactly if `filter` is not "".
import type { SharedTable } from "../tables/shared-table.ts";
import type { LookupEntries } from "./lookup-file.ts";

/** The rank of names from the file, from a person, or from an answer: no page's name replaces them. */
export const FIXED_RANK = -1;
/** The rank of a number that has no name. */
export const NO_NAME = 0x7fff_ffff;
/** The rank of a page whose place is not known: any other page's name is preferred. */
export const LAST_RANK: number = NO_NAME - 1;
/** What the reason of an exclusion starts with. */
export const EXCLUDED = "excluded:";

export interface PhoneRow {
  alias: string;
  rank: number;
  filter: string;
  /** Whether a person has been, or is being, asked for the name. */
  asked: boolean;
}

export const PHONE_COLUMNS = { alias: "string", rank: "i32", filter: "string", asked: "bool" } as const;
export const NO_ROW: PhoneRow = { alias: "", rank: NO_NAME, filter: "", asked: false };

export function isNamed(row: PhoneRow): boolean {
  return row.rank < NO_NAME;
}

/** What stands in the lookup file, put into the table; a row that is there already is replaced. */
export function storeEntries(phones: SharedTable<string, PhoneRow>, { aliases, filters }: LookupEntries): void {
  for (const phone of new Set([...aliases.keys(), ...filters.keys()])) {
    const alias = aliases.get(phone);
    const name = alias === undefined ? {} : { alias, rank: FIXED_RANK };
    phones.set(phone, { ...NO_ROW, ...name, filter: filters.get(phone) ?? "" });
  }
}

/** Aliases and filters of a snapshot. */
export function entriesOf(rows: ReadonlyMap<string, PhoneRow>): LookupEntries {
  const aliases = new Map<string, string>();
  const filters = new Map<string, string>();
  for (const [phone, row] of rows) {
    if (isNamed(row)) aliases.set(phone, row.alias);
    if (row.filter !== "") filters.set(phone, row.filter);
  }
  return { aliases, filters };
}
