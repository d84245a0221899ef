import { createHash } from "node:crypto";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { conversationId, conversationIds } from "../../src/systems/conversation-id.ts";

const test = suite("systems/conversation-id");
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

test("one participant: the alias, a number as it is", () => {
  assert.is(conversationId(["Ann_Lee"]), "Ann_Lee");
  assert.is(conversationId(["+15185550143"]), "+15185550143");
  assert.is(conversationId(["54321"]), "54321");
  assert.is(conversationId([]), "group_unknown");
});

test("a group up to six: unique aliases, joined, in one order", () => {
  assert.is(conversationId(["Cy", "Ann", "Bob", "Ann"]), "Ann_Bob_Cy");
  assert.is(conversationId(["Bob", "Cy", "Ann"]), "Ann_Bob_Cy");
  assert.is(conversationId(["F", "E", "D", "C", "B", "A"]), "A_B_C_D_E_F");
});

test("a group of more: the first five, each cut at its first underscore, then how many more and a hash", () => {
  const aliases = ["Ann_Lee", "Bob_Ray", "Cy", "Di_X_Y", "Ed", "Flo", "Gus"];
  assert.is(conversationId(aliases), `Ann_Bob_Cy_Di_Ed_and_2_more_${sha1(aliases.join("_")).slice(0, 6)}`);
});

test("a group's id over 100 characters is a hash; a long single name keeps its start", () => {
  const aliases = ["a".repeat(40), "b".repeat(40), "c".repeat(40)];
  assert.is(conversationId(aliases), `group_${sha1(aliases.join("_")).slice(0, 8)}`);
  assert.is(conversationId(["x".repeat(100)]), "x".repeat(100));
  const long = "x".repeat(300);
  assert.is(conversationId([long]), `${"x".repeat(40)}_${sha1(long).slice(0, 8)}`);
  assert.is.not(conversationId([long]), conversationId([`${long}y`]));
});

test("an alias that is a path or HTML makes a harmless file name", () => {
  assert.is(conversationId(["../x"]), "x");
  assert.is(conversationId(["..\\..\\etc/passwd"]), "etcpasswd");
  assert.is(conversationId(["<img src=x>"]), "img_srcx");
  assert.is(conversationId([".."]), "unknown");
});

test("any aliases give a name that every file system takes", () => {
  const alias = fc.oneof(
    fc.string({ unit: "binary", maxLength: 120 }),
    fc.string({ unit: "grapheme", maxLength: 120 }),
  );
  fc.assert(
    fc.property(fc.array(alias, { maxLength: 9 }), (aliases) => {
      const id = conversationId(aliases);
      assert.ok(id.length > 0 && id.length <= 100, id);
      assert.ok(Buffer.byteLength(`${id}.html`) <= 255, id);
      assert.match(id, /^[\p{L}\p{M}\p{N}_+]+$/u);
    }),
  );
});

test("conversations with the same names are one, others keep apart on a disk without case", () => {
  const aliasesOf = new Map([
    ["+1", ["John"]],
    ["+2", ["john"]],
    ["+3", ["John"]],
    ["g1", ["A_B", "C"]],
    ["g2", ["A", "B_C"]],
    ["i", ["Index"]],
    ["n", ["con"]],
  ]);
  const ids = conversationIds(aliasesOf);
  assert.is(ids.get("+1"), "John");
  assert.is(ids.get("+3"), "John");
  assert.is(ids.get("+2"), `john_${sha1("john").slice(0, 6)}`);
  assert.is(ids.get("g2"), "A_B_C");
  assert.is(ids.get("g1"), `A_B_C_${sha1("A_B\nC").slice(0, 6)}`);
  assert.is(ids.get("i"), `Index_${sha1("Index").slice(0, 6)}`);
  assert.is(ids.get("n"), `con_${sha1("con").slice(0, 6)}`);
});

test("ids do not depend on the order of conversations, and no two folded ones are equal", () => {
  const alias = fc.constantFrom("a", "A", "b", "B", "a_b", "A_B", "b_a", "index", "ab");
  const conversations = fc.array(fc.array(alias, { maxLength: 3 }), { maxLength: 12 });
  fc.assert(
    fc.property(conversations, (groups) => {
      const entries = groups.map((aliases, i) => [String(i), aliases] as const);
      const ids = conversationIds(new Map(entries));
      assert.equal([...conversationIds(new Map([...entries].reverse()))].sort(), [...ids].sort());
      const different = new Set(ids.values());
      assert.is(new Set([...different].map((id) => id.toLowerCase())).size, different.size);
      const identities = new Set(groups.map((aliases) => [...new Set(aliases)].sort().join()));
      assert.is(different.size, identities.size);
    }),
  );
});

test.run();
