// The test runner behind `npm test`: each test file in a process of its own, with a watchdog.
//
//   npm test                        all tests
//   npm test -- mutex region        only files whose path holds one of the words
//   npm test -- --jobs 1            one file at a time (default 2)
//   npm test -- --long              the long form: more rounds, kills and backends (npm run test:long)
//   npm test -- --runtime "bun"     with another program than this Node: its path and arguments
//   npm test -- --skip examples     not the files whose path holds the word
//   npm test -- --limits deno       not what support/runtime-limits.ts names for that runtime
//   npm test -- --patience 3        three times the time for each file, on a loaded machine
//
// uvu alone counts 0 tests and exits 0 when `.run()` is forgotten, and has no time-out, so that one blocked wait hangs
// everything. Invariant: the last line is `N passed, N failed`, and the exit code is 0 only if every file ran at least
// one test (or said that it skips all of them), passed them all, exited by itself and left no process behind.
//
// The files are those of the sources (test/**/*.test.ts), so that compiled files without a source are not run. A file
// named *.serial.test.ts runs alone. A comment `// watchdog: 300s` in its first lines gives a file more time than the
// 120 s that others have, and has it begin before those with less, so that no long one is left alone at the end; one
// `// native: too` has it run a second time with HOLDFAST_NATIVE=1, so that all its regions park natively, where the
// native part is built; `// native: in the long form` does so there only. A file says why it skips tests by printing a
// line `skipped: reason`.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nativePart } from "../src/cells/native.ts";
import { isLimited, type RuntimeKind, reasonToSkip } from "./support/runtime-limits.ts";
import { type FileResult, killRunning, runTestFile, type TestFile } from "./support/test-file.ts";

const usage =
  'Usage: npm test -- [--jobs N] [--watchdog SECONDS] [--exit-grace SECONDS] [--patience N] [--long] [--runtime "PROGRAM ARG"] [--limits KIND [--limited]] [--skip WORD] [--root DIR] [WORD ...]';

interface Options {
  readonly root: string;
  readonly jobs: number;
  /** Seconds that a file has by default. */
  readonly watchdog: number;
  /** Seconds between summary and exit. */
  readonly exitGrace: number;
  readonly words: readonly string[];
  readonly skip: readonly string[];
  /** The watchdogs' times are multiplied by it. */
  readonly patience: number;
  readonly limits?: RuntimeKind;
  /** Only what the limits leave out is run. */
  readonly limited: boolean;
  readonly runtime?: readonly string[];
  /** The long form of the tests (support/effort.ts). */
  readonly long: boolean;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      // This file is dist/test/run.js.
      root: { type: "string", default: dirname(dirname(dirname(fileURLToPath(import.meta.url)))) },
      jobs: { type: "string", default: "2" },
      watchdog: { type: "string", default: "120" },
      "exit-grace": { type: "string", default: "10" },
      runtime: { type: "string" },
      skip: { type: "string", multiple: true, default: [] },
      patience: { type: "string", default: "1" },
      limits: { type: "string" },
      limited: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
    },
  });
  return {
    root: values.root,
    jobs: Math.max(1, Math.floor(positive("jobs", values.jobs))),
    watchdog: positive("watchdog", values.watchdog),
    exitGrace: positive("exit-grace", values["exit-grace"]),
    words: positionals,
    skip: values.skip,
    patience: positive("patience", values.patience),
    limits: values.limits as RuntimeKind | undefined,
    limited: values.limited,
    runtime: values.runtime?.split(" "),
    long: values.long,
  };
}

/** Whether a source asks to be run natively too. */
function asksForNative(source: string, long: boolean): boolean {
  const head = source.split("\n", 10).join("\n");
  return /^\/\/ native: too$/m.test(head) || (long && /^\/\/ native: in the long form$/m.test(head));
}

/** Seconds that the comment `// watchdog: 300s` in the first lines of a source asks for. */
function readWatchdog(source: string): number | undefined {
  const head = source.split("\n", 10).join("\n");
  const match = /^\/\/ watchdog: ([\d.]+) ?s\b/m.exec(head);
  return match === null ? undefined : Number(match[1]);
}

