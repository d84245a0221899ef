// watchdog: 300s
// The Takeout run against its oracle, in this process with real workers.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareOutput } from "../../../examples/takeout/compare.ts";
import { generateTakeout } from "../../../examples/takeout/generate.ts";
import { readInput } from "../../../examples/takeout/input.ts";
import { runOracle } from "../../../examples/takeout/oracle.ts";
import { type RunOptions, type RunReport, runTakeout } from "../../../examples/takeout/run.ts";
import { parseLookup } from "../../../src/systems/lookup-file.ts";
import { TestFolder, textPage } from "./takeout-folder.ts";

const test = suite("examples/takeout/run");
const folder = new TestFolder();
test.before.each(() => folder.make());
test.after.each(() => folder.remove());

async function run(dir: string, more: Partial<RunOptions> = {}): Promise<RunReport & { out: string }> {
  const out = more.out ?? join(folder.path, "out");
  return { ...(await runTakeout({ input: await readInput(dir), out, workers: 2, ...more })), out };
}

const read = (out: string, name: string): string => readFileSync(join(out, name), "utf8");
const ids = (out: string): string[] => Object.keys(JSON.parse(read(out, "stats.json")).conversations).sort();

test("1, 2, 4, 8 and 16 workers: files, messages, lookups and errors equal the oracle's, byte for byte", async () => {
  const manifest = await generateTakeout({ dir: folder.path, files: 300 });
  const input = await readInput(folder.path);
  for (const dropCallOnly of [false, true]) {
    const oracle = runOracle(input, join(folder.path, "out"), { dropCallOnly });
    assert.is(oracle.lookups, manifest.lookups);
    for (const workers of dropCallOnly ? [3] : [1, 2, 4, 8, 16]) {
      const out = join(folder.path, `out`);
      const report = await runTakeout({ input, out, workers, dropCallOnly });
      assert.equal(compareOutput(out, report, oracle), [], `${workers} workers`);
    }
  }
  const { sms, mms, call, voicemail } = manifest.messages;
  assert.is(runOracle(input, folder.path).messages, sms + mms + call + voicemail);
});

test("every attachment's link leads to its file", async () => {
  const manifest = await generateTakeout({ dir: folder.path, files: 200 });
  const { out } = await run(folder.path);
  const html = readdirSync(out)
    .filter((name) => name.endsWith(".html") && name !== "index.html")
    .map((name) => read(out, name));
  const links = html.flatMap((page) =>
    [...page.matchAll(/<a href="(\.\.[^"]+)"/g)].map((match) => match[1].replaceAll("&#39;", "'")),
  );
  assert.is(
    links.length,
    Object.values(manifest.attachments).reduce((sum, count) => sum + count, 0),
  );
  for (const link of links) assert.ok(existsSync(join(out, decodeURIComponent(link))), link);
});

test("the names and filters of phone_lookup.txt are used and kept; a second run gives the same files", async () => {
  const dir = folder.calls({
    "Ann - Text - 2020-01-01T15_00_00Z.html": textPage("+12025550101", "Ann", ["hi"]),
    "Bob - Text - 2020-01-01T15_00_00Z.html": textPage("+12025550102", "Bob", ["yo"]),
    "Cy - Text - 2020-01-01T15_00_00Z.html": textPage("+12025550103", "Cy", ["spam"]),
  });
  const out = join(folder.path, "out");
  mkdirSync(out);
  writeFileSync(
    join(out, "phone_lookup.txt"),
    "# mine\n+12025550101|Annie\n+12025550103|Cy|filter=spam\nbroken||what\n|x\n",
  );
  const report = await run(dir);
  assert.equal(
    report.warnings.map(({ line }) => line),
    [4, 5],
  );
  assert.equal(ids(out), ["Annie", "Bob"]);
  const lookup = parseLookup(read(out, "phone_lookup.txt"));
  assert.is(lookup.aliases.get("+12025550102"), "Bob");
  assert.is(lookup.filters.get("+12025550103"), "spam");
  assert.match(read(join(out, "backup"), "phone_lookup.start.txt"), "# mine");
  const before = new Map(
    readdirSync(out)
      .filter((name) => name !== "backup" && name !== "run.log")
      .map((name) => [name, read(out, name)]),
  );
  await run(dir);
  for (const [name, content] of before) assert.is(read(out, name), content, name);
});

test("of names that disagree the first page's wins, and everything is written under it", async () => {
  const files: Record<string, string> = {};
  for (let i = 10; i < 90; i++)
    files[`N${i} - Text - 2020-01-01T15_00_00Z.html`] = textPage(
      "+12025550101",
      `Name ${String.fromCharCode(65 + (i % 26))}`,
      [`at ${i}`],
    );
  const { out } = await run(folder.calls(files), { workers: 16 });
  assert.equal(ids(out), [`Name_${String.fromCharCode(65 + 10)}`]);
});

