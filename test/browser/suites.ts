// Runs test files of the tree in a page of Chromium: each in a worker that stands for the main thread.

import type { Browser } from "playwright-core";
import type { Numbers } from "./shims/uvu.ts";
import { openSite } from "./site.ts";

/** What a browser can't show, by title. */
const NOT_HERE = [
  // A browser's threads have random ids; they are not those of the test's workers.
  "owner.* thread id",
].join("|");

/** Compiled files, as `locks/event.test.js`. Never rejects for a failing test, whose text is in the result. */
export async function runInPage(
  browser: Browser,
  files: readonly string[],
  seconds: number,
): Promise<Map<string, Numbers>> {
  const site = await openSite();
  const results = new Map<string, Numbers>();
  try {
    const page = await browser.newPage();
    await page.goto(`${site.address}/docs/pictures/deadlock.svg`);
    for (const file of files) {
      const address = `${site.address}/dist/test/${file}`;
      const job = { runner: `${site.address}/dist/test/browser/runner.js`, address, seconds, skip: NOT_HERE };
      results.set(file, await page.evaluate(runOne, job));
    }
  } finally {
    await site.close();
  }
  return results;
}

/** Runs in the page. */
function runOne(job: { runner: string; address: string; seconds: number; skip: string }): Promise<Numbers> {
  const worker = new Worker(job.runner, { type: "module" });
  return new Promise<Numbers>((resolve) => {
    const fail = (text: string): void => resolve({ passed: 0, failures: [text] });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => fail(`the worker failed: ${event.message}`);
    setTimeout(() => fail(`not through after ${job.seconds} s`), job.seconds * 1000);
    worker.postMessage({ file: job.address, skip: job.skip });
  }).finally(() => worker.terminate());
}
