// The page of one conversation, `<id>.html`: a header with id, total and date range, then a table with time, sender,
// message and attachments. One file that needs nothing else, readable without scripts, in the light and in the dark,
// on a telephone and on paper.
//
// Invariant: whatever stands in a message, a name or a file's name comes out escaped; the page runs no script at all
// (its own policy forbids it). The same messages give the same bytes.
import { BASE_STYLE, escapeHtml, formatDuration, formatTime, htmlDocument, plural, relativeUrl } from "./html.ts";
import type { Attachment, AttachmentKind, Message } from "./page.ts";

export interface ConversationPage {
  readonly id: string;
  /** In the order in which they are shown. */
  readonly messages: readonly Message[];
  /** The name a message is written under; "Me" for the owner. */
  readonly senderOf: (message: Message) => string;
  /** An attachment's file relative to the page's folder, with `/` between folders; undefined where it is missing. */
  readonly attachmentPath: (attachment: Attachment) => string | undefined;
}

const STYLE = `${BASE_STYLE}
nav{font-size:.9rem;margin-bottom:1rem}
header p{margin:.35rem 0 1.5rem;color:var(--soft)}
thead th{border-bottom:1px solid var(--line)}
td.t{color:var(--soft);font-size:.85rem;padding-top:.7rem}
td.s{font-weight:600;white-space:nowrap;max-width:14rem;overflow:hidden;text-overflow:ellipsis}
td.m{width:100%;white-space:pre-wrap;overflow-wrap:anywhere}
td.a{font-size:.9rem;min-width:8rem}
tr.me>td{background:var(--tint)}
tr:last-child>td:first-child{border-bottom-left-radius:11px}tr:last-child>td:last-child{border-bottom-right-radius:11px}
.k{display:inline-block;padding:0 .55rem;border:1px solid var(--line);border-radius:1rem;font-size:.8rem;color:var(--soft);background:var(--bg)}
.k+.x{display:block;margin-top:.35rem}
.a a,.a span{display:block;overflow-wrap:anywhere}.a a+a,.a a+span,.a span+a{margin-top:.35rem}
.a img{display:block;max-width:12rem;max-height:12rem;border-radius:8px;border:1px solid var(--line)}
.gone{color:var(--soft)}
@media (max-width:640px){
main{padding:1.25rem .75rem 3rem}h1{font-size:1.3rem}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody{display:block}
tbody tr{display:grid;grid-template-columns:1fr auto;column-gap:.75rem;padding:.65rem .85rem}
tbody tr+tr{border-top:1px solid var(--line)}tbody tr+tr>td{border:0}
tr.me{background:var(--tint)}tr.me>td{background:none}
tr:first-child{border-radius:11px 11px 0 0}tr:last-child{border-radius:0 0 11px 11px}
td{padding:0!important}
td.s{order:1;max-width:none}td.t{order:2;font-size:.78rem;padding-top:.15rem!important}
td.m{order:3;grid-column:1/-1}td.a{order:4;grid-column:1/-1}td.a:not(:empty){margin-top:.4rem}
td:empty{display:none}.a img{max-width:100%;max-height:16rem}
}
@media print{body{background:none}tr{break-inside:avoid}nav{display:none}}
`;

const HEAD = `<meta http-equiv="Content-Security-Policy" content="script-src 'none'; object-src 'none'; base-uri 'none'">
<style>${STYLE}</style>`;

const CALL_NAMES = {
  missed: "Missed call",
  received: "Received call",
  placed: "Placed call",
  recorded: "Recorded call",
  voicemail: "Voicemail",
} as const;

const ATTACHMENT_NAMES: Readonly<Record<AttachmentKind, string>> = {
  img: "Image",
  video: "Video",
  vcf: "Contact card",
  audio: "Audio",
};

/** "Missed call", "Placed call, 1 min 30 s", "Voicemail"; "" for texts. */
function callLabel(message: Message): string {
  if (message.type !== "call" && message.type !== "voicemail") return "";
  const kind = message.call?.kind;
  const name = kind !== undefined ? CALL_NAMES[kind] : message.type === "voicemail" ? "Voicemail" : "Call";
  const seconds = message.call?.durationSeconds;
  return seconds === undefined ? name : `${name}, ${formatDuration(seconds)}`;
}

function messageCell(message: Message): string {
  const label = callLabel(message);
  const text = escapeHtml(message.text);
  if (label === "") return text;
  return `<span class="k">${label}</span>${text === "" ? "" : `<span class="x">${text}</span>`}`;
}

function attachmentItem(attachment: Attachment, path: string | undefined): string {
  const kind = ATTACHMENT_NAMES[attachment.kind];
  if (path === undefined) return `<span class="gone">${kind}, not in the export: ${escapeHtml(attachment.ref)}</span>`;
  const url = escapeHtml(relativeUrl(path));
  const name = escapeHtml(path.slice(path.lastIndexOf("/") + 1));
  if (attachment.kind !== "img") return `<a href="${url}" title="${name}">${kind}</a>`;
  return `<a href="${url}" title="${name}"><img src="${url}" alt="${name}" loading="lazy"></a>`;
}

function messageRow(message: Message, page: ConversationPage): string {
  const attachments = message.attachments.map((attachment) =>
    attachmentItem(attachment, page.attachmentPath(attachment)),
  );
  return `<tr${message.fromMe ? ' class="me"' : ""}><td class="t"><time datetime="${escapeHtml(message.time)}">${formatTime(message)}</time></td>\
<td class="s"><bdi>${escapeHtml(page.senderOf(message))}</bdi></td>\
<td class="m" dir="auto">${messageCell(message)}</td>\
<td class="a">${attachments.join("")}</td></tr>`;
}

/** "2019-11-05 to 2020-07-08", one day alone where both are one, "" without messages. */
function dateRange(messages: readonly Message[]): string {
  if (messages.length === 0) return "";
  let first = messages[0];
  let last = messages[0];
  for (const message of messages) {
    if (message.timestamp < first.timestamp) first = message;
    if (message.timestamp > last.timestamp) last = message;
  }
  const [from, to] = [formatTime(first).slice(0, 10), formatTime(last).slice(0, 10)];
  return from === to ? from : `${from} to ${to}`;
}

/** Renders a conversation's page. */
export function renderConversationPage(page: ConversationPage): string {
  const range = dateRange(page.messages);
  const total = plural(page.messages.length, "message");
  const rows = page.messages.map((message) => messageRow(message, page));
  return htmlDocument(
    page.id,
    HEAD,
    `<main>
<nav><a href="index.html">&larr; All conversations</a></nav>
<header><h1><bdi>${escapeHtml(page.id)}</bdi></h1><p>${total}${range === "" ? "" : ` &middot; ${range}`}</p></header>
<table>
<thead><tr><th scope="col">Time</th><th scope="col">Sender</th><th scope="col">Message</th><th scope="col">Attachments</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</main>`,
  );
}
