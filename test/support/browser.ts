// Chromium for tests that drive a page: found by CHROMIUM or on the PATH. Where there is none the test says so.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function findBrowser(): string | undefined {
  if (process.env.CHROMIUM !== undefined) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders
    .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** A browser, which the caller closes; undefined, having said so, where there is none. */
export async function startBrowser(): Promise<Browser | undefined> {
  const executablePath = findBrowser();
  if (executablePath === undefined) {
    process.stdout.write("SKIP: no Chromium here; set CHROMIUM to its path\n");
    return undefined;
  }
  return chromium.launch({ executablePath, args: FLAGS, timeout: 120_000 });
}
