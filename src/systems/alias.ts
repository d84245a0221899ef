// From what a page says of a number to the alias everything is written under.
//
// Invariant: an alias made here holds only letters (with their marks), digits and single `_`, never starts or ends
// with `_`, and is never empty: it can stand in a line of the lookup file and in a file's name as it is.
// Pure: the same page gives the same alias in any thread, at any time.
import type { PageNames, TelLink } from "./page.ts";

/** What an alias becomes that has nothing left after sanitizing. */
export const UNKNOWN_ALIAS = "unknown";

/** Texts that stand where a name would, and are none. Compared lower-cased, white space collapsed. */
const CALL_VERBS = [
  "placed call to",
  "received call from",
  "missed call from",
  "recorded call with",
  "call placed to",
  "call received from",
  "call missed from",
  "voicemail from",
  "voicemail received from",
  "text message from",
  "message from",
] as const;

const NOT_NAMES: ReadonlySet<string> = new Set(["", "me", "unknown", ...CALL_VERBS]);

/**
 * Makes a name fit for the lookup file and for file names. Letters, digits and `_` of any script stay, with the
 * marks that belong to a letter (the original dropped them, which broke every Hindi or Thai name; the text is
 * composed to NFC first, so that one name spelt two ways is one alias); runs of white space and hyphens become `_`;
 * everything else goes; `_` is stripped from both ends.
 * @returns the alias, `unknown` when nothing is left.
 * @example sanitizeAlias("O'Brien") // "OBrien"
 * @example sanitizeAlias("+1 (555) 12") // "1_555_12"
 */
export function sanitizeAlias(name: string): string {
  const kept = name.normalize("NFC").replace(/(\p{L}\p{M}*)|[^\p{N}_\s-]/gu, "$1");
  const joined = kept.replace(/[\s-]+/g, "_").replace(/^_+|_+$/g, "");
  return joined === "" ? UNKNOWN_ALIAS : joined;
}

/** Whether a link leads to exactly this number, as the page spells it or as the parser does (`++1…` is `+1…`). */
function isLinkTo(link: TelLink, phone: string): boolean {
  return link.number === phone || link.phone === phone;
}

/**
 * The alias a piece of text gives, or undefined where it is no name: empty, the owner (`Me`), a placeholder, a call
 * verb, a bare number, or nothing but signs. "Missed call from\nAnn" is Ann: the verb is cut off.
 */
export function aliasFromText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  let name = text.replace(/\s+/g, " ").trim();
  if (NOT_NAMES.has(name.toLowerCase())) return undefined;
  const verb = CALL_VERBS.find((phrase) => name.toLowerCase().startsWith(`${phrase} `));
  if (verb !== undefined) name = name.slice(verb.length).trim();
  if (NOT_NAMES.has(name.toLowerCase())) return undefined;
  const alias = sanitizeAlias(name);
  return /\p{L}/u.test(alias) && !NOT_NAMES.has(alias.toLowerCase()) ? alias : undefined;
}

/**
 * Reads from a page the alias of a number. In order, the first that is a name wins:
 * 1. a tel link to exactly that number: its `.fn`, or its text where it has no `.fn`;
 * 2. the text of such a link inside `cite.sender`;
 * 3. any `.fn` whose nearest div, span or cite holds such a link.
 * @param phone the number as the page links it or as the parser spells it; "" (an unknown caller) has no name.
 * @returns the sanitized alias, undefined where the page has no name for the number.
 */
export function extractAlias(names: PageNames, phone: string): string | undefined {
  if (phone === "") return undefined;
  const links = names.links.filter((link) => isLinkTo(link, phone));
  for (const link of links) {
    const alias = aliasFromText(link.fn ?? link.text);
    if (alias !== undefined) return alias;
  }
  for (const link of links) {
    const alias = link.inSender ? aliasFromText(link.text) : undefined;
    if (alias !== undefined) return alias;
  }
  for (const scope of names.scopes) {
    if (!scope.numbers.includes(phone)) continue;
    const alias = aliasFromText(scope.name);
    if (alias !== undefined) return alias;
  }
  return undefined;
}
