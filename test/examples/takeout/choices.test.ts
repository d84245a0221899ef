// watchdog: 300s
// What a person chooses: dates, filters, what is dropped, names asked for, copies of attachments, going on after a kill.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareOutput } from "../../../examples/takeout/compare.ts";
import { generateTakeout } from "../../../examples/takeout/generate.ts";
import { readInput } from "../../../examples/takeout/input.ts";
import { readOptions } from "../../../examples/takeout/options.ts";
import { type OracleOptions, runOracle } from "../../../examples/takeout/oracle.ts";
import { type RunOptions, type RunReport, runTakeout } from "../../../examples/takeout/run.ts";
import { parseLookup } from "../../../src/systems/lookup-file.ts";
import { TestFolder, textPage } from "./takeout-folder.ts";

const test = suite("examples/takeout/choices");
const folder = new TestFolder();
test.before.each(() => folder.make());
test.after.each(() => folder.remove());

const at = (...path: string[]): string => join(folder.path, ...path);
const read = (...path: string[]): string => readFileSync(at(...path), "utf8");
const ids = (): string[] => Object.keys(JSON.parse(read("out", "stats.json")).conversations).sort();

async function run(dir: string, more: Partial<RunOptions> = {}): Promise<RunReport> {
  return runTakeout({ input: await readInput(dir), out: at("out"), workers: 2, ...more });
}

/** The run with these choices equals the single-threaded oracle with the same, from a fresh folder. */
async function checkAgainstOracle(dir: string, run: Partial<RunOptions>, oracle: OracleOptions): Promise<void> {
  rmSync(at("out"), { recursive: true, force: true });
  const input = await readInput(dir);
  const report = await runTakeout({ input, out: at("out"), workers: 2, ...run });
  assert.equal(compareOutput(at("out"), report, runOracle(input, at("out"), oracle)), [], JSON.stringify(run));
}

test("dates, filters, commercial and call-only conversations, copies: each equals the oracle's, byte for byte", async () => {
  await generateTakeout({ dir: at("in"), files: 100 });
  const { files } = runOracle(await readInput(at("in")), at("out"));
  const stats = JSON.parse(files.get("stats.json") ?? "").conversations as Record<string, { latest_timestamp: number }>;
  const times = Object.values(stats)
    .map(({ latest_timestamp }) => latest_timestamp)
    .sort((a, b) => a - b);
  const dates = { olderThan: times[Math.floor(times.length / 4)], newerThan: times[Math.floor(times.length / 2)] };
  const phones = [...parseLookup(files.get("phone_lookup.txt") ?? "").aliases.keys()].slice(0, 3);
  const choices = [{ dates }, { keepCommercial: true }, { copyAttachments: true }, { dropCallOnly: true, dates }];
  for (const choice of choices) await checkAgainstOracle(at("in"), choice, choice);
  const filters = new Map([
    [phones[0], "spam"],
    [phones[1], "excluded:user request"],
  ]);
  await checkAgainstOracle(at("in"), { filters: [[phones[0], "spam"]], exclusions: [[phones[1], ""]] }, { filters });
});

test("a date's bounds are included, to the millisecond", async () => {
  const dir = folder.calls({ "a.html": textPage("+12025550101", "Ann", ["at 15:00", "at 15:01", "at 15:02"]) });
  const first = Date.parse("2020-01-01T15:00:00Z");
  for (const [olderThan, newerThan, count] of [
    [first, first + 120_000, 3],
    [first + 1, first + 120_000, 2],
    [first, first + 119_999, 2],
    [first + 60_000, first + 60_000, 1],
    [first + 120_001, undefined, 0],
  ] as const) {
    const { messages, conversations } = await run(dir, { dates: { olderThan, newerThan } });
    assert.equal([messages, conversations], [count, count === 0 ? 0 : 1]);
  }
});

test("--from and --to: days are whole, in UTC; anything else that is no time is refused", () => {
  const dates = (...args: string[]) => readOptions(args).dates;
  assert.equal(dates("--from", "2020-02-29", "--to", "2020-02-29"), {
    olderThan: Date.parse("2020-02-29T00:00:00Z"),
    newerThan: Date.parse("2020-02-29T23:59:59.999Z"),
  });
  assert.is(dates("--from", "2020-01-31T10:00:00-05:00").olderThan, Date.parse("2020-01-31T15:00:00Z"));
  assert.equal(dates(), { olderThan: undefined, newerThan: undefined });
  for (const text of ["2020", "2020-02-30", "2019-02-29T10:00:00Z", "2020-13-01", "2020-01-31T10:00:00", "now", ""]) {
    assert.throws(() => dates("--from", text), /^--from must be a day|--from/);
  }
  assert.throws(() => dates("--from", "2020-01-02", "--to", "2020-01-01"), /nothing would be left/);
});

