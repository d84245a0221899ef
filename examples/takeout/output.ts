// The output folder before and after a run.

import { closeSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { flushFolderSync, removeStaleTemporaries, writeFileAtomicSync } from "../../src/systems/atomic-write-files.ts";
import { GENERATOR } from "../../src/systems/html.ts";
import { type IndexRow, renderIndexPage } from "../../src/systems/index-page.ts";
import { renderStatsJson, type TotalStats, totalStats } from "../../src/systems/stats.ts";

export const LOOKUP_FILE = "phone_lookup.txt";
const HEAD_BYTES = 512;

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
