// What the systems need to know of one page of a Google Voice Takeout, free of any HTML parser: a parser (the
// example uses htmlparser2) fills these shapes, and everything behind them is plain data that crosses postMessage.

/** A link `a.tel[href^="tel:"]` as it stands on the page, in document order. */
export interface TelLink {
  /** What stands after `tel:`, untouched ("+15185550143", "++1518…", "", "54321"). */
  readonly number: string;
  /** The number as `Message.sender` spells it, where that differs from `number` ("+1518…" for "++1518…"). */
  readonly phone?: string;
  /** Text of the child `span.fn` or `abbr.fn`, undefined where the link has none. */
  readonly fn: string | undefined;
  /** The link's whole text. */
  readonly text: string;
  /** Whether the link stands inside `cite.sender`. */
  readonly inSender: boolean;
}

/**
 * A `.fn` and the numbers of the tel links that its nearest div, span or cite ancestor holds: each link's `number`
 * and, where it differs, its `phone`. An empty `.fn`, and one whose ancestor holds no link, are left out.
 */
export interface NamedScope {
  readonly name: string;
  readonly numbers: readonly string[];
}

/** Everything on a page from which a name for a number can be read. */
export interface PageNames {
  readonly links: readonly TelLink[];
  readonly scopes: readonly NamedScope[];
}

export type AttachmentKind = "img" | "video" | "vcf" | "audio";

export interface Attachment {
  readonly kind: AttachmentKind;
  /** The reference on the page: BASE-m-a without an extension, or the file name of a recording. */
  readonly ref: string;
}

export type MessageType = "sms" | "mms" | "call" | "voicemail";
export type CallKind = "missed" | "received" | "placed" | "recorded" | "voicemail";

/** One message or call, with its own time (not the file name's). */
export interface Message {
  readonly type: MessageType;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly timestamp: number;
  /** The page's own spelling of the time: ISO 8601 with the local offset. */
  readonly time: string;
  /** The sender's number as normalised by the parser; "" where the page has none. */
  readonly sender: string;
  /** The sender's name as the page has it; "Me" for the owner. */
  readonly senderName: string;
  readonly fromMe: boolean;
  /** Text, transcript or ""; line breaks are \n. */
  readonly text: string;
  readonly attachments: readonly Attachment[];
  /**
   * Of calls and voicemails only. `transcribed` is set on voicemails: whether `text` is what the caller said, and not
   * "" or Google's notice that it could not transcribe the message.
   */
  readonly call?: { readonly kind: CallKind; readonly durationSeconds?: number; readonly transcribed?: boolean };
}

/** Someone on a page other than the owner; both fields are "" for an unknown caller. */
export interface Participant {
  /** Normalised number, "" where the page gives none. */
  readonly phone: string;
  /** The name as the page has it, "" where it gives none. */
  readonly name: string;
}

/** One parsed page. */
export interface Page {
  readonly kind: "text" | CallKind;
  readonly group: boolean;
  /** Everyone but the owner, in document order, each once. */
  readonly participants: readonly Participant[];
  readonly messages: readonly Message[];
  readonly names: PageNames;
  /** Labels at the page's tail ("sms", "inbox", "missed", …). */
  readonly labels: readonly string[];
  readonly userDeleted: boolean;
}
