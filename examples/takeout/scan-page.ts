// What a run does with one page: its file is read and parsed, its numbers are looked up, its messages are written.
//
// Invariant: a page counts wholly or not at all. Everything that can be wrong with it shows before its first message
// is written; what fails after that (the region is full, the disk too) ends the run.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { explainFileError } from "../../src/systems/atomic-write-files.ts";
import { conversationKey } from "../../src/systems/conversation-key.ts";
import type { ConversationStats } from "../../src/systems/conversation-stats.ts";
import { packMessage } from "../../src/systems/message-body.ts";
import type { Message, Page } from "../../src/systems/page.ts";
import type { PhoneLookup } from "../../src/systems/phone-lookup.ts";
import { PageError, quoteFileName } from "./page-error.ts";
import { pageTooLarge, parsePage } from "./parse-page.ts";

/** A page that failed, as it stands in the list at the end of a run. */
export interface FailedPage {
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

/** What a row of the shared tables takes, with room for its key: 1 MiB. */
const MOST_BYTES = 1_000_000;
/** No character takes more bytes as JSON in UTF-8. */
const BYTES_A_UNIT = 6;

function isTooLong(message: Message): boolean {
  const units = message.attachments.reduce((sum, { ref }) => sum + ref.length + 32, message.text.length);
  return units * BYTES_A_UNIT > MOST_BYTES && Buffer.byteLength(packMessage(message, 0, 0)) > MOST_BYTES;
}

/** What of a page the shared tables can't take, told before anything of it is written. */
function checkSizes(page: Page, file: string): FailedPage | undefined {
  const place = page.messages.findIndex(isTooLong) + 1;
  const participants = Buffer.byteLength(conversationKey(page.participants));
  if (place === 0 && participants <= MOST_BYTES) return undefined;
  const what = place > 0 ? `message ${place} takes` : "the participants' numbers take";
  const message = `${quoteFileName(file)}: ${what} more than ${MOST_BYTES} bytes. Nothing of the page was counted.`;
  return { file, code: "ERR_PAGE_FIELD_TOO_LONG", message };
}

/** The page, or why there is none. */
export function readPage(calls: string, file: string, ownNumber: string): Page | FailedPage {
  try {
    const path = join(calls, file);
    const tooLarge = pageTooLarge(file, statSync(path).size);
    if (tooLarge !== undefined) return tooLarge.toJSON();
    const page = parsePage(readFileSync(path), file, { ownNumber });
    return checkSizes(page, file) ?? page;
  } catch (error) {
    if (error instanceof PageError) return error.toJSON();
    if (!(error instanceof Error) || !("code" in error)) throw error;
    return {
      file,
      code: "ERR_FILE_READ",
      message: `${quoteFileName(file)}: cannot be read: ${explainFileError(error)}`,
    };
  }
}

export function isFailed(page: Page | FailedPage): page is FailedPage {
  return "code" in page;
}

/** The numbers a page makes a run look up: each participant's and each message's sender's, where they have one. */
export function numbersOf(page: Page): string[] {
  return [...page.participants.map(({ phone }) => phone), ...page.messages.map(({ sender }) => sender)].filter(
    (phone) => phone !== "",
  );
}

/** Whether the filters leave a page out: its one contact is filtered, or all of a group are. */
export function isLeftOut(page: Page, isFiltered: (phone: string) => boolean): boolean {
  const phones = page.participants.map(({ phone }) => phone).filter((phone) => phone !== "");
  return phones.length > 0 && phones.length === page.participants.length && phones.every(isFiltered);
}

/** Looks a page's numbers up and writes its messages. @returns how many messages were written. */
export function scanPage(page: Page, rank: number, lookup: PhoneLookup, stats: ConversationStats): number {
  for (const phone of numbersOf(page)) lookup.getAlias(phone, page.names, rank);
  if (isLeftOut(page, (phone) => lookup.isFiltered(phone))) return 0;
  const key = conversationKey(page.participants);
  let written = 0;
  for (const [index, message] of page.messages.entries()) {
    if (stats.writeMessage(key, message, [rank, index])) written++;
  }
  return written;
}
