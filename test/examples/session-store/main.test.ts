// The example's command runs, and what it shows as right is right.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("examples/session-store");

test("the store's own steps lose nothing, show no half cart and survive a kill", () => {
  const main = fileURLToPath(new URL("../../../examples/session-store/main.js", import.meta.url));
  const run = spawnSync(process.execPath, [main, "--quick"], { encoding: "utf8", timeout: 120_000 });
  assert.is(run.status, 0, run.stdout + run.stderr);
  assert.is(run.stdout.match(/^right/gm)?.length, 3);
  assert.match(run.stdout, "failed_acquisitions: 0");
});

test.run();
