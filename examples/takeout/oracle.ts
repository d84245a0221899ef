// The same job in one thread on plain Maps: what every run must equal, byte for byte. It shares the pure functions with
// the shared-memory pipeline (parsing, names, ids, filters, pages) and nothing of its tables, locks or workers.

import { extractAlias } from "../../src/systems/alias.ts";
import { type DateFilter, isCallOnly, isCommercial, passesDateFilter } from "../../src/systems/conversation-filters.ts";
import { conversationKey, resolveConversations } from "../../src/systems/conversation-key.ts";
import { renderConversationPage } from "../../src/systems/conversation-page.ts";
import type { FinalizeOptions } from "../../src/systems/finalize.ts";
import { type IndexRow, renderIndexPage } from "../../src/systems/index-page.ts";
import { formatLookup } from "../../src/systems/lookup-file.ts";
import type { Message } from "../../src/systems/page.ts";
import { addFigures, figuresOf, NO_FIGURES, renderStatsJson, totalStats } from "../../src/systems/stats.ts";
import { attachmentPaths, copiedPlace, linkedPlace, senderNames } from "./attachments.ts";
import type { TakeoutInput } from "./input.ts";
import { LOOKUP_FILE } from "./output.ts";
import { type FailedPage, isFailed, isLeftOut, numbersOf, readPage } from "./scan-page.ts";

export interface OracleResult {
  /** Every file of the output folder, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly errors: readonly FailedPage[];
  readonly messages: number;
  readonly lookups: number;
}

export interface OracleOptions extends FinalizeOptions {
  readonly dates?: DateFilter;
  /** Number → reason: whose pages are left out. */
  readonly filters?: ReadonlyMap<string, string>;
  readonly copyAttachments?: boolean;
}

/** A message and where it stands: its page's place and its own on the page. */
interface Placed {
  readonly message: Message;
  readonly place: readonly [rank: number, index: number];
}

interface Scanned {
  readonly aliases: Map<string, string>;
  readonly conversations: Map<string, Placed[]>;
  readonly errors: FailedPage[];
  messages: number;
  lookups: number;
}

/** Pages in file-name order: the first name found for a number is the one that counts. */
function scan({ calls, pages, ownNumber }: TakeoutInput, { dates = {}, filters }: OracleOptions): Scanned {
  const scanned: Scanned = { aliases: new Map(), conversations: new Map(), errors: [], messages: 0, lookups: 0 };
  for (let rank = 0; rank < pages.length; rank++) {
    const page = readPage(calls, pages.at(rank), ownNumber);
    if (isFailed(page)) {
      scanned.errors.push(page);
      continue;
    }
    for (const phone of numbersOf(page)) {
      scanned.lookups++;
      const alias = scanned.aliases.has(phone) ? undefined : extractAlias(page.names, phone);
      if (alias !== undefined) scanned.aliases.set(phone, alias);
    }
    const key = conversationKey(page.participants);
    const messages = page.messages
      .map((message, index): Placed => ({ message, place: [rank, index] }))
      .filter(({ message }) => passesDateFilter(message.timestamp, dates));
    if (messages.length === 0 || isLeftOut(page, (phone) => filters?.has(phone) === true)) continue;
    scanned.conversations.set(key, [...(scanned.conversations.get(key) ?? []), ...messages]);
    scanned.messages += messages.length;
  }
  return scanned;
}

function byTimeThenPlace(a: Placed, b: Placed): number {
  return a.message.timestamp - b.message.timestamp || a.place[0] - b.place[0] || a.place[1] - b.place[1];
}

/** Runs the oracle over pages that no lookup file speaks of yet. */
export function runOracle(input: TakeoutInput, out: string, options: OracleOptions = {}): OracleResult {
  const { aliases, conversations, errors, messages, lookups } = scan(input, options);
  const aliasOf = (phone: string): string => aliases.get(phone) ?? phone;
  const resolved = resolveConversations([...conversations.keys()], aliasOf);
  const merged = new Map<string, Placed[]>();
  for (const [key, { id }] of resolved) merged.set(id, [...(merged.get(id) ?? []), ...(conversations.get(key) ?? [])]);
  const kinds = new Map([...resolved.values()].map(({ id, kind }) => [id, kind]));

  const files = new Map([[LOOKUP_FILE, formatLookup({ aliases, filters: options.filters ?? new Map() })]]);
  const rows: IndexRow[] = [];
  const place = options.copyAttachments === true ? copiedPlace : linkedPlace(input.calls, out);
  const page = { senderOf: senderNames(aliasOf), attachmentPath: attachmentPaths(input.media, place) };
  for (const [id, unsorted] of merged) {
    const sorted = unsorted.sort(byTimeThenPlace).map(({ message }) => message);
    const figures = sorted.map(figuresOf).reduce(addFigures, NO_FIGURES);
    if (figures.total === 0 || (options.dropCallOnly === true && isCallOnly(figures))) continue;
    if (options.keepCommercial !== true && isCommercial(sorted)) continue;
    const html = renderConversationPage({ id, messages: sorted, ...page });
    files.set(`${id}.html`, html);
    rows.push({ id, kind: kinds.get(id) ?? "Unknown", bytes: Buffer.byteLength(html), figures });
  }
  files.set("stats.json", renderStatsJson(rows.map((row) => [row.id, row.figures])));
  files.set("index.html", renderIndexPage(rows, totalStats(rows.map((row) => row.figures))));
  return { files, errors, messages, lookups };
}
