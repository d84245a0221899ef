import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatLookup, LOOKUP_HEADER, parseLookup } from "../../src/systems/lookup-file.ts";

const test = suite("systems/lookup-file");

test("reads aliases, filters and the legacy exclusion", () => {
  const parsed = parseLookup(
    "\uFEFF# comment\n\n +1 | Ann Lee \r\n+2|Bob|filter\n+3|Cy|filter=spam\n+4|Di|EXCLUDE:rude \n+5|EXCLUDE:old\n+6\n+7|\n+8||filter\n",
  );
  assert.equal(
    [...parsed.aliases],
    [
      ["+1", "Ann Lee"],
      ["+2", "Bob"],
      ["+3", "Cy"],
      ["+4", "Di"],
      ["+6", "+6"],
      ["+7", "+7"],
    ],
  );
  assert.equal(
    [...parsed.filters],
    [
      ["+2", "filter"],
      ["+3", "spam"],
      ["+4", "excluded:rude"],
      ["+5", "excluded:old"],
      ["+8", "filter"],
    ],
  );
  assert.equal(parsed.warnings, []);
});

test("warns with the line's number, keeps the alias and goes on", () => {
  const parsed = parseLookup("# x\n+1|Ann|nonsense\n|Bob\n+1|Anna\n+2|Cy|filter|more\n+3|D\uFFFD\n");
  assert.equal(
    [...parsed.aliases],
    [
      ["+1", "Anna"],
      ["+2", "Cy"],
      ["+3", "D\uFFFD"],
    ],
  );
  assert.equal(
    parsed.warnings.map(({ line }) => line),
    [2, 3, 4, 5, 6],
  );
  assert.match(parsed.warnings[0].message, "nonsense");
});

test("writes a header, then one line a phone in code-unit order, filters without an alias too", () => {
  const text = formatLookup({
    aliases: new Map([
      ["+20", "Bob"],
      ["+1", "Ann"],
    ]),
    filters: new Map([
      ["+3", "excluded:why"],
      ["+1", "filter"],
      ["+20", "spam"],
    ]),
  });
  assert.is(text, `${LOOKUP_HEADER}+1|Ann|filter\n+20|Bob|filter=spam\n+3||EXCLUDE:why\n`);
});

test("a separator, a line break or a comment sign inside a field does not break the file", () => {
  const aliases = new Map([
    ["#1|2", "a|b\nc\rd%7C"],
    ["+2", "EXCLUDE:not one"],
    ["50%", "100 %"],
  ]);
  const text = formatLookup({ aliases, filters: new Map() });
  assert.is(text.slice(LOOKUP_HEADER.length).split("\n").length, 4);
  assert.match(text, "50%|100 %\n");
  assert.equal(parseLookup(text).aliases, aliases);
});

test("what is written is read back as it was", () => {
  const field = fc
    .oneof(fc.string({ unit: fc.constantFrom("|", "%", "7", "C", "0", "A", "#", "\n", "a", " ", ":") }), fc.string())
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const reason = fc
    .oneof(
      field,
      field.map((text) => `excluded:${text}`),
    )
    .filter((text) => !/^excluded:\s/.test(text));
  fc.assert(
    fc.property(fc.dictionary(field, field), fc.dictionary(field, reason), (aliases, filters) => {
      const entries = { aliases: new Map(Object.entries(aliases)), filters: new Map(Object.entries(filters)) };
      const parsed = parseLookup(formatLookup(entries));
      assert.equal([...parsed.aliases].sort(), [...entries.aliases].sort());
      assert.equal([...parsed.filters].sort(), [...entries.filters].sort());
      assert.is(formatLookup(parsed), formatLookup(entries));
    }),
  );
});

test.run();
