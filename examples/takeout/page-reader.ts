// Reads a page's elements as htmlparser2 reports them, in one pass and with no tree, into what stands on it
// (`PageContent`): nothing is normalised, checked or counted yet; `build-page.ts` does that.
//
// Invariant: `#open` mirrors the open elements; an element's links are `links[linkStart, linkEnd)`, since links are
// numbered in document order. So a scope costs two numbers, however many links it holds.
//
//   div.hChatLog                          div.haudio
//     div.participants                      span.fn ("Missed call from NAME")
//       cite.sender > a.tel > .fn           div.contributor > a.tel > .fn
//     div.message                           abbr.published, abbr.duration
//       abbr.dt                             span.full-text
//       cite.sender > a.tel > .fn           audio
//       q                                   div.tags > a[rel=tag], div.deletedStatusContainer
//       img, a.video, a.vcard, audio
//   div.tags > a[rel=tag], div.deletedStatusContainer

import type { Handler } from "htmlparser2";
import type { AttachmentKind } from "../../src/systems/page.ts";
import { type Element, type Entry, type LinkContent, PageContent, type Person } from "./page-content.ts";
import { PageError } from "./page-error.ts";
import { TextPieces } from "./page-text.ts";

/** Google's pages nest nine deep; beyond this a page is an attack on the parser's stack. */
const MAX_DEPTH = 64;
/** Of numbers, names, labels and references, in UTF-16 code units. */
const MAX_FIELD = 4096;

type Attributes = Readonly<Record<string, string>>;

export class PageReader implements Partial<Handler> {
  readonly content = new PageContent();
  readonly #file: string;
  readonly #open: Element[] = [];
  /** Open elements whose text is gathered. */
  readonly #gathering: TextPieces[] = [];
  #chat = false;
  #listing = false;
  #entry: Entry | undefined;
  #person: Person | undefined;
  #inSender = false;
  #link: LinkContent | undefined;
  #inTags = false;

  constructor(file: string) {
    this.#file = file;
  }

  onopentag(name: string, attributes: Attributes): void {
    if (this.#open.length >= MAX_DEPTH) {
      throw new PageError(
        "ERR_PAGE_NESTING",
        this.#file,
        `elements are nested more than ${MAX_DEPTH} deep (<${name.slice(0, 20)}>), which no Takeout page does`,
        "Export the page again, or move the file out of the folder",
      );
    }
    const element: Element = {
      name,
      scope: name === "div" || name === "span" || name === "cite",
      linkStart: this.content.links.length,
      linkEnd: -1,
      text: undefined,
      onClose: undefined,
    };
    this.#begin(element, name, attributes, attributes.class ?? "");
    this.#open.push(element);
  }