test("--filter, --exclude, --unexclude: numbers in any spelling; what can't stand in the lookup file is refused", () => {
  const { filters, exclusions, unexclude } = readOptions([
    ..."--filter (202)555-0101=spam --filter 54321 --exclude +12025550102=a=b".split(" "),
    "--unexclude",
    "202 555 0103",
  ]);
  assert.equal(filters, [
    ["+12025550101", "spam"],
    ["54321", ""],
  ]);
  assert.equal(exclusions, [["+12025550102", "a=b"]]);
  assert.equal(unexclude, ["+12025550103"]);
  for (const text of ["", "=spam", "+12025550101=a|b", "+12025550101=a\nb"]) {
    assert.throws(() => readOptions(["--exclude", text]), /--exclude must be a number/);
  }
});

test("filters and exclusions are kept for later runs, taken back by --unexclude, and passed over by --with-filtered", async () => {
  const dir = folder.calls({
    "a.html": textPage("+12025550101", "Ann", ["hi"]),
    "b.html": textPage("+12025550102", "Bob", ["hi"]),
    "c.html": textPage("+12025550103", "Cy", ["hi"]),
  });
  await run(dir, { filters: [["+12025550101", "spam"]], exclusions: [["+12025550102", "old friend"]] });
  assert.equal(ids(), ["Cy"]);
  await run(dir);
  assert.equal(ids(), ["Cy"], "kept in the lookup file");
  const { filters } = parseLookup(read("out", "phone_lookup.txt"));
  assert.equal([...filters.values()], ["spam", "excluded:old friend"]);
  await run(dir, { withFiltered: true });
  assert.equal(ids(), ["Ann", "Bob", "Cy"]);
  await run(dir, { unexclude: ["+12025550101", "+12025550102"] });
  assert.equal(ids(), ["Bob", "Cy"], "a filter is no exclusion");
});

test("--copy-attachments: every link leads to a copy; a second run copies nothing again", async () => {
  const manifest = await generateTakeout({ dir: at("in"), files: 60 });
  await run(at("in"), { copyAttachments: true });
  const copies = readdirSync(at("out", "attachments"));
  const pages = readdirSync(at("out")).filter((name) => name.endsWith(".html") && name !== "index.html");
  const links = pages.flatMap((name) => [...read("out", name).matchAll(/<a href="(attachments\/[^"]+)"/g)]);
  const attachments = Object.values(manifest.attachments).reduce((sum, count) => sum + count, 0);
  assert.is(links.length, attachments);
  assert.ok(copies.length > 0 && copies.length <= attachments);
  for (const [, link] of links) assert.ok(existsSync(at("out", decodeURIComponent(link.replaceAll("&#39;", "'")))));
  const { calls } = await readInput(at("in"));
  for (const name of copies)
    assert.ok(readFileSync(at("out", "attachments", name)).equals(readFileSync(join(calls, name))));
  const inode = (name: string): number => statSync(at("out", "attachments", name)).ino;
  const before = copies.map(inode);
  writeFileSync(join(calls, copies[0]), "changed");
  await run(at("in"), { copyAttachments: true });
  assert.is(read("out", "attachments", copies[0]), "changed");
  assert.equal(copies.slice(1).map(inode), before.slice(1));
});

test("an attachment that can't be read is listed once and linked, and the run comes to its end", async () => {
  const page = textPage("+12025550101", "Ann", ["hi"]).replace(
    "</q></div>",
    '</q><div><img src="pic-1-1" alt="Image MMS Attachment"></div><div><img src="pic-1-1" alt="Image MMS Attachment"></div></div>',
  );
  const dir = folder.calls({ "a.html": page });
  const calls = join(dir, "Voice", "Calls");
  // A folder of that name: unreadable as a file for every user.
  mkdirSync(join(calls, "pic-1-1.jpg"));
  const { errors, messages } = await run(dir, { copyAttachments: true });
  assert.is(messages, 1);
  assert.equal(
    errors.map(({ file, code }) => [file, code]),
    [["pic-1-1.jpg", "ERR_ATTACHMENT_READ"]],
  );
  assert.match(read("out", "Ann.html"), "Takeout/Voice/Calls/pic-1-1.jpg");
  assert.not(existsSync(at("out", "attachments")));
});

const program = fileURLToPath(new URL("../../../examples/takeout/main.js", import.meta.url));

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { cwd: folder.path, stdio: ["pipe", "pipe", "pipe"] });
}

async function ended(
  child: ChildProcess,
  input?: string,
): Promise<{ code: number | null; out: string; asked: string[] }> {
  let [out, errors] = ["", ""];
  child.stdout?.on("data", (data) => (out += data));
  child.stderr?.on("data", (data) => (errors += data));
  if (input !== undefined) child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, asked: [...errors.matchAll(/(\+\d+) {2}\(/g)].map((match) => match[1]) };
}

