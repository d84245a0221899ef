// One Takeout page, from its bytes to plain data. All or nothing: a page either gives everything that stands on it or
// throws a PageError. What is cut off is never counted in part: of a page whose end is missing nobody can say how
// much is.

import { Parser } from "htmlparser2";
import type { Page } from "../../src/systems/page.ts";
import { buildPage } from "./build-page.ts";
import { PageError } from "./page-error.ts";
import { PageReader } from "./page-reader.ts";

/** 16 MiB: a page of some 50,000 messages. */
export const DEFAULT_MAX_PAGE_BYTES = 16 * 1024 * 1024;

export interface ParsePageOptions {
  /** The owner's number (of Phones.vcf), in any spelling: messages from it are the owner's. */
  readonly ownNumber?: string;
  /** Larger pages are refused before they are decoded; 16 MiB unless given. */
  readonly maxBytes?: number;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a page. `fileName` is the page's name in the Calls folder: it stands in every error, and tells who the other
 * one is where the page does not. Does not block beyond its own work, which is linear in the page's length.
 * @throws {PageError} with the code and what to do: empty, too large, not UTF-8, no page, cut off, damaged, a time that is
 * no date, and what no page of Google's has (deep nesting, endless names)
 */
export function parsePage(html: string | Uint8Array, fileName: string, options: ParsePageOptions = {}): Page {
  const text = decode(html, fileName, options.maxBytes ?? DEFAULT_MAX_PAGE_BYTES);
  const reader = new PageReader(fileName);
  const parser = new Parser(reader);
  parser.write(text);
  parser.end();
  const { content } = reader;
  if (content.log === undefined && (content.complete || !content.html)) throw noPage(fileName);
  if (!content.complete) throw truncated(fileName, content.entries.length);
  if (content.damaged) throw damaged(fileName);
  return buildPage(content, fileName, options.ownNumber ?? "");
}

/**
 * The error for a page of so many bytes, undefined where it is within the limit: asked with the file's size, it saves
 * reading what parsePage would refuse.
 */
export function pageTooLarge(fileName: string, bytes: number, limit = DEFAULT_MAX_PAGE_BYTES): PageError | undefined {
  if (bytes <= limit) return undefined;
  return new PageError(
    "ERR_PAGE_TOO_LARGE",
    fileName,
    `${bytes} bytes, more than the limit of ${limit}`,
    "No real page is that long; look at the file, and move it out of the folder if it is none of Google's",
  );
}

function decode(html: string | Uint8Array, fileName: string, limit: number): string {
  // A character is one to three bytes a code unit, so most strings are within the limit without counting.
  const size = typeof html !== "string" ? html.byteLength : html.length * 3 <= limit ? html.length : utf8Length(html);
  const tooLarge = pageTooLarge(fileName, size, limit);
  if (tooLarge !== undefined) throw tooLarge;
  const text = typeof html === "string" ? html : decodeUtf8(html, fileName);
  if (text.trim() !== "") return text;
  throw new PageError(
    "ERR_PAGE_EMPTY",
    fileName,
    size === 0 ? "the file is empty" : "the file holds nothing but white space",
    "Export it again, or delete it",
  );
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

function decodeUtf8(bytes: Uint8Array, fileName: string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new PageError(
      "ERR_PAGE_ENCODING",
      fileName,
      "the file is not UTF-8, as every Takeout page is",
      "Export it again, or convert it (iconv -f latin1 -t utf-8)",
    );
  }
}

function noPage(fileName: string): PageError {
  return new PageError(
    "ERR_PAGE_NOT_A_PAGE",
    fileName,
    "no Google Voice page: neither a text log (hChatLog) nor a call log (haudio) stands in it",
    "Move it out of the folder if it is something else",
  );
}

function truncated(fileName: string, entries: number): PageError {
  const seen = entries === 1 ? "1 message or call begins" : `${entries} messages or calls begin`;
  return new PageError(
    "ERR_PAGE_TRUNCATED",
    fileName,
    `the page is cut off: ${seen} before its end is missing, and nothing of it was counted`,
    "Copy or export it again",
  );
}

function damaged(fileName: string): PageError {
  return new PageError(
    "ERR_PAGE_DAMAGED",
    fileName,
    "the page is damaged: a message's time stands outside any message or beside another, so a part in the middle is missing",
    "Nothing of the page was counted; copy or export it again",
  );
}
