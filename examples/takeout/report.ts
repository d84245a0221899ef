// What a run tells at its end: to a person, or as one line of JSON.

import { join } from "node:path";
import { formatBytes, formatCount, plural } from "../../src/systems/html.ts";
import type { LockStats } from "../../src/systems/lock-stats.ts";
import { LOOKUP_FILE } from "./output.ts";
import type { RunReport } from "./run.ts";
import type { FailedPage } from "./scan-page.ts";

const SHOWN_ERRORS = 20;

function lockLine(label: string, { acquisitions, contended }: LockStats): string {
  const share = acquisitions === 0 ? 0 : (100 * contended) / acquisitions;
  const waited = `${formatCount(contended)} had to wait (${share.toFixed(2)} %)`;
  return `  ${label.padEnd(14)}${formatCount(acquisitions).padStart(12)} acquired, ${waited}`;
}

function fileLines(heading: string, files: readonly FailedPage[]): string[] {
  if (files.length === 0) return [];
  const lines = files.slice(0, SHOWN_ERRORS).map(({ code, message }) => `  ${code}  ${message}`);
  const more = files.length - lines.length;
  if (more > 0) lines.push(`  … and ${formatCount(more)} more (--json lists all)`);
  return ["", heading, ...lines];
}

function errorLines({ errors }: RunReport): string[] {
  const attachments = errors.filter(({ code }) => code === "ERR_ATTACHMENT_READ");
  const pages = errors.filter(({ code }) => code !== "ERR_ATTACHMENT_READ");
  const count = pages.length === 1 ? "counts" : "count";
  return [
    ...fileLines(`${plural(pages.length, "page")} could not be read and ${count} for nothing:`, pages),
    ...fileLines(`${plural(attachments.length, "attachment")} could not be copied:`, attachments),
  ];
}

/** What differs from a first run over everything. */
function remarks({ resumed, kept, commercial }: RunReport): string[] {
  const lines: string[] = [];
  if (commercial > 0)
    lines.push(`${plural(commercial, "commercial conversation")} left out (--keep-commercial keeps them)`);
  if (resumed) lines.push(`An earlier run broke off: ${formatCount(kept)} of its pages stood already`);
  return lines;
}

/** The lines for a terminal. */
export function formatReport(report: RunReport, out: string): string {
  const { totals, contention } = report;
  const counts = [
    plural(totals.num_sms, "text"),
    plural(totals.num_calls, "call"),
    plural(totals.num_voicemails, "voicemail"),
    plural(totals.real_attachments, "attachment"),
  ];
  const read = `${plural(report.files, "page")}, ${plural(report.messages, "message")}, ${plural(report.lookups, "lookup")}`;
  return [
    `${read} in ${report.seconds.toFixed(1)} s with ${plural(report.workers, "worker")}`,
    `${plural(report.conversations, "conversation")}: ${counts.join(", ")}`,
    ...remarks(report),
    ...report.warnings.map(({ line, message }) => `${join(out, LOOKUP_FILE)}:${line}: ${message}`),
    "",
    `Locks (${formatBytes(report.sharedBytes)} of shared memory used)`,
    lockLine("lookup", contention.lookup),
    lockLine("conversations", contention.conversations),
    lockLine("pages", contention.claims),
    ...errorLines(report),
    "",
    `Open ${join(out, "index.html")}`,
    "",
  ].join("\n");
}

/** One line of JSON. */
export function formatJson(report: RunReport): string {
  const { files, messages, lookups, conversations, workers, seconds, errors, contention } = report;
  return `${JSON.stringify({ files, messages, lookups, conversations, workers, seconds, errors, contention })}\n`;
}
