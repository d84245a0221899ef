import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareFileNames, isPageName, parseFileName } from "../../../examples/takeout/file-name.ts";
import { type GenerateOptions, generatedManifest, generateTakeout } from "../../../examples/takeout/generate.ts";
import type { TakeoutManifest } from "../../../examples/takeout/generate-manifest.ts";
import { mediaBytes } from "../../../examples/takeout/generate-media.ts";
import { TakeoutPlan } from "../../../examples/takeout/generate-plan.ts";
import { readOwnNumber } from "../../../examples/takeout/own-number.ts";
import { parsePage } from "../../../examples/takeout/parse-page.ts";
import { readWithParse5 } from "./parse5-oracle.ts";

const test = suite<{ dir: string }>("generate");
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), "takeout-"));
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true }));

const OWN = "+13345550104";
/** Of 40 pages of seed 42. Changes with whatever the generator writes, and must with nothing else. */
const GOLDEN = "091ae111e6df584f70d018ecdee1907285817dea652f1e87782ba480c332ea7a";

function generate(dir: string, options: Partial<GenerateOptions> = {}): Promise<TakeoutManifest> {
  return generateTakeout({ dir, files: 250, ...options });
}

/** Names and bytes of everything in a folder. */
function hashOf(dir: string): string {
  const hash = createHash("sha256");
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  for (const path of names
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .sort()) {
    hash.update(path.slice(dir.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

test("one seed gives the same bytes, another seed others", async ({ dir }) => {
  const [a, b, c] = [join(dir, "a"), join(dir, "b"), join(dir, "c")];
  assert.equal(await generate(a), await generate(b));
  await generate(c, { seed: 2 });
  assert.is(hashOf(a), hashOf(b));
  assert.is.not(hashOf(a), hashOf(c));
});

test("the bytes of a seed are these, on every machine and in every time zone", async ({ dir }) => {
  const zone = process.env.TZ;
  try {
    for (const other of ["Asia/Kolkata", "America/St_Johns"]) {
      process.env.TZ = other;
      await generate(dir, { files: 40, seed: 42 });
      assert.is(hashOf(dir), GOLDEN);
    }
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("the tree is a Takeout: pages, media that the pages refer to, the owner's number", async ({ dir }) => {
  const manifest = await generate(dir);
  const voice = join(dir, "Takeout", "Voice");
  assert.is(await readOwnNumber(voice), OWN);
  const names = readdirSync(join(voice, "Calls"));
  const pages = names.filter(isPageName).sort(compareFileNames);
  assert.equal([pages.length, names.length - pages.length], [250, manifest.mediaFiles]);
  const media = new Set(names.filter((name) => !isPageName(name)));
  for (const fileName of pages) {
    const page = parsePage(readFileSync(join(voice, "Calls", fileName)), fileName, { ownNumber: OWN });
    for (const { ref } of page.messages.flatMap(({ attachments }) => attachments)) {
      const found = [...media].filter((name) => name === ref || name.replace(/\.[^.]+$/, "") === ref);
      assert.is(found.length, 1, `${fileName}: ${ref}`);
      media.delete(found[0]);
    }
  }
  assert.is(media.size, 0, "media that no page refers to");
});

test("names fit every file system, also where case does not count", () => {
  const plan = new TakeoutPlan(3000, 3);
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const { fileName, media } = plan.next();
    for (const name of [fileName, ...media.map((each) => each.fileName)]) {
      assert.ok(Buffer.byteLength(name) <= 255, name);
      assert.not.match(name, /[<>:"/\\|?*]/);
      assert.not(seen.has(name.toLowerCase()), name);
      seen.add(name.toLowerCase());
    }
  }
});

test("the manifest counts what a parser finds", () => {
  const plan = new TakeoutPlan(2000, 5);
  const counted = new Count();
  for (let i = 0; i < 2000; i++) counted.add(plan.next());
  const { manifest } = plan;
  assert.equal(counted.pages, manifest.pages);
  assert.equal(counted.messages, manifest.messages);
  assert.equal(counted.attachments, manifest.attachments);
  assert.equal(
    [counted.transcribed, counted.lookups, counted.foreignLookups, counted.mediaFiles],
    [manifest.transcribed, manifest.lookups, manifest.foreignLookups, manifest.mediaFiles],
  );
  const { duplicate, noAction, largeGroup, deleted, unknownCaller } = manifest.traits;
  assert.equal(counted.traits, { duplicate, noAction, largeGroup, deleted, unknownCaller });
});

test("pages hold 5.5 number lookups and more on average, also without the owner's messages", () => {
  for (const [files, seed] of [
    [2000, 1],
    [2000, 9],
    [6000, 1],
  ]) {
    const plan = new TakeoutPlan(files, seed);
    for (let i = 0; i < files; i++) plan.next();
    assert.ok(plan.manifest.foreignLookups >= 5.5 * files, `${plan.manifest.foreignLookups} in ${files} pages`);
    assert.ok(plan.manifest.lookups > plan.manifest.foreignLookups);
  }
});

test("a few hundred pages already hold every kind and trait", () => {
  const plan = new TakeoutPlan(450, 1);
  for (let i = 0; i < 450; i++) plan.next();
  const { pages, messages, attachments, traits } = plan.manifest;
  for (const counts of [pages, messages, attachments, traits]) {
    for (const [name, count] of Object.entries(counts)) assert.ok(count > 0, name);
  }
});

test("a few hundred pages already hold the names that break programs, escaped", () => {
  const plan = new TakeoutPlan(450, 1);
  const pages = Array.from({ length: 450 }, () => plan.next());
  const names = new Set(
    pages.flatMap(({ html, fileName }) => parsePage(html, fileName).participants.map((p) => p.name)),
  );
  const odd = [
    "Joe Smith - Cell",
    '"The Boss"',
    "<b>Bold</b>",
    "../../etc/passwd",
    "AT&T",
    "O'Brien",
    "🦊",
    "<script>",
    "C:\\",
  ];
  for (const part of odd)
    assert.ok(
      [...names].some((name) => name.includes(part)),
      part,
    );
  assert.ok([...names].some((name) => name.length === 300));
  for (const { html } of pages) assert.not.match(html, /<script|<b>/);
});

test("400 pages of all kinds give what parse5 reads, with the owner's number and without", () => {
  const plan = new TakeoutPlan(400, 11);
  const kinds = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const { fileName, html } = plan.next();
    const page = parsePage(html, fileName, { ownNumber: OWN });
    assert.equal(page, readWithParse5(html, fileName, OWN), fileName);
    assert.equal(parsePage(html, fileName), readWithParse5(html, fileName), fileName);
    kinds.add(page.group ? "group" : page.kind);
  }
  assert.equal([...kinds].sort(), ["group", "missed", "placed", "received", "recorded", "text", "voicemail"]);
});

test("one number comes under two names, and one person in many files", () => {
  const plan = new TakeoutPlan(1500, 4);
  const names = new Map<string, Set<string>>();
  const files = new Map<string, number>();
  for (let i = 0; i < 1500; i++) {
    const { fileName, html } = plan.next();
    const page = parsePage(html, fileName, { ownNumber: OWN });
    for (const { phone, name } of page.participants) names.set(phone, (names.get(phone) ?? new Set()).add(name));
    if (page.kind === "text" && !page.group) {
      const { phone } = page.participants[0];
      files.set(phone, (files.get(phone) ?? 0) + 1);
    }
  }
  const disagreeing = [...names].filter(
    ([phone, each]) => phone !== "" && [...each].filter((n) => n.endsWith("(work)")).length > 0 && each.size > 1,
  );
  assert.ok(disagreeing.length >= 5, `${disagreeing.length} numbers with two names`);
  assert.ok(Math.max(...files.values()) >= 5, "files of one person");
});

test("media are of the kind that their extension says", () => {
  const starts = { jpg: "ffd8ffe0", gif: "474946383961", amr: "2321414d520a", mp3: "ffe3", vcf: "424547494e3a" };
  for (const [extension, start] of Object.entries(starts)) {
    const hex = Buffer.from(mediaBytes(extension as keyof typeof starts)).toString("hex");
    assert.ok(hex.startsWith(start), `${extension}: ${hex}`);
  }
  for (const [extension, brand] of [
    ["mp4", "isom"],
    ["3gp", "3gp5"],
  ] as const) {
    assert.is(Buffer.from(mediaBytes(extension)).toString("latin1", 4, 12), `ftyp${brand}`);
  }
});

test("a generated tree is replaced, and told from one whose generation was stopped", async ({ dir }) => {
  assert.is(generatedManifest(dir), undefined);
  const manifest = await generate(dir, { files: 30, seed: 1 });
  assert.equal(generatedManifest(dir), manifest);
  const stop = new AbortController();
  const stopped = generate(dir, { files: 1000, seed: 2, signal: stop.signal, onProgress: () => stop.abort() });
  assert.is(await reasonOf(stopped), "AbortError");
  assert.is(generatedManifest(dir), undefined);
  assert.equal(await generate(dir, { files: 30, seed: 1 }), manifest);
  assert.is(readdirSync(join(dir, "Takeout", "Voice", "Calls")).filter(isPageName).length, 30);
});

test("a Takeout that was not generated is left alone", async ({ dir }) => {
  mkdirSync(join(dir, "Takeout"));
  writeFileSync(join(dir, "Takeout", "mine.txt"), "mine");
  const failure = await generate(dir).then(
    () => "",
    (error) => error.message,
  );
  assert.match(failure, /was not generated by this program/);
  assert.equal(readdirSync(dir), ["Takeout"]);
  assert.is(readFileSync(join(dir, "Takeout", "mine.txt"), "utf8"), "mine");
});

test("progress is told up to the number of pages", async ({ dir }) => {
  const told: number[] = [];
  await generate(dir, { onProgress: (pages) => told.push(pages) });
  assert.is(told.at(-1), 250);
  assert.equal(
    told,
    [...told].sort((a, b) => a - b),
  );
});

test("a number of pages or a seed that is none is refused before anything is written", async ({ dir }) => {
  const missing = join(dir, "x");
  for (const options of [{ files: 0 }, { files: 1.5 }, { files: Number.NaN }, { seed: 0.5 }, { seed: 2 ** 31 }]) {
    assert.is(await reasonOf(generate(missing, options)), "RangeError");
  }
  assert.not(existsSync(missing));
});

/** Recounts a tree from its parsed pages. */
class Count {
  readonly pages = { text: 0, group: 0, missed: 0, received: 0, placed: 0, recorded: 0, voicemail: 0 };
  readonly messages = { sms: 0, mms: 0, call: 0, voicemail: 0 };
  readonly attachments = { img: 0, video: 0, vcf: 0, audio: 0 };
  readonly traits = { duplicate: 0, noAction: 0, largeGroup: 0, deleted: 0, unknownCaller: 0 };
  transcribed = 0;
  lookups = 0;
  foreignLookups = 0;
  mediaFiles = 0;

  add({ fileName, html, media }: ReturnType<TakeoutPlan["next"]>): void {
    const page = parsePage(html, fileName, { ownNumber: OWN });
    const name = parseFileName(fileName);
    this.pages[page.group ? "group" : page.kind]++;
    this.mediaFiles += media.length;
    for (const message of page.messages) {
      this.messages[message.type]++;
      if (message.call?.transcribed) this.transcribed++;
      for (const { kind } of message.attachments) this.attachments[kind]++;
      if (message.sender !== "") this.lookups++;
      if (message.sender !== "" && !message.fromMe) this.foreignLookups++;
    }
    const numbered = page.participants.filter(({ phone }) => phone !== "").length;
    this.lookups += numbered;
    this.foreignLookups += numbered;
    if (name.duplicate > 0) this.traits.duplicate++;
    if (name.action === undefined && !name.group) this.traits.noAction++;
    if (page.participants.length > 6) this.traits.largeGroup++;
    if (page.userDeleted) this.traits.deleted++;
    if (name.name === "") this.traits.unknownCaller++;
    assert.is(name.group, page.group, fileName);
    // The stamp is the first message's time, in whole seconds.
    assert.is(name.timestamp, Math.floor(page.messages[0].timestamp / 1000) * 1000, fileName);
  }
}

function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error) => error.name,
  );
}

test.run();
