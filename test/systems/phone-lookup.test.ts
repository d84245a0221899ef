import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { LOOKUP_HEADER, parseLookup } from "../../src/systems/lookup-file.ts";
import type { PageNames } from "../../src/systems/page.ts";
import { PhoneLookup } from "../../src/systems/phone-lookup.ts";

const test = suite("systems/phone-lookup");
let folder = "";
let file = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-lookup-"));
  file = join(folder, "in", "phone_lookup.txt");
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const region = Region.create();
const make = (options: ConstructorParameters<typeof PhoneLookup>[0] = {}): PhoneLookup =>
  new PhoneLookup({ region, ...options });
const page = (phone: string, fn: string): PageNames => ({
  links: [{ number: phone, fn, text: fn, inSender: true }],
  scopes: [],
});
const read = (): ReturnType<typeof parseLookup> => parseLookup(readFileSync(file, "utf8"));

test("an absent file is created with its folders and a header", () => {
  make({ file }).close();
  assert.is(readFileSync(file, "utf8"), LOOKUP_HEADER);
  assert.not(existsSync(join(folder, "in", "backup")));
});

test("the file's aliases and filters are there, and what is wrong with it is told with its line", () => {
  make({ file }).close();
  writeFileSync(file, "+1|Ann|filter=spam\n+2|Bob|what\n+3||EXCLUDE:rude\n+4\n");
  const lookup = make({ file });
  assert.equal(
    ["+1", "+2", "+3", "+4", "+5"].map((phone) => lookup.getAlias(phone)),
    ["Ann", "Bob", "+3", "+4", "+5"],
  );
  assert.equal(
    lookup.warnings.map(({ line }) => line),
    [2],
  );
  assert.is(lookup.getFilterInfo("+1"), "spam");
  assert.is(lookup.getExclusionReason("+3"), "rude");
  assert.ok(lookup.hasAlias("+4"));
  assert.not(lookup.hasAlias("+3"));
  assert.equal([...lookup.getAllAliases().keys()].sort(), ["+1", "+2", "+4"]);
  assert.is(lookup.lookups, 5);
  lookup.close();
});

test("explicit changes are saved at once, the previous file first copied to backup/", () => {
  const lookup = make({ file });
  assert.is(lookup.addAlias("+1", "Ann O'Brien"), "Ann_OBrien");
  assert.is(read().aliases.get("+1"), "Ann_OBrien");
  lookup.addFilter("+2", "spam");
  lookup.exclude("+3", "rude");
  assert.equal(
    [...read().filters],
    [
      ["+2", "spam"],
      ["+3", "excluded:rude"],
    ],
  );
  assert.equal(
    [...parseLookup(readFileSync(join(folder, "in", "backup", "phone_lookup.txt"), "utf8")).filters.keys()],
    ["+2"],
  );
  assert.ok(lookup.unexclude("+3"));
  assert.not(lookup.unexclude("+2"));
  assert.equal([...read().filters], [["+2", "spam"]]);
  lookup.close();
});

test("the file as it stood before the run stays beside the backups", () => {
  make({ file }).close();
  writeFileSync(file, "# mine\n+1|Ann\n");
  const lookup = make({ file });
  lookup.addAlias("+2", "Bob");
  lookup.addAlias("+3", "Cy");
  lookup.close();
  assert.is(readFileSync(join(folder, "in", "backup", "phone_lookup.start.txt"), "utf8"), "# mine\n+1|Ann\n");
});

test("filters: off means false, exclusion and reason are still told, both numbers of a row go together", () => {
  const lookup = make({ skipFiltered: false });
  lookup.addFilter("+1");
  lookup.exclude("+2");
  assert.equal([lookup.isFiltered("+1"), lookup.isExcluded("+1"), lookup.isExcluded("+2")], [false, false, true]);
  assert.is(lookup.getFilterInfo("+1"), "filter");
  assert.is(lookup.getFilterInfo("+9"), undefined);
  assert.is(lookup.getExclusionReason("+1"), undefined);
});

test("a group goes only if it has more than one participant and all but the owner are filtered", () => {
  const lookup = make();
  lookup.addFilter("+1");
  lookup.addFilter("+2");
  assert.ok(lookup.shouldFilterGroupConversation(["+1", "+2"]));
  assert.ok(lookup.shouldFilterGroupConversation(["+1", "+9"], "+9"));
  assert.not(lookup.shouldFilterGroupConversation(["+1", "+3"], "+9"));
  assert.not(lookup.shouldFilterGroupConversation(["+1"]));
  assert.not(lookup.shouldFilterGroupConversation(["+9", "+9"], "+9"));
});

