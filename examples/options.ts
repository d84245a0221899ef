// The options of a command: `--help` prints what it takes, a mistake prints what is wrong and then the same; neither
// starts anything.

import { type ParseArgsConfig, parseArgs } from "node:util";

type Declared = NonNullable<ParseArgsConfig["options"]>;

type Parsed<T extends Declared> = ReturnType<typeof parseArgs<{ options: T; args: string[] }>>["values"];

/** Ends the command with exit code 2 over a mistake of its caller, and says how it is used. */
export function misused(mistake: string, usage: string): never {
  process.stderr.write(`${mistake}\n${usage}\n`);
  process.exit(2);
}

/** The options that the command was given; ends it for `--help` (exit code 0) and for one that it doesn't have (2). */
export function readOptions<const T extends Declared>(usage: string, options: T): Parsed<T> {
  if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs({ options, args: process.argv.slice(2) }).values as Parsed<T>;
  } catch (error) {
    misused((error as Error).message, usage);
  }
}

/** A whole number of an option, or the end of the command. */
export function wholeNumber(name: string, text: string, least: number, most: number, usage: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isInteger(number) && number >= least && number <= most) return number;
  misused(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`, usage);
}
