import { test } from "uvu";
import * as assert from "uvu/assert";
import { keptNumbers, normaliseNumber } from "../../../examples/takeout/phone-number.ts";

test("a valid number comes in E.164, a US one without its country code, too", () => {
  for (const spelling of ["+12025550130", "2025550130", "(202) 555-0130", "1 202 555 0130", "tel:+1-202-555-0130"]) {
    assert.is(normaliseNumber(spelling), "+12025550130", spelling);
  }
  assert.is(normaliseNumber("+44 20 7946 0958"), "+442079460958");
});

test("doubled plus signs are mended", () => {
  assert.is(normaliseNumber("++16175550151"), "+16175550151");
  assert.is(normaliseNumber("tel:++16175550151"), "+16175550151");
  assert.is(normaliseNumber("+++8888"), "+8888");
});

test("what is no valid number stays as it is, trimmed", () => {
  for (const kept of [
    "22000",
    "54321",
    "911",
    "+8888",
    "+66666",
    "174074978",
    "john@example.com",
    "anonymous",
    "1-800-FLOWERS",
  ]) {
    assert.is(normaliseNumber(kept), kept);
    assert.is(normaliseNumber(` ${kept}\n`), kept);
  }
  assert.is(normaliseNumber(""), "");
  assert.is(normaliseNumber("tel:"), "");
});

test("a number inside other text is not taken out of it", () => {
  assert.is(normaliseNumber("Joe 2025550130"), "Joe 2025550130");
  assert.is(normaliseNumber("2025550130@example.com"), "2025550130@example.com");
});

test("an answer is the same again, and what is kept is bounded", () => {
  for (let i = 0; i < 40_000; i++) normaliseNumber(`x${i}`);
  assert.ok(keptNumbers() <= 16_384, String(keptNumbers()));
  for (let i = 0; i < 2; i++) assert.is(normaliseNumber("2025550130"), "+12025550130");
});

test("a number of ten million digits is answered and not kept", () => {
  const before = keptNumbers();
  const digits = "9".repeat(10_000_000);
  assert.is(normaliseNumber(digits), digits);
  assert.is(keptNumbers(), before);
});

test.run();
