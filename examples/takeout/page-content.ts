// What stands on a page before anything is made of it: strings as the page spells them, in document order. The reader
// fills these shapes, the builder makes a Page of them.

import type { Attachment } from "../../src/systems/page.ts";
import type { TextPieces } from "./page-text.ts";

/** The person that a `cite.sender` or a `div.contributor` names. */
export interface Person {
  /** What stands after `tel:`, "" without a link. */
  number: string;
  name: string;
  /** `abbr.fn` with the text Me. */
  owner: boolean;
}

export interface LinkContent {
  readonly number: string;
  readonly inSender: boolean;
  fn: string | undefined;
  text: string;
}

export interface ScopeContent {
  name: string;
  readonly holder: Element;
}

export interface Entry {
  readonly call: boolean;
  person: Person | undefined;
  time: string | undefined;
  text: string | undefined;
  duration: string | undefined;
  /** Of calls: the text of the log's own `.fn`, "Missed call from NAME". */
  headline: string | undefined;
  readonly attachments: Attachment[];
}

/** Everything of a page that matters, as it stands there. */
export class PageContent {
  title = "";
  /** The first log on the page: a chat's or a call's. */
  log: "chat" | "call" | undefined;
  /** Whether the file is an HTML document: an `html` element began. */
  html = false;
  /** Whether the page's end was seen. */
  complete = false;
  /** Whether a message's time stands outside any message, or beside another. */
  damaged = false;
  group = false;
  userDeleted = false;
  readonly labels: string[] = [];
  readonly listed: Person[] = [];
  readonly entries: Entry[] = [];
  readonly links: LinkContent[] = [];
  readonly scopes: ScopeContent[] = [];
}

/** An element while it is open; `text` is gathered where it matters, `onClose` runs when it ends. */
export interface Element {
  readonly name: string;
  /** Whether a `.fn` may take it for its scope: div, span, cite. */
  readonly scope: boolean;
  readonly linkStart: number;
  linkEnd: number;
  text: TextPieces | undefined;
  onClose: ((text: TextPieces | undefined, implied: boolean) => void) | undefined;
}
