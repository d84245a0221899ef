// One run: pages in, conversations out. Two phases in the same workers: scan (read pages, look numbers up, write
// messages to the shared tables), then, when every page is read and so every name is final, render.
//
// Invariant: the files that come out depend on the pages and on the lookup file alone, byte for byte, not on the number
// of workers nor on their timing. No file is ever half-written. The lookup file is written once, when its names are
// final: an interrupted run leaves no name behind that a complete one would not have found.

import { join, resolve } from "node:path";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Region } from "../../src/region/region.ts";
import type { DateFilter } from "../../src/systems/conversation-filters.ts";
import { resolveConversations } from "../../src/systems/conversation-key.ts";
import { ConversationStats } from "../../src/systems/conversation-stats.ts";
import { type FinalizeOptions, type PlanEntry } from "../../src/systems/finalize.ts";
import type { IndexRow } from "../../src/systems/index-page.ts";
import type { LockStats } from "../../src/systems/lock-stats.ts";
import type { LookupWarning } from "../../src/systems/lookup-file.ts";
import { PhoneLookup } from "../../src/systems/phone-lookup.ts";
import type { TotalStats } from "../../src/systems/stats.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { compareFileNames } from "./file-name.ts";
import type { TakeoutInput } from "./input.ts";
import { discardTemporaries, finishOutput, LOG_FILE, LOOKUP_FILE, prepareOutput } from "./output.ts";
import type { Progress } from "./progress.ts";
import { type Ask, isKeyLeftOut, openQuestions } from "./questions.ts";
import { RunLog } from "./run-log.ts";
import { CLAIM_COLUMNS, CLAIMS, type ClaimRow, type FromWorker, type ToWorker } from "./run-protocol.ts";
import type { FailedPage } from "./scan-page.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface RunOptions extends FinalizeOptions {
  readonly input: TakeoutInput;
  readonly out: string;
  readonly workers: number;
  /** Messages outside these dates are left out. */
  readonly dates?: DateFilter;
  /** Numbers to filter, with their reasons, before the run; kept in the lookup file. */
  readonly filters?: readonly (readonly [phone: string, reason: string])[];
  /** The same for exclusions. */
  readonly exclusions?: readonly (readonly [phone: string, reason: string])[];
  /** Numbers whose exclusion is taken back. */
  readonly unexclude?: readonly string[];
  /** Whether filtered and excluded numbers are converted all the same. */
  readonly withFiltered?: boolean;
  /** Copies attachments into the output folder; without it the pages link to them where they lie. */
  readonly copyAttachments?: boolean;
  /** Asked for each number that nothing names; without it such a number stays a number. */
  readonly ask?: Ask;
  /** Told of each phase, a few times a second. */
  readonly progress?: Pick<Progress, "start" | "update" | "finish">;
  /** Ends the run: workers are terminated, temporary files removed; the run rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RunReport {
  /** Pages in the folder, failed ones included. */
  readonly files: number;
  readonly messages: number;
  readonly lookups: number;
  readonly conversations: number;
  readonly workers: number;
  readonly seconds: number;
  readonly errors: readonly FailedPage[];
  readonly contention: Readonly<Record<"lookup" | "conversations" | "claims", LockStats>>;
  readonly totals: TotalStats;
  /** Lines of the lookup file that could not be taken as they stand. */
  readonly warnings: readonly LookupWarning[];
  /** Bytes of shared memory used for messages, figures and names. */
  readonly sharedBytes: number;
  /** Whether an earlier run into the same folder broke off. */
  readonly resumed: boolean;
  /** Pages that stood in the output folder already, byte for byte, and were not written again. */
  readonly kept: number;
  /** Conversations with commercial senders that were left out. */
  readonly commercial: number;
}

/** Address space that the messages may take: the most a region can have. Memory is used only as it is needed. */
const MAX_REGION_BYTES = 0x7fff_0000;
const LARGEST_CHUNK = 32;
/** What a page has on average, by experience: room for so many messages is made before the threads begin. */
const MESSAGES_A_PAGE = 8;
/** Most that is made room for in advance. */
const MOST_EXPECTED = 2 ** 20;
/** Conversations that a worker is given at a time. */
const ENTRIES = 8;
const TICK = 100;

