// The live page in a real browser: it updates by itself and keeps what the reader chose, shows who waits for whom, and says
// when the program has ended. Skips, saying so, where no Chromium is. PROFILE_SCREENSHOTS names a folder for pictures.

import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Profile } from "../../src/profile/types.ts";
import type { WaitNow } from "../../src/profile/wait-graph.ts";
import { startWatch, type Watch } from "../../src/profile/watch.ts";
import { startBrowser } from "../support/browser.ts";
import { hotProfile } from "../support/profiles.ts";

const test = suite("profile: the live page in a browser");
let browser: Browser | undefined;

test.before(async () => {
  browser = await startBrowser();
});

test.after(async () => {
  await browser?.close();
});

const wait = (thread: number, lock: string, holder: number): WaitNow => {
  const heldBy = [{ thread: holder, name: `worker ${holder}` }];
  return { thread, name: `worker ${thread}`, lock: `Mutex "${lock}"`, wants: "to lock", heldBy };
};

/** A program whose figures the test changes. */
class Program {
  waits: readonly WaitNow[] = [];
  acquisitions = 8000;
  error: Error | undefined;

  snapshot(): Profile {
    if (this.error !== undefined) throw this.error;
    const hot = hotProfile();
    const [first, ...rest] = hot.locks;
    return { ...hot, locks: [{ ...first, total: { ...first.total, acquisitions: this.acquisitions } }, ...rest] };
  }

  waitGraph(): readonly WaitNow[] {
    if (this.error !== undefined) throw this.error;
    return this.waits;
  }
}

async function onPage(act: (page: Page, program: Program, watch: Watch) => Promise<void>): Promise<void> {
  if (browser === undefined) return;
  const program = new Program();
  const watch = await startWatch({ source: program, intervalMs: 100, keepAlive: true });
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
  context.setDefaultTimeout(120_000);
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(watch.address);
    await page.getByRole("status").filter({ hasText: "Live, last updated at" }).waitFor();
    await act(page, program, watch);
    assert.equal(problems, []);
  } finally {
    await context.close();
    await watch.close();
  }
}

test("figures change by themselves, and what the reader chose stays", () =>
  onPage(async (page, program) => {
    await page.getByRole("button", { name: 'RwLock "cache"' }).click();
    await page.locator("#lock summary").first().click();
    program.acquisitions = 123_000;
    await page.locator("#locks tbody tr").first().filter({ hasText: "123k" }).waitFor();
    assert.match((await page.locator("#lock-title").textContent()) ?? "", 'RwLock "cache"');
    assert.ok(await page.locator("#lock .stack").first().isVisible());
    assert.is(await page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
  }));

test("a pause holds the figures, going on shows the newest", () =>
  onPage(async (page, program) => {
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("status").filter({ hasText: "Paused" }).waitFor();
    program.acquisitions = 99_000;
    await page.getByRole("button", { name: "Go on" }).click();
    await page.locator("#locks tbody tr").first().filter({ hasText: "99.0k" }).waitFor();
  }));

test("the button shows who waits for whom now, and a circle as such", () =>
  onPage(async (page, program) => {
    const button = page.getByRole("button", { name: "Who waits for whom now?" });
    await button.click();
    await page.locator("#graph", { hasText: "No thread waits for a lock that another thread holds." }).waitFor();
    program.waits = [wait(1, "a", 2), wait(2, "b", 1), wait(3, "a", 2)];
    await button.click();
    await page.locator("#graph", { hasText: "3 threads wait." }).waitFor();
    assert.equal(await page.locator("#graph li").allTextContents(), [
      'worker 1 waits for Mutex "a" (to lock), held by worker 2 in a circle',
      'worker 2 waits for Mutex "b" (to lock), held by worker 1 in a circle',
      'worker 3 waits for Mutex "a" (to lock), held by worker 2 ',
    ]);
    const into = process.env.PROFILE_SCREENSHOTS;
    if (into !== undefined) await page.screenshot({ path: join(into, "live.png") });
  }));

test("what can't be read is said, and gone when it can", () =>
  onPage(async (page, program) => {
    program.error = new Error("the region is gone");
    await page.getByRole("status").filter({ hasText: "The profile could not be read: the region is gone" }).waitFor();
    await page.getByRole("button", { name: "Who waits for whom now?" }).click();
    await page.locator("#graph", { hasText: "The waits could not be read" }).waitFor();
    program.error = undefined;
    await page.getByRole("status").filter({ hasText: "Live, last updated at" }).waitFor();
  }));

test("when the program ends, the page says so and keeps the last state", () =>
  onPage(async (page, _, watch) => {
    await watch.close();
    await page.getByRole("status").filter({ hasText: "The program has ended; this is the last state." }).waitFor();
    assert.is(await page.locator("#locks tbody tr").count(), 5);
  }));

test.run();
