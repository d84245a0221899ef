// Plans a generated Takeout page by page and counts what it puts there.

import type { AttachmentKind, CallKind } from "../../src/systems/page.ts";
import { type Cast, type Contact, makeCast, OWN_NUMBER, pickContact } from "./generate-cast.ts";
import { type Card, Deck } from "./generate-deck.ts";
import {
  countCall,
  countMessage,
  countParticipants,
  emptyManifest,
  type TakeoutManifest,
} from "./generate-manifest.ts";
import { EXTENSIONS, type MediaExtension } from "./generate-media.ts";
import { type Draft, FileNames } from "./generate-names.ts";
import {
  type AttachmentModel,
  type Label,
  type MessageModel,
  type PersonModel,
  renderCall,
  renderText,
} from "./generate-page.ts";
import { advertisement, confirmation, STOP_WORDS, sentence, transcript } from "./generate-text.ts";
import { Random } from "./random.ts";

/** One page and the media beside it; names are those in the Calls folder. */
export interface GeneratedPage {
  readonly fileName: string;
  readonly html: string;
  readonly media: readonly { readonly fileName: string; readonly extension: MediaExtension }[];
}

type NamedHtml = Omit<GeneratedPage, "media">;

const DAY = 86_400_000;
const FIRST_DAY = Date.UTC(2012, 0, 1);
const DAYS = 12 * 365;
const OWNER: PersonModel = { href: OWN_NUMBER, name: "Me", owner: true };
const UNKNOWN: Contact = { href: "", name: "", otherName: undefined };

/** What of the last ordinary text page a duplicate needs. */
interface LastText {
  readonly contact: PersonModel;
  readonly base: string;
  readonly start: number;
  duplicates: number;
}

export class TakeoutPlan {
  readonly manifest: TakeoutManifest;
  readonly #random: Random;
  readonly #cast: Cast;
  readonly #deck: Deck;
  readonly #names = new FileNames();
  readonly #groups: Contact[][] = [];
  #media: { fileName: string; extension: MediaExtension }[] = [];
  #lastText: LastText | undefined;
  #advertised = 0;

  constructor(files: number, seed: number) {
    this.#random = new Random(seed);
    this.#cast = makeCast(files);
    this.#deck = new Deck(this.#random);
    this.manifest = emptyManifest(files, seed);
  }

  next(): GeneratedPage {
    this.#media = [];
    const page = this.#deal(this.#deck.draw());
    this.manifest.traits.longName += page.html.includes("Ann Longname Ann") ? 1 : 0;
    this.manifest.mediaFiles += this.#media.length;
    return { ...page, media: this.#media };
  }

  #deal(card: Card): NamedHtml {
    const { contacts, callers, shortCodes } = this.#cast;
    switch (card) {
      case "text":
        return this.#text(this.#person(pickContact(this.#random, contacts)), 40);
      case "ownMessagesOnly":
        this.manifest.traits.ownMessagesOnly++;
        return this.#text(this.#person(pickContact(this.#random, contacts)), 100);
      case "shortCode":
        this.manifest.traits.shortCode++;
        return this.#text(this.#person(this.#random.pick(shortCodes)), 0);
      case "ownNumberAsSender":
        return this.#ownNumberAsSender();
      case "advertiser":
        return this.#advertiser();
      case "duplicate":
        return this.#duplicate();
      case "group":
        return this.#group(this.#random.between(2, 6));
      case "largeGroup":
        this.manifest.traits.largeGroup++;
        return this.#group(this.#random.between(7, 14));
      case "callOnly":
        this.manifest.traits.callOnly++;
        return this.#call(this.#random.pick(["missed", "received", "placed"]), this.#random.pick(callers), false);
      case "noAction":
        this.manifest.traits.noAction++;
        return this.#call("placed", this.#nameless(), false, false);
      case "unknownCaller":
        this.manifest.traits.unknownCaller++;
        return this.#call(this.#random.pick(["missed", "received", "voicemail"]), UNKNOWN, false);
      case "untranscribed":
        return this.#call("voicemail", pickContact(this.#random, contacts), false);
      default:
        return this.#call(card, pickContact(this.#random, contacts), true);
    }
  }