function findFiles(options: Options): TestFile[] {
  const folder = join(options.root, "test");
  const paths = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  return paths
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `test/${path.split(sep).join("/")}`)
    .filter((name) => options.words.length === 0 || options.words.some((word) => name.includes(word)))
    .filter((name) => !options.skip.some((word) => name.includes(word)))
    .filter((name) => !options.limited || isLimited(options.limits, name))
    .sort()
    .flatMap((name) => variantsOf(name, options))
    .sort((a, b) => b.watchdog - a.watchdog);
}

function variantsOf(name: string, options: Options): TestFile[] {
  const source = readFileSync(join(options.root, name), "utf8");
  const file: TestFile = {
    name,
    compiled: join(options.root, "dist", name.replace(/\.ts$/, ".js")),
    root: options.root,
    runtime: options.runtime,
    env: { ...(options.limited && { HOLDFAST_LIMITED: "1" }), ...(options.long && { HOLDFAST_LONG: "1" }) },
    watchdog: 1000 * options.patience * (options.long ? 3 : 1) * (readWatchdog(source) ?? options.watchdog),
    exitGrace: 1000 * options.patience * options.exitGrace,
  };
  if (!asksForNative(source, options.long) || options.runtime !== undefined || nativePart() === undefined)
    return [file];
  return [file, { ...file, name: `${name} (native parking)`, env: { ...file.env, HOLDFAST_NATIVE: "1" } }];
}

async function runOne(file: TestFile, { limits, limited }: Options): Promise<FileResult> {
  const none = {
    name: file.name,
    passed: 0,
    failed: 0,
    skipped: 0,
    seconds: 0,
    problem: undefined,
    reasons: [],
    output: "",
  };
  const reason = limits === undefined || limited ? undefined : reasonToSkip(limits, file.name);
  if (reason !== undefined) return { ...none, skipped: 1, reasons: [reason] };
  if (existsSync(file.compiled)) return runTestFile(file);
  const problem = `is not compiled: ${file.compiled} is missing (run \`npm run build\`)`;
  return { ...none, failed: 1, problem };
}

function report(result: FileResult): void {
  const { name, passed, failed, skipped, seconds, problem, reasons, output } = result;
  const tests = `${passed + failed === 1 ? "1 test" : `${passed + failed} tests`}`;
  const counts = [tests, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`].filter(Boolean);
  const time = `${seconds.toFixed(1)} s`;
  console.log(
    `${failed > 0 ? "FAIL" : "ok  "}  ${name}  ${counts.join(", ")}  ${time}${problem ? `  ${problem}` : ""}`,
  );
  for (const reason of new Set(reasons)) console.log(`      skipped: ${reason}`);
  if (failed > 0) console.log(`--- output of ${name}\n${output.trimEnd()}\n--- end of ${name}`);
}

async function runAll(files: readonly TestFile[], options: Options, done: (result: FileResult) => void): Promise<void> {
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) done(await runOne(file, options));
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
}

function isSerial(file: TestFile): boolean {
  return file.name.includes(".serial.test.ts");
}

const results: FileResult[] = [];

/** Prints the end of the report, whose last line others parse, and sets the exit code. */
function finish(extraFailures: number): void {
  const sum = (key: "passed" | "failed" | "skipped") => results.reduce((total, result) => total + result[key], 0);
  const failing = results.filter((result) => result.failed > 0);
  const failed = sum("failed") + extraFailures;
  console.log(`\nfiles: ${results.length}, skipped tests: ${sum("skipped")}`);
  for (const { name, problem } of failing) console.log(`failed: ${name}${problem ? ` (${problem})` : ""}`);
  console.log(`${sum("passed")} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const files = findFiles(options);
  if (files.length === 0) throw new Error(`no test file matches ${options.words.join(", ") || "test/**/*.test.ts"}`);
  const done = (result: FileResult) => {
    results.push(result);
    report(result);
  };
  await runAll(
    files.filter((file) => !isSerial(file)),
    options,
    done,
  );
  await runAll(files.filter(isSerial), { ...options, jobs: 1 }, done);
  finish(0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    killRunning();
    console.log(`\nInterrupted by ${signal}.`);
    finish(1);
    process.exit();
  });
}
process.once("exit", killRunning);

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
  finish(1);
}
