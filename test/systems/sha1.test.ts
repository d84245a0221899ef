import { createHash } from "node:crypto";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sha1Hex } from "../../src/systems/sha1.ts";

const test = suite("systems/sha1");

test("equals node:crypto for any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) =>
      assert.is(sha1Hex(text), createHash("sha1").update(text, "utf8").digest("hex")),
    ),
  );
});

test("equals node:crypto at every length around the block borders", () => {
  for (let length = 0; length <= 200; length++) {
    const text = "a".repeat(length);
    assert.is(sha1Hex(text), createHash("sha1").update(text).digest("hex"), `${length} bytes`);
  }
});

test.run();
