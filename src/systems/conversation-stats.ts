// Conversations, their messages and their figures, shared by all threads, on two tables:
//
//   conversations   key → counts, content types, latest time, total
//   messages        key \0 n → body of the n-th message written, 0 ≤ n < total
//
// A message is written by one update of its conversation's row, under that one shard's lock: inside it the message's
// row is stored at n = the old total, then the new figures are committed. Locks go conversations → messages (and →
// state), never back.
//
// Invariant: the first `total` messages of a conversation exist, and its figures are the sums over exactly these. A
// writer that dies in between leaves a message at n = total that counts for nothing and that the next one overwrites.
// Sealing: the flag is set first, then a snapshot passes through every shard's lock; a write looks at the flag inside
// its update. So a write is either wholly before the snapshot or refused; none is lost, none comes late.
import { ClosedError } from "../cells/errors.ts";
import { defaultRegion } from "../region/default-region.ts";
import type { Region } from "../region/region.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import { type DateFilter, passesDateFilter } from "./conversation-filters.ts";
import {
  type FinalizeOptions,
  finalizeConversations,
  type OutputFile,
  type PlanEntry,
  type PlanOptions,
  planConversations,
  type RenderedConversation,
  type RenderOptions,
  type Resolve,
  renderConversation,
} from "./finalize.ts";
import { type LockStats, sumLockStats } from "./lock-stats.ts";
import { byTime, type PlacedMessage, packMessage, unpackMessage } from "./message-body.ts";
import type { Message } from "./page.ts";
import {
  ATTACHMENT_COUNTS,
  addFigures,
  COUNTED_AS,
  type ConversationFigures,
  figuresOf,
  NO_FIGURES,
  type TotalStats,
  totalStats,
} from "./stats.ts";

export { conversationKey, type ResolvedConversation, resolveConversations } from "./conversation-key.ts";
export { type IndexRow, renderIndexPage } from "./index-page.ts";
export type { Attachment, Message, Page, Participant } from "./page.ts";
export { type ConversationFigures, renderStatsJson, type TotalStats } from "./stats.ts";
export type { FinalizeOptions, OutputFile, PlanEntry, PlanOptions, RenderedConversation, RenderOptions, Resolve };

type ConversationRow = { -readonly [K in keyof ConversationFigures]: ConversationFigures[K] };

const CONVERSATION_COLUMNS = {
  smsCount: "u32",
  callsCount: "u32",
  voicemailsCount: "u32",
  attachmentsCount: "u32",
  imgCount: "u32",
  videoCount: "u32",
  vcfCount: "u32",
  audioCount: "u32",
  latestTimestamp: "f64",
  latestMessageTime: "string",
  hasSms: "bool",
  hasMms: "bool",
  hasVoicemailWithText: "bool",
  total: "u32",
} as const;

export interface ConversationStatsOptions {
  readonly region?: Region;
  readonly name?: string;
  /** Messages outside these dates are not written. */
  readonly dates?: DateFilter;
  /** How many messages are expected: room for so many is made at once, instead of while threads wait for it. */
  readonly capacity?: number;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface ConversationStatsHandle {
  readonly holdfast: "conversation-stats";
  readonly conversations: TableHandle<string, ConversationRow>;
  readonly messages: TableHandle<string, { body: string }>;
  readonly state: TableHandle<string, { sealed: boolean }>;
  readonly dates: DateFilter;
}

interface Parts {
  readonly conversations: SharedTable<string, ConversationRow>;
  readonly messages: SharedTable<string, { body: string }>;
  readonly state: SharedTable<string, { sealed: boolean }>;
  readonly dates: DateFilter;
}

function makeParts({ region = defaultRegion(), name, dates = {}, capacity }: ConversationStatsOptions): Parts {
  const named = (part: string): { region: Region; name?: string } =>
    name === undefined ? { region } : { region, name: `${name}.${part}` };
  return {
    conversations: new SharedTable({ ...named("conversations"), key: "string", columns: CONVERSATION_COLUMNS }),
    messages: new SharedTable({ ...named("messages"), key: "string", columns: { body: "string" }, capacity }),
    state: new SharedTable({ ...named("state"), key: "string", columns: { sealed: "bool" }, capacity: 1 }),
    dates,
  };
}

function checkMessage(message: Message): void {
  if (!Object.hasOwn(COUNTED_AS, message.type)) {
    throw new RangeError(`unknown message type ${JSON.stringify(message.type)}: known are sms, mms, call, voicemail`);
  }
  for (const { kind } of message.attachments) {
    if (!Object.hasOwn(ATTACHMENT_COUNTS, kind))
      throw new RangeError(`unknown attachment kind ${JSON.stringify(kind)}`);
  }
  if (!Number.isFinite(message.timestamp)) throw new RangeError(`a message's timestamp is ${message.timestamp}`);
}

const messageKey = (key: string, n: number): string => `${key}\u0000${n}`;

/**
 * The conversations of all threads. Made in one thread; every other attaches by {@link ConversationStats.from}.
 * Calls block for a shard's lock for moments only.
 */
export class ConversationStats {
  readonly #parts: Parts;

