// Whether an output folder holds exactly what the oracle says: the same files, byte for byte.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COPIES } from "./attachments.ts";
import type { OracleResult } from "./oracle.ts";
import { LOG_FILE } from "./output.ts";
import type { RunReport } from "./run.ts";

const MOST = 10;
/** What tells of a run, and not of the pages alone. */
const PASSED_OVER = new Set(["backup", LOG_FILE, COPIES]);

/** What differs, one line each, at most ten; empty where nothing does. The log, backups and copies of attachments are not looked at. */
export function compareOutput(out: string, report: RunReport, oracle: OracleResult): string[] {
  const found = new Set(readdirSync(out).filter((name) => !PASSED_OVER.has(name)));
  const problems: string[] = [];
  for (const [name, content] of oracle.files) {
    if (!found.delete(name)) problems.push(`${name} is missing`);
    else if (!readFileSync(join(out, name)).equals(Buffer.from(content))) problems.push(`${name} differs`);
  }
  for (const name of found) problems.push(`${name} should not be there`);
  const counts = [
    ["messages", report.messages, oracle.messages],
    ["lookups", report.lookups, oracle.lookups],
    ["errors", JSON.stringify(report.errors), JSON.stringify(oracle.errors)],
  ] as const;
  for (const [what, is, should] of counts) if (is !== should) problems.push(`${what}: ${is}, not ${should}`);
  return problems.slice(0, MOST);
}
