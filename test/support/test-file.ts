// Runs one compiled test file in a process of its own and says how it went.
// Invariant: the promise of runTestFile() is fulfilled within the watchdog's time and a few seconds, whatever the file
// does, and neither its processes nor its temporary files are left (os.tmpdir() is a folder of its own to each file).
// Only a summary of uvu with at least one test, all of them passed, and an exit with code 0 in time is a success;
// silence never is.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { killTree, livingProcesses } from "./process-tree.ts";

export interface TestFile {
  /** Name in reports: the source's path from the root. */
  readonly name: string;
  /** Path of the compiled file. */
  readonly compiled: string;
  /** Working directory of the test. */
  readonly root: string;
  /** The program that runs it, and its arguments before the file's path. */
  readonly runtime?: readonly string[];
  /** What its environment has beyond this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the file counts as hung. */
  readonly watchdog: number;
  /** Milliseconds that the process has to exit after its summary. */
  readonly exitGrace: number;
}

export interface FileResult {
  readonly name: string;
  readonly passed: number;
  /** Failed tests; 1 for a file that failed without numbers. */
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** What went wrong beyond single tests; undefined if nothing did. */
  readonly problem: string | undefined;
  /** Why tests were skipped: what the file printed behind `skipped: `. */
  readonly reasons: readonly string[];
  /** Everything that the file printed, standard output and errors as they came. */
  readonly output: string;
}

export interface Summary {
  readonly total: number;
  readonly passed: number;
  readonly skipped: number;
}

export type Ending =
  | { readonly how: "exited"; readonly code: number | null; readonly signal: string | null }
  | { readonly how: "hung" | "lingered" | "broken"; readonly why: string };

const outputLimit = 16 << 20;
const markName = "HOLDFAST_TEST_MARK";
const running = new Map<number, { readonly mark: string; readonly temp: string }>();
let marks = 0;

/** Ends the processes of all files that run now, and removes their files. For the runner's own end. Blocks. */
export function killRunning(): void {
  for (const [group, { mark, temp }] of running) {
    killTree(group, mark);
    remove(temp);
  }
  running.clear();
}