test("odd names and numbers: paths, HTML, 300 characters, cases, the index's own name, ++1, no number, a short code", async () => {
  const long = "x".repeat(300);
  const names = ["../x", "<script>alert(1)</script>", long, "john", "John", "index"];
  const files: Record<string, string> = {};
  for (const [i, name] of names.entries()) files[`${i}.html`] = textPage(`+1202555010${i}`, name, [name]);
  files["plus.html"] = textPage("++12025550120", "Plus", ["a"]);
  files["plus (1).html"] = textPage("+12025550120", "Plus", ["b"]);
  files["none.html"] = textPage("", "", ["nobody"]);
  files["short.html"] = textPage("54321", "", ["code"]);
  const { out, errors } = await run(folder.calls(files));
  assert.equal(errors, []);
  const found = ids(out);
  assert.is(found.length, 9);
  assert.ok(
    ["x", "scriptalert1script", "John", "Plus", "54321", "group_unknown"].every((id) => found.includes(id)),
    String(found),
  );
  assert.ok(found.some((id) => /^index_[0-9a-f]{6}$/.test(id)) && found.some((id) => /^john_[0-9a-f]{6}$/.test(id)));
  assert.ok(found.every((id) => id.length <= 100 && existsSync(join(out, `${id}.html`))));
  assert.is((read(out, "Plus.html").match(/<tr/g) ?? []).length, 3);
  for (const name of readdirSync(out).filter((name) => name.endsWith(".html")))
    assert.not(read(out, name).includes("<script>alert"));
  assert.not(existsSync(join(folder.path, "x.html")));
});

test("bad pages are listed by name with what is wrong, and the rest counts", async () => {
  const good = textPage("+12025550101", "Ann", ["hi"]);
  const calls = folder.calls({
    "good.html": good,
    "no page.html": "<html><body>hello</body></html>",
    "cut off.html": good.slice(0, -120),
    "latin1.html": Buffer.from(good.replace("Ann", "Zoë"), "latin1"),
    "empty.html": "",
    "one line.html": Buffer.alloc(50 << 20, "x"),
    "long message.html": textPage("+12025550101", "Ann", ["first", "y".repeat(3 << 20)]),
  });
  mkdirSync(join(calls, "Voice", "Calls", "folder.html"));
  const { errors, messages, files } = await run(calls);
  assert.equal(
    errors.map(({ file, code }) => [file, code]),
    [
      ["cut off.html", "ERR_PAGE_TRUNCATED"],
      ["empty.html", "ERR_PAGE_EMPTY"],
      ["folder.html", "ERR_FILE_READ"],
      ["latin1.html", "ERR_PAGE_ENCODING"],
      ["long message.html", "ERR_PAGE_FIELD_TOO_LONG"],
      ["no page.html", "ERR_PAGE_NOT_A_PAGE"],
      ["one line.html", "ERR_PAGE_TOO_LARGE"],
    ],
  );
  for (const { file, message } of errors) assert.match(message, file);
  assert.equal([files, messages], [8, 1]);
});

test("pages of earlier runs go when their conversation is no more; other files stay", async () => {
  const dir = folder.calls({ "a.html": textPage("+12025550101", "Ann", ["hi"]) });
  const { out } = await run(dir);
  writeFileSync(join(out, "mine.html"), "<p>mine</p>");
  folder.calls({ "a.html": textPage("+12025550102", "Bob", ["hi"]) });
  await run(dir);
  assert.equal(
    readdirSync(out)
      .filter((name) => name.endsWith(".html"))
      .sort(),
    ["Bob.html", "index.html", "mine.html"],
  );
});

test("a run that is aborted rejects, leaves no temporary file, and the next one is as if it had never been", async () => {
  await generateTakeout({ dir: folder.path, files: 200 });
  const input = await readInput(folder.path);
  const out = join(folder.path, "out");
  const oracle = runOracle(input, out);
  const phases = ["Reading pages", "Writing conversations"] as const;
  for (const label of phases) {
    const controller = new AbortController();
    const stop = (phase: string): void => {
      if (phase === label) controller.abort(new Error(`stopped at ${phase}`));
    };
    // The first tick of the first phase, and the very start of the second.
    const progress = {
      start: (phase: string) => phase !== phases[0] && stop(phase),
      update: () => stop(phases[0]),
      finish() {},
    };
    const outcome = await runTakeout({ input, out, workers: 4, signal: controller.signal, progress }).catch(String);
    assert.is(outcome, `Error: stopped at ${label}`);
    assert.equal(
      readdirSync(out).filter((name) => name.startsWith(".")),
      [],
    );
  }
  assert.equal(compareOutput(out, await runTakeout({ input, out, workers: 4 }), oracle), []);
});

test.run();
