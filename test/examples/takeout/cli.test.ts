// watchdog: 300s
// The command of the Takeout example as a person meets it: exit codes, messages, Ctrl-C, a full disk.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareOutput } from "../../../examples/takeout/compare.ts";
import { generateTakeout } from "../../../examples/takeout/generate.ts";
import { readInput } from "../../../examples/takeout/input.ts";
import { runOracle } from "../../../examples/takeout/oracle.ts";
import { TestFolder, textPage } from "./takeout-folder.ts";

const test = suite("examples/takeout/cli");
const folder = new TestFolder();
test.before.each(() => folder.make());
test.after.each(() => folder.remove());

const program = fileURLToPath(new URL("../../../examples/takeout/main.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (data) => (stdout += data));
  child.stderr?.on("data", (data) => (stderr += data));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { cwd: folder.path, stdio: ["ignore", "pipe", "pipe"] });
}

const run = (...args: string[]): Promise<Ended> => ended(start(...args));
const at = (...path: string[]): string => join(folder.path, ...path);

test("without a folder a Takeout is generated and converted; the end tells totals, locks and where to look", async () => {
  const { code, stdout, stderr } = await run("--files", "30", "--workers", "2");
  assert.is(code, 0, stderr);
  assert.match(stdout, /^30 pages, [\d,]+ messages, [\d,]+ lookups in [\d.]+ s with 2 workers$/m);
  assert.match(stdout, /^ {2}lookup +[\d,]+ acquired, [\d,]+ had to wait/m);
  assert.match(stdout, `Open ${join("takeout-out", "index.html")}`);
  assert.match(stderr, /^Reading pages: 30\/30/m);
  assert.not(stderr.includes("\u001b"), "no bar where there is no terminal");
  assert.equal(readdirSync(at()).sort(), ["takeout-in", "takeout-out"]);
});

test("--json: the result is the only line on standard output", async () => {
  const dir = folder.calls({ "a.html": textPage("+12025550101", "Ann", ["hi"]), "b.html": "no page" });
  const { code, stdout } = await run(dir, "--workers", "2", "--json");
  assert.is(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.is(lines.length, 1);
  const result = JSON.parse(lines[0]);
  assert.equal(Object.keys(result), [
    "files",
    "messages",
    "lookups",
    "conversations",
    "workers",
    "seconds",
    "errors",
    "contention",
  ]);
  assert.equal([result.files, result.messages, result.lookups, result.conversations, result.workers], [2, 1, 2, 1, 2]);
  assert.equal(
    result.errors.map(({ file, code }: { file: string; code: string }) => [file, code]),
    [["b.html", "ERR_PAGE_NOT_A_PAGE"]],
  );
});

test("pages that fail are listed in words, and the run comes to its end", async () => {
  const dir = folder.calls({
    "a.html": textPage("+12025550101", "Ann", ["hi"]),
    "cut.html": "<html><body><div class=hChatLog>",
  });
  const { code, stdout } = await run(dir, "--workers", "1");
  assert.is(code, 0);
  assert.match(stdout, "1 page could not be read and counts for nothing:");
  assert.match(stdout, /ERR_PAGE_TRUNCATED {2}"cut.html"/);
});

test("what makes a run impossible: exit code 1 and one line that names it", async () => {
  mkdirSync(at("empty"));
  writeFileSync(at("file"), "");
  const dir = folder.calls({ "a.html": textPage("+12025550101", "Ann", ["hi"]) });
  const cases: [string[], RegExp][] = [
    [["nowhere"], /^cannot open nowhere: no such file or folder \(ENOENT\)$/],
    [["empty"], /^there are no pages \(\*\.html\) in .*empty$/],
    [["file"], /^file is no folder/],
    [[dir, "--out", "file"], /^cannot write .*file.*a file stands where a folder should be \(EEXIST\)$/],
    [["--workers", "0"], /^--workers must be a whole number from 1 to 128, not "0"$/],
    [["--files", "many"], /^--files must be a whole number/],
    [[dir, "--files", "5"], /^--files is for a generated Takeout/],
    [[dir, dir], /^one folder at most/],
    [["--nonsense"], /nonsense/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await run(...args);
    assert.is(code, 1, args.join(" "));
    assert.is(stdout, "");
    assert.is(stderr.trimEnd().split("\n").length, 1, stderr);
    assert.match(stderr.trimEnd(), message);
  }
});

test("--help says how it is used", async () => {
  const { code, stdout } = await run("--help");
  assert.is(code, 0);
  for (const option of ["--out", "--workers", "--files", "--ask", "--from", "--exclude", "--drop-call-only", "--json"])
    assert.match(stdout, option);
});

test("Ctrl-C in the middle: exit code 130, no half-written file, and a second run as if it had never been", async () => {
  await generateTakeout({ dir: at("in"), files: 1500 });
  const child = start("in", "--out", "out", "--workers", "4");
  // The first line of progress: a tenth of the pages is read.
  child.stderr?.once("data", () => child.kill("SIGINT"));
  const { code, stderr, stdout } = await ended(child);
  assert.is(code, 130, stderr + stdout);
  assert.match(stderr, "stopped by Ctrl-C");
  assert.equal(
    readdirSync(at("out")).filter((name) => name.startsWith(".")),
    [],
  );
  assert.not(existsSync(at("out", "index.html")));
  const second = await run("in", "--out", "out", "--workers", "4", "--json");
  assert.is(second.code, 0, second.stderr);
  const input = await readInput(at("in"));
  assert.equal(compareOutput(at("out"), JSON.parse(second.stdout), runOracle(input, at("out"))), []);
});

test("a run that was killed outright leaves files that the next run clears away", async () => {
  await generateTakeout({ dir: at("in"), files: 300 });
  mkdirSync(at("out"));
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(at("out", `.holdfast-${dead}-3-7-abc.tmp`), "half a pa");
  const { code } = await run("in", "--out", "out", "--workers", "2");
  assert.is(code, 0);
  assert.equal(
    readdirSync(at("out")).filter((name) => name.startsWith(".")),
    [],
  );
});

test("a disk that fills up: exit code 1, the file and the reason in words, no half-written page", async () => {
  await generateTakeout({ dir: at("in"), files: 400 });
  mkdirSync(at("small"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", at("small")]).status !== 0) {
    console.log("  (a small tmpfs can't be mounted here: the full disk is not tested)");
    return;
  }
  try {
    const { code, stderr } = await run("in", "--out", "small", "--workers", "4");
    assert.is(code, 1);
    assert.match(
      stderr.trimEnd().split("\n").at(-1) ?? "",
      /^cannot write .*small.*: no space is left on the device \(ENOSPC\)$/,
    );
    const names = readdirSync(at("small"));
    assert.equal(
      names.filter((name) => name.startsWith(".")),
      [],
    );
    for (const name of names.filter((name) => name.endsWith(".html")))
      assert.match(readFileSync(at("small", name), "utf8"), /<\/html>\n$/);
  } finally {
    spawnSync("umount", [at("small")]);
  }
});

test.run();
