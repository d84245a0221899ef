// From profile.json in a folder to everything that can be made of it, beside it.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { htmlReport } from "./render/html.ts";
import { pprofFiles } from "./render/pprof.ts";
import { prometheusText } from "./render/prometheus.ts";
import { terminalTable } from "./render/terminal.ts";
import { chromeTrace } from "./render/trace.ts";
import type { Profile } from "./types.ts";

/** Writes the renderings of profile.json into its folder, and the summary to standard error. Throws if there is none. */
export function showProfile(folder: string, quiet: boolean): void {
  const path = join(folder, "profile.json");
  if (!existsSync(path)) {
    throw new Error(`no profile was written to ${folder}: was the command Node, and did it end by itself?`);
  }
  const profile = JSON.parse(readFileSync(path, "utf8")) as Profile;
  writeFileSync(join(folder, "report.html"), htmlReport(profile));
  const { mutex, block } = pprofFiles(profile);
  writeFileSync(join(folder, "mutex.pb.gz"), mutex);
  writeFileSync(join(folder, "block.pb.gz"), block);
  writeFileSync(join(folder, "trace.json"), JSON.stringify(chromeTrace(profile)));
  writeFileSync(join(folder, "metrics.prom"), prometheusText(profile));
  if (quiet) return;
  const { isTTY, columns } = process.stderr;
  const colour = isTTY && process.env.NO_COLOR === undefined;
  process.stderr.write(`\n${terminalTable(profile, { colour, width: columns ?? 100 })}`);
  process.stderr.write(`\nWritten to ${folder}: open report.html in a browser.\n`);
}
