// Runs a test file of the tree in a page of Chromium: in a worker that stands for the main thread.

import type { Browser } from "playwright-core";
import type { Numbers } from "./shims/uvu.ts";
import { openSite } from "./site.ts";

/**
 * Runs a compiled file, as `locks/event.test.js`. Never rejects for a failing test, whose text is in the result; has no
 * limit of time.
 *
 * @param tell hears what the file prints, and the title of each test when it starts
 */
export async function runInPage(browser: Browser, file: string, tell: (text: string) => void): Promise<Numbers> {
  const site = await openSite({ files: { "/page.html": '<!doctype html><link rel="icon" href="data:,">' } });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => tell(message.text()));
    const crashed = new Promise<Numbers>((resolve) => {
      page.on("crash", () => resolve({ passed: 0, failures: ["the page crashed"], skipped: [] }));
    });
    await page.goto(`${site.address}/page.html`);
    const job = { runner: `${site.address}/dist/test/browser/runner.js`, file: `${site.address}/dist/test/${file}` };
    const numbers = await Promise.race([page.evaluate(runOne, job), crashed]);
    await page.close();
    return numbers;
  } finally {
    await site.close();
  }
}

/** Runs in the page. */
function runOne({ runner, file }: { runner: string; file: string }): Promise<Numbers> {
  const worker = new Worker(runner, { type: "module" });
  return new Promise<Numbers>((resolve) => {
    const fail = (text: string): void => resolve({ passed: 0, failures: [text], skipped: [] });
    worker.onmessage = ({ data }) => {
      if (typeof data === "string") console.log(data);
      else resolve(data);
    };
    worker.onerror = (event) => fail(`the worker failed: ${event.message}`);
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
