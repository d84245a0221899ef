// The README's first example runs as pasted, in a folder of its own where holdfast is installed.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("the README's first example runs as pasted and counts right", () => {
  const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] as string;
  const folder = mkdtempSync(join(tmpdir(), "holdfast-readme-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules", "holdfast"), "dir");
    writeFileSync(join(folder, "count.mjs"), example);
    const run = spawnSync(process.execPath, ["count.mjs"], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    assert.is(run.status, 0, run.stderr);
    assert.is(run.stdout, "400000\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
