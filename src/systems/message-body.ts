// A message as it lies in the shared table: its fields as one JSON array, with its place in the order of all pages.
// Shorter than an object with its names by half; a run holds hundreds of thousands.
import type { Attachment, Message, MessageType } from "./page.ts";

/** A message with the place that orders it among those of the same time: its page's rank, its index on the page. */
export interface PlacedMessage extends Message {
  readonly rank: number;
  readonly index: number;
}

type Body = [
  type: MessageType,
  timestamp: number,
  time: string,
  sender: string,
  senderName: string,
  fromMe: 0 | 1,
  text: string,
  attachments: readonly Attachment[],
  call: Message["call"] | null,
  rank: number,
  index: number,
];

export function packMessage(message: Message, rank: number, index: number): string {
  const { type, timestamp, time, sender, senderName, fromMe, text, attachments, call } = message;
  const own = fromMe ? 1 : 0;
  const body: Body = [type, timestamp, time, sender, senderName, own, text, attachments, call ?? null, rank, index];
  return JSON.stringify(body);
}

export function unpackMessage(packed: string): PlacedMessage {
  const [type, timestamp, time, sender, senderName, fromMe, text, attachments, call, rank, index]: Body =
    JSON.parse(packed);
  const message = { type, timestamp, time, sender, senderName, fromMe: fromMe === 1, text, attachments, rank, index };
  return call === null ? message : { ...message, call };
}

/** By time, then by the order of pages and of messages on a page: the same for any number of threads. */
export function byTime(a: PlacedMessage, b: PlacedMessage): number {
  return a.timestamp - b.timestamp || a.rank - b.rank || a.index - b.index;
}
