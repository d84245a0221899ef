// Runs one compiled test file in Chromium, in a worker of a cross-origin isolated page that stands for Node's main thread:
//
//   node dist/test/browser/run-file.js dist/test/locks/event.test.js
//
// It prints what uvu would: each test that failed, then the numbers; and `skipped: reason` for what limits.ts leaves out.
// So test/run.ts runs it like any other runtime, with its watchdog. A file that drives pages by itself (apps with bundlers, a
// policy, the pages of examples) runs here, in Node, which is where it belongs. Each line `…  title` says what starts now: of a file
// that hangs, the last one says where.

import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { startBrowser } from "../support/browser.ts";
import { drivesPages, reasonForFile } from "./limits.ts";
import type { Numbers } from "./shims/uvu.ts";
import { runInPage } from "./suites.ts";

const tests = fileURLToPath(new URL("../", import.meta.url));

function print({ passed, failures, skipped }: Numbers): void {
  for (const failure of failures) console.log(`FAIL  ${failure}\n`);
  for (const reason of new Set(skipped)) console.log(`skipped: ${reason}`);
  console.log(`\n  Total:     ${passed + failures.length}`);
  console.log(`  Passed:    ${passed}`);
  console.log(`  Skipped:   ${skipped.length}`);
  console.log(`  Duration:  ${performance.now().toFixed(0)}ms`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

const name = relative(tests, process.argv[2]).replaceAll("\\", "/");
const reason = reasonForFile(name);
if (drivesPages(name)) await import(pathToFileURL(process.argv[2]).href);
else if (reason !== undefined) print({ passed: 0, failures: [], skipped: [reason] });
else {
  const browser = await startBrowser();
  if (browser === undefined) throw new Error("no Chromium, so nothing was run");
  const numbers = await runInPage(browser, name, (text) => console.log(text));
  await browser.close();
  print(numbers);
}
