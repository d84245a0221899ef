// The Takeout example: npm start [-- DIR]. See options.ts for what it takes and README.md for what it shows.

import { HoldfastError } from "../../src/cells/errors.ts";
import { generatedManifest, generateTakeout } from "./generate.ts";
import { RunError, readInput } from "./input.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { Progress } from "./progress.ts";
import { type Ask, Asker } from "./questions.ts";
import { formatJson, formatReport } from "./report.ts";
import { runTakeout } from "./run.ts";

const GENERATED = "takeout-in";

/** Ctrl-C, or a request to end: 128 + the signal's number is the exit code. */
class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: string, exitCode: number) {
    super(`stopped by ${signal}; every file that stands is whole, and the same command goes on from there`);
    this.exitCode = exitCode;
  }
}

/** A signal that is aborted by the first Ctrl-C; the second ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: string, exitCode: number) => () => {
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort(new Interrupted(signal, exitCode));
  };
  process.on("SIGINT", stop("Ctrl-C", 130));
  process.on("SIGTERM", stop("SIGTERM", 143));
  return controller.signal;
}

/** The folder given, or a generated one: that of an earlier run if it has as many pages. */
async function inputFolder({ dir, files }: Options, progress: Progress, signal: AbortSignal): Promise<string> {
  if (dir !== undefined) return dir;
  if (generatedManifest(GENERATED)?.files === files) return GENERATED;
  progress.start("Generating pages", files);
  await generateTakeout({ dir: GENERATED, files, signal, onProgress: (pages) => progress.update(pages) });
  progress.finish();
  return GENERATED;
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const signal = interruption();
  const progress = new Progress(process.stderr);
  // Standard output is the result's.
  const asker = new Asker(process.stdin, process.stderr);
  try {
    const input = await readInput(await inputFolder(options, progress, signal));
    const ask: Ask | undefined = options.ask ? (question) => asker.ask(question) : undefined;
    const report = await runTakeout({ ...options, input, progress, signal, ask });
    process.stdout.write(options.json ? formatJson(report) : formatReport(report, options.out));
  } finally {
    asker.close();
    progress.clear();
  }
}

/** An error whose message says all that a person needs: no stack. */
function isExpected(error: unknown): error is Error {
  const isSystems = error instanceof Error && "syscall" in error;
  return error instanceof RunError || error instanceof HoldfastError || error instanceof Interrupted || isSystems;
}

try {
  await main(process.argv.slice(2));
  // Nothing may keep a finished run alive, and output must be through before the end: so no process.exit here.
} catch (error) {
  const text = isExpected(error) ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
}
