// A worker of a run: reads pages until none is left, then renders the conversations it is given (run-protocol.ts).
//
// Invariant: a page is claimed by one atomic add, so exactly one worker reads it, and what it yields depends on the
// page and its place only, never on who reads it or when.

import { join } from "node:path";
import { parentPort, threadId, workerData } from "node:worker_threads";
import { HoldfastError } from "../../src/cells/errors.ts";
import { ConversationStats } from "../../src/systems/conversation-stats.ts";
import type { PlanEntry } from "../../src/systems/finalize.ts";
import type { IndexRow } from "../../src/systems/index-page.ts";
import { PhoneLookup } from "../../src/systems/phone-lookup.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { attachmentPaths, copyingPlace, linkedPlace, senderNames } from "./attachments.ts";
import { NameList } from "./name-list.ts";
import { writeIfChanged } from "./output.ts";
import { RunLog } from "./run-log.ts";
import { CLAIMS, type FromWorker, type ToWorker, type WorkerTask } from "./run-protocol.ts";
import { type FailedPage, isFailed, readPage, scanPage } from "./scan-page.ts";

const task: WorkerTask = workerData;
const pages = new NameList(task.pages);
const lookup = PhoneLookup.from(task.lookup);
const stats = ConversationStats.from(task.stats);
const claims = SharedTable.from(task.claims);
const log = RunLog.from(task.log, `worker ${threadId}`);

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function scanChunk(from: number, to: number): void {
  const failed: FailedPage[] = [];
  let messages = 0;
  for (let rank = from; rank < to; rank++) {
    const page = readPage(task.calls, pages.at(rank), task.ownNumber);
    if (isFailed(page)) failed.push(page);
    else messages += scanPage(page, rank, lookup, stats);
  }
  for (const { code, message } of failed) log.write(`${code}: ${message}`);
  if (failed.length > 0) tell({ type: "failed", pages: failed });
  log.write(`pages ${from + 1} to ${to} read: ${messages} messages`);
  claims.update(CLAIMS, (row = { claimed: 0, done: 0, messages: 0 }) => ({
    ...row,
    done: row.done + to - from,
    messages: row.messages + messages,
  }));
}

function scan(): void {
  for (;;) {
    const to = claims.add(CLAIMS, "claimed", task.chunk);
    const from = to - task.chunk;
    if (from >= pages.length) return;
    scanChunk(from, Math.min(to, pages.length));
  }
}

/** A file beside the pages that could not be read. */
function tellFailed(file: FailedPage): void {
  log.write(`${file.code}: ${file.message}`);
  tell({ type: "failed", pages: [file] });
}

interface Rendered {
  readonly rows: IndexRow[];
  /** Pages that an earlier run wrote, byte for byte. */
  readonly kept: number;
}

/** Made when all pages are read: only then are the names final. */
function renderer(): (entries: readonly PlanEntry[]) => Rendered {
  const aliases = lookup.getAllAliases();
  const senderOf = senderNames((phone) => aliases.get(phone) ?? phone);
  const place = task.copyAttachments
    ? copyingPlace(task.calls, task.out, tellFailed)
    : linkedPlace(task.calls, task.out);
  const attachmentPath = attachmentPaths(new NameList(task.media), place);
  const options = { ...task.finalize, senderOf, attachmentPath };
  return (entries) => {
    const rows: IndexRow[] = [];
    let kept = 0;
    for (const entry of entries) {
      const rendered = stats.renderConversation(entry, options);
      if (rendered === undefined) {
        log.write(`${entry.id} is left out: a commercial conversation`);
        continue;
      }
      const written = writeIfChanged(join(task.out, `${entry.id}.html`), rendered.html);
      if (!written) kept++;
      log.write(`${entry.id}.html ${written ? "written" : "stands already"}: ${entry.figures.total} messages`);
      rows.push(rendered.row);
    }
    return { rows, kept };
  };
}

/** Does a piece of the work; an error of holdfast's is told as such, any other ends the worker. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    tell({ type: "broken", error: error.share() });
  }
}

let render: ReturnType<typeof renderer> | undefined;
parentPort?.on("message", (message: ToWorker) => {
  if (message.type === "end") {
    parentPort?.close();
    return;
  }
  attempt(() => {
    render ??= renderer();
    tell({ type: "rendered", ...render(message.entries), done: message.entries.length });
  });
});
attempt(() => {
  scan();
  tell({ type: "scanned" });
});
