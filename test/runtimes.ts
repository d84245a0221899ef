// The test suite on every runtime: Node 20 (or whatever runs this file), 22, 24, 26, Bun, Deno and headless Chromium.
//
//   npm run test:runtimes                       all runtimes, the whole suite
//   npm run test:runtimes -- --only bun mutex   one runtime, files whose path holds the word
//   npm run test:runtimes -- --short            a file or two of each part, not on this Node
//   npm run test:runtimes -- --check-skips      only what is left out somewhere: which of it could be run after all
//   npm run test:runtimes -- --patience 5       five times the time for each file, on a loaded machine (default 3)
//   npm run test:runtimes -- --if-possible      where npm can't install the programs, says so and ends well
//
// The programs are the real ones, from the npm packages that carry them, installed into .runtimes/ on first use. A
// runtime whose package does not exist for this platform counts as a failure, and so does Chromium where it is missing:
// no npm package carries it. What a runtime can't run is named in support/runtime-limits.ts, and announced with its reason;
// what Chromium can't, in browser/limits.ts.
// Each file has a time of its own: what hangs is ended, and named with the test that hung. A signal ends what runs, too.
// Invariant: the last line is `N passed, N failed` over all runtimes, behind a table of them with the files that failed;
// the exit code is 0 only if each runtime ran a test and nothing failed.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findBrowser, HOW_TO_GET_ONE } from "./support/browser.ts";
import { limits, type RuntimeKind } from "./support/runtime-limits.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const home = join(root, ".runtimes");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const bun = `@oven/bun-${process.platform === "win32" ? "windows" : process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;

interface Runtime {
  readonly name: string;
  /** What npm installs, as name → specification. */
  readonly packages: Readonly<Record<string, string>>;
  readonly program: string;
  readonly args: readonly string[];
  /** Whose limits hold. */
  readonly kind?: RuntimeKind;
  /** Why it can't be run here, where npm does not bring it; undefined if it can. Such a one announces its own skips. */
  readonly absent?: () => string | undefined;
}

const node = (major: number): Runtime => ({
  name: `node-${major}`,
  packages: { [`node-${major}`]: `npm:node-${platform}@${major}` },
  program: join(home, "node_modules", `node-${major}`, "bin", "node"),
  args: [],
  kind: "node",
});

const runtimes: readonly Runtime[] = [
  {
    name: `node-${process.versions.node.split(".")[0]}`,
    packages: {},
    program: process.execPath,
    args: [],
    kind: "node",
  },
  ...[22, 24, 26].map(node),
  {
    name: "bun",
    packages: { [bun]: "1" },
    program: join(home, "node_modules", bun, "bin", "bun"),
    args: [],
    kind: "bun",
  },
  {
    name: "deno",
    packages: { deno: "2" },
    program: join(home, "node_modules", "deno", "bin.cjs"),
    args: ["run", "--allow-all", "--no-prompt"],
    kind: "deno",
  },
  {
    name: "chromium",
    packages: {},
    program: process.execPath,
    args: [join(root, "dist", "test", "browser", "run-file.js")],
    absent: () => (findBrowser() === undefined ? `there is no Chromium; ${HOW_TO_GET_ONE}` : undefined),
  },
];

/** A file or two of each part, quick ones. */
const SHORT = [
  "runtime-table",
  "cells/",
  "region/region",
  "locks/rw-lock.test",
  "locks/stamped-lock",
  "tables/table.test",
  "tables/queue.test",
  "profile/profile-kinds",
];

/** Milliseconds that npm has to install the programs. */
const INSTALL_MS = 300_000;

/** Why the programs can't be installed; undefined if they were. */
function install(wanted: readonly Runtime[]): string | undefined {
  mkdirSync(home, { recursive: true });
  const manifest = { private: true, dependencies: Object.assign({}, ...wanted.map(({ packages }) => packages)) };
  writeFileSync(join(home, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const done = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: home,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: INSTALL_MS,
    shell: process.platform === "win32",
  });
  return done.status === 0 ? undefined : `npm could not install the runtimes (exit code ${done.status})`;
}

/** Deno's package is a script of Node that starts the program beside it. */
function commandOf({ program, args, name }: Runtime): string {
  const start = name === "deno" ? [process.execPath, program] : [program];
  return [...start, ...args].join(" ");
}

interface Choice {
  readonly words: readonly string[];
  readonly jobs: string;
  readonly patience: string;
  readonly checkSkips: boolean;
}

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Tests that were skipped with a reason. */
  readonly skipped: number;
  /** What failed, a line each. */
  readonly failures: readonly string[];
}

let running: ChildProcess | undefined;
let interrupted = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupted = true;
    running?.kill(signal); // It ends the files that run, and says its numbers.
  });
}

/** Runs test/run.ts for a runtime; returns all that it printed, and its exit code. */
async function runSuite(runtime: Runtime, { words, jobs, patience, checkSkips }: Choice): Promise<[string, unknown]> {
  const limited = runtime.kind === undefined ? [] : ["--limits", runtime.kind, ...(checkSkips ? ["--limited"] : [])];
  const args = [join(root, "dist", "test", "run.js"), "--jobs", jobs, "--patience", patience, ...limited];
  args.push("--runtime", commandOf(runtime), ...words);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  running = child;
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (!checkSkips) process.stdout.write(chunk);
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  return [text, code];
}