  #text(contact: PersonModel, ownPercent: number): NamedHtml {
    const draft = this.#draft(contact.name || contact.href, "Text");
    const count = this.#random.between(4, 16);
    const senders = Array.from({ length: count }, () => (this.#random.chance(ownPercent) ? OWNER : contact));
    // Without a message of the other one, only the title says who that is.
    if (ownPercent < 100 && !senders.includes(contact)) senders[this.#random.below(count)] = contact;
    const messages = this.#messages(draft, senders);
    if (ownPercent === 40) this.#lastText = { contact, ...draft, duplicates: 0 };
    // Of a contact whose number stands nowhere on the page only the file's name may know it.
    const known = senders.includes(contact) || contact.name === "";
    return this.#finishText(`${draft.base}.html`, contact, messages, known ? 1 : 0);
  }

  /** Seen in real pages: the other one's messages carry the owner's number; only the file's name has theirs. */
  #ownNumberAsSender(): NamedHtml {
    this.manifest.traits.ownNumberAsSender++;
    const contact = this.#person(this.#nameless());
    const draft = this.#draft(contact.href, "Text");
    const mirrored: PersonModel = { href: OWN_NUMBER, name: "", owner: false };
    const messages = this.#messages(draft, [OWNER, mirrored, OWNER, mirrored]);
    this.manifest.foreignLookups -= 2; // counted as foreign by the model, but the number is the owner's
    return this.#finishText(`${draft.base}.html`, contact, messages, 1);
  }

  #advertiser(): NamedHtml {
    this.manifest.traits.advertiser++;
    const { advertisers } = this.#cast;
    const turn = this.#advertised++;
    const contact = this.#person(advertisers[turn % advertisers.length]);
    // One after the other, so that each campaign ends before that sender's next one begins.
    const draft = this.#draft(contact.href, "Text", FIRST_DAY + turn * DAY + this.#random.below(DAY / 2));
    const ads = Array.from({ length: this.#random.between(2, 4) }, () => advertisement(this.#random));
    const texts = [...ads, this.#random.pick(STOP_WORDS), confirmation(this.#random)];
    const messages = texts.map((text, i): MessageModel => {
      const sender = i === ads.length ? OWNER : contact;
      return countMessage(this.manifest, { timestamp: draft.start + i * 60_000, sender, text, attachments: [] });
    });
    return this.#finishText(`${draft.base}.html`, contact, messages, 1);
  }

  /** Two pages of one name, told apart by " (1)": both begin in the same second. */
  #duplicate(): NamedHtml {
    const last = this.#lastText;
    if (last === undefined) return this.#deal("text");
    this.manifest.traits.duplicate++;
    last.duplicates++;
    const second = last.start - (last.start % 1000);
    const start = second + ((last.start + 7 * last.duplicates) % 1000);
    const senders = Array.from({ length: this.#random.between(4, 12) }, (_, i) => (i % 3 === 1 ? OWNER : last.contact));
    const messages = this.#messages({ base: last.base, start }, senders, false);
    return this.#finishText(`${last.base} (${last.duplicates}).html`, last.contact, messages, 1);
  }

  #finishText(
    fileName: string,
    contact: PersonModel,
    messages: readonly MessageModel[],
    participants: number,
  ): NamedHtml {
    this.manifest.pages.text++;
    countParticipants(this.manifest, participants);
    const title = messages[0].sender.owner ? `Me to\n${contact.name}` : contact.name;
    return { fileName, html: renderText({ title, group: undefined, messages, ...this.#textTail() }) };
  }

  #group(size: number): NamedHtml {
    const members = this.#members(size).map((contact) => {
      const person = this.#person(contact, false);
      return { ...person, name: person.name || person.href };
    });
    const draft = this.#draft("Group Conversation");
    const senders = Array.from({ length: this.#random.between(5, 16) }, () =>
      this.#random.chance(30) ? OWNER : this.#random.pick(members),
    );
    const messages = this.#messages(draft, senders);
    this.manifest.pages.group++;
    countParticipants(this.manifest, members.length);
    // Google lists some members with two plus signs and still has their messages with one.
    const listed = members.map((member) => (this.#random.chance(1) ? this.#doublePlus(member) : member));
    const page = { title: "Group Conversation", group: listed, messages, ...this.#textTail() };
    return { fileName: `${draft.base}.html`, html: renderText(page) };
  }

  /** A group that has written before, every other time. */
  #members(size: number): readonly Contact[] {
    const known = this.#groups.filter((group) => group.length === size);
    if (known.length > 0 && this.#random.chance(50)) return this.#random.pick(known);
    const members = new Set<Contact>();
    while (members.size < size) members.add(pickContact(this.#random, this.#cast.contacts));
    // A bounded memory of groups, however many pages there are.
    if (this.#groups.length < 500) this.#groups.push([...members]);
    return [...members];
  }

  #call(kind: CallKind, contact: Contact, transcribed: boolean, named = true): NamedHtml {
    const caller = this.#person(contact);
    const action = kind[0].toUpperCase() + kind.slice(1);
    const draft = this.#draft(caller.name || caller.href, named ? action : undefined);
    const audio = kind === "voicemail" || kind === "recorded" ? `${draft.base}.mp3` : undefined;
    if (audio !== undefined) this.#media.push({ fileName: audio, extension: "mp3" });
    const text = kind === "voicemail" ? this.#transcript(transcribed) : undefined;
    countCall(this.manifest, kind, caller, audio);
    return {
      fileName: `${draft.base}.html`,
      html: renderCall({
        kind,
        caller,
        timestamp: draft.start - (draft.start % 1000),
        durationSeconds: kind === "missed" ? undefined : this.#random.between(1, this.#random.pick([59, 600, 5400])),
        transcript: text,
        audio,
        labels: this.#callLabels(action as Label),
        deleted: this.#deleted(),
      }),
    };
  }

  #transcript(wanted: boolean): string | undefined {
    if (wanted) {
      this.manifest.transcribed++;
      return transcript(this.#random);
    }
    return this.#random.chance(50) ? "Unable to transcribe this message." : undefined;
  }

  #messages(draft: Draft, senders: readonly PersonModel[], attach = true): MessageModel[] {
    let timestamp = draft.start;
    return senders.map((sender, i) => {
      if (i > 0) timestamp += this.#random.between(900, 90_000);
      const attachments = attach && this.#random.chance(5) ? this.#attachments(draft.base, i + 1) : [];
      const notice = sender.owner ? "MMS Sent" : "MMS Received";
      const alone = attachments.length > 0 && this.#random.chance(70);
      const text = alone ? this.#random.pick([notice, notice, ""]) : sentence(this.#random);
      return countMessage(this.manifest, { timestamp, sender, text, attachments });
    });
  }

  #attachments(base: string, message: number): AttachmentModel[] {
    const count = this.#random.chance(15) ? 2 : 1;
    return Array.from({ length: count }, (_, i) => {
      const kind = this.#random.pick<AttachmentKind>(["img", "img", "img", "img", "img", "video", "vcf", "audio"]);
      const ref = `${base}-${message}-${i + 1}`;
      const extension = this.#random.pick(EXTENSIONS[kind]);
      this.#media.push({ fileName: `${ref}.${extension}`, extension });
      return { kind, ref };
    });
  }

  #person(contact: Contact, mayDouble = true): PersonModel {
    let { name } = contact;
    if (contact.otherName !== undefined && this.#random.chance(30)) {
      name = contact.otherName;
      this.manifest.traits.otherName++;
    }
    const person = { href: contact.href, name, owner: false };
    return mayDouble && this.#random.chance(0.5) ? this.#doublePlus(person) : person;
  }

  #doublePlus(person: PersonModel): PersonModel {
    if (!person.href.startsWith("+1")) return person;
    this.manifest.traits.doubledPlus++;
    return { ...person, href: `+${person.href}` };
  }

  /** Someone of whom the pages have a number only. */
  #nameless(): Contact {
    const numbers = this.#cast.contacts.filter((contact) => contact.name === "" && contact.href.startsWith("+1"));
    return this.#random.pick(numbers);
  }

  #draft(name: string, action?: string, at?: number): Draft {
    const anyTime = FIRST_DAY + this.#random.below(DAYS) * DAY + this.#random.below(DAY);
    return this.#names.draft(name, action, at ?? anyTime);
  }

  #textTail(): { labels: Label[]; deleted: boolean } {
    const labels: Label[] = this.#random.chance(80) ? ["Text", "Inbox"] : ["Text"];
    if (this.#random.chance(5)) labels.push("Unread");
    return { labels, deleted: this.#deleted() };
  }

  #callLabels(action: Label): Label[] {
    return this.#random.chance(40) ? [action, "Inbox"] : [action];
  }

  #deleted(): boolean {
    const deleted = this.#random.chance(1);
    if (deleted) this.manifest.traits.deleted++;
    return deleted;
  }
}
