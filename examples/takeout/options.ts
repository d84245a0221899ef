// The command line of the Takeout example.

import { parseArgs } from "node:util";
import { RunError } from "./input.ts";

export const USAGE = `Usage: npm start [-- [DIR] [options]]

Converts the pages of a Google Voice Takeout into one page a conversation, with an index,
stats.json and phone_lookup.txt. DIR is the Takeout folder, or the Calls folder in it.
Without DIR a Takeout is generated (into takeout-in) and converted.

  --out DIR          where to write to (default: takeout-out)
  --workers N        worker threads (default: 16)
  --files N          pages to generate, when no DIR is given (default: 2000)
  --drop-call-only   leave out conversations that have calls only
  --json             print the result as one line of JSON, and nothing else, on standard output
  --help             print this

Exit code: 0 when the run came to its end, pages that failed are listed; 1 when it did not;
130 after Ctrl-C, which leaves no half-written file.
`;

export interface Options {
  readonly dir: string | undefined;
  readonly out: string;
  readonly workers: number;
  readonly files: number;
  readonly dropCallOnly: boolean;
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
    dropCallOnly: values["drop-call-only"],
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
        "drop-call-only": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new RunError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
