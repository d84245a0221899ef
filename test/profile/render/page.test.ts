// The report in a real browser: read, sorted, searched, unfolded, by mouse and by keyboard; 1,000 locks and 64 threads.
// Skips, saying so, where no Chromium is. PROFILE_SCREENSHOTS names a folder to keep pictures in.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { htmlReport } from "../../../src/profile/render/html.ts";
import type { Profile } from "../../../src/profile/types.ts";
import { startBrowser } from "../../support/browser.ts";
import { emptyProfile, HOSTILE, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: the report in a browser");
let browser: Browser | undefined;
let folder = "";

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-report-"));
  browser = await startBrowser();
});

test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a report, does something with it, and checks that nothing was fetched and nothing failed. */
async function onPage(profile: Profile, act: (page: Page) => Promise<void>, colorScheme: "light" | "dark" = "light") {
  if (browser === undefined) return;
  const context = await browser.newContext({ colorScheme, viewport: { width: 1200, height: 900 } });
  context.setDefaultTimeout(120_000);
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => problems.push(message.text()));
    page.on("dialog", (dialog) => problems.push(dialog.message()));
    page.on("request", (request) => !/^(?:file|data):/.test(request.url()) && problems.push(request.url()));
    const file = join(folder, "report.html");
    writeFileSync(file, htmlReport(profile));
    await page.goto(pathToFileURL(file).href);
    await act(page);
    assert.equal(problems, []);
  } finally {
    await context.close();
  }
}

async function keep(page: Page, name: string): Promise<void> {
  const into = process.env.PROFILE_SCREENSHOTS;
  if (into !== undefined) await page.screenshot({ path: join(into, `${name}.png`), fullPage: true });
}

const names = (page: Page): Promise<string[]> => page.locator("#locks tbody .name").allTextContents();

test("says first which lock and which call site, then lists the locks by total wait", () =>
  onPage(hotProfile(), async (page) => {
    assert.is(await page.title(), "Where threads waited");
    assert.match(
      (await page.locator(".findings li").first().textContent()) ?? "",
      /Look here.*3\.62 s.*88 % for Mutex "counter"/,
    );
    assert.match((await page.locator(".findings").textContent()) ?? "", "92 % of its sampled wait time was behind");
    assert.equal(await names(page), [
      'Mutex "counter"',
      'RwLock "cache"',
      'Mutex "log"',
      'Mutex "ids"',
      "Semaphore at 4544",
    ]);
    assert.match(
      (await page.locator("#lock .sites .holder").first().textContent()) ?? "",
      /2\.94 s92 %.*held fromincrement/,
    );
    await keep(page, "hot-light");
  }));

test("choosing a lock shows that lock: its call sites, its histograms, its threads", () =>
  onPage(hotProfile(), async (page) => {
    await page.getByRole("button", { name: 'RwLock "cache"' }).click();
    assert.match((await page.locator("#lock-title").textContent()) ?? "", 'RwLock "cache"');
    assert.match((await page.locator("#lock .holder").textContent()) ?? "", "an unknown place");
    assert.match(
      (await page.locator("#lock .histogram.wait").getAttribute("aria-label")) ?? "",
      /^Half of the waits took less than/,
    );
    await page.locator("#lock summary").first().click();
    assert.match(
      (await page.locator("#lock .stack").first().textContent()) ?? "",
      /lookup.*cache\.js:31.*main.*worker\.js:80/,
    );
  }));

test("all of it can be done by keyboard: choose, sort, unfold, walk along the timeline", () =>
  onPage(hotProfile(), async (page) => {
    await page.locator('[data-key="lock-1:4352"]').focus();
    await page.keyboard.press("Enter");
    assert.is(await page.locator('[data-key="lock-1:4352"]').getAttribute("aria-pressed"), "true");
    assert.is(
      await page.evaluate(() => document.activeElement?.getAttribute("data-key")),
      "lock-1:4352",
      "focus is kept",
    );
    await page.locator('[data-key="sort-acquisitions"]').focus();
    await page.keyboard.press("Enter");
    assert.is((await names(page))[0], 'RwLock "cache"');
    assert.is(await page.locator("#locks th[aria-sort=descending]").textContent(), "Acquisitions ▼");
    await page.keyboard.press("Enter");
    assert.is((await names(page))[0], "Semaphore at 4544");
    await page.locator("canvas").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    assert.match(
      (await page.locator("#readout").textContent()) ?? "",
      /^worker 2 (?:held|waited for) .* for .* from .* on\.$/,
    );
    await page.keyboard.press("+");
    await page.keyboard.press("Home");
  }));

test("the timeline draws waits and holds in their colours", () =>
  onPage(hotProfile(), async (page) => {
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector("canvas") as HTMLCanvasElement;
      const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      const found = new Set<string>();
      for (let i = 0; i < data.length; i += 4) found.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
      return [...found];
    });
    assert.ok(colours.includes("217,72,15"), "the chosen lock's waits");
    assert.ok(colours.includes("23,105,196"), "the chosen lock's holds");
  }));

test("1,000 locks, 64 threads: a part is shown at first, all on demand, and any is found by name", () =>
  onPage(largeProfile(), async (page) => {
    assert.is((await names(page)).length, 25);
    await page.getByRole("button", { name: "Show all 1,000 locks" }).click();
    assert.is((await names(page)).length, 1000);
    await page.getByRole("searchbox").fill("lock 99");
    assert.equal((await names(page)).length, 11);
    assert.is(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search", "typing goes on");
    const short = await page.locator("canvas").evaluate((canvas) => canvas.clientHeight);
    await page.locator("#timeline .more").click();
    const tall = await page.locator("canvas").evaluate((canvas) => canvas.clientHeight);
    assert.is(tall - short, 32 * 20);
    assert.is(await page.locator("#heat .cell").count(), 64);
    await page.locator("#heat .cell").nth(3).click();
    assert.match((await page.locator("#lock-title").textContent()) ?? "", "shard 3 of SharedTable orders");
    await keep(page, "large");
  }));

test("dark where the reader's system is dark", () =>
  onPage(
    hotProfile(),
    async (page) => {
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.is(background, "rgb(18, 21, 27)");
      await keep(page, "hot-dark");
    },
    "dark",
  ));

test("hostile names are text: no element, no script comes of them", () =>
  onPage(hostileProfile(), async (page) => {
    assert.is(await page.title(), "Where threads waited");
    assert.is(await page.locator("img").count(), 0);
    assert.is(await page.locator("script").count(), 2);
    assert.is((await names(page))[0], `Mutex "${HOSTILE[0]}"`);
    assert.match((await page.locator(".findings").textContent()) ?? "", "Trouble16 deadlocks were found");
    await page.getByRole("button", { name: "Show this lock" }).first().click();
    await keep(page, "hostile");
  }));

test("an empty profile says that nothing was recorded", () =>
  onPage(emptyProfile(), async (page) => {
    assert.match((await page.locator(".findings").textContent()) ?? "", "No thread waited for a lock so far");
    assert.match((await page.locator("#locks").textContent()) ?? "", "No lock was used.");
  }));

test.run();
