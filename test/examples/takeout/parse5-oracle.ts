// Reads a Takeout page from parse5's tree: slow, plain, and sharing no code with the parser it is an oracle for, down to
// white space, times and numbers. It knows whole pages only; what a broken page should give is no matter of its.

import { isValidPhoneNumber, parsePhoneNumberWithError } from "libphonenumber-js/max";
import { type DefaultTreeAdapterTypes, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
type El = DefaultTreeAdapterTypes.Element;

export interface OraclePage {
  kind: string;
  group: boolean;
  participants: { phone: string; name: string }[];
  messages: Record<string, unknown>[];
  names: { links: Record<string, unknown>[]; scopes: { name: string; numbers: string[] }[] };
  labels: string[];
  userDeleted: boolean;
}

export function readWithParse5(html: string, fileName: string, ownNumber = ""): OraclePage {
  const root = parse(html) as Node;
  const chat = find(root, "div.hChatLog");
  const own = new Set([phoneOf(ownNumber)]);
  for (const fn of findAll(root, "abbr.fn").filter((el) => flat(el) === "Me")) {
    const anchor = ancestors(fn).find((el) => el.tagName === "a");
    if (anchor !== undefined) own.add(phoneOf(telOf(anchor) ?? ""));
  }
  own.delete("");
  const messages = chat === undefined ? callMessages(root, own, ownNumber) : chatMessages(chat, own, ownNumber);
  const group = chat !== undefined && find(chat, "div.participants") !== undefined;
  const status = find(root, "div.deletedStatusContainer");
  return {
    kind: chat === undefined ? (messages[0].call as { kind: string }).kind : "text",
    group,
    participants: participantsOf(root, chat, group, own, fileName),
    messages,
    names: { links: findAll(root, "a.tel").flatMap(linkOf), scopes: scopesOf(root) },
    labels: findAll(root, "a")
      .filter((a) => attribute(a, "rel") === "tag")
      .map((a) => /#(.*)$/.exec(attribute(a, "href") ?? "")?.[1] ?? ""),
    userDeleted: status !== undefined && flat(status) === "User Deleted: True",
  };
}

function chatMessages(chat: El, own: Set<string>, ownNumber: string): Record<string, unknown>[] {
  return findAll(chat, "div.message").map((message) => {
    const time = attribute(find(message, "abbr.dt") as El, "title") as string;
    const attachments = attachmentsOf(message);
    const q = find(message, "q");
    const text = q === undefined ? "" : textWithBreaks(q);
    const notice = text === "MMS Sent" || text === "MMS Received";
    return {
      type: attachments.length > 0 || notice ? "mms" : "sms",
      timestamp: Date.parse(time),
      time,
      ...senderOf(find(message, "cite.sender"), own, ownNumber, false),
      text,
      attachments,
    };
  });
}

function callMessages(root: Node, own: Set<string>, ownNumber: string): Record<string, unknown>[] {
  const audio = find(root, "div.haudio") as El;
  const headline = findAll(audio, "span.fn").find((fn) => fn.parentNode === audio) as El;
  const kind = flat(headline).split(" ")[0].toLowerCase();
  const time = attribute(find(audio, "abbr.published") as El, "title") as string;
  const duration = find(audio, "abbr.duration");
  const fullText = find(audio, "span.full-text");
  const text = fullText === undefined ? "" : textWithBreaks(fullText);
  const call: Record<string, unknown> = { kind };
  // The time for people, (01:02:03), and not the ISO duration that the parser reads.
  if (duration !== undefined) {
    const [hours, minutes, seconds] = flat(duration).replace(/[()]/g, "").split(":").map(Number);
    call.durationSeconds = hours * 3600 + minutes * 60 + seconds;
  }
  if (kind === "voicemail") call.transcribed = text !== "" && !text.startsWith("Unable to transcribe");
  return [
    {
      type: kind === "voicemail" ? "voicemail" : "call",
      timestamp: Date.parse(time),
      time,
      ...senderOf(find(audio, "div.contributor"), own, ownNumber, kind === "placed"),
      text,
      attachments: attachmentsOf(audio),
      call,
    },
  ];
}

function senderOf(holder: El | undefined, own: Set<string>, ownNumber: string, placed: boolean) {
  const person = personOf(holder);
  if (placed) return { sender: phoneOf(ownNumber) || [...own][0] || "", senderName: "Me", fromMe: true };
  if (person.owner || own.has(person.phone)) return { sender: person.phone, senderName: "Me", fromMe: true };
  return { sender: person.phone, senderName: person.name, fromMe: false };
}

function personOf(holder: El | undefined): { phone: string; name: string; owner: boolean } {
  if (holder === undefined) return { phone: "", name: "", owner: false };
  const anchor = find(holder, "a.tel");
  const fn = findAll(holder, ".fn")[0];
  const name = fn === undefined ? "" : flat(fn);
  return {
    phone: anchor === undefined ? "" : phoneOf(telOf(anchor) ?? ""),
    name,
    owner: fn?.tagName === "abbr" && name === "Me",
  };
}

function participantsOf(root: Node, chat: El | undefined, group: boolean, own: Set<string>, fileName: string) {
  const holders = chat === undefined ? findAll(root, "div.contributor") : findAll(chat, "cite.sender");
  const others: { phone: string; name: string }[] = [];
  for (const holder of holders) {
    const { phone, name, owner } = personOf(holder);
    if (owner || own.has(phone) || (phone === "" && name === "")) continue;
    const same = others.find((other) =>
      phone === "" ? other.phone === "" && other.name === name : other.phone === phone,
    );
    if (same === undefined) others.push({ phone, name });
    else if (same.name === "") same.name = name;
  }
  if (others.length > 0 || group) return others;
  // Nobody else on the page: its title names a person ("Me to\nNAME"), its file's name begins with a person or a number.
  const title = find(root, "title");
  const titled = (title === undefined ? "" : flat(title)).replace(
    /^(Me|Missed call from|.* call (?:from|to|with)|.*mail from)( to)?( |$)/,
    "",
  );
  const inFile = /^(.*) - (?:Text|Missed|Received|Placed|Voicemail|Recorded) - \d{4}-/.exec(fileName)?.[1] ?? "";
  const phone = /^\+?\+?[\d() .-]+$/.test(inFile) ? phoneOf(inFile) : "";
  return [{ phone, name: titled }];
}

function linkOf(anchor: El): Record<string, unknown>[] {
  const number = telOf(anchor);
  if (number === undefined) return [];
  const fn = findAll(anchor, ".fn")[0];
  const phone = phoneOf(number);
  return [
    {
      number,
      ...(phone === number ? {} : { phone }),
      fn: fn === undefined ? undefined : flat(fn),
      text: flat(anchor),
      inSender: ancestors(anchor).some((el) => el.tagName === "cite" && classesOf(el).includes("sender")),
    },
  ];
}

function scopesOf(root: Node): { name: string; numbers: string[] }[] {
  return findAll(root, ".fn").flatMap((fn) => {
    const holder = ancestors(fn).find((el) => ["div", "span", "cite"].includes(el.tagName));
    const numbers = (holder === undefined ? [] : findAll(holder, "a.tel")).flatMap((anchor) => {
      const number = telOf(anchor);
      return number === undefined ? [] : [number, phoneOf(number)];
    });
    const name = flat(fn);
    return name === "" || numbers.length === 0 ? [] : [{ name, numbers: [...new Set(numbers)] }];
  });
}

function attachmentsOf(holder: El): { kind: string; ref: string }[] {
  const found = { img: "src", audio: "src", "a.video": "href", "a.vcard": "href" } as const;
  const kinds = { img: "img", audio: "audio", "a.video": "video", "a.vcard": "vcf" } as const;
  return elements(holder).flatMap((el) => {
    const selector = (Object.keys(found) as (keyof typeof found)[]).find((each) => matches(el, each));
    return selector === undefined ? [] : [{ kind: kinds[selector], ref: attribute(el, found[selector]) as string }];
  });
}

function phoneOf(raw: string): string {
  const number = raw.trim().replace(/^\+\++/, "+");
  if (number.includes("@") || !isValidPhoneNumber(number, "US")) return number;
  return parsePhoneNumberWithError(number, "US").number;
}

function telOf(anchor: El): string | undefined {
  const href = attribute(anchor, "href");
  return href?.startsWith("tel:") ? href.replace("tel:", "") : undefined;
}

/** Text on one line. */
function flat(node: Node): string {
  return textWithBreaks(node).replaceAll("\n", " ");
}

/** `<br>` is \n; white space with a raw line feed in it is one blank, and none beside a `<br>`. */
function textWithBreaks(node: Node): string {
  const raw = rawText(node);
  return raw
    .replace(/[ \t]*\n[ \t\n]*/g, "\n")
    .replace(/\n?\u{F0000}\n?/gu, "\u{F0000}")
    .replaceAll("\n", " ")
    .replaceAll("\u{F0000}", "\n")
    .trim();
}

function rawText(node: Node): string {
  if ("tagName" in node && node.tagName === "br") return "\u{F0000}";
  if (node.nodeName === "#text") return (node as DefaultTreeAdapterTypes.TextNode).value;
  return "childNodes" in node ? node.childNodes.map(rawText).join("") : "";
}

function elements(node: Node): El[] {
  if (!("childNodes" in node)) return [];
  return node.childNodes.flatMap((child) => ("tagName" in child ? [child, ...elements(child)] : []));
}

function ancestors(el: El): El[] {
  const parent = el.parentNode;
  return parent !== null && "tagName" in parent ? [parent, ...ancestors(parent)] : [];
}

function findAll(node: Node, selector: string): El[] {
  return elements(node).filter((el) => matches(el, selector));
}

function find(node: Node, selector: string): El | undefined {
  return findAll(node, selector)[0];
}

/** `tag`, `.class` or `tag.class`. */
function matches(el: El, selector: string): boolean {
  const [tag, cssClass] = selector.split(".");
  return (tag === "" || el.tagName === tag) && (cssClass === undefined || classesOf(el).includes(cssClass));
}

function classesOf(el: El): string[] {
  return (attribute(el, "class") ?? "").split(/\s+/);
}

function attribute(el: El, name: string): string | undefined {
  return el.attrs.find((attr) => attr.name === name)?.value;
}
