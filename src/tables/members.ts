// A set of strings as one text, for a row of SharedMultiMap: every member between two separators, "\0a\0b\0c\0", in the
// order in which they came. The separator and the escape character within a member are escaped, so a member is found by
// a search of the text, and one string makes one encoding.
//
// Invariant: the text of an empty set is never stored: the row vanishes with its last member.

const MARK = "\0";
const ESCAPE = "\x01";
const ESCAPED_MARK = "\x01a";
const ESCAPED_ESCAPE = "\x01b";

/** A member as it stands in the text, with its separators. */
export function between(member: string): string {
  return MARK + member.replaceAll(ESCAPE, ESCAPED_ESCAPE).replaceAll(MARK, ESCAPED_MARK) + MARK;
}

/** The text with one member more, which is not in it. */
export function withMember(members: string | undefined, wanted: string): string {
  return members === undefined ? wanted : members + wanted.slice(1);
}

/** The text without a member, or undefined if that was the last; the same text if it was not in. */
export function withoutMember(members: string, wanted: string): string | undefined {
  const at = members.indexOf(wanted);
  if (at < 0) return members;
  if (members.length === wanted.length) return undefined;
  return members.slice(0, at) + members.slice(at + wanted.length - 1);
}

/** The members of a text. */
export function membersOf(members: string): string[] {
  const parts = members.slice(1, -1).split(MARK);
  if (!members.includes(ESCAPE)) return parts;
  return parts.map((part) => part.replaceAll(ESCAPED_MARK, MARK).replaceAll(ESCAPED_ESCAPE, ESCAPE));
}
