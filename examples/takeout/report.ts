// What a run tells at its end: to a person, or as one line of JSON.

import { join } from "node:path";
import { formatBytes, formatCount, plural } from "../../src/systems/html.ts";
import type { LockStats } from "../../src/systems/lock-stats.ts";
import { LOOKUP_FILE } from "./output.ts";
import type { RunReport } from "./run.ts";

const SHOWN_ERRORS = 20;

function lockLine(label: string, { acquisitions, contended }: LockStats): string {
  const share = acquisitions === 0 ? 0 : (100 * contended) / acquisitions;
  const waited = `${formatCount(contended)} had to wait (${share.toFixed(2)} %)`;
  return `  ${label.padEnd(14)}${formatCount(acquisitions).padStart(12)} acquired, ${waited}`;
}

function errorLines({ errors }: RunReport): string[] {
  if (errors.length === 0) return [];
  const lines = errors.slice(0, SHOWN_ERRORS).map(({ code, message }) => `  ${code}  ${message}`);
  const more = errors.length - lines.length;
  if (more > 0) lines.push(`  … and ${formatCount(more)} more (--json lists all)`);
  return [
    "",
    `${plural(errors.length, "page")} could not be read and ${errors.length === 1 ? "counts" : "count"} for nothing:`,
    ...lines,
  ];
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
