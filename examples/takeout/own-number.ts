// The owner's own number, from the Takeout's Phones.vcf:
//
//   item1.TEL:+12025550100
//   item1.X-ABLabel:Google Voice
//
// No vCard library reads this file better than the few lines below. Of the live ones, vcard4 refuses version 3.0 and
// bare line feeds, and ical.js gives up the whole file over one odd parameter (Google writes `TEL;TYPE#WORK:`) or a
// missing END:VCARD. Two properties are needed here, and whatever surrounds them may be broken.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { normaliseNumber } from "./phone-number.ts";

/** One unfolded content line: `[group.]NAME[;parameters]:value`; a quoted parameter may hold a colon. */
const CONTENT_LINE = /^(?:([\w-]+)\.)?([\w-]+)(?:;(?:"[^"]*"|[^":])*)?:(.*)$/;

/** A TEL or an X-ABLabel; `group` is `card/group` ("" without one), `line` its place in the file. */
interface Property {
  readonly group: string;
  readonly line: number;
  readonly value: string;
}

/**
 * The TEL that an X-ABLabel "Google Voice" of the same group (or, without a group, of the next line) marks, else the
 * first TEL, normalised; "" where there is none. Never throws.
 */
export function ownNumberOf(vcard: string): string {
  const numbers: Property[] = [];
  const labels: Property[] = [];
  let card = 0;
  for (const [line, content] of unfold(vcard).entries()) {
    const parts = CONTENT_LINE.exec(content);
    if (parts === null) continue;
    const [, group, name, value] = parts;
    const property = { group: group === undefined ? "" : `${card}/${group.toLowerCase()}`, line, value };
    switch (name.toUpperCase()) {
      case "BEGIN": // groups are those of one card
        card++;
        break;
      case "TEL":
        if (/\d/.test(value)) numbers.push(property);
        break;
      case "X-ABLABEL":
        if (/\bgoogle voice\b/i.test(value)) labels.push(property);
    }
  }
  const marked = numbers.find((tel) =>
    labels.some((label) => (label.group === "" ? label.line === tel.line + 1 : label.group === tel.group)),
  );
  return normaliseNumber((marked ?? numbers[0])?.value.replaceAll("\\", "") ?? "");
}

/**
 * The owner's number of the Takeout whose `Voice` folder this is ("" where Phones.vcf is absent or names none).
 * Rejects where the file is there but can't be read.
 */
export async function readOwnNumber(voiceFolder: string): Promise<string> {
  try {
    return ownNumberOf(await readFile(join(voiceFolder, "Phones.vcf"), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Long lines are folded: a line that begins with a blank goes on the one before. */
function unfold(vcard: string): string[] {
  return vcard
    .replace(/^\ufeff/, "")
    .replace(/(?:\r\n|\n|\r)[ \t]/g, "")
    .split(/\r\n|\n|\r/);
}