test("names that disagree: the first page in file order wins, in whatever order they come", () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ]) {
    const lookup = make();
    for (const rank of order) lookup.getAlias("+1", page("+1", `Name ${"ABC"[rank]}`), rank);
    assert.is(lookup.getAlias("+1"), "Name_A");
    assert.is(lookup.addAlias("+1", "Given"), "Given");
    assert.is(lookup.getAlias("+1", page("+1", "Late"), 0), "Given");
  }
});

test("getAlias returns the winner, and the number where nobody names it", () => {
  const lookup = make();
  assert.is(lookup.getAlias("+1", page("+1", "Second"), 2), "Second");
  assert.is(lookup.getAlias("+1", page("+1", "Third"), 3), "Second");
  assert.is(lookup.getAlias("+1", page("+1", "First"), 1), "First");
  assert.is(lookup.getAlias("+2", page("+1", "Other"), 1), "+2");
  assert.is(lookup.getAlias("", page("", "Nobody"), 1), "");
  assert.throws(() => lookup.getAlias(5 as never), TypeError);
  assert.throws(() => lookup.addAlias(" ", "x"), RangeError);
});

test("a filter does not name a number, and a name leaves the filter", () => {
  const lookup = make();
  lookup.addFilter("+1");
  assert.is(lookup.getAlias("+1"), "+1");
  assert.is(lookup.getAlias("+1", page("+1", "Ann"), 7), "Ann");
  assert.ok(lookup.isFiltered("+1"));
});

test("batched saves: 80,000 changes are exactly 800 flushes, none left over", () => {
  const lookup = make();
  for (let i = 0; i < 80_000; i++) lookup.saveBatched();
  assert.equal([lookup.flushes, lookup.unsaved], [800, 0]);
  lookup.saveBatched();
  assert.equal([lookup.flushes, lookup.unsaved], [800, 1]);
});

test("names from pages reach the file in batches, and the rest when it is closed", () => {
  const lookup = make({ file, batchSize: 3 });
  for (let i = 1; i <= 4; i++) lookup.getAlias(`+${i}`, page(`+${i}`, `Name ${"ABCD"[i - 1]}`), i);
  assert.is(read().aliases.size, 3);
  assert.is(lookup.unsaved, 1);
  lookup.close();
  assert.is(read().aliases.size, 4);
});

test("a prompt is asked once per number, outside any lock, and its answer is kept and saved", () => {
  const asked: string[] = [];
  const lookup: PhoneLookup = make({
    file,
    prompt: ({ phone, suggestion }) => {
      asked.push(`${phone} ${suggestion}`);
      // Would deadlock or throw if a lock of the lookup were held here.
      lookup.addFilter(phone);
      assert.is(lookup.getAlias(phone), phone);
      return phone === "+1" ? "Ann Lee" : undefined;
    },
  });
  const other = PhoneLookup.from(lookup.share());
  assert.is(other.getAlias("+1", page("+1", "Page")), "+1");
  assert.is(lookup.getAlias("+1", page("+1", "Page")), "Ann_Lee");
  assert.is(other.getAlias("+1"), "Ann_Lee");
  assert.is(lookup.getAlias("+2"), "+2");
  assert.is(lookup.getAlias("+2"), "+2");
  assert.equal(asked, ["+1 Page", "+2 undefined"]);
  assert.is(read().aliases.get("+1"), "Ann_Lee");
  lookup.close();
});

test("a prompt that throws leaves the number to be asked for again", () => {
  let times = 0;
  const lookup = make({
    prompt: () => {
      if (++times === 1) throw new Error("no terminal");
      return "Ann";
    },
  });
  assert.throws(() => lookup.getAlias("+1"), /no terminal/);
  assert.is(lookup.getAlias("+1"), "Ann");
});

test("an error of the disk reaches the caller; the change is there, and the next save writes it", () => {
  const lookup = make({ file });
  rmSync(file);
  writeFileSync(join(folder, "in", "backup"), "in the way");
  writeFileSync(file, "");
  assert.throws(
    () => lookup.addAlias("+1", "Ann"),
    (error: Error & { code?: string }) => error.code === "ERR_FILE_WRITE",
  );
  assert.is(lookup.getAlias("+1"), "Ann");
  rmSync(join(folder, "in", "backup"));
  lookup.close();
  assert.is(read().aliases.get("+1"), "Ann");
});

test("the same name is the same lookup, and its file is read once", () => {
  make({ file }).close();
  writeFileSync(file, "+1|Ann\n");
  const first = PhoneLookup.named("people", { region, file });
  first.addFilter("+1", "spam");
  const second = PhoneLookup.named("people", { region, file });
  assert.is(second.getFilterInfo("+1"), "spam");
  second.addAlias("+1", "Bob");
  assert.is(first.getAlias("+1"), "Bob");
  first.close();
  second.close();
});

test("a handle of something else is refused", () => {
  assert.throws(() => PhoneLookup.from({ holdfast: "mutex" } as never), TypeError);
  assert.throws(() => make({ batchSize: 0 }), RangeError);
});

test.run();