const NO_CLAIMS: ClaimRow = { claimed: 0, done: 0, messages: 0 };

class Run {
  readonly #options: RunOptions;
  readonly #out: string;
  readonly #region = Region.create({ name: "takeout", maxByteLength: MAX_REGION_BYTES });
  readonly #lookup: PhoneLookup;
  readonly #stats: ConversationStats;
  readonly #claims: SharedTable<string, ClaimRow>;
  readonly #count: number;
  readonly #log: RunLog;
  readonly #resumed: boolean;
  readonly #errors: FailedPage[] = [];
  readonly #rows: IndexRow[] = [];
  readonly #started = performance.now();
  #waiting: ((to: ToWorker) => void)[] = [];
  #plan: PlanEntry[] = [];
  #handedOut = 0;
  #rendered = 0;
  #kept = 0;
  #finished: () => void = () => {};
  #broken: (error: unknown) => void = () => {};

  constructor(options: RunOptions) {
    const region = this.#region;
    this.#options = options;
    this.#out = resolve(options.out);
    prepareOutput(this.#out);
    this.#count = Math.min(options.workers, options.input.pages.length);
    ({ log: this.#log, resumed: this.#resumed } = RunLog.start(join(this.#out, LOG_FILE), region));
    const file = join(this.#out, LOOKUP_FILE);
    // Named for the profiler, which tells of locks by the names of what they are in.
    this.#lookup = new PhoneLookup({
      region,
      name: "lookup",
      file,
      autosave: false,
      skipFiltered: options.withFiltered !== true,
    });
    for (const [phone, reason] of options.filters ?? []) this.#lookup.addFilter(phone, reason);
    for (const [phone, reason] of options.exclusions ?? []) this.#lookup.exclude(phone, reason || undefined);
    for (const phone of options.unexclude ?? []) this.#lookup.unexclude(phone);
    const capacity = Math.min(MOST_EXPECTED, Math.max(1, options.input.pages.length * MESSAGES_A_PAGE));
    this.#stats = new ConversationStats({ region, name: "stats", dates: options.dates, capacity });
    this.#claims = new SharedTable({ region, name: "pages", key: "string", columns: CLAIM_COLUMNS, capacity: 1 });
    this.#claims.set(CLAIMS, NO_CLAIMS);
  }

  async execute(): Promise<RunReport> {
    const { input, progress, signal } = this.#options;
    signal?.throwIfAborted();
    const done = new Promise<void>((resolve, reject) => {
      this.#finished = resolve;
      this.#broken = reject;
    });
    this.#log.write(`${this.#resumed ? "goes on" : "begins"}: ${input.pages.length} pages, ${this.#count} workers`);
    progress?.start("Reading pages", input.pages.length);
    const timer = setInterval(() => this.#tick(), TICK);
    const pool = this.#startWorkers();
    try {
      await Promise.race([done, pool.failed, aborted(signal)]);
      await pool.end();
      progress?.finish();
      return this.#report();
    } catch (error) {
      await pool.terminate();
      discardTemporaries(this.#out);
      this.#logStop(error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  #startWorkers(): WorkerPool {
    const { input, dropCallOnly, keepCommercial, copyAttachments } = this.#options;
    const task = {
      calls: input.calls,
      out: this.#out,
      pages: input.pages.buffer,
      media: input.media.buffer,
      ownNumber: input.ownNumber,
      chunk: Math.max(1, Math.min(LARGEST_CHUNK, Math.ceil(input.pages.length / (this.#count * 4)))),
      lookup: this.#lookup.share(),
      stats: this.#stats.share(),
      claims: this.#claims.share(),
      finalize: { dropCallOnly, keepCommercial },
      log: this.#log.share(),
      copyAttachments: copyAttachments === true,
    };
    return new WorkerPool(this.#count, task, (message, send) => this.#receive(message, send));
  }

  #receive(message: FromWorker, send: (to: ToWorker) => void): void {
    switch (message.type) {
      case "failed":
        this.#errors.push(...message.pages);
        return;
      case "broken":
        throw HoldfastError.from(message.error);
      case "scanned":
        this.#waiting.push(send);
        if (this.#waiting.length === this.#count) this.#startRendering().catch(this.#broken);
        return;
      case "rendered":
        this.#rows.push(...message.rows);
        this.#rendered += message.done;
        this.#kept += message.kept;
        this.#handOut(send);
        if (this.#rendered === this.#plan.length) this.#finished();
    }
  }

  /** Every page is read: the names become final, and the workers, which wait, are given conversations to write. */
  async #startRendering(): Promise<void> {
    const { progress } = this.#options;
    progress?.finish();
    this.#lookup.save();
    await this.#askNames();
    const aliases = this.#lookup.getAllAliases();
    const resolve = (keys: readonly string[]) => resolveConversations(keys, (phone) => aliases.get(phone) ?? phone);
    const leaveOut = (key: string): boolean => isKeyLeftOut(key, (phone) => this.#lookup.isFiltered(phone));
    this.#plan = this.#stats.plan(resolve, { ...this.#options, leaveOut });
    progress?.start("Writing conversations", this.#plan.length);
    for (const send of this.#waiting) this.#handOut(send);
    if (this.#plan.length === 0) this.#finished();
  }

  /** Each answer is saved at once: a run that goes on later does not ask again. */
  async #askNames(): Promise<void> {
    const { ask, signal } = this.#options;
    if (ask === undefined) return;
    const isKnown = (phone: string): boolean => this.#lookup.hasAlias(phone) || this.#lookup.isFiltered(phone);
    for (const question of openQuestions(this.#stats.getAllStats(), isKnown)) {
      const answer = await ask(question);
      signal?.throwIfAborted();
      this.#log.write(`asked for ${question.phone}: ${answer.kind === "name" ? answer.name : answer.kind}`);
      if (answer.kind === "stop") return;
      if (answer.kind === "name") this.#lookup.addAlias(question.phone, answer.name);
      if (answer.kind === "exclude") this.#lookup.exclude(question.phone);
    }
  }

  /** A disk that is full takes no line either: the error to tell is the one that ended the run. */
  #logStop(error: unknown): void {
    try {
      this.#log.write(`stopped: ${error instanceof Error ? error.message : String(error)}`);
    } catch {}
  }

  #handOut(send: (to: ToWorker) => void): void {
    const entries = this.#plan.slice(this.#handedOut, this.#handedOut + ENTRIES);
    this.#handedOut += entries.length;
    if (entries.length > 0) send({ type: "render", entries });
  }

  #tick(): void {
    const scanned = this.#claims.get(CLAIMS)?.done ?? 0;
    this.#options.progress?.update(this.#waiting.length < this.#count ? scanned : this.#rendered);
  }

  #report(): RunReport {
    const totals = finishOutput(this.#out, this.#rows);
    const { acquisitions, contended } = this.#claims.stats();
    this.#log.finish(`${this.#rows.length} conversations, ${this.#kept} of their pages stood already`);
    return {
      files: this.#options.input.pages.length,
      messages: this.#claims.get(CLAIMS)?.messages ?? 0,
      lookups: this.#lookup.lookups,
      conversations: this.#rows.length,
      workers: this.#count,
      seconds: Math.round(performance.now() - this.#started) / 1000,
      errors: this.#errors.sort((a, b) => compareFileNames(a.file, b.file)),
      contention: {
        lookup: this.#lookup.lockStats,
        conversations: this.#stats.lockStats,
        claims: { acquisitions, contended },
      },
      totals,
      warnings: this.#lookup.warnings,
      sharedBytes: this.#region.stats().bytesUsed,
      resumed: this.#resumed,
      kept: this.#kept,
      commercial: this.#plan.length - this.#rows.length,
    };
  }
}

/** Rejects with the signal's reason when it is aborted; never settles without one. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * Converts the pages of a Takeout into one page a conversation, an index, stats.json and the lookup file.
 * @throws FileError where the output can't be written, the signal's reason, or a worker's error; files that stand
 * then are whole.
 */
export async function runTakeout(options: RunOptions): Promise<RunReport> {
  return new Run(options).execute();
}
