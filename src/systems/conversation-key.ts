// The key of a conversation while pages are being read: who takes part, not what they are called. Names may still
// change then (a page that comes first in file-name order may be read last); numbers don't.
//
// A key is the sorted, unique participants, one a line: a number, or `=` and the alias of someone who has only a name.
import { aliasFromText } from "./alias.ts";
import type { Participant } from "./page.ts";

/** The key of the conversation of these participants (the owner is none of them); "" when nobody is known. */
export function conversationKey(participants: readonly Participant[]): string {
  const members = participants.map(({ phone, name }) => {
    if (phone !== "") return phone.replace(/\s+/g, " ");
    const alias = aliasFromText(name);
    return alias === undefined ? "" : `=${alias}`;
  });
  return [...new Set(members.filter((member) => member !== ""))].sort().join("\n");
}

/** The aliases of a key's participants, each number's by `aliasOf`. */
export function aliasesOfKey(key: string, aliasOf: (phone: string) => string): string[] {
  if (key === "") return [];
  return key.split("\n").map((member) => (member.startsWith("=") ? member.slice(1) : aliasOf(member)));
}
