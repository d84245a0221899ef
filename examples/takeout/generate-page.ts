// A generated page's HTML, in Google's own white space: line feeds inside titles, headlines and dates, messages one
// blank apart, `<br>` not closed.

import type { AttachmentKind, CallKind } from "../../src/systems/page.ts";

export interface PersonModel {
  readonly href: string;
  readonly name: string;
  readonly owner: boolean;
}

export interface AttachmentModel {
  readonly kind: AttachmentKind;
  readonly ref: string;
}

export interface MessageModel {
  readonly timestamp: number;
  readonly sender: PersonModel;
  /** Line breaks are \n. */
  readonly text: string;
  readonly attachments: readonly AttachmentModel[];
}

export interface TextModel {
  readonly title: string;
  /** undefined where the page is no group's. */
  readonly group: readonly PersonModel[] | undefined;
  readonly messages: readonly MessageModel[];
  readonly labels: readonly Label[];
  readonly deleted: boolean;
}

export interface CallModel {
  readonly kind: CallKind;
  readonly caller: PersonModel;
  readonly timestamp: number;
  readonly durationSeconds: number | undefined;
  readonly transcript: string | undefined;
  readonly audio: string | undefined;
  readonly labels: readonly Label[];
  readonly deleted: boolean;
}

export type Label = "Text" | "Inbox" | "Unread" | "Missed" | "Placed" | "Received" | "Voicemail" | "Recorded";

const VERBS: Readonly<Record<CallKind, string>> = {
  missed: "Missed call from",
  received: "Received call from",
  placed: "Placed call to",
  recorded: "Recorded call with",
  voicemail: "Voicemail from",
};

export function renderText(page: TextModel): string {
  const messages = page.messages.map(renderMessage).join(" ");
  const group =
    page.group === undefined
      ? ""
      : `<div class="participants">Group conversation with:\n${page.group.map(cite).join(", ")}</div>`;
  return `${head(page.title)}<body><div class="hChatLog hfeed">${group}\n${messages}</div>\n${tail(page)}</body></html>`;
}

export function renderCall(page: CallModel): string {
  const verb = VERBS[page.kind];
  const name = escapeHtml(page.caller.name);
  const parts = [
    `${head(`${verb}\n${page.caller.name}`)}<body><div class="haudio"><span class="album">Call Log for\n</span>`,
    `<span class="fn">${verb}\n${name}</span>`,
    `<div class="contributor vcard">${verb}\n${link(page.caller)}</div>`,
    `<abbr class="published" title="${isoTime(page.timestamp)}">${localTime(page.timestamp)}</abbr>`,
  ];
  if (page.transcript !== undefined) parts.push(`Transcript:\n${renderTranscript(page.transcript)}`);
  if (page.durationSeconds !== undefined) parts.push("<br />");
  if (page.audio !== undefined) {
    const ref = escapeHtml(page.audio);
    parts.push(`<audio controls="controls" src="${ref}"><a rel="enclosure" href="${ref}">Audio</a></audio>\n\n`);
  }
  if (page.durationSeconds !== undefined) parts.push(`${renderDuration(page.durationSeconds)}\n`);
  return `${parts.join("\n")}\n${tail(page)}</div></body></html>`;
}

export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (c) => ENTITIES[c]) : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function head(title: string): string {
  return (
    '<?xml version="1.0" ?>\n' +
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">' +
    '<html xmlns="http://www.w3.org/1999/xhtml"><head>' +
    '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />\n' +
    `<title>${escapeHtml(title)}</title>\n<style type="text/css">\n      </style></head>\n`
  );
}

function tail(page: { labels: readonly Label[]; deleted: boolean }): string {
  const tags = page.labels.map((label) => {
    const id = label === "Text" ? "sms" : label.toLowerCase();
    return `<a rel="tag" href="http://www.google.com/voice#${id}">${label}</a>`;
  });
  const deleted = page.deleted ? "True" : "False";
  return (
    `<div class="tags">Labels:\n${tags.join(", ")}</div>\n` +
    `<div class="deletedStatusContainer">User Deleted:\n${deleted}</div>`
  );
}

function renderMessage({ timestamp, sender, text, attachments }: MessageModel): string {
  const time = `<abbr class="dt" title="${isoTime(timestamp)}">${localTime(timestamp)}</abbr>`;
  const body = escapeHtml(text).replaceAll("\n", "<br>");
  return `<div class="message">${time}:\n${cite(sender)}:\n<q>${body}</q>\n${attachments.map(attached).join(" ")}</div>`;
}

function attached({ kind, ref }: AttachmentModel): string {
  const name = escapeHtml(ref);
  if (kind === "img") return `<div><img src="${name}" alt="Image MMS Attachment" /></div>`;
  if (kind === "audio") return `<div><audio src="${name}"></audio></div>`;
  if (kind === "video") return `<div><a class="video" href="${name}">Video attachment</a></div>`;
  return `<div><a class="vcard" href="${name}">Contact card attachment</a></div>`;
}

function cite(person: PersonModel): string {
  return `<cite class="sender vcard">${link(person)}</cite>`;
}

function link({ href, name, owner }: PersonModel): string {
  const fn = owner ? '<abbr class="fn" title="">Me</abbr>' : `<span class="fn">${escapeHtml(name)}</span>`;
  return `<a class="tel" href="tel:${escapeHtml(href)}">${fn}</a>`;
}

function renderTranscript(text: string): string {
  const words = text.split(" ").map((word, i) => {
    const confidence = i % 4 === 3 ? ["low", "0.41"] : ["high", "0.93"];
    return (
      `<span class="word ${confidence[0]}">${escapeHtml(word)}\n<span class="start-time">0.0</span>\n` +
      `<span class="end-time">0.0</span>\n<span class="confidence">${confidence[1]}</span></span>`
    );
  });
  return `<span class="description"><span class="full-text">${escapeHtml(text)}</span>\n${words.join("\n")}</span>`;
}

function renderDuration(total: number): string {
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const iso = `PT${hours > 0 ? `${hours}H` : ""}${minutes > 0 ? `${minutes}M` : ""}${seconds}S`;
  return `<abbr class="duration" title="${iso}">(${two(hours)}:${two(minutes)}:${two(seconds)})</abbr>`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Pacific time by rule, not by the machine's time zones: its tables change from one version to the next. */
function pacific(timestamp: number): { date: Date; offset: "-07:00" | "-08:00" } {
  const year = new Date(timestamp).getUTCFullYear();
  // Daylight time: second Sunday of March to first Sunday of November, from 2:00 to 2:00 local time.
  const summer = timestamp >= sunday(year, 2, 8) + 10 * HOUR && timestamp < sunday(year, 10, 1) + 9 * HOUR;
  return { date: new Date(timestamp - (summer ? 7 : 8) * HOUR), offset: summer ? "-07:00" : "-08:00" };
}

const HOUR = 3_600_000;

/** Midnight UTC of the first Sunday on or after a day. */
function sunday(year: number, month: number, day: number): number {
  const from = new Date(Date.UTC(year, month, day));
  return from.getTime() + ((7 - from.getUTCDay()) % 7) * 24 * HOUR;
}

function isoTime(timestamp: number): string {
  const { date, offset } = pacific(timestamp);
  return date.toISOString().replace("Z", offset);
}

function localTime(timestamp: number): string {
  const { date } = pacific(timestamp);
  const hour = date.getUTCHours();
  const clock = `${hour % 12 || 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const day = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`;
  return `${day}, ${clock}&#8239;${hour < 12 ? "AM" : "PM"}\nPacific Time`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
