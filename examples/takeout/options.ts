// The command line of the Takeout example.

import { parseArgs } from "node:util";
import type { DateFilter } from "../../src/systems/conversation-filters.ts";
import { RunError } from "./input.ts";
import { normaliseNumber } from "./phone-number.ts";

export const USAGE = `Usage: npm start [-- [DIR] [options]]

Converts the pages of a Google Voice Takeout into one page a conversation, with an index,
stats.json and phone_lookup.txt. DIR is the Takeout folder, or the Calls folder in it.
Without DIR a Takeout is generated (into takeout-in) and converted.

  --out DIR            where to write to (default: takeout-out)
  --workers N          worker threads (default: 16)
  --files N            pages to generate, when no DIR is given (default: 2000)
  --ask                ask for the names of numbers that no page names; the answers are kept
  --from, --to WHEN    leave out what is older, or newer: a day (2020-01-31, UTC, included)
                       or a time with its offset (2020-01-31T10:00:00-05:00)
  --filter NUMBER[=TYPE], --exclude NUMBER[=REASON], --unexclude NUMBER
                       leave a contact's pages out, now and in later runs, or no more; repeatable
  --with-filtered      convert the pages of filtered and excluded contacts all the same
  --drop-call-only     leave out conversations that have calls only
  --keep-commercial    keep those whose sender was only ever told to stop
  --copy-attachments   copy attachments beside the pages, instead of linking to the Takeout
  --json               print the result as one line of JSON, and nothing else, on standard output
  --help               print this

Exit code: 0 when the run came to its end, pages that failed are listed; 1 when it did not;
130 after Ctrl-C, which leaves no half-written file. A run that broke off, or was killed, is
resumed by the same command: what stands is kept, answers are not asked for again.
`;

/** A number as the pages' are spelt, and why it is left out. */
export type NumberWithReason = readonly [phone: string, reason: string];

export interface Options {
  readonly dir: string | undefined;
  readonly out: string;
  readonly workers: number;
  readonly files: number;
  readonly ask: boolean;
  readonly dates: DateFilter;
  readonly filters: readonly NumberWithReason[];
  readonly exclusions: readonly NumberWithReason[];
  readonly unexclude: readonly string[];
  readonly withFiltered: boolean;
  readonly dropCallOnly: boolean;
  readonly keepCommercial: boolean;
  readonly copyAttachments: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

const MAX_WORKERS = 128;
const MAX_FILES = 1_000_000;

function count(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max) {
    throw new RunError(`--${name} must be a whole number from 1 to ${max}, not "${text}"`);
  }
  return value;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970; of a day its first or its last. */
function time(name: "from" | "to", text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const day = DAY.test(text) ? text : TIME.exec(text)?.[1];
  const start = Date.parse(`${day}T00:00:00Z`);
  const value = text !== day ? Date.parse(text) : name === "from" ? start : start + 86_399_999;
  // There is no 30th of February; Date would take it for the 1st of March.
  if (day === undefined || Number.isNaN(value) || Number.isNaN(start) || !isDay(start, day)) {
    throw new RunError(
      `--${name} must be a day such as 2020-01-31, or a time with its offset such as 2020-01-31T10:00:00Z, not "${text}"`,
    );
  }
  return value;
}

function isDay(start: number, day: string): boolean {
  return new Date(start).toISOString().startsWith(day);
}

function dates(from: string | undefined, to: string | undefined): DateFilter {
  const [olderThan, newerThan] = [time("from", from), time("to", to)];
  if (olderThan !== undefined && newerThan !== undefined && olderThan > newerThan) {
    throw new RunError(`--from ${from} is after --to ${to}: nothing would be left`);
  }
  return { olderThan, newerThan };
}

/** `NUMBER` or `NUMBER=REASON`. A `|` would end the column of the lookup file, a line break its line. */
function numberWithReason(name: string, text: string): NumberWithReason {
  const at = text.includes("=") ? text.indexOf("=") : text.length;
  const [phone, reason] = [normaliseNumber(text.slice(0, at)), text.slice(at + 1).trim()];
  if (phone === "" || /[|\n\r]/.test(text)) {
    throw new RunError(`--${name} must be a number, and a reason after = if there is one, not ${JSON.stringify(text)}`);
  }
  return [phone, reason];
}

/** Reads the arguments. @throws RunError for any that are not understood. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length > 1)
    throw new RunError(`one folder at most, not ${positionals.length}: ${positionals.join(" ")}`);
  const [dir] = positionals;
  if (dir !== undefined && values.files !== undefined) {
    throw new RunError("--files is for a generated Takeout: leave the folder out, or leave --files out");
  }
  return {
    dir,
    out: values.out,
    workers: count("workers", values.workers, MAX_WORKERS),
    files: count("files", values.files ?? "2000", MAX_FILES),
    ask: values.ask,
    dates: dates(values.from, values.to),
    filters: values.filter.map((text) => numberWithReason("filter", text)),
    exclusions: values.exclude.map((text) => numberWithReason("exclude", text)),
    unexclude: values.unexclude.map((text) => numberWithReason("unexclude", text)[0]),
    withFiltered: values["with-filtered"],
    dropCallOnly: values["drop-call-only"],
    keepCommercial: values["keep-commercial"],
    copyAttachments: values["copy-attachments"],
    json: values.json,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: "string", default: "takeout-out" },
        workers: { type: "string", default: "16" },
        files: { type: "string" },
        ask: { type: "boolean", default: false },
        from: { type: "string" },
        to: { type: "string" },
        filter: { type: "string", multiple: true, default: [] },
        exclude: { type: "string", multiple: true, default: [] },
        unexclude: { type: "string", multiple: true, default: [] },
        "with-filtered": { type: "boolean", default: false },
        "drop-call-only": { type: "boolean", default: false },
        "keep-commercial": { type: "boolean", default: false },
        "copy-attachments": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new RunError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
