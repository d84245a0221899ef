// The key of a conversation while pages are being read: who takes part, not what they are called. Names may still
// change then (a page that comes first in file-name order may be read last); numbers don't.
//
// A key is the sorted, unique participants, one a line: a number, or `=` and the alias of someone who has only a name.
import { aliasFromText } from "./alias.ts";
import { conversationIds } from "./conversation-id.ts";
import type { ConversationKind } from "./index-page.ts";
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

/** What a key stands for under the final names. */
export interface ResolvedConversation {
  readonly id: string;
  readonly kind: ConversationKind;
}

/**
 * The final id and kind of every key: keys whose participants have the same aliases get one id.
 * @param aliasOf the final alias of a number; the number itself where it has none.
 */
export function resolveConversations(
  keys: readonly string[],
  aliasOf: (phone: string) => string,
): Map<string, ResolvedConversation> {
  const aliases = new Map(keys.map((key) => [key, aliasesOfKey(key, aliasOf)]));
  const resolved = new Map<string, ResolvedConversation>();
  for (const [key, id] of conversationIds(aliases)) {
    const people = new Set(aliases.get(key)).size;
    resolved.set(key, { id, kind: people === 0 ? "Unknown" : people === 1 ? "Person" : "Group" });
  }
  return resolved;
}