/** Pages of four numbers without a name, of 1, 2, 3 and 4 messages, and of one with a name. */
function unnamed(): string {
  const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `text ${i}`);
  const pages = [1, 2, 3, 4].map((n) => [`${n}.html`, textPage(`+1202555010${n}`, "", texts(n))]);
  return folder.calls({ ...Object.fromEntries(pages), "5.html": textPage("+12025550105", "Eve", ["hi"]) });
}

test("--ask: each unknown number once, the answers kept; the end of the input asks no more; without it nobody is asked", async () => {
  const dir = unnamed();
  const none = await ended(start(dir, "--out", "out", "--workers", "3"), "Not read\n");
  assert.equal([none.code, none.asked], [0, []]);
  assert.ok(ids().includes("12025550104") || ids().includes("+12025550104"), String(ids()));
  const first = await ended(start(dir, "--out", "out", "--workers", "3", "--ask", "--json"), "Dora\n-\n\n");
  assert.is(first.code, 0);
  assert.equal(first.asked, ["+12025550104", "+12025550103", "+12025550102", "+12025550101"]);
  assert.is(JSON.parse(first.out).conversations, 4, "the questions are not on standard output");
  assert.ok(ids().includes("Dora") && !ids().some((id) => id.includes("5550103")), String(ids()));
  const second = await ended(start(dir, "--out", "out", "--workers", "3", "--ask"), "Bea\nq\n");
  assert.equal(second.asked, ["+12025550102", "+12025550101"], "neither the named nor the excluded one again");
  const { aliases, filters } = parseLookup(read("out", "phone_lookup.txt"));
  assert.equal([aliases.get("+12025550104"), aliases.get("+12025550102")], ["Dora", "Bea"]);
  assert.is(filters.get("+12025550103"), "excluded:user request");
});

test("a run that is killed while it asks: the next goes on, and asks only what was not answered", async () => {
  const dir = unnamed();
  const child = start(dir, "--out", "out", "--workers", "3", "--ask");
  child.stdin?.write("Dora\n");
  child.stderr?.on("data", (data) => String(data).includes("+12025550103") && child.kill("SIGKILL"));
  assert.is((await ended(child)).code, null);
  assert.not(existsSync(at("out", "index.html")));
  const next = await ended(start(dir, "--out", "out", "--workers", "3", "--ask"), "");
  assert.is(next.code, 0);
  assert.match(next.out, "An earlier run broke off: 0 of its pages stood already");
  assert.equal(next.asked, ["+12025550103"]);
  assert.ok(ids().includes("Dora"));
  assert.match(read("out", "run.log"), /main +goes on: 5 pages/);
});

test("Ctrl-C while it asks: exit code 130, and the answers so far are kept", async () => {
  const dir = unnamed();
  const child = start(dir, "--out", "out", "--workers", "2", "--ask");
  child.stdin?.write("Dora\n");
  child.stderr?.on("data", (data) => String(data).includes("+12025550103") && child.kill("SIGINT"));
  assert.is((await ended(child)).code, 130);
  assert.is(parseLookup(read("out", "phone_lookup.txt")).aliases.get("+12025550104"), "Dora");
  assert.match(read("out", "run.log"), /main +stopped: stopped by Ctrl-C/);
});

test("killed outright at any moment: the same command goes on, and the result is the oracle's", async () => {
  await generateTakeout({ dir: at("in"), files: 200 });
  const child = start("in", "--out", "out", "--workers", "4");
  child.stderr?.on("data", (data) => String(data).includes("Reading pages: 200/200") && child.kill("SIGKILL"));
  await ended(child);
  const input = await readInput(at("in"));
  const report = await runTakeout({ input, out: at("out"), workers: 4 });
  assert.equal(compareOutput(at("out"), report, runOracle(input, at("out"))), []);
});

test("going on: pages that stand as they should are not written again, others are", async () => {
  await generateTakeout({ dir: at("in"), files: 50 });
  const first = await run(at("in"));
  assert.equal([first.resumed, first.kept], [false, 0]);
  const log = read("out", "run.log");
  writeFileSync(at("out", "run.log"), log.slice(0, log.lastIndexOf("finished")));
  const pages = readdirSync(at("out")).filter((name) => name.endsWith(".html") && name !== "index.html");
  rmSync(at("out", pages[0]));
  writeFileSync(at("out", pages[1]), "half a pa");
  const inode = (name: string): number => statSync(at("out", name)).ino;
  const before = pages.slice(2).map(inode);
  const second = await run(at("in"));
  assert.equal([second.resumed, second.kept], [true, first.conversations - 2]);
  assert.equal(pages.slice(2).map(inode), before);
  const input = await readInput(at("in"));
  assert.equal(compareOutput(at("out"), second, runOracle(input, at("out"))), []);
});

test.run();
