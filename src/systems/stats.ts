// The figures of a run and of each conversation, and stats.json. An mms counts as an sms, a recorded call as a call.
//
// Invariant: the key order is fixed and ids are sorted in code-unit order, so equal figures are equal bytes. Adding is
// commutative and associative, `latest` included: figures do not depend on the order of pages.
import { type ContentTypes, contentTypes } from "./conversation-filters.ts";
import { formatTime } from "./html.ts";
import type { AttachmentKind, Message, MessageType } from "./page.ts";

/** What `latestMessageTime` is before the first message. */
export const NO_MESSAGES = "No messages";

/** Everything that is counted of one conversation. */
export interface ConversationFigures extends ContentTypes {
  readonly smsCount: number;
  readonly callsCount: number;
  readonly voicemailsCount: number;
  readonly attachmentsCount: number;
  readonly imgCount: number;
  readonly videoCount: number;
  readonly vcfCount: number;
  readonly audioCount: number;
  /** Milliseconds since 1970-01-01T00:00:00Z; 0 before the first message. */
  readonly latestTimestamp: number;
  /** "2024-05-22 21:48:32" in the page's own offset, or "No messages". */
  readonly latestMessageTime: string;
  readonly total: number;
}

export const NO_FIGURES: ConversationFigures = {
  smsCount: 0,
  callsCount: 0,
  voicemailsCount: 0,
  attachmentsCount: 0,
  imgCount: 0,
  videoCount: 0,
  vcfCount: 0,
  audioCount: 0,
  latestTimestamp: 0,
  latestMessageTime: NO_MESSAGES,
  hasSms: false,
  hasMms: false,
  hasVoicemailWithText: false,
  total: 0,
};

/** Sums of a run. */
export interface TotalStats {
  readonly num_sms: number;
  readonly num_img: number;
  readonly num_vcf: number;
  readonly num_calls: number;
  readonly num_voicemails: number;
  readonly num_audio: number;
  readonly num_video: number;
  readonly real_attachments: number;
}

export const ATTACHMENT_COUNTS = {
  img: "imgCount",
  video: "videoCount",
  vcf: "vcfCount",
  audio: "audioCount",
} as const satisfies Record<AttachmentKind, keyof ConversationFigures>;

/** The count that a message of each type adds to. */
export const COUNTED_AS = {
  sms: "smsCount",
  mms: "smsCount",
  call: "callsCount",
  voicemail: "voicemailsCount",
} as const satisfies Record<MessageType, keyof ConversationFigures>;

/** The figures of one message alone. */
export function figuresOf(message: Message): ConversationFigures {
  const figures: { -readonly [K in keyof ConversationFigures]: ConversationFigures[K] } = {
    ...NO_FIGURES,
    ...contentTypes(message),
    attachmentsCount: message.attachments.length,
    latestTimestamp: message.timestamp,
    latestMessageTime: formatTime(message),
    total: 1,
  };
  figures[COUNTED_AS[message.type]]++;
  for (const { kind } of message.attachments) figures[ATTACHMENT_COUNTS[kind]]++;
  return figures;
}

type Latest = Pick<ConversationFigures, "latestTimestamp" | "latestMessageTime" | "total">;

/** The later of two; of one instant spelt in two offsets the greater spelling, so that the order never matters. */
function later(a: Latest, b: Latest): Latest {
  if (a.total === 0) return b;
  if (b.total === 0) return a;
  if (a.latestTimestamp !== b.latestTimestamp) return a.latestTimestamp > b.latestTimestamp ? a : b;
  return a.latestMessageTime >= b.latestMessageTime ? a : b;
}

/** The figures of two sets of messages together. */
export function addFigures(a: ConversationFigures, b: ConversationFigures): ConversationFigures {
  const { latestTimestamp, latestMessageTime } = later(a, b);
  return {
    smsCount: a.smsCount + b.smsCount,
    callsCount: a.callsCount + b.callsCount,
    voicemailsCount: a.voicemailsCount + b.voicemailsCount,
    attachmentsCount: a.attachmentsCount + b.attachmentsCount,
    imgCount: a.imgCount + b.imgCount,
    videoCount: a.videoCount + b.videoCount,
    vcfCount: a.vcfCount + b.vcfCount,
    audioCount: a.audioCount + b.audioCount,
    latestTimestamp,
    latestMessageTime,
    hasSms: a.hasSms || b.hasSms,
    hasMms: a.hasMms || b.hasMms,
    hasVoicemailWithText: a.hasVoicemailWithText || b.hasVoicemailWithText,
    total: a.total + b.total,
  };
}

/** The sums over conversations. */
export function totalStats(conversations: Iterable<ConversationFigures>): TotalStats {
  let sum = NO_FIGURES;
  for (const figures of conversations) sum = addFigures(sum, figures);
  return {
    num_sms: sum.smsCount,
    num_img: sum.imgCount,
    num_vcf: sum.vcfCount,
    num_calls: sum.callsCount,
    num_voicemails: sum.voicemailsCount,
    num_audio: sum.audioCount,
    num_video: sum.videoCount,
    real_attachments: sum.attachmentsCount,
  };
}

/** The text of stats.json: `{ totals, conversations: { id: {…} } }`, indented by two, with a line break at the end. */
export function renderStatsJson(conversations: Iterable<readonly [id: string, figures: ConversationFigures]>): string {
  const sorted = [...conversations].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  // Not JSON.stringify of one object: an id such as "54321" is an integer key, which every object puts first.
  const lines = sorted.map(([id, figures]) => `    ${JSON.stringify(id)}: ${indented(conversationJson(figures), 4)}`);
  const body = lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n  }`;
  const totals = indented(totalStats(sorted.map(([, figures]) => figures)), 2);
  return `{\n  "totals": ${totals},\n  "conversations": ${body}\n}\n`;
}

function conversationJson(figures: ConversationFigures): object {
  return {
    sms_count: figures.smsCount,
    calls_count: figures.callsCount,
    voicemails_count: figures.voicemailsCount,
    attachments_count: figures.attachmentsCount,
    latest_timestamp: figures.latestTimestamp,
    latest_message_time: figures.latestMessageTime,
  };
}

function indented(value: object, spaces: number): string {
  return JSON.stringify(value, null, 2).replaceAll("\n", `\n${" ".repeat(spaces)}`);
}
