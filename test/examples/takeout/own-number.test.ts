import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ownNumberOf, readOwnNumber } from "../../../examples/takeout/own-number.ts";

const CARD = ["BEGIN:VCARD", "VERSION:3.0", "FN:", "N:;;;;", "TEL;TYPE=CELL:+12025550199"];
const VOICE = ["item1.TEL:+12025550130", "item1.X-ABLabel:Google Voice"];

function card(...lines: string[]): string {
  return `${[...CARD, ...lines, "END:VCARD"].join("\r\n")}\r\n`;
}

test("the number labelled Google Voice is the owner's, wherever it stands", () => {
  assert.is(ownNumberOf(card(...VOICE)), "+12025550130");
  assert.is(ownNumberOf(card(...[...VOICE].reverse())), "+12025550130");
  assert.is(ownNumberOf(card(...VOICE).replaceAll("\r\n", "\n")), "+12025550130");
  assert.is(ownNumberOf(card("ITEM7.tel;TYPE=voice:(202) 555-0130", "item7.x-ablabel:GOOGLE VOICE")), "+12025550130");
  assert.is(ownNumberOf(card("TEL:+12025550130", "X-ABLabel:Google Voice")), "+12025550130");
});

test("without that label the first number is", () => {
  assert.is(ownNumberOf(card()), "+12025550199");
  assert.is(ownNumberOf(card("item1.TEL:+12025550130", "item1.X-ABLabel:Home")), "+12025550199");
  assert.is(ownNumberOf(card("item1.TEL:+12025550130", "item2.X-ABLabel:Google Voice")), "+12025550199");
});

test("a group is one of its own card", () => {
  const first = card("item1.TEL:+12025550111");
  const second = card("item1.TEL:+12025550130", "item1.X-ABLabel:Google Voice");
  assert.is(ownNumberOf(first + second), "+12025550130");
});

test("folded lines, escapes, quoted parameters and a byte order mark are understood", () => {
  const folded = card('item1.TEL;X="a:b":+1202\r\n 555\r\n\t0130', "item1.X-ABLab\r\n el:Google Voice");
  assert.is(ownNumberOf(`\ufeff${folded}`), "+12025550130");
  assert.is(
    ownNumberOf(card("item1.TEL;VALUE=uri:tel:+1\\-202\\-555\\-0130", "item1.X-ABLabel:Google Voice")),
    "+12025550130",
  );
});

test("a card that other readers give up still gives its number", () => {
  const odd = card("PHOTO;VALUE#URI;TYPE#GIF:http://x/y", "no colon", ...VOICE);
  assert.is(ownNumberOf(odd), "+12025550130");
  assert.is(ownNumberOf(odd.slice(0, odd.indexOf("END:"))), "+12025550130");
});

test("no number gives an empty one", () => {
  for (const text of ["", "\0\0", "TEL:", "BEGIN:VCARD\r\nTEL:none\r\nEND:VCARD"]) assert.is(ownNumberOf(text), "");
});

test("an absent Phones.vcf is no error, an unreadable one is", async () => {
  const dir = mkdtempSync(join(tmpdir(), "own-number-"));
  try {
    assert.is(await readOwnNumber(dir), "");
    writeFileSync(join(dir, "Phones.vcf"), card(...VOICE));
    assert.is(await readOwnNumber(dir), "+12025550130");
    const failure = await readOwnNumber(join(dir, "Phones.vcf")).then(
      () => undefined,
      (error) => error.code,
    );
    assert.is(failure, "ENOTDIR");
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test.run();
