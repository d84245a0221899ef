// The output folder before and after a run.

import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  flushFolderSync,
  readFileIfAny,
  removeStaleTemporaries,
  writeFileAtomicSync,
} from "../../src/systems/atomic-write-files.ts";
import { GENERATOR } from "../../src/systems/html.ts";
import { type IndexRow, renderIndexPage } from "../../src/systems/index-page.ts";
import { renderStatsJson, type TotalStats, totalStats } from "../../src/systems/stats.ts";
import { COPIES } from "./attachments.ts";

export const LOOKUP_FILE = "phone_lookup.txt";
export const LOG_FILE = "run.log";
const HEAD_BYTES = 512;

/**
 * Puts a page in place unless it stands there already, byte for byte: a run that goes on where another broke off writes
 * what is missing. The folder's names are flushed once, at the end of the run.
 * @returns whether it was written.
 */
export function writeIfChanged(path: string, content: string): boolean {
  const bytes = Buffer.from(content);
  if (statSync(path, { throwIfNoEntry: false })?.size === bytes.length) {
    const old = readFileIfAny(path);
    if (old !== undefined && bytes.equals(old)) return false;
  }
  writeFileAtomicSync(path, bytes, { flushFolder: false });
  return true;
}

/**
 * Makes the folder ready: it can be written, and what a killed run left half-written is gone.
 * @throws FileError where nothing can be written there, before any work is done.
 */
export function prepareOutput(out: string): void {
  const probe = join(out, ".holdfast-probe");
  writeFileAtomicSync(probe, "");
  rmSync(probe, { force: true });
  discardTemporaries(out);
}

/** Removes the temporary files of this process and of dead ones. */
export function discardTemporaries(out: string): void {
  removeStaleTemporaries(out);
  removeStaleTemporaries(join(out, "backup"));
  removeStaleTemporaries(join(out, COPIES));
}

/** Whether a file is a page that an earlier run wrote: it says so itself. */
function isOurs(path: string): boolean {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(path, "r");
  try {
    const read = readSync(descriptor, head, 0, HEAD_BYTES, 0);
    return head.toString("utf8", 0, read).includes(`<meta name="generator" content="${GENERATOR}">`);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes pages of earlier runs whose conversations are no more; nothing else in the folder is touched. */
function removeOldPages(out: string, rows: readonly IndexRow[]): void {
  const current = new Set(rows.map(({ id }) => `${id}.html`.normalize("NFC")));
  for (const entry of readdirSync(out, { withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".html") || entry.name === "index.html") continue;
    const path = join(out, entry.name);
    if (!current.has(entry.name.normalize("NFC")) && isOurs(path)) rmSync(path);
  }
}

/** Writes what stands for the whole run, last of all: index.html and stats.json tell of complete pages only. */
export function finishOutput(out: string, rows: readonly IndexRow[]): TotalStats {
  const figures = rows.map((row) => [row.id, row.figures] as const);
  const totals = totalStats(rows.map((row) => row.figures));
  removeOldPages(out, rows);
  writeFileAtomicSync(join(out, "stats.json"), renderStatsJson(figures), { flushFolder: false });
  writeFileAtomicSync(join(out, "index.html"), renderIndexPage(rows, totals), { flushFolder: false });
  flushFolderSync(out);
  return totals;
}
