import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aliasFromText, extractAlias, sanitizeAlias } from "../../src/systems/alias.ts";
import type { NamedScope, PageNames, TelLink } from "../../src/systems/page.ts";

const test = suite("systems/alias");

const link = (number: string, fn: string | undefined, text = fn ?? "", inSender = false): TelLink => ({
  number,
  fn,
  text,
  inSender,
});
const names = (links: TelLink[], scopes: NamedScope[] = []): PageNames => ({ links, scopes });

test("sanitizeAlias keeps letters, digits and underscore, and joins the rest by one underscore", () => {
  const cases: [string, string][] = [
    ["O'Brien", "OBrien"],
    ["+1 (555) 12", "1_555_12"],
    ["Joe Smith - Cell", "Joe_Smith_Cell"],
    ["  -- Ann --  ", "Ann"],
    ["_x_", "x"],
    ["a__b", "a__b"],
    ["Zoë", "Zoë"],
    ["Zoe\u0308", "Zoë"],
    ["李 小龍", "李_小龍"],
    ["बिजय शर्मा", "बिजय_शर्मा"],
    ["../x", "x"],
    ["<b>Bob</b>", "bBobb"],
    ["a|b\nc", "ab_c"],
    ["❤️", "unknown"],
    ["", "unknown"],
    ["!!!", "unknown"],
  ];
  for (const [name, alias] of cases) assert.is(sanitizeAlias(name), alias, JSON.stringify(name));
});

test("an alias is never empty, has no separator, and sanitizing it again changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const alias = sanitizeAlias(name);
      assert.match(alias, /^[\p{L}\p{M}\p{N}_]+$/u);
      assert.not(/^_|_$/.test(alias));
      assert.is(sanitizeAlias(alias), alias);
    }),
  );
});

test("what is no name is rejected: empty, the owner, call verbs, bare numbers", () => {
  const rejected = ["", "  ", "Me", "UNKNOWN", "Missed call from", "Placed call to", "call received from", "❤️"];
  rejected.push("Text message from", "Voicemail received from", "+1 (518) 555-0143", "54321", "Missed\ncall from");
  rejected.push("Missed call from +15185550143", "Missed call from\nMe");
  for (const text of rejected) assert.is(aliasFromText(text), undefined, JSON.stringify(text));
  assert.is(aliasFromText(undefined), undefined);
  assert.is(aliasFromText("Missed call from\nAnn Lee"), "Ann_Lee");
  assert.is(aliasFromText("Mel"), "Mel");
  assert.is(aliasFromText("7 Eleven"), "7_Eleven");
});

test("the first link of exactly that number names it, by its .fn or else its text", () => {
  const page = names([link("+1555", "Wrong"), link("+15550", undefined, "By text"), link("+15550", "Second")]);
  assert.is(extractAlias(page, "+15550"), "By_text");
  assert.is(extractAlias(page, "+155"), undefined);
  assert.is(extractAlias(page, "+1555"), "Wrong");
});

test("a rejected .fn lets the next link, then the sender's text, then the scope decide", () => {
  const next = names([link("+1", "Me"), link("+1", "Next")]);
  assert.is(extractAlias(next, "+1"), "Next");
  const sender = names([link("+1", "", "Outside"), link("+1", "", "Inside", true)], [{ name: "Far", numbers: ["+1"] }]);
  assert.is(extractAlias(sender, "+1"), "Inside");
  const scope = names(
    [link("+1", "")],
    [
      { name: "Missed call from", numbers: ["+1"] },
      { name: "Other", numbers: ["+2"] },
      { name: "Near", numbers: ["+2", "+1"] },
    ],
  );
  assert.is(extractAlias(scope, "+1"), "Near");
});

test("++1… on the page is +1…, and the empty number of unknown callers has no name", () => {
  const doubled = names([{ ...link("++1518", "Ann"), phone: "+1518" }]);
  assert.is(extractAlias(doubled, "+1518"), "Ann");
  assert.is(extractAlias(doubled, "++1518"), "Ann");
  assert.is(extractAlias(names([link("", "Ann")], [{ name: "Ann", numbers: [""] }]), ""), undefined);
});

test.run();
