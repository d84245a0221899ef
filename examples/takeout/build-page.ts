// Makes a Page of what stands on it: numbers in one spelling, times in milliseconds, the owner told from the others.
//
// The owner is whoever is `abbr.fn` Me; the number beside that, and the number from Phones.vcf, are the owner's in
// every other place too. Where a page names nobody else (all messages are the owner's, or the caller is unknown), the
// page's title and the file's name say who the other one is, as far as they know.

import type {
  CallKind,
  Message,
  MessageType,
  NamedScope,
  Page,
  PageNames,
  Participant,
  TelLink,
} from "../../src/systems/page.ts";
import { parseFileName, type TakeoutFileName } from "./file-name.ts";
import type { Element, Entry, PageContent, Person } from "./page-content.ts";
import { PageError } from "./page-error.ts";
import { parseDuration, parseTime } from "./page-time.ts";
import { normaliseNumber } from "./phone-number.ts";

const VERBS: readonly (readonly [RegExp, CallKind])[] = [
  [/^missed call from\b ?/i, "missed"],
  [/^received call from\b ?/i, "received"],
  [/^placed call to\b ?/i, "placed"],
  [/^recorded call with\b ?/i, "recorded"],
  [/^voicemail from\b ?/i, "voicemail"],
];
/** What Google puts where a transcript should be. */
const NOT_TRANSCRIBED = "Unable to transcribe this message.";
const MMS_NOTICES: ReadonlySet<string> = new Set(["MMS Sent", "MMS Received"]);
const BARE_NUMBER = /^\+*[\d(][\d\s().-]*$/;
const NOBODY: Participant = { phone: "", name: "" };

/** @throws {PageError} where a time is missing or no date, or a call's kind is not to be found */
export function buildPage(content: PageContent, file: string, ownNumber: string): Page {
  const builder = new PageBuilder(content, file, ownNumber);
  return {
    kind: content.log === "chat" ? "text" : builder.callKind(content.entries[0]),
    group: builder.group,
    participants: builder.participants(),
    messages: content.entries.map((entry, i) => (entry.call ? builder.call(entry) : builder.message(entry, i + 1))),
    names: namesOf(content),
    labels: content.labels,
    userDeleted: content.userDeleted,
  };
}

class PageBuilder {
  readonly group: boolean;
  readonly #content: PageContent;
  readonly #file: string;
  readonly #fileName: TakeoutFileName;
  readonly #ownNumber: string;
  readonly #own: ReadonlySet<string>;

  constructor(content: PageContent, file: string, ownNumber: string) {
    this.#content = content;
    this.#file = file;
    this.#fileName = parseFileName(file);
    const own = content.entries.flatMap(({ person }) => (person?.owner ? [normaliseNumber(person.number)] : []));
    this.#ownNumber = normaliseNumber(ownNumber) || own.find((number) => number !== "") || "";
    this.#own = new Set([this.#ownNumber, ...own].filter((number) => number !== ""));
    this.group = content.log === "chat" && (content.group || this.#fileName.group);
  }

  message(entry: Entry, place: number): Message {
    const { person, attachments } = entry;
    const text = entry.text ?? "";
    return {
      type: attachments.length > 0 || MMS_NOTICES.has(text) ? "mms" : "sms",
      ...this.#time(entry, `message ${place}`),
      ...this.#sender(person, this.#isOwner(person)),
      text,
      attachments,
    };
  }

  call(entry: Entry): Message {
    const kind = this.callKind(entry);
    const type: MessageType = kind === "voicemail" ? "voicemail" : "call";
    const text = entry.text ?? "";
    const durationSeconds = parseDuration((entry.duration ?? "").trim());
    return {
      type,
      ...this.#time(entry, "the call"),
      ...this.#sender(entry.person, kind === "placed" || this.#isOwner(entry.person)),
      text,
      attachments: entry.attachments,
      call: {
        kind,
        ...(durationSeconds === undefined ? {} : { durationSeconds }),
        ...(type === "voicemail" ? { transcribed: text !== "" && text !== NOT_TRANSCRIBED } : {}),
      },
    };
  }

  /** By the log's headline, else the page's title, its labels (the same in every language), the file's name. */
  callKind(entry: Entry): CallKind {
    for (const line of [entry.headline ?? "", this.#content.title]) {
      const verb = VERBS.find(([pattern]) => pattern.test(line));
      if (verb !== undefined) return verb[1];
    }
    const action = this.#fileName.action?.toLowerCase() ?? "";
    const kind = [...this.#content.labels, action].find((word) => VERBS.some(([, kind]) => kind === word));
    if (kind !== undefined) return kind as CallKind;
    throw new PageError(
      "ERR_PAGE_CALL_KIND",
      this.#file,
      "a call log that says nowhere whether the call was missed, received, placed, recorded or a voicemail",
      "Export the page again, or give the file its name back (NAME - Missed - TIME.html)",
    );
  }

  /** Everyone but the owner, each once, in document order: those listed, then those who wrote or called. */
  participants(): Participant[] {
    const persons = [...this.#content.listed, ...this.#content.entries.map((entry) => entry.person)];
    const found = new Map<string, Participant>();
    for (const person of persons) {
      if (person === undefined || this.#isOwner(person)) continue;
      const phone = normaliseNumber(person.number);
      // A name that no number goes with tells people apart; a number does so whatever names stand beside it.
      const key = phone === "" ? `name:${person.name}` : `phone:${phone}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { phone, name: person.name });
      else if (known.name === "" && person.name !== "") found.set(key, { phone, name: person.name });
    }
    found.delete("name:");
    if (found.size === 0 && !this.group) return [this.#otherByTitle()];
    return [...found.values()];
  }

  #otherByTitle(): Participant {
    const { title, entries } = this.#content;
    const byVerb = [entries[0]?.headline ?? "", title].map(withoutVerb);
    const { name: nameInFile, action, timestamp } = this.#fileName;
    const byFile = action === undefined && timestamp === undefined ? "" : nameInFile;
    const candidates = [...byVerb, byFile]
      .map((candidate) => candidate.trim())
      .filter((candidate) => candidate !== "" && candidate !== "Me");
    const phone = candidates.find((candidate) => BARE_NUMBER.test(candidate));
    const name = candidates.find((candidate) => !BARE_NUMBER.test(candidate));
    const number = phone === undefined ? "" : normaliseNumber(phone);
    if (this.#own.has(number)) return { ...NOBODY, name: name ?? "" };
    return { phone: number, name: name ?? "" };
  }

  #isOwner(person: Person | undefined): boolean {
    return person !== undefined && (person.owner || this.#own.has(normaliseNumber(person.number)));
  }

  #sender(person: Person | undefined, fromMe: boolean): Pick<Message, "sender" | "senderName" | "fromMe"> {
    if (!fromMe) return { sender: normaliseNumber(person?.number ?? ""), senderName: person?.name ?? "", fromMe };
    const own = this.#isOwner(person) ? normaliseNumber(person?.number ?? "") : "";
    return { sender: own || this.#ownNumber, senderName: "Me", fromMe };
  }

  #time({ time }: Entry, what: string): Pick<Message, "timestamp" | "time"> {
    const spelled = (time ?? "").trim();
    const timestamp = parseTime(spelled);
    if (timestamp !== undefined) return { timestamp, time: spelled };
    const shown = JSON.stringify(spelled.slice(0, 40));
    throw new PageError(
      "ERR_PAGE_TIME",
      this.#file,
      spelled === "" ? `${what} has no time` : `the time of ${what} is no date: ${shown}`,
      "Nothing of the page was counted; export it again, or mend the time (like 2022-06-30T18:06:39.894-07:00)",
    );
  }
}

/** The name in "Missed call from NAME" or "Me to NAME"; "" for the titles that name nobody. */
function withoutVerb(line: string): string {
  for (const [pattern] of VERBS) if (pattern.test(line)) return line.replace(pattern, "");
  return /^group conversation$/i.test(line) ? "" : line.replace(/^me to\b ?/i, "");
}

function namesOf(content: PageContent): PageNames {
  const links = content.links.map(({ number, fn, text, inSender }): TelLink => {
    const phone = normaliseNumber(number);
    return phone === number ? { number, fn, text, inSender } : { number, phone, fn, text, inSender };
  });
  // Names of one scope share their numbers' array.
  const numbersOf = new Map<Element, readonly string[]>();
  const scopes: NamedScope[] = [];
  for (const { name, holder } of content.scopes) {
    if (name === "" || holder.linkStart === holder.linkEnd) continue;
    let numbers = numbersOf.get(holder);
    if (numbers === undefined) {
      const held = links.slice(holder.linkStart, holder.linkEnd);
      numbers = [
        ...new Set(held.flatMap((link) => (link.phone === undefined ? link.number : [link.number, link.phone]))),
      ];
      numbersOf.set(holder, numbers);
    }
    scopes.push({ name, numbers });
  }
  return { links, scopes };
}
