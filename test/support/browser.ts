// Chromium for tests that drive a page: found by CHROMIUM, on the PATH, or where playwright puts it. Where there
// is none the test says so.

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

export const HOW_TO_GET_ONE =
  "install it (`apt-get install chromium`, or `npx playwright-core install chromium`), or set CHROMIUM to the path of one";

/** The path of a browser: that of CHROMIUM, else the first on the PATH, else playwright's; undefined where there is none. */
export function findBrowser(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const onPath = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const given = process.env.CHROMIUM;
  return (given === undefined ? [...onPath, chromium.executablePath()] : [given]).find((path) => existsSync(path));
}

/** A browser, which the caller closes; undefined, having said so, where there is none. */
export async function startBrowser(): Promise<Browser | undefined> {
  const executablePath = findBrowser();
  if (executablePath === undefined) {
    process.stdout.write(`SKIP: no Chromium here; ${HOW_TO_GET_ONE}\n`);
    return undefined;
  }
  return chromium.launch({ executablePath, args: FLAGS, timeout: 120_000 });
}
