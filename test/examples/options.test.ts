// Each command says what it takes, and refuses what it doesn't, before it does anything. Those of the Takeout are
// tested in takeout/cli.test.ts.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const dist = fileURLToPath(new URL("../../", import.meta.url));
const commands = [
  "benchmarks/run",
  "examples/chat/main",
  "examples/pipeline/main",
  "examples/profile/main",
  "examples/races/main",
  "examples/session-store/main",
  "test/soak/soak",
];
const test = suite("the commands' options");

function run(file: string, ...args: readonly string[]): { code: number | null; out: string; err: string } {
  const done = spawnSync(process.execPath, [`${dist}${file}.js`, ...args], { encoding: "utf8", timeout: 60_000 });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

for (const command of commands) {
  test(`${command} --help`, () => {
    const { code, out, err } = run(command, "--help");
    assert.is(err, "");
    assert.is(code, 0);
    assert.match(out, /^Usage: npm /);
    assert.match(out, /--help/);
  });

  test(`${command} with an option that it does not have`, () => {
    const { code, out, err } = run(command, "--bogus");
    assert.is(out, "");
    assert.is(code, 2);
    assert.match(err, /Unknown option '--bogus'/);
    assert.match(err, /Usage: npm /);
    assert.not.match(err, /\n +at /, "no stack for a mistake of the caller");
  });
}

test("a number that is none", () => {
  for (const [file, ...args] of [
    ["examples/chat/main", "--port", "70000"],
    ["examples/chat/main", "--workers", "0"],
    ["test/soak/soak", "--kills", "many"],
    ["test/soak/soak", "--only", "everything"],
    ["benchmarks/run", "--rounds", "0", "--only", "start"],
    ["benchmarks/run", "--from", "no-such-file.json"],
  ]) {
    const { code, out, err } = run(file, ...args);
    assert.is(code, 2, `${file} ${args.join(" ")}: ${err}`);
    assert.is(out, "");
    assert.match(err, /Usage: npm run /);
  }
});

test.run();