async function runOn(runtime: Runtime, choice: Choice): Promise<Outcome> {
  const absent = runtime.absent?.();
  if (absent !== undefined || !existsSync(runtime.program)) {
    const reason = `not run: ${absent ?? `${runtime.program} is not there`}`;
    console.log(reason);
    return { passed: 0, failed: 1, skipped: 0, failures: [reason] };
  }
  const [text, code] = await runSuite(runtime, choice);
  const [, passed, failed] = (/^(\d+) passed, (\d+) failed$/m.exec(text) ?? ["", 0, 1]).map(Number);
  const skipped = Number(/^files: .*skipped tests: (\d+)$/m.exec(text)?.[1] ?? 0);
  const failures = [...text.matchAll(/^failed: (.*)$/gm)].map(([, file]) => file);
  if (interrupted) failures.push("interrupted by a signal");
  if (failed > 0 || (code === 0 && passed > 0)) return { passed, failed, skipped, failures };
  return { passed, failed: 1, skipped, failures: [passed === 0 ? "no test was run" : `exit code ${code}`] };
}

/** Runs what is left out on a runtime; names the files of which nothing fails. */
async function checkSkips(runtime: Runtime, choice: Choice): Promise<Outcome> {
  const own = limits.filter(({ on, unsuited }) => !unsuited && runtime.kind !== undefined && on.includes(runtime.kind));
  if (own.length === 0) return { passed: 0, failed: 0, skipped: 0, failures: [] };
  const words = choice.words.length > 0 ? choice.words : own.map(({ file }) => file);
  const [text] = await runSuite(runtime, { ...choice, words, checkSkips: true });
  const needless = [...text.matchAll(/^ok {4}(\S+).*$/gm)].map(([, file]) => `left out, and passes: ${file}`);
  for (const line of needless) console.log(line);
  const needed = [...text.matchAll(/^FAIL {2}(\S+).*$/gm)].map(([, file]) => file);
  for (const file of needed) console.log(`left out, and fails: ${file}`);
  return { passed: needed.length, failed: needless.length, skipped: 0, failures: needless };
}

/** The program's own word for its version, as `1.4.5`; "" of what says none. */
function versionOf(runtime: Runtime): string {
  const [program, ...args] = runtime.name === "deno" ? [process.execPath, runtime.program] : [runtime.program];
  const browser = runtime.name === "chromium" ? findBrowser() : program;
  if (browser === undefined) return "";
  const { stdout } = spawnSync(browser, [...args, "--version"], { encoding: "utf8", timeout: 60_000 });
  return /\d+\.\d+[.\d]*/.exec(stdout ?? "")?.[0] ?? "";
}

/** Runs it, and says so; the lines of the table at the end. */
async function runAndTell(runtime: Runtime, choice: Choice, ifPossible: boolean): Promise<[Outcome, string[]]> {
  const absent = runtime.absent?.();
  const name = `${runtime.name} ${absent === undefined ? versionOf(runtime) : ""}`.trim().padEnd(24);
  console.log(`\n== ${name.trim()}`);
  if (absent !== undefined && ifPossible) {
    console.log(`SKIPPED: ${absent}`);
    return [{ passed: 0, failed: 0, skipped: 0, failures: [] }, [`${name} not run: ${absent}`]];
  }
  const started = performance.now();
  const outcome = await (choice.checkSkips ? checkSkips : runOn)(runtime, choice);
  const { passed, failed, skipped, failures } = outcome;
  const counts = [`${passed} passed`, `${failed} failed`, `${skipped} skipped`].map((text) => text.padStart(12));
  const minutes = `${((performance.now() - started) / 60_000).toFixed(1)} min`.padStart(10);
  return [outcome, [`${name}${counts.join("")}${minutes}`, ...failures.map((line) => `  ${line}`)]];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string" },
      short: { type: "boolean", default: false },
      jobs: { type: "string", default: "2" },
      patience: { type: "string", default: "3" },
      "check-skips": { type: "boolean", default: false },
      "if-possible": { type: "boolean", default: false },
    },
  });
  const wanted = runtimes
    .filter(({ name }) => values.only === undefined || name.includes(values.only))
    // `npm test` has it.
    .filter(({ program }) => !values.short || program !== process.execPath);
  if (wanted.length === 0) throw new RangeError(`--only must be one of ${runtimes.map(({ name }) => name).join(", ")}`);
  const missing = (): boolean => wanted.some(({ program }) => !existsSync(program));
  const problem = missing() ? install(runtimes) : undefined;
  if (problem !== undefined || missing()) {
    const text = problem ?? "npm installed the runtimes, and one of them is not there";
    if (!values["if-possible"]) throw new Error(text);
    console.log(`SKIPPED: the tests on other runtimes: ${text}`);
    return;
  }
  const words = positionals.length > 0 ? positionals : values.short ? SHORT : [];
  const { jobs, patience } = values;
  const choice = { words, jobs, patience, checkSkips: values["check-skips"] };
  const table: string[] = [];
  const total = [0, 0];
  for (const runtime of wanted) {
    if (interrupted) {
      table.push(`${runtime.name} not run: interrupted`);
      total[1]++;
      continue;
    }
    const [{ passed, failed }, lines] = await runAndTell(runtime, choice, values["if-possible"]);
    table.push(...lines);
    total[0] += passed;
    total[1] += failed;
  }
  console.log(`\n${table.map((line) => `  ${line}`).join("\n")}`);
  console.log(`${total[0]} passed, ${total[1]} failed`);
  process.exitCode = total[1] === 0 ? 0 : 1;
}

await main();
