// watchdog: 300s
// The library in headless Chromium, cross-origin isolated: suites of locks and tables in workers, the page's own thread,
// a policy that forbids WebAssembly, apps with bundlers and without. Where there is no Chromium it says so. More: npm run test:runtimes.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { startBrowser } from "../support/browser.ts";
import { type Program, programsOf } from "../support/code-blocks.ts";
import { cellsOf } from "../support/runtime-table.ts";
import { suite } from "../support/suite.ts";
import { openSite, type SiteOptions } from "./site.ts";
import { runInPage } from "./suites.ts";

const test = suite("Chromium");
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdfast-browser-"));
let launching: Promise<Browser | undefined> | undefined;

/** Runs `body` with a browser; where there is none, the test has nothing to say, and says that. */
function inBrowser(title: string, body: (browser: Browser) => Promise<void>): void {
  test(title, async () => {
    launching ??= startBrowser();
    const browser = await launching;
    if (browser === undefined) console.log("skipped: no Chromium here; set CHROMIUM to its path");
    else await body(browser);
  });
}

const EMPTY = '<!doctype html><link rel="icon" href="data:,">';

/** Opens a page on a site; what goes wrong in it fails the test. */
async function withPage(
  browser: Browser,
  options: SiteOptions,
  body: (page: Page, requests: readonly string[]) => Promise<void>,
): Promise<void> {
  const site = await openSite({ ...options, files: { "/page.html": EMPTY, ...options.files } });
  const page = await browser.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  try {
    await page.goto(`${site.address}/page.html`);
    await body(page, requests);
    assert.equal(errors, []);
  } finally {
    await page.close();
    await site.close();
  }
}

const USING = {
  "/using.html":
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/dist/test/browser/page.js"></script>',
};

/** Goes to a path of the page's site, and waits for what it says first on the console. */
async function said(page: Page, path: string): Promise<string> {
  const message = page.waitForEvent("console", { timeout: 60_000 });
  await page.goto(new URL(path, page.url()).href);
  return (await message).text();
}

const SUITES = ["locks/rw-lock.test.js", "locks/stamped-lock.test.js", "tables/table.test.js"];

inBrowser("suites of locks and tables pass in a page's workers", async (browser) => {
  for (const file of SUITES) {
    const { passed, failures } = await runInPage(browser, file, () => undefined);
    assert.equal(failures, [], file);
    assert.ok(passed > 0, file);
  }
});

for (const [title, contentSecurityPolicy, backend] of [
  ["a page awaits, its worker blocks, and no Node module is asked for", undefined, "wasm"],
  ["a policy that forbids WebAssembly leaves the JavaScript path", "script-src 'self'; worker-src 'self'", "js"],
] as const) {
  inBrowser(title, (browser) =>
    withPage(browser, { contentSecurityPolicy, files: USING }, async (page, requests) => {
      const { blocking, waiting, ...others } = JSON.parse(await said(page, "/using.html"));
      assert.match(blocking, /^ERR_BLOCKING_FORBIDDEN: .*lockAsync\(\)/);
      assert.match(waiting, /^ERR_BLOCKING_FORBIDDEN: .*waitAsync\(\)/);
      const both = { backend, backendOfWorker: backend, heldAgain: "after wrote", grown: 900_000 };
      const row = { count: 1, name: "Alice" };
      const expected = { isolated: true, ...both, died: "ERR_OWNER_DIED", mended: "mended", rows: [row, row] };
      assert.equal(others, expected);
      const own = /^\/(?:page\.html|using\.html|dist\/src\/.*\.js|dist\/test\/browser\/page(?:-worker)?\.js)$/;
      assert.equal(
        requests.filter((path) => !own.test(path)),
        [],
      );
    }),
  );
}

inBrowser("the table of runtimes says what Chromium has", (browser) =>
  withPage(browser, {}, async (page) => {
    const had = await page.evaluate(
      `(() => {
        let using = true;
        try { new Function("{ using none = null; }"); } catch { using = false; }
        return {
          "\`Atomics.waitAsync\`": typeof Atomics.waitAsync === "function",
          "\`Atomics.pause\`": typeof Atomics.pause === "function",
          "\`using\` without a compiler": using,
        };
      })()`,
    );
    const cells = cellsOf("Chromium");
    const version = Number.parseInt(browser.version(), 10);
    for (const [row, is] of Object.entries(had as Record<string, boolean>)) {
      const cell = cells.get(row) ?? "no such row";
      assert.match(cell, /^(?:yes|no)\b/);
      const since = /^yes, from (\d+) on/.exec(cell);
      assert.is(since === null ? cell.startsWith("yes") : version >= Number(since[1]), is, row);
    }
  }),
);

/** An app of a user: the page of the documentation, with the package as it is packed. */
function writeApp(): { app: string; program: Program } {
  const app = join(folder, "app");
  const installed = join(app, "node_modules", "holdfast");
  mkdirSync(installed, { recursive: true });
  const packed = spawnSync(process.execPath, [join(root, ".ci", "pack.mjs"), "stage", installed], { encoding: "utf8" });
  assert.is(packed.status, 0, packed.stderr);
  const [program] = programsOf("browser.md", readFileSync(join(root, "docs", "browser.md"), "utf8"));
  for (const [name, text] of Object.entries(program.files)) writeFileSync(join(app, name), text);
  writeFileSync(
    join(app, "index.html"),
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./page.js"></script>',
  );
  return { app, program };
}

const bundlers: Readonly<Record<string, (app: string, out: string) => Promise<void>>> = {
  async Vite(app, out) {
    const { build } = await import("vite");
    await build({
      root: app,
      configFile: false,
      logLevel: "silent",
      worker: { format: "es" },
      build: { outDir: out, target: "es2022", emptyOutDir: true },
    });
  },
  async esbuild(app, out) {
    const { build } = await import("esbuild");
    const entryPoints = ["page.js", "worker.js"].map((name) => join(app, name));
    await build({
      entryPoints,
      outdir: out,
      bundle: true,
      format: "esm",
      platform: "browser",
      minify: true,
      logLevel: "error",
    });
    cpSync(join(app, "index.html"), join(out, "index.html"));
  },
};

for (const [name, bundle] of Object.entries(bundlers)) {
  inBrowser(`an app with a worker, bundled by ${name}, runs`, async (browser) => {
    const { app, program } = writeApp();
    const out = join(folder, name);
    await bundle(app, out);
    await withPage(browser, { folder: out }, async (page) => {
      assert.is(await said(page, "/index.html"), program.prints[0]);
    });
  });
}

inBrowser("an app with a worker runs without a bundler, by the import map of the documentation", async (browser) => {
  const { app, program } = writeApp();
  const [, map] = /^```html\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, "docs", "browser.md"), "utf8")) ?? [];
  const { imports } = JSON.parse(map.replace(/<.*>/g, ""));
  const worker = readFileSync(join(app, "worker.js"), "utf8");
  writeFileSync(
    join(app, "worker.js"),
    worker.replace(/from "(holdfast.*)"/g, (_, name) => `from "${imports[name]}"`),
  );
  writeFileSync(join(app, "index.html"), `${EMPTY}${map}<script type="module" src="./page.js"></script>`);
  await withPage(browser, { folder: app }, async (page) => {
    assert.is(await said(page, "/index.html"), program.prints[0]);
  });
});

test("the browser is closed", async () => {
  await (await launching)?.close();
  rmSync(folder, { recursive: true, force: true });
});

test.run();