/** Removes a folder; says why if it can't. */
function remove(folder: string): string {
  try {
    // A killed process may still be on its way out, with a file in its hand.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    return "";
  } catch (error) {
    return `its temporary folder can't be removed: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * The numbers that uvu printed, undefined if it printed none. A file prints more than one summary if its suites start
 * in different turns of the event loop; they add up.
 */
export function parseSummary(stdout: string): Summary | undefined {
  const text = stripVTControlCharacters(stdout);
  const block = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: /gm;
  const found = [...text.matchAll(block)];
  if (found.length === 0) return undefined;
  const sum = (group: number) => found.reduce((total, match) => total + Number(match[group]), 0);
  return { total: sum(1), passed: sum(2), skipped: sum(3) };
}

/**
 * Where a file is that hangs, from what it printed: the title that a browser's page told last (`…  title`), else the number
 * of the test, which uvu's dots tell.
 */
export function whereItHangs(stdout: string): string {
  const text = stripVTControlCharacters(stdout);
  const title = [...text.matchAll(/…  (.*)$/gm)].at(-1)?.[1];
  if (title !== undefined) return `in "${title}"`;
  // Behind the last suite that came to its end: ` name  • • ✘ `
  const open = text.split(/ \(\d+ \/ \d+\)\n/).at(-1) ?? "";
  const name = /^ (\S.*?) {2}/m.exec(open)?.[1];
  const ended = open.match(/[•✘] /g)?.length ?? 0;
  return `in test ${ended + 1}${name === undefined ? "" : ` of "${name}"`}`;
}

/** What is wrong with a file that ended so and printed this summary, beyond tests that failed; undefined if nothing. */
export function findProblem(ending: Ending, summary: Summary | undefined): string | undefined {
  if (ending.how !== "exited") return ending.why;
  if (ending.signal !== null) return `died of ${ending.signal}`;
  const hint = "(is `test.run()` missing?)";
  if (summary === undefined) return `exited with code ${ending.code} before a summary ${hint}`;
  if (summary.total === 0 && summary.skipped === 0) return `ran no test ${hint}`;
  const allPassed = summary.passed === summary.total;
  if (ending.code !== 0 && allPassed) return `exited with code ${ending.code} although every test passed`;
  return undefined;
}

/** Runs one file to its end, or ends it. Never rejects. */
export async function runTestFile(file: TestFile): Promise<FileResult> {
  const started = performance.now();
  const value = `${process.pid}-${++marks}`;
  const mark = `${markName}=${value}`;
  const temp = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  const [program, ...first] = file.runtime ?? [process.execPath, "--enable-source-maps"];
  const child = spawn(program, [...first, file.compiled], {
    cwd: file.root,
    env: { ...process.env, ...file.env, [markName]: value, TMPDIR: temp, TEMP: temp, TMP: temp },
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32", // A process group of its own, so that all of it can be ended.
  });
  const group = child.pid ?? 0;
  if (group !== 0) running.set(group, { mark, temp });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const text = { stdout: "", all: "" };
  const ending = await waitForEnding(child, file, text);
  const leftovers = group === 0 ? "" : await clearLeftovers(group, mark, ending);
  // A process that got away would keep the pipes open: do not wait for it.
  await Promise.race([closed, delay(1000, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
  running.delete(group);
  const summary = parseSummary(text.stdout);
  const problem = [findProblem(ending, summary), leftovers, remove(temp)].filter(Boolean).join("; ") || undefined;
  return {
    name: file.name,
    ...count(summary, problem),
    seconds: (performance.now() - started) / 1000,
    problem,
    reasons: [...stripVTControlCharacters(text.all).matchAll(/\bskipped: (\S.*)$/gm)].map((match) => match[1]),
    output: text.all,
  };
}

function count(summary: Summary | undefined, problem: string | undefined) {
  const { total, passed, skipped } = summary ?? { total: 0, passed: 0, skipped: 0 };
  return { passed, failed: Math.max(total - passed, problem === undefined ? 0 : 1), skipped };
}

function waitForEnding(child: ChildProcess, file: TestFile, text: { stdout: string; all: string }): Promise<Ending> {
  return new Promise((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const end = (ending: Ending) => {
      clearTimeout(watchdog);
      clearTimeout(grace);
      resolve(ending);
    };
    const watchdog = setTimeout(
      () => end({ how: "hung", why: `hung: no end within ${file.watchdog / 1000} s, ${whereItHangs(text.stdout)}` }),
      file.watchdog,
    );
    const lingered: Ending = {
      how: "lingered",
      why: `process hung: it did not exit within ${file.exitGrace / 1000} s after its summary`,
    };
    const keep = (chunk: string, isStdout: boolean) => {
      if (text.all.length > outputLimit) return;
      text.all += chunk;
      if (text.all.length > outputLimit) text.all += "\n(more output was cut off here)\n";
      if (!isStdout) return;
      text.stdout += chunk;
      if (!chunk.includes("Duration:") || parseSummary(text.stdout) === undefined) return;
      clearTimeout(grace);
      grace = setTimeout(() => end(lingered), file.exitGrace);
    };
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => keep(chunk, true));
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => keep(chunk, false));
    child.once("error", (error) => end({ how: "broken", why: `could not be started: ${error.message}` }));
    child.once("exit", (code, signal) => end({ how: "exited", code, signal }));
  });
}

/** Ends what still runs; a complaint if the file's first process had ended by itself and left others behind. */
async function clearLeftovers(group: number, mark: string, ending: Ending): Promise<string> {
  if (ending.how !== "exited") {
    killTree(group, mark);
    return "";
  }
  // Children that were told to end may need a moment.
  const deadline = performance.now() + 1000;
  while (livingProcesses(group, mark).length > 0 && performance.now() < deadline) await delay(50);
  const left = killTree(group, mark);
  if (left.length === 0) return "";
  return `left processes behind: ${left.map((one) => `${one.pid} (${one.command || "unknown"})`).join(", ")}`;
}
