// The format of phone_lookup.txt: UTF-8, one `phone|alias[|filter]` a line. Pure text in, text out.
//
// Invariant: parseLookup(formatLookup(x)) is x for every x whose phones, aliases and filters are trimmed and not
// empty. To hold it for any text, what would be read as structure (`|`, line breaks, a `#` that would start a comment,
// the colon of an alias that starts with `EXCLUDE:`) is written as `%7C %0A %0D %23 %3A`, and a `%` that would read
// as one of these as `%25`; any other `%` stands for itself, so that files written by hand need no escaping.

/** What the file says: both maps are keyed by phone. */
export interface LookupEntries {
  readonly aliases: ReadonlyMap<string, string>;
  /** Phone → reason: `filter`, a type such as `spam`, or `excluded:<reason>`. */
  readonly filters: ReadonlyMap<string, string>;
}

/** A line that could not be taken as it stands. */
export interface LookupWarning {
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface ParsedLookup extends LookupEntries {
  readonly warnings: readonly LookupWarning[];
}

const EXCLUDE = "EXCLUDE:";
const EXCLUDED = "excluded:";

export const LOOKUP_HEADER = [
  "# Phone number lookup file",
  "# One number a line: phone|alias[|filter]",
  "# The filter is one of: filter, filter=<type>, EXCLUDE:<reason>",
  "# Blank lines and lines that start with # are ignored",
  "# Inside a field write %7C for a vertical bar",
  "",
].join("\n");

const escapeField = (field: string): string =>
  field
    .replace(/%(?=7C|0A|0D|23|25|3A)/g, "%25")
    .replaceAll("|", "%7C")
    .replaceAll("\n", "%0A")
    .replaceAll("\r", "%0D")
    .replace(/^#/, "%23");

const ESCAPED: Readonly<Record<string, string>> = {
  "7C": "|",
  "0A": "\n",
  "0D": "\r",
  "23": "#",
  "25": "%",
  "3A": ":",
};

const unescapeField = (field: string): string => field.replace(/%(7C|0A|0D|23|25|3A)/g, (_, code) => ESCAPED[code]);

/** The reason a third column gives, undefined where it is none that is known. */
function parseFilter(column: string): string | undefined {
  if (column.startsWith(EXCLUDE)) return EXCLUDED + unescapeField(column.slice(EXCLUDE.length).trim());
  if (column === "filter" || column === "filter=") return "filter";
  if (column.startsWith("filter=")) return unescapeField(column.slice("filter=".length).trim());
  return undefined;
}

function formatFilter(reason: string): string {
  if (reason.startsWith(EXCLUDED)) return EXCLUDE + escapeField(reason.slice(EXCLUDED.length));
  return reason === "filter" ? "filter" : `filter=${escapeField(reason)}`;
}

class Reader {
  readonly aliases = new Map<string, string>();
  readonly filters = new Map<string, string>();
  readonly warnings: LookupWarning[] = [];

  warn(line: number, message: string): void {
    this.warnings.push({ line, message });
  }

  read(text: string, line: number): void {
    if (text === "" || text.startsWith("#")) return;
    const columns = text.split("|").map((column) => column.trim());
    const phone = unescapeField(columns[0]);
    if (phone === "") return this.warn(line, "no phone number before the first |; the line is ignored");
    if (this.aliases.has(phone) || this.filters.has(phone)) {
      this.warn(line, `${phone} stands in the file twice; this line replaces the earlier one`);
      this.aliases.delete(phone);
      this.filters.delete(phone);
    }
    if (columns.length > 3) this.warn(line, `${columns.length} columns where at most 3 are known; the rest is ignored`);
    this.#store(phone, columns, line);
  }

  #store(phone: string, columns: readonly string[], line: number): void {
    const alias = columns[1] ?? "";
    const column = columns[2] ?? "";
    const reason = column === "" ? undefined : parseFilter(column);
    if (alias.startsWith(EXCLUDE)) {
      this.filters.set(phone, reason ?? EXCLUDED + unescapeField(alias.slice(EXCLUDE.length).trim()));
    } else if (alias !== "") {
      this.aliases.set(phone, unescapeField(alias));
    } else if (reason === undefined) {
      this.aliases.set(phone, phone);
    }
    if (reason !== undefined) this.filters.set(phone, reason);
    else if (column !== "") this.warn(line, `unknown third column "${column}"; only the alias is kept`);
  }
}

/**
 * Reads the text of a lookup file. Lines and columns are trimmed; blank lines and `#` lines are passed over. A line
 * without an alias and without a filter means that the number is its own alias; one with a filter only
 * (`phone||filter`) is a filter without an alias, and stays one. `EXCLUDE:reason` in the alias column is the old
 * spelling of an exclusion. Of two lines for one phone the later wins. Never throws: what can't be used is told in
 * `warnings`, with its line number.
 */
export function parseLookup(text: string): ParsedLookup {
  const reader = new Reader();
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].includes("\uFFFD")) reader.warn(i + 1, "bytes that are not UTF-8 were replaced by U+FFFD");
    reader.read(lines[i].trim(), i + 1);
  }
  return { aliases: reader.aliases, filters: reader.filters, warnings: reader.warnings };
}

/** The text of a lookup file: the header, then one line a phone, sorted by phone in code-unit order. */
export function formatLookup({ aliases, filters }: LookupEntries): string {
  const phones = [...new Set([...aliases.keys(), ...filters.keys()])].sort();
  const lines = phones.map((phone) => {
    const alias = aliases.get(phone);
    const reason = filters.get(phone);
    const start = `${escapeField(phone)}|${alias === undefined ? "" : escapeAlias(alias)}`;
    return reason === undefined ? start : `${start}|${formatFilter(reason)}`;
  });
  return LOOKUP_HEADER + lines.map((line) => `${line}\n`).join("");
}

/** An alias that starts like an old exclusion must not be read back as one. */
function escapeAlias(alias: string): string {
  return escapeField(alias).replace(/^EXCLUDE:/, "EXCLUDE%3A");
}
