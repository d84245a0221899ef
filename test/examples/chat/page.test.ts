// watchdog: 300s
// The page in a real browser: two people type, see each other, and see their messages read. Skipped, saying so, where no
// Chromium is found (CHROMIUM, or chromium on the PATH). CHAT_SCREENSHOT names a file to keep the picture in.
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { startChat } from "../../../examples/chat/server.ts";
import { startBrowser } from "../../support/browser.ts";
import { suite } from "../../support/suite.ts";

const test = suite("examples/chat/page");
async function drive(browser: Browser, address: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 900, height: 620 } });
  page.setDefaultTimeout(120_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(address);
  const ann = page.locator("[data-user=ann]");
  const bob = page.locator("[data-user=bob]");
  for (const pane of [ann, bob]) {
    await pane.getByRole("status").filter({ hasText: "Ann" }).filter({ hasText: "Bob (support)" }).waitFor();
  }
  await ann.getByRole("textbox").fill("My parcel has not come. <img src=x onerror=alert(1)>");
  await bob.locator(".typing", { hasText: "Ann is typing…" }).waitFor();
  await ann.getByRole("button").click();
  await bob.locator("li", { hasText: "<img src=x" }).waitFor();
  await ann.locator("li.own", { hasText: "✓✓ read" }).waitFor();
  await bob.locator(".typing:empty").waitFor({ state: "attached" });
  await bob.getByRole("textbox").fill("I look it up.");
  await bob.getByRole("textbox").press("Enter");
  await bob.locator("li.own", { hasText: "✓✓ read" }).waitFor();
  await ann.getByRole("textbox").fill("Thank");
  await bob.locator(".typing", { hasText: "Ann is typing…" }).waitFor();
  if (process.env.CHAT_SCREENSHOT !== undefined) await page.screenshot({ path: process.env.CHAT_SCREENSHOT });
  assert.equal(errors, []);
}

test("two people type, see who is there and who types, and see their messages read", async () => {
  const browser = await startBrowser();
  if (browser === undefined) return;
  const demo = { ann: { userId: "ann", name: "Ann" }, bob: { userId: "bob", name: "Bob (support)", isAdmin: true } };
  const chat = await startChat({ workers: 2, tickets: { 7: "ann" }, demo });
  try {
    await drive(browser, chat.address);
  } finally {
    await browser.close();
    await chat.close();
  }
});

test.run();
