// Ids of conversations. An id is also the name of a file (`<id>.html`), so it must be one on every file system.
//
// Invariant: an id has no character that any file system gives a meaning to, is at most 100 characters and 200 bytes
// of UTF-8 long, and no two conversations of a run have ids that a file system without upper and lower case (macOS,
// Windows) or with composed names would take for one. All of it depends on the aliases only, never on an order.
import { sanitizeAlias, UNKNOWN_ALIAS } from "./alias.ts";
import { sha1Hex } from "./sha1.ts";

const MAX_CHARACTERS = 100;
const MAX_BYTES = 200;
const SHORT_GROUP = 6;
const NAMED_IN_LONG_GROUP = 5;

/** Names a conversation's file must not have: the index's own, and Windows' devices. */
const RESERVED = /^(?:index|con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$/;

/** One alias as part of a file name: a plain number stays as it is, with its `+`; all else is sanitized. */
function fileSafe(alias: string): string {
  return /^\+?[0-9]+$/.test(alias) ? alias : sanitizeAlias(alias);
}

function isTooLong(id: string): boolean {
  return id.length > MAX_CHARACTERS || new TextEncoder().encode(id).length > MAX_BYTES;
}

/** The first characters of a name that is too long, and a hash of all of it: still told apart, still readable. */
function shortened(alias: string): string {
  return `${[...alias].slice(0, 40).join("").replace(/_+$/, "")}_${sha1Hex(alias).slice(0, 8)}`;
}

/** The unique file-safe aliases in code-unit order: the same whatever order the pages name the participants in. */
function participantNames(aliases: readonly string[]): readonly string[] {
  return [...new Set(aliases.map(fileSafe))].sort();
}

function groupId(names: readonly string[]): string {
  const joined = names.join("_");
  let id = joined;
  if (names.length > SHORT_GROUP) {
    const first = names.slice(0, NAMED_IN_LONG_GROUP).map((name) => name.split("_")[0] || UNKNOWN_ALIAS);
    id = `${first.join("_")}_and_${names.length - NAMED_IN_LONG_GROUP}_more_${sha1Hex(joined).slice(0, 6)}`;
  }
  return isTooLong(id) ? `group_${sha1Hex(joined).slice(0, 8)}` : id;
}

/**
 * The id of a conversation with these participants (the owner is none of them).
 * - nobody known: `group_unknown`;
 * - one: the alias (a name that is too long for a file: its first 40 characters, `_`, 8 hex digits of its SHA-1);
 * - up to six: their unique aliases in code-unit order, joined by `_`;
 * - more: the first five, each cut at its first `_`, then `_and_N_more_` and 6 hex digits of the SHA-1 of all joined;
 * - a group's id of more than 100 characters: `group_` and 8 hex digits of that SHA-1.
 * Aliases are made file-safe first: `../x` becomes `x`; a number keeps its `+`.
 */
export function conversationId(aliases: readonly string[]): string {
  const names = participantNames(aliases);
  if (names.length === 0) return "group_unknown";
  if (names.length === 1) return isTooLong(names[0]) ? shortened(names[0]) : names[0];
  return groupId(names);
}

/** What a case-insensitive, normalising file system compares. */
function folded(id: string): string {
  return id.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
}

/**
 * Gives every conversation of a run its id. Conversations whose participants have the same set of aliases are one (a
 * person with two numbers). Different ones whose ids would collide (`john` and `John`; `A_B` with `C` and `A` with
 * `B_C`; someone called `index`) keep apart: the first in code-unit order of the names keeps the plain id, the others
 * get `_` and as many hex digits (6 or more) of the SHA-1 of their names as it takes.
 * @param aliasesOf the aliases of the participants, by conversation key.
 * @returns the id, by conversation key; the same for any order of the map.
 */
export function conversationIds(aliasesOf: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  const keysOf = new Map<string, string[]>();
  for (const [key, aliases] of aliasesOf) {
    const identity = participantNames(aliases).join("\n");
    const keys = keysOf.get(identity);
    if (keys === undefined) keysOf.set(identity, [key]);
    else keys.push(key);
  }
  const taken = new Set<string>();
  const ids = new Map<string, string>();
  const claim = (id: string): boolean => {
    if (RESERVED.test(folded(id)) || taken.has(folded(id))) return false;
    taken.add(folded(id));
    return true;
  };
  for (const identity of [...keysOf.keys()].sort()) {
    const id = claimId(identity, claim);
    for (const key of keysOf.get(identity) ?? []) ids.set(key, id);
  }
  return ids;
}

function claimId(identity: string, claim: (id: string) => boolean): string {
  const plain = conversationId(identity === "" ? [] : identity.split("\n"));
  if (claim(plain)) return plain;
  const hash = sha1Hex(identity);
  const start = isTooLong(`${plain}_${hash}`) ? shortened(plain) : plain;
  for (let digits = 6; digits <= hash.length; digits++) {
    const id = `${start}_${hash.slice(0, digits)}`;
    if (claim(id)) return id;
  }
  throw new Error(`no free file name is left for the conversation ${plain}`);
}
