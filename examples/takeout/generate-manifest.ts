// What a generated Takeout holds, counted from the model its pages are made of and not from their HTML: a parser's totals
// are checked against it.

import type { AttachmentKind, CallKind } from "../../src/systems/page.ts";
import type { MessageModel, PersonModel } from "./generate-page.ts";

/** What a generated Takeout holds. */
export interface TakeoutManifest {
  readonly seed: number;
  /** Pages. */
  readonly files: number;
  mediaFiles: number;
  /** Pages by kind; groups are counted apart from texts. */
  readonly pages: Record<"text" | "group" | CallKind, number>;
  readonly messages: Record<"sms" | "mms" | "call" | "voicemail", number>;
  readonly attachments: Record<AttachmentKind, number>;
  /** Voicemails with a transcript (Google's notice that there is none is no transcript). */
  transcribed: number;
  /** Numbers that a run looks up: each message's sender and each page's participants, where they have one. */
  lookups: number;
  /** The same without the messages of the owner. */
  foreignLookups: number;
  /** Pages of each trait that a program may trip over. */
  readonly traits: Record<Trait, number>;
}

export type Trait =
  | "largeGroup"
  | "unknownCaller"
  | "shortCode"
  | "advertiser"
  | "duplicate"
  | "noAction"
  | "callOnly"
  | "ownMessagesOnly"
  | "ownNumberAsSender"
  | "otherName"
  | "doubledPlus"
  | "longName"
  | "deleted";

export function emptyManifest(files: number, seed: number): TakeoutManifest {
  return {
    seed,
    files,
    mediaFiles: 0,
    pages: { text: 0, group: 0, missed: 0, received: 0, placed: 0, recorded: 0, voicemail: 0 },
    messages: { sms: 0, mms: 0, call: 0, voicemail: 0 },
    attachments: { img: 0, video: 0, vcf: 0, audio: 0 },
    transcribed: 0,
    lookups: 0,
    foreignLookups: 0,
    traits: {
      largeGroup: 0,
      unknownCaller: 0,
      shortCode: 0,
      advertiser: 0,
      duplicate: 0,
      noAction: 0,
      callOnly: 0,
      ownMessagesOnly: 0,
      ownNumberAsSender: 0,
      otherName: 0,
      doubledPlus: 0,
      longName: 0,
      deleted: 0,
    },
  };
}

/** Counts a message of a text page, and gives it back. */
export function countMessage(manifest: TakeoutManifest, message: MessageModel): MessageModel {
  const mms = message.attachments.length > 0 || message.text === "MMS Sent" || message.text === "MMS Received";
  manifest.messages[mms ? "mms" : "sms"]++;
  for (const { kind } of message.attachments) manifest.attachments[kind]++;
  manifest.lookups++;
  if (!message.sender.owner) manifest.foreignLookups++;
  return message;
}

/** Counts a call's page: its participant, and its sender, who is the owner where the call was placed. */
export function countCall(manifest: TakeoutManifest, kind: CallKind, caller: PersonModel, audio?: string): void {
  manifest.pages[kind]++;
  manifest.messages[kind === "voicemail" ? "voicemail" : "call"]++;
  if (audio !== undefined) manifest.attachments.audio++;
  const numbered = caller.href === "" ? 0 : 1;
  manifest.foreignLookups += kind === "placed" ? numbered : 2 * numbered;
  manifest.lookups += kind === "placed" ? 1 + numbered : 2 * numbered;
}

/** Counts participants who have a number. */
export function countParticipants(manifest: TakeoutManifest, numbered: number): void {
  manifest.lookups += numbered;
  manifest.foreignLookups += numbered;
}
