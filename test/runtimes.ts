// The test suite on every runtime: Node 20 (or whatever runs this file), 22, 24, 26, Bun, Deno and headless Chromium.
//
//   npm run test:runtimes                       all runtimes, all files that are not about Node's own tools
//   npm run test:runtimes -- --only bun mutex   one runtime, files whose path holds the word
//   npm run test:runtimes -- --short            a file or two of each part, not on this Node
//   npm run test:runtimes -- --if-possible      where npm can't install the programs, says so and ends well
//
// The programs are the real ones, from the npm packages that carry them, installed into .runtimes/ on first use. A
// runtime whose package does not exist for this platform counts as a failure, and so does Chromium where it is missing:
// no npm package carries it.
// Invariant: the last line is `N passed, N failed` over all runtimes, and the exit code is 0 only if nothing failed.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findBrowser, HOW_TO_GET_ONE } from "./support/browser.ts";

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
  /** Why it can't be run here, where npm does not bring it; undefined if it can. Such a one announces its own skips. */
  readonly absent?: () => string | undefined;
}

const node = (major: number): Runtime => ({
  name: `node-${major}`,
  packages: { [`node-${major}`]: `npm:node-${platform}@${major}` },
  program: join(home, "node_modules", `node-${major}`, "bin", "node"),
  args: [],
});

const runtimes: readonly Runtime[] = [
  { name: `node-${process.versions.node.split(".")[0]}`, packages: {}, program: process.execPath, args: [] },
  ...[22, 24, 26].map(node),
  { name: "bun", packages: { [bun]: "1" }, program: join(home, "node_modules", bun, "bin", "bun"), args: [] },
  {
    name: "deno",
    packages: { deno: "2" },
    program: join(home, "node_modules", "deno", "bin.cjs"),
    args: ["run", "--allow-all", "--no-prompt"],
  },
  {
    name: "chromium",
    packages: {},
    program: process.execPath,
    args: [join(root, "dist", "test", "browser", "run-file.js")],
    absent: () => (findBrowser() === undefined ? `there is no Chromium; ${HOW_TO_GET_ONE}` : undefined),
  },
];

/** What is about Node's own tools (processes, npm, flags and stacks of Node) or about this repository, not the runtime. */
const NODE_ONLY = [
  "run.test",
  "readme",
  "docs.test",
  "package",
  "architecture",
  "support/",
  "examples/",
  "benchmarks/",
  "model/",
  "browser/",
  "native",
  "profile/cli",
  "profile/watch",
  "profile/render/page",
  "profile/render/pprof",
  "mutex-process",
  "no-wait-async",
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

/** Tests that passed, failed, and were skipped with a reason. */
type Counts = readonly [passed: number, failed: number, skipped: number];

async function runOn(runtime: Runtime, words: readonly string[], jobs: string): Promise<Counts> {
  const absent = runtime.absent?.();
  if (absent !== undefined || !existsSync(runtime.program)) {
    console.log(`not run: ${absent ?? `${runtime.program} is not there`}`);
    return [0, 1, 0];
  }
  const skips = runtime.absent === undefined ? NODE_ONLY.flatMap((word) => ["--skip", word]) : [];
  const args = [
    join(root, "dist", "test", "run.js"),
    "--jobs",
    jobs,
    "--runtime",
    commandOf(runtime),
    ...skips,
    ...words,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  const summary = /^(\d+) passed, (\d+) failed$/m.exec(text);
  const skipped = Number(/^files: .*skipped tests: (\d+)$/m.exec(text)?.[1] ?? 0);
  if (summary === null) return [0, 1, skipped];
  const [passed, failed] = [Number(summary[1]), Number(summary[2])];
  return [passed, failed === 0 && (code !== 0 || passed === 0) ? 1 : failed, skipped];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string" },
      short: { type: "boolean", default: false },
      jobs: { type: "string", default: "2" },
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
  const rows: string[] = [];
  const total = [0, 0];
  for (const runtime of wanted) {
    console.log(`\n== ${runtime.name}`);
    const absent = runtime.absent?.();
    if (absent !== undefined && values["if-possible"]) {
      console.log(`SKIPPED: ${absent}`);
      rows.push(`${runtime.name.padEnd(8)} not run: ${absent}`);
      continue;
    }
    const [passed, failed, skipped] = await runOn(runtime, words, values.jobs);
    rows.push(`${runtime.name.padEnd(8)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
    total[0] += passed;
    total[1] += failed;
  }
  console.log(`\n${rows.map((row) => `  ${row}`).join("\n")}`);
  console.log(`${total[0]} passed, ${total[1]} failed`);
  process.exitCode = total[1] === 0 ? 0 : 1;
}

await main();
