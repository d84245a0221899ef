// A runtime without Atomics.waitAsync: the suites whose tasks await, in a process that lost it before anything is loaded.
// Its workers have lost it too. Tasks look again by a timer then.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.ts";

const test = suite("without Atomics.waitAsync");
const without = ["--import", "data:text/javascript,delete Atomics.waitAsync"];

function run(...args: readonly string[]): string {
  const done = spawnSync(process.execPath, [...without, ...args], { encoding: "utf8", timeout: 110_000 });
  assert.is(done.status, 0, `${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

test("it is gone", () => {
  assert.is(run("--print", "typeof Atomics.waitAsync"), "undefined\n");
});

test("tasks await reader-writer locks", () => {
  const out = run(fileURLToPath(new URL("./rw-lock.test.js", import.meta.url)));
  const [, passed] = /Passed: +(\d+)/.exec(out) ?? [];
  assert.ok(Number(passed) > 0, out);
});

test.run();
