// What the main thread of a run and its workers say to each other.
//
//   worker                                main
//   claims chunks of pages, scans them
//   ── failed (files that could not be read) ─▶
//   ── scanned ──────────────────────────────▶  all scanned: asks for names, if it is to; plans the conversations
//   ◀── render (a few entries of the plan) ───
//   writes their pages
//   ── rendered ─────────────────────────────▶  more entries, or:
//   ◀── end ──────────────────────────────────

import type { SharedError } from "../../src/cells/errors.ts";
import type { ConversationStatsHandle } from "../../src/systems/conversation-stats.ts";
import type { FinalizeOptions, PlanEntry } from "../../src/systems/finalize.ts";
import type { IndexRow } from "../../src/systems/index-page.ts";
import type { PhoneLookupHandle } from "../../src/systems/phone-lookup.ts";
import type { TableHandle } from "../../src/tables/shared-table.ts";
import type { RunLogHandle } from "./run-log.ts";
import type { FailedPage } from "./scan-page.ts";

/** The one row of the table by which workers claim pages, under {@link CLAIMS}. */
export interface ClaimRow {
  /** Pages claimed so far; may pass the number of pages. */
  claimed: number;
  /** Pages done with, failed ones too. */
  done: number;
  messages: number;
}

export const CLAIMS = "pages";
export const CLAIM_COLUMNS = { claimed: "f64", done: "f64", messages: "f64" } as const;

export interface WorkerTask {
  readonly calls: string;
  readonly out: string;
  readonly pages: SharedArrayBuffer;
  readonly media: SharedArrayBuffer;
  readonly ownNumber: string;
  /** Pages claimed at a time. */
  readonly chunk: number;
  readonly lookup: PhoneLookupHandle;
  readonly stats: ConversationStatsHandle;
  readonly claims: TableHandle<string, ClaimRow>;
  readonly finalize: FinalizeOptions;
  readonly log: RunLogHandle;
  /** Whether attachments are copied into the output folder; else the pages link to them where they lie. */
  readonly copyAttachments: boolean;
}

export type FromWorker =
  | { readonly type: "failed"; readonly pages: readonly FailedPage[] }
  | { readonly type: "scanned" }
  /** What ends the run: the disk is full, the region too. Errors lose their class on the way, so they go as data. */
  | { readonly type: "broken"; readonly error: SharedError }
  /** `done` entries of the plan came to these conversations; `kept` pages stood as they should already. */
  | { readonly type: "rendered"; readonly rows: readonly IndexRow[]; readonly done: number; readonly kept: number };

export type ToWorker = { readonly type: "render"; readonly entries: readonly PlanEntry[] } | { readonly type: "end" };
