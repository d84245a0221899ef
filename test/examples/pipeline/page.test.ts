// watchdog: 300s
// The page in a real browser: plans started in it, their events live, failures marked. Skips where there is no Chromium.
// `--screenshot FILE` keeps what it looked like.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PipelineServer } from "../../../examples/pipeline/server.ts";

const test = suite("pipeline's page");

function findChromium(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM !== undefined && existsSync(CHROMIUM)) return CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const executablePath = findChromium();
const at = process.argv.indexOf("--screenshot");

async function startPlan(page: Page, id: string, steps: number, fail: number): Promise<void> {
  await page.fill("input[name=id]", id);
  await page.fill("input[name=steps]", String(steps));
  await page.fill("input[name=delay]", "30");
  await page.fill("input[name=fail]", String(fail));
  await page.click("form button");
}

const lines = (page: Page, id: string): Promise<string[]> => page.locator(`[data-plan="${id}"] li`).allTextContents();

if (executablePath === undefined) console.log("skipped: no Chromium in CHROMIUM or PATH");
else {
  test("shows running plans live, their ends, and why a plan is refused", async () => {
    const server = await PipelineServer.start();
    const profile = mkdtempSync(join(tmpdir(), "pipeline-page-"));
    const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: flags });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(String(error)));
      await page.goto(`http://127.0.0.1:${server.port}/`);
      await startPlan(page, "long", 10_000, 0);
      // It is live: the third step is there long before the last.
      await page.locator('[data-plan="long"] li', { hasText: "step 3 of 10000" }).waitFor();
      await startPlan(page, "good", 8, 0);
      await page.locator('[data-plan="good"][data-ended]').waitFor();
      await startPlan(page, "bad", 4, 3);
      await page.locator('[data-plan="bad"].failed[data-ended]').waitFor();
      await startPlan(page, "long", 1, 0);
      await page.locator("#message", { hasText: "runs already" }).waitFor();
      await page.locator("#numbers", { hasText: "1 running, 0 waiting, 1 completed, 1 failed" }).waitFor();
      const steps = (await lines(page, "good")).filter((line) => line.startsWith("step") && line.includes("of"));
      assert.equal(
        steps,
        Array.from({ length: 8 }, (_, step) => `step ${step + 1} of 8`),
      );
      assert.is((await lines(page, "bad")).at(-1), "failed exit code 3");
      if (at >= 0) await page.screenshot({ path: process.argv[at + 1], fullPage: true });
      for (const number of [1, 2, 3, 4, 5, 6, 7]) await startPlan(page, `more-${number}`, number, 0);
      for (const number of [1, 2, 3, 4, 5, 6, 7]) {
        await page.locator(`[data-plan="more-${number}"].completed[data-ended]`).waitFor();
        assert.is(
          (await lines(page, `more-${number}`)).filter((line) => line.startsWith("step")).length,
          number + (number > 3 ? 1 : 0),
        );
      }
      await page.click('[data-plan="long"] button');
      await page.locator('[data-plan="long"].failed[data-ended]').waitFor();
      assert.is((await lines(page, "long")).at(-1), "failed killed by SIGTERM");
      assert.equal(problems, []);
    } finally {
      await context.close();
      await server.stop();
      rmSync(profile, { recursive: true, force: true });
    }
  });
}

test.run();
