// `npm run test:runtimes -- --only chromium` where there is no Chromium: a failure that says how to get one, or, where the
// caller allows it, an announced skip.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.ts";

const test = suite("without Chromium");
const program = fileURLToPath(new URL("../runtimes.js", import.meta.url));

function run(...args: string[]) {
  const env = { ...process.env, CHROMIUM: join(program, "no such file") };
  return spawnSync(process.execPath, [program, "--only", "chromium", ...args], { encoding: "utf8", env });
}

const reason = /there is no Chromium; install it \(.*\), or set CHROMIUM to the path of one/;

test("it is a failure, with the reason", () => {
  const { status, stdout } = run();
  assert.is(status, 1);
  assert.match(stdout, reason);
  assert.match(stdout, /\n0 passed, 1 failed\n$/);
});

test("with --if-possible it is an announced skip", () => {
  const { status, stdout } = run("--if-possible");
  assert.is(status, 0);
  assert.match(stdout, reason);
  assert.match(stdout, /SKIPPED: there is no Chromium/);
});

test.run();
