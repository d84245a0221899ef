// Any JavaScript string comes back from its bytes as it was, lone surrogates and byte order marks included.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { boundOf, decode, encodedLength, encodeInto } from "../../src/tables/codec.ts";
import { sameBytes } from "../support/bytes.ts";

const test = suite("codec");

/** Any sequence of UTF-16 units, well-formed or not. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 600 })
  .map((codes) => String.fromCharCode(...codes));
const surrogates = fc
  .array(fc.constantFrom("\ud800", "\udbff", "\udc00", "\udfff", "a", "é", "€", "😀"), { maxLength: 60 })
  .map((parts) => parts.join(""));
const anyText = fc.oneof(fc.string(), fc.string({ unit: "grapheme", maxLength: 300 }), units, surrogates);

function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(boundOf(text) + 16).fill(0xee);
  const end = encodeInto(text, bytes, 8);
  assert.ok(end <= bytes.length - 8 && bytes.subarray(end).every((byte) => byte === 0xee), "wrote beyond its bound");
  return bytes.slice(8, end);
}

test("every string comes back as it was", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = encode(text);
      assert.is(bytes.length, encodedLength(text));
      const placed = new Uint8Array(bytes.length + 9).fill(0xed);
      placed.set(bytes, 5);
      assert.is(decode(placed, 5, 5 + bytes.length), text);
    }),
    { numRuns: 2000 },
  );
});

test("well-formed text is plain UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      assert.equal(encode(text), new TextEncoder().encode(text));
    }),
    { numRuns: 1000 },
  );
});

test("different strings have different bytes", () => {
  fc.assert(
    fc.property(surrogates, surrogates, (a, b) => {
      assert.is(sameBytes(encode(a), encode(b)), a === b);
    }),
    { numRuns: 2000 },
  );
});

test("a lone surrogate takes three bytes, a pair four", () => {
  assert.equal([...encode("\ud83d")], [0xed, 0xa0, 0xbd]);
  assert.equal([...encode("\ud83d\ude00")], [0xf0, 0x9f, 0x98, 0x80]);
});

test("a byte order mark is text, and long text of any kind comes back", () => {
  for (const text of [
    "\ufeffabc",
    "\ufeff".repeat(100),
    "í".repeat(3000),
    `${"x".repeat(70_000)}\udfff`,
    "한".repeat(50_000),
  ]) {
    const bytes = encode(text);
    assert.is(decode(bytes, 0, bytes.length), text);
  }
});

test.run();
