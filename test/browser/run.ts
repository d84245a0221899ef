// Test files in Chromium, with more of them than `npm test` runs:
//
//   node dist/test/browser/run.js                 the lock and table tests that need no Node
//   node dist/test/browser/run.js locks/event     files whose path holds one of the words
//
// The last line is `N passed, N failed`.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBrowser } from "../support/browser.ts";
import { runInPage } from "./suites.ts";

const tests = fileURLToPath(new URL("../", import.meta.url));
const words = process.argv.slice(2);
const files = ["locks", "tables"]
  .flatMap((folder) => readdirSync(join(tests, folder)).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)));

const browser = await startBrowser();
let [passed, failed] = [0, 0];
if (browser === undefined) failed = 1;
else {
  for (const file of files) {
    const started = performance.now();
    const numbers = (await runInPage(browser, [file], 120)).get(file) ?? { passed: 0, failures: ["gave nothing"] };
    passed += numbers.passed;
    failed += numbers.failures.length + (numbers.passed === 0 && numbers.failures.length === 0 ? 1 : 0);
    const time = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    console.log(`${numbers.failures.length > 0 ? "FAIL" : "ok  "}  ${file}  ${numbers.passed} passed  ${time}`);
    for (const text of numbers.failures) console.log(`      ${text.replaceAll("\n", "\n      ")}`);
  }
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