  ontext(data: string): void {
    for (const pieces of this.#gathering) pieces.add(data);
  }

  onclosetag(name: string, implied: boolean): void {
    const element = this.#open.at(-1);
    // A tag that the end of the file cuts off is closed without having been opened.
    if (element === undefined || element.name !== name) return;
    this.#open.pop();
    element.linkEnd = this.content.links.length;
    if (element.text !== undefined) this.#gathering.pop();
    element.onClose?.(element.text, implied);
  }

  #begin(element: Element, name: string, attributes: Attributes, classes: string): void {
    // The page's own end counts only where it is written out: the parser also closes what a cut left open.
    if (name === "html") {
      this.content.html = true;
      element.onClose = (_, implied) => this.#end(implied);
    } else if (name === "br") for (const pieces of this.#gathering) pieces.addBreak();
    else if (name === "title") this.#gather(element, (text) => (this.content.title ||= this.#line(text, "title")));
    else if (name === "div") this.#beginDiv(element, classes);
    else if (name === "cite") this.#beginCite(element, classes);
    else if (name === "a") this.#beginAnchor(element, attributes, classes);
    else if (name === "abbr" && hasClass(classes, "dt")) this.#beginTime(attributes);
    else if (this.#entry !== undefined) this.#beginInEntry(element, name, attributes, classes);
    if (hasClass(classes, "fn")) this.#beginFn(element);
  }

  #beginDiv(element: Element, classes: string): void {
    if (classes === "") return;
    if (hasClass(classes, "message")) this.#beginMessage(element);
    else if (hasClass(classes, "hChatLog")) this.#beginChat(element);
    else if (hasClass(classes, "haudio")) this.#beginCall(element);
    else if (hasClass(classes, "participants")) this.#beginParticipants(element);
    else if (hasClass(classes, "contributor")) this.#beginPerson(element);
    else if (hasClass(classes, "tags")) {
      this.#inTags = true;
      element.onClose = () => (this.#inTags = false);
    } else if (hasClass(classes, "deletedStatusContainer")) {
      this.#gather(element, (text, implied) => {
        this.content.userDeleted = /\btrue$/i.test(this.#line(text, "status"));
        this.#end(implied);
      });
    }
  }

  #beginChat(element: Element): void {
    if (this.#chat) return;
    this.#chat = true;
    this.content.log ??= "chat";
    element.onClose = () => (this.#chat = false);
  }

  /**
   * A message that begins inside another one (whose end tag got lost) ends it, and one after the chat's end (a begin tag
   * got lost) still is one: none is dropped.
   */
  #beginMessage(element: Element): void {
    if (this.content.log !== "chat") return;
    const entry = this.#newEntry(false);
    element.onClose = () => {
      if (this.#entry === entry) this.#entry = undefined;
    };
  }

  #beginCall(element: Element): void {
    this.content.log ??= "call";
    const entry = this.#newEntry(true);
    element.onClose = () => {
      if (this.#entry === entry) this.#entry = undefined;
    };
  }

  #newEntry(call: boolean): Entry {
    const entry: Entry = {
      call,
      person: undefined,
      time: undefined,
      text: undefined,
      duration: undefined,
      headline: undefined,
      attachments: [],
    };
    this.content.entries.push(entry);
    this.#entry = entry;
    return entry;
  }

  #beginParticipants(element: Element): void {
    if (!this.#chat || this.#listing) return;
    this.#listing = true;
    this.content.group = true;
    element.onClose = () => (this.#listing = false);
  }

  #beginCite(element: Element, classes: string): void {
    if (!hasClass(classes, "sender") || this.#inSender) return;
    this.#inSender = true;
    this.#beginPerson(element);
    const personEnds = element.onClose;
    element.onClose = (text, implied) => {
      this.#inSender = false;
      personEnds?.(text, implied);
    };
  }

  #beginPerson(element: Element): void {
    const entry = this.#entry;
    if (this.#person !== undefined || (entry === undefined && !this.#listing)) return;
    const person: Person = { number: "", name: "", owner: false };
    this.#person = person;
    element.onClose = () => {
      this.#person = undefined;
      if (entry !== undefined) entry.person ??= person;
      else this.content.listed.push(person);
    };
  }

  #beginAnchor(element: Element, attributes: Attributes, classes: string): void {
    const href = attributes.href ?? "";
    if (this.#inTags && attributes.rel === "tag") this.#addLabel(href);
    if (classes === "") return;
    if (hasClass(classes, "tel")) {
      if (href.startsWith("tel:")) this.#beginLink(element, this.#field(href.slice(4), "number"));
    } else if (hasClass(classes, "video")) this.#attach("video", href);
    else if (hasClass(classes, "vcard")) this.#attach("vcf", href);
  }

  #beginLink(element: Element, number: string): void {
    const [outer, person] = [this.#link, this.#person];
    const link: LinkContent = { number, inSender: this.#inSender, fn: undefined, text: "" };
    this.content.links.push(link);
    this.#link = link;
    if (person !== undefined) person.number ||= number;
    this.#gather(element, (text) => {
      this.#link = outer;
      link.text = this.#line(text, "name");
      if (person !== undefined) person.name ||= link.text;
    });
  }

  /** Any `.fn`: a name for the link and the person around it, and for the links of its scope. */
  #beginFn(element: Element): void {
    const [link, person, entry] = [this.#link, this.#person, this.#entry];
    const holder = this.#open.findLast((ancestor) => ancestor.scope);
    const scope = holder === undefined ? undefined : { name: "", holder };
    if (scope !== undefined) this.content.scopes.push(scope);
    const before = element.onClose;
    this.#gather(element, (text, implied) => {
      before?.(text, implied);
      const name = this.#line(text, "name");
      if (scope !== undefined) scope.name = name;
      if (link !== undefined) link.fn ??= name;
      if (person !== undefined) {
        person.name ||= name;
        person.owner ||= element.name === "abbr" && name === "Me";
      } else if (entry?.call) entry.headline ??= name;
    });
  }

  #beginInEntry(element: Element, name: string, attributes: Attributes, classes: string): void {
    const entry = this.#entry as Entry;
    if (name === "img") this.#attach("img", attributes.src);
    else if (name === "audio") this.#attach("audio", attributes.src);
    else if (name === "q" && !entry.call) this.#gatherText(element, entry);
    else if (name === "span" && entry.call && hasClass(classes, "full-text")) this.#gatherText(element, entry);
    else if (name === "abbr") {
      if (entry.call && hasClass(classes, "published")) entry.time ??= attributes.title ?? "";
      else if (entry.call && hasClass(classes, "duration")) entry.duration ??= attributes.title ?? "";
    }
  }

  /** Every message has one time. One too many, or outside, and the tags between two messages are gone. */
  #beginTime(attributes: Attributes): void {
    const entry = this.#entry;
    if (entry?.call) return;
    if (entry !== undefined && entry.time === undefined) entry.time = attributes.title ?? "";
    else this.content.damaged = true;
  }

  #gatherText(element: Element, entry: Entry): void {
    if (entry.text !== undefined) return;
    entry.text = "";
    this.#gather(element, (text) => (entry.text = text?.lines() ?? ""));
  }

  #attach(kind: AttachmentKind, ref: string | undefined): void {
    if (this.#entry === undefined || ref === undefined || ref === "") return;
    this.#entry.attachments.push({ kind, ref: this.#field(ref, "reference") });
  }

  #addLabel(href: string): void {
    const hash = href.lastIndexOf("#");
    if (hash >= 0) this.content.labels.push(this.#field(href.slice(hash + 1), "label"));
  }

  #end(implied: boolean): void {
    if (!implied) this.content.complete = true;
  }

  #gather(element: Element, onClose: (text: TextPieces | undefined, implied: boolean) => void): void {
    if (element.text === undefined) {
      element.text = new TextPieces();
      this.#gathering.push(element.text);
    }
    element.onClose = onClose;
  }

  #line(text: TextPieces | undefined, what: string): string {
    return text === undefined ? "" : this.#field(text.line(), what);
  }

  #field(value: string, what: string): string {
    if (value.length <= MAX_FIELD) return value;
    throw new PageError(
      "ERR_PAGE_FIELD_TOO_LONG",
      this.#file,
      `a ${what} has ${value.length} characters ("${value.slice(0, 20)}…"), more than ${MAX_FIELD}`,
      "Export the page again, or move the file out of the folder",
    );
  }
}

/** Whether the class attribute holds the class among its words. */
function hasClass(classes: string, wanted: string): boolean {
  if (classes === wanted) return true;
  const at = classes.indexOf(wanted);
  if (at < 0) return false;
  return classes.split(/[ \t\r\n\f]+/).includes(wanted);
}
