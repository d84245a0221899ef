// Phone numbers in one spelling. Parsing one costs some 15 µs and a Takeout names the same few thousand numbers again
// and again, so answers are kept, bounded, in two generations: a full young one becomes the old one, and an old answer
// that is asked for again returns to the young one. So what is in use stays and memory never grows.

import { parsePhoneNumberFromString } from "libphonenumber-js/max";

const GENERATION = 8192;
/** Longer spellings are answered but not kept: no phone number is that long. */
const KEPT_LENGTH = 64;

let young = new Map<string, string>();
let old = new Map<string, string>();

/**
 * A number as E.164 ("+15185550143") where it is a valid one; numbers without a country code count as US ones.
 * Doubled plus signs (`tel:++1…`, seen in groups) and a leading `tel:` are mended first. What is no valid number
 * stays as it is, trimmed: short codes ("54321"), addresses, invented numbers; "" stays "". Never throws.
 */
export function normaliseNumber(raw: string): string {
  const known = young.get(raw);
  if (known !== undefined) return known;
  const answer = old.get(raw) ?? normalise(raw);
  if (raw.length <= KEPT_LENGTH) {
    if (young.size >= GENERATION) {
      old = young;
      young = new Map();
    }
    young.set(raw, answer);
  }
  return answer;
}

/** Answers now kept; never more than two generations of 8,192. */
export function keptNumbers(): number {
  return young.size + old.size;
}

function normalise(raw: string): string {
  const number = raw
    .trim()
    .replace(/^tel:\s*/i, "")
    .replace(/^\+[+\s]+/, "+");
  // isValid() matters: a short code such as 22000 parses as +122000. Without `extract: false` a number would be
  // found inside any text that holds one.
  const parsed = parsePhoneNumberFromString(number, { defaultCountry: "US", extract: false });
  return parsed?.isValid() ? parsed.number : number;
}
