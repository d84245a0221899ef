// Which messages and conversations are left out: by date, commercial ones, those of calls only. Pure predicates, asked
// when everything is known: a decision made while pages are still being read would depend on their order.
import type { Message } from "./page.ts";

/** Keeps what lies between two times, both included; both are milliseconds since 1970-01-01T00:00:00Z. */
export interface DateFilter {
  /** Messages before this time are left out. */
  readonly olderThan?: number;
  /** Messages after this time are left out. */
  readonly newerThan?: number;
}

export function passesDateFilter(timestamp: number, { olderThan, newerThan }: DateFilter): boolean {
  return !(olderThan !== undefined && timestamp < olderThan) && !(newerThan !== undefined && timestamp > newerThan);
}

const STOP_WORDS: ReadonlySet<string> = new Set([
  "stop",
  "unsubscribe",
  "cancel",
  "remove",
  "opt-out",
  "optout",
  "stop all",
  "end",
  "quit",
]);

/**
 * What the automatic answer to a stop word says, one of these at least. "Reply STOP to opt out" and "to unsubscribe"
 * are what any advertisement says: they are no confirmation.
 */
const CONFIRMATIONS = [
  "unsubscribed",
  "opted out",
  "opted-out",
  "opt out request",
  "opt-out request",
  "been removed",
  "been stopped",
  "been canceled",
  "been cancelled",
  "no longer receive",
  "no longer be sent",
  "not receive",
  "won't receive",
  "not be sent",
  "no more messages",
  "no more texts",
  "no more msgs",
  "no further messages",
  "no further texts",
  "no further msgs",
  "stop receiving",
] as const;

const plain = (text: string): string => text.replace(/\s+/g, " ").replaceAll("\u2019", "'").trim().toLowerCase();

/** Whether a text is exactly one of the words that end a commercial service's messages. */
export function isStopWord(text: string): boolean {
  return STOP_WORDS.has(plain(text));
}

/** Whether a text reads like the automatic confirmation of a stop word. */
export function isUnsubscribeConfirmation(text: string): boolean {
  const said = plain(text);
  return CONFIRMATIONS.some((phrase) => said.includes(phrase));
}

/**
 * Whether a conversation is that of a commercial sender the owner got rid of: two messages or more; the owner wrote
 * nothing but stop words, at least one; someone else wrote before the last of them; and whatever came after it only
 * confirms.
 * @param messages in order of time.
 */
export function isCommercial(messages: readonly Pick<Message, "fromMe" | "text">[]): boolean {
  if (messages.length < 2) return false;
  let lastStop = -1;
  for (let i = 0; i < messages.length; i++) {
    if (!messages[i].fromMe) continue;
    if (!isStopWord(messages[i].text)) return false;
    lastStop = i;
  }
  if (lastStop < 0 || messages.slice(0, lastStop).every((message) => message.fromMe)) return false;
  return messages.slice(lastStop + 1).every((message) => isUnsubscribeConfirmation(message.text));
}

/** What decides whether a conversation is one of calls only. */
export interface ContentTypes {
  readonly hasSms: boolean;
  readonly hasMms: boolean;
  readonly hasVoicemailWithText: boolean;
}

/** What stands in the place of a transcript that was never made. */
const NO_TRANSCRIPT = "[Voicemail entry]";

/** What one message says of its conversation's content; an attachment counts like an mms. */
export function contentTypes(message: Pick<Message, "type" | "text" | "attachments" | "call">): ContentTypes {
  const text = message.text.trim();
  const spoken = text !== "" && text !== NO_TRANSCRIPT && message.call?.transcribed !== false;
  return {
    hasSms: message.type === "sms",
    hasMms: message.type === "mms" || message.attachments.length > 0,
    hasVoicemailWithText: message.type === "voicemail" && spoken,
  };
}

/** Whether a conversation has calls only: no sms, no mms or attachment, no voicemail with a text. */
export function isCallOnly(content: ContentTypes): boolean {
  return !content.hasSms && !content.hasMms && !content.hasVoicemailWithText;
}
