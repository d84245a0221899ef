// From sealed conversations to pages: which conversations there are, under which id, and what each page says. Split so
// that many threads can share it: one plans, each renders some of the plan's entries.
//
// Invariant: what comes out depends on what was written and on the final names only, never on the order of writing or
// on who renders. The conversations are sealed before anything is decided.
import { isCallOnly, isCommercial } from "./conversation-filters.ts";
import type { ResolvedConversation } from "./conversation-key.ts";
import { renderConversationPage } from "./conversation-page.ts";
import { type ConversationKind, type IndexRow, renderIndexPage } from "./index-page.ts";
import type { PlacedMessage } from "./message-body.ts";
import type { Attachment, Message } from "./page.ts";
import { addFigures, type ConversationFigures, NO_FIGURES, renderStatsJson, totalStats } from "./stats.ts";

/** One conversation that is to be rendered; plain data. */
export interface PlanEntry {
  readonly id: string;
  readonly kind: ConversationKind;
  /** The conversations that are this one under the final names, each with how many messages it has. */
  readonly parts: readonly { readonly key: string; readonly total: number }[];
  readonly figures: ConversationFigures;
}

/** What is known of a run's conversations: the part of ConversationStats that finalizing needs. */
export interface Conversations {
  seal(): void;
  getAllStats(): ReadonlyMap<string, ConversationFigures>;
  readMessages(parts: PlanEntry["parts"]): PlacedMessage[];
}

/** From every key to its final id and kind, for all keys at once, so that ids can be kept apart. */
export type Resolve = (keys: readonly string[]) => ReadonlyMap<string, ResolvedConversation>;

export interface FinalizeOptions {
  /** Drops conversations of calls only (default false). */
  readonly dropCallOnly?: boolean;
  /** Keeps conversations with commercial senders (default false). */
  readonly keepCommercial?: boolean;
}

export interface PlanOptions extends FinalizeOptions {
  /** Conversations, by key, that are to have no page: those of people filtered while messages were being written. */
  readonly leaveOut?: (key: string) => boolean;
}

/**
 * Seals the conversations and plans their pages: keys that resolve to one id become one conversation (sums, the later
 * of the latest). Conversations without a message, those that `leaveOut` names, and those of calls only if they are to
 * go, are left out.
 * @returns sorted by id, in code-unit order.
 */
export function planConversations(stats: Conversations, resolve: Resolve, options: PlanOptions = {}): PlanEntry[] {
  stats.seal();
  const all = stats.getAllStats();
  const keys = [...all.keys()].filter((key) => options.leaveOut?.(key) !== true).sort();
  const resolved = resolve(keys);
  const entries = new Map<string, PlanEntry>();
  for (const key of keys) {
    const target = resolved.get(key);
    if (target === undefined) throw new Error(`no id was given for the conversation ${JSON.stringify(key)}`);
    const figures = all.get(key) ?? NO_FIGURES;
    const entry = entries.get(target.id) ?? { ...target, parts: [], figures: NO_FIGURES };
    entries.set(target.id, {
      ...entry,
      parts: [...entry.parts, { key, total: figures.total }],
      figures: addFigures(entry.figures, figures),
    });
  }
  const kept = [...entries.values()].filter(
    ({ figures }) => figures.total > 0 && !(options.dropCallOnly === true && isCallOnly(figures)),
  );
  return kept.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export interface RenderOptions extends FinalizeOptions {
  /** The name a message is written under. */
  readonly senderOf: (message: Message) => string;
  /** An attachment's file relative to the output folder; undefined where there is none. */
  readonly attachmentPath: (attachment: Attachment) => string | undefined;
}

/** A rendered conversation: its page's HTML and its line of the index. */
export interface RenderedConversation {
  readonly html: string;
  readonly row: IndexRow;
}

/** Renders one entry of the plan. @returns undefined where the conversation is a commercial one, and dropped. */
export function renderConversation(
  stats: Conversations,
  entry: PlanEntry,
  options: RenderOptions,
): RenderedConversation | undefined {
  const messages = stats.readMessages(entry.parts);
  if (options.keepCommercial !== true && isCommercial(messages)) return undefined;
  const { senderOf, attachmentPath } = options;
  const html = renderConversationPage({ id: entry.id, messages, senderOf, attachmentPath });
  const bytes = new TextEncoder().encode(html).length;
  return { html, row: { id: entry.id, kind: entry.kind, bytes, figures: entry.figures } };
}

/** A file of the output folder. */
export interface OutputFile {
  readonly name: string;
  readonly content: string;
}

/**
 * Seals the conversations and renders everything, one file after the other: the pages by id, then stats.json and
 * index.html, whose figures are the sums over exactly these pages. For one thread; several share the work by planning
 * once and rendering entries.
 */
export function* finalizeConversations(
  stats: Conversations,
  resolve: Resolve,
  options: RenderOptions,
): Generator<OutputFile, void> {
  const rows: IndexRow[] = [];
  for (const entry of planConversations(stats, resolve, options)) {
    const rendered = renderConversation(stats, entry, options);
    if (rendered === undefined) continue;
    rows.push(rendered.row);
    yield { name: `${entry.id}.html`, content: rendered.html };
  }
  const totals = totalStats(rows.map(({ figures }) => figures));
  yield { name: "stats.json", content: renderStatsJson(rows.map(({ id, figures }) => [id, figures])) };
  yield { name: "index.html", content: renderIndexPage(rows, totals) };
}