  constructor(options: ConversationStatsOptions = {}, /** @internal */ attached?: Parts) {
    this.#parts = attached ?? makeParts(options);
  }

  /** The same conversations in another thread. */
  static from(handle: ConversationStatsHandle): ConversationStats {
    if (handle?.holdfast !== "conversation-stats") throw new TypeError("this is no handle of a ConversationStats");
    return new ConversationStats(
      {},
      {
        conversations: SharedTable.from(handle.conversations),
        messages: SharedTable.from(handle.messages),
        state: SharedTable.from(handle.state),
        dates: handle.dates,
      },
    );
  }

  /** The conversations of this name in the region, made if there are none yet. */
  static named(name: string, options: Omit<ConversationStatsOptions, "name"> = {}): ConversationStats {
    return new ConversationStats({ ...options, name });
  }

  /** A small handle for workerData or postMessage. */
  share(): ConversationStatsHandle {
    const { conversations, messages, state, dates } = this.#parts;
    return {
      holdfast: "conversation-stats",
      conversations: conversations.share(),
      messages: messages.share(),
      state: state.share(),
      dates,
    };
  }

  /**
   * Writes a message and counts it, both or neither.
   * @param key any string that stands for the conversation (see conversationKey).
   * @param place the page's place in the order of file names, and the message's on the page: they order messages of
   * one time.
   * @returns false where the dates leave the message out.
   * @throws RangeError for an unknown type, `ERR_SEALED` after {@link seal}; nothing has changed then.
   */
  writeMessage(key: string, message: Message, place: readonly [rank: number, index: number]): boolean {
    checkMessage(message);
    const { conversations, messages, dates } = this.#parts;
    if (!passesDateFilter(message.timestamp, dates)) return false;
    const figures = figuresOf(message);
    const body = packMessage(message, place[0], place[1]);
    conversations.update(key, (row = NO_FIGURES) => {
      if (this.sealed) {
        throw new ClosedError("ERR_SEALED", "the conversations are finalized: a message that comes now is refused");
      }
      messages.set(messageKey(key, row.total), { body });
      return addFigures(row, figures);
    });
    return true;
  }

  /** Whether writing has ended. */
  get sealed(): boolean {
    return this.#parts.state.get("sealed")?.sealed ?? false;
  }

  /** Ends writing, for all threads and for good; a second time changes nothing. */
  seal(): void {
    this.#parts.state.set("sealed", { sealed: true });
  }

  /** The figures of one conversation, undefined where nothing was written. */
  getStats(key: string): ConversationFigures | undefined {
    return this.#parts.conversations.get(key);
  }

  /** Every conversation's figures by key: a copy, of one moment. */
  getAllStats(): ReadonlyMap<string, ConversationFigures> {
    return this.#parts.conversations.snapshot();
  }

  /** The sums over all conversations, of one moment. */
  getTotalStats(): TotalStats {
    return totalStats(this.#parts.conversations.snapshot().values());
  }

  /** How often the locks of the conversations' tables were acquired, and how often that meant waiting. */
  get lockStats(): LockStats {
    const { conversations, messages, state } = this.#parts;
    return sumLockStats([conversations.stats(), messages.stats(), state.stats()]);
  }

  /** The messages of a conversation that are there now, by time, then by the order of pages. */
  getMessages(key: string): PlacedMessage[] {
    const total = this.getStats(key)?.total ?? 0;
    return this.readMessages([{ key, total }]);
  }

  /** The first `total` messages of each of these conversations, together by time, then by the order of pages. */
  readMessages(parts: Iterable<{ readonly key: string; readonly total: number }>): PlacedMessage[] {
    const found: PlacedMessage[] = [];
    for (const { key, total } of parts) {
      for (let n = 0; n < total; n++) {
        const row = this.#parts.messages.get(messageKey(key, n));
        if (row === undefined)
          throw new Error(`message ${n} of ${total} of a conversation is missing: the table is damaged`);
        found.push(unpackMessage(row.body));
      }
    }
    return found.sort(byTime);
  }

  /**
   * Ends writing and plans the pages: keys that resolve to one id become one conversation; those without a message, and
   * those of calls only if they are to go, are left out. The plan is plain data, sorted by id: many threads can share it.
   */
  plan(resolve: Resolve, options: PlanOptions = {}): PlanEntry[] {
    return planConversations(this, resolve, options);
  }

  /** Renders one entry of the plan, in any thread; undefined where it is a commercial conversation, and dropped. */
  renderConversation(entry: PlanEntry, options: RenderOptions): RenderedConversation | undefined {
    return renderConversation(this, entry, options);
  }

  /** Ends writing and renders every file of the output, one after the other, in this thread. */
  finalize(resolve: Resolve, options: RenderOptions): Generator<OutputFile, void> {
    return finalizeConversations(this, resolve, options);
  }
}
