// The runner itself, run as users run it, over small trees of good and bad test files in a temporary folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { findProblem, parseSummary, whereItHangs } from "./support/test-file.ts";

const runner = fileURLToPath(new URL("./run.js", import.meta.url));
const uvu = JSON.stringify(import.meta.resolve("uvu"));
const head = `import { test } from ${uvu};\n`;
const roots: string[] = [];

/** A tree of test files; plain JavaScript serves as source and as compiled file. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "test-run-"));
  roots.push(root);
  for (const [name, code] of Object.entries(files)) {
    for (const path of [join(root, "test", `${name}.ts`), join(root, "dist/test", `${name}.js`)]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code);
    }
  }
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  return root;
}

function run(root: string, ...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, "--root", root, ...options], {
    encoding: "utf8",
    timeout: 60_000,
  });
  const lines = stdout.trimEnd().split("\n");
  return { status, stdout, stderr, last: lines[lines.length - 1] };
}

/** The only file's result, as the runner reports it. */
function runFile(code: string, ...options: string[]) {
  return run(tree({ "one.test": head + code }), "--exit-grace", "0.5", ...options);
}

function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, "latin1"));
}

test.after(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

test("files that pass are counted, in all folders, and the exit code is 0", () => {
  const pass = `${head}test("a", () => {}); test("b", () => {}); test.run();`;
  const result = run(tree({ "one.test": pass, "deep/er/two.test": pass, "three.serial.test": pass }));
  assert.is(result.last, "6 passed, 0 failed");
  assert.is(result.status, 0);
  assert.match(result.stdout, /^ok {4}test\/deep\/er\/two\.test\.ts {2}2 tests {2}[\d.]+ s$/m);
});

test("a failing test is counted, its output printed, and the exit code is 1", () => {
  const result = runFile(`test("good", () => {}); test("bad", () => { throw new Error("on purpose"); }); test.run();`);
  assert.is(result.last, "1 passed, 1 failed");
  assert.is(result.status, 1);
  assert.match(result.stdout, "on purpose");
});

test("a file whose run() is forgotten is a failure", () => {
  const result = runFile(`test("a", () => {});`);
  assert.is(result.last, "0 passed, 1 failed");
  assert.is(result.status, 1);
  assert.match(result.stdout, "is `test.run()` missing?");
});

test("a file that runs 0 tests is a failure", () => {
  const result = runFile("test.run();");
  assert.is(result.last, "0 passed, 1 failed");
  assert.match(result.stdout, "ran no test");
});

test("a file that skips all its tests is none, and its reason is shown", () => {
  const result = runFile(`console.log("skipped: no fixtures here"); test.skip("a", () => {}); test.run();`);
  assert.is(result.last, "0 passed, 0 failed");
  assert.is(result.status, 0);
  assert.match(result.stdout, "1 skipped");
  assert.match(result.stdout, "      skipped: no fixtures here");
});

test("a file that crashes before its summary is a failure", () => {
  const result = runFile(`test("a", () => {}); test.run(); throw new Error("crash on purpose");`);
  assert.is(result.last, "0 passed, 1 failed");
  assert.match(result.stdout, "crash on purpose");
});

test("a file that exits within a test is a failure, even with code 0", () => {
  const result = runFile(`test("a", () => process.exit(0)); test.run();`);
  assert.is(result.last, "0 passed, 1 failed");
  assert.match(result.stdout, "before a summary");
});

test("a file killed by a signal is a failure", () => {
  const result = runFile(`test("a", () => process.kill(process.pid, "SIGKILL")); test.run();`);
  assert.is(result.last, "0 passed, 1 failed");
  assert.match(result.stdout, "died of SIGKILL");
});

test("a file that fails after its last test is a failure", () => {
  const result = runFile(`test("a", () => {}); test.run(); process.on("exit", () => { process.exitCode = 3; });`);
  assert.is(result.last, "1 passed, 1 failed");
  assert.match(result.stdout, "exited with code 3 although every test passed");
});

test("a file that blocks is ended by the watchdog of its own comment, and named with its output", () => {
  const block = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
  const code = `test("a", () => { console.log("before the wait"); ${block} }); test.run();`;
  const result = run(tree({ "one.test": `// watchdog: 1.5s\n${head}${code}` }));
  assert.is(result.last, "0 passed, 1 failed");
  assert.match(result.stdout, /^FAIL {2}test\/one\.test\.ts .* hung: no end within 1\.5 s, in test 1$/m);
  assert.match(result.stdout, "before the wait");
});

test("of a file that hangs, the report says in which test: by number, or by the title that a page told", () => {
  assert.is(whereItHangs(""), "in test 1");
  assert.is(whereItHangs("• • printed\n✘ "), "in test 4");
  assert.is(whereItHangs(" locks  • •   (2 / 2)\n tables, more  • "), 'in test 2 of "tables, more"');
  assert.is(whereItHangs(" tables  "), 'in test 1 of "tables"');
  assert.is(whereItHangs("…  locks: one\n…  locks: two\nprinted\n"), 'in "locks: two"');
});

test("a process that does not exit after its summary counts as hung", () => {
  const result = runFile(`test("a", () => {}); test.run(); setInterval(() => {}, 1000);`);
  assert.is(result.last, "1 passed, 1 failed");
  assert.match(result.stdout, "process hung: it did not exit within 0.5 s after its summary");
});

test("a process left behind is ended and is a failure, in the file's process group or out of it", () => {
  if (!existsSync("/proc/self/stat")) return console.log("skipped: leftovers are found through /proc only");
  for (const detached of [false, true]) {
    const child = `spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: ${detached}, stdio: "ignore" })`;
    const result = runFile(`import { spawn } from "node:child_process";
      test("a", () => { const child = ${child}; child.unref(); console.log("pid " + child.pid + " started"); });
      test.run();`);
    assert.is(result.last, "1 passed, 1 failed");
    assert.match(result.stdout, "left processes behind");
    const pid = Number(/pid (\d+) started/.exec(result.stdout)?.[1]);
    assert.ok(pid > 0);
    assert.not(isAlive(pid), `process ${pid} still runs`);
  }
});

test("what a file leaves in the temporary folder is removed", () => {
  const result = runFile(`import { mkdtempSync } from "node:fs"; import { tmpdir } from "node:os";
    test("a", () => console.log("skipped: left " + mkdtempSync(tmpdir() + "/left-"))); test.run();`);
  const folder = /left (\S+)/.exec(result.stdout)?.[1] ?? "";
  assert.match(folder, "left-");
  assert.not(existsSync(folder), folder);
});

test("a compiled file without a source is not run, a source that is not compiled is a failure", () => {
  const root = tree({ "good.test": `${head}test("a", () => {}); test.run();` });
  writeFileSync(join(root, "dist/test/stale.test.js"), "process.exit(1);");
  assert.is(run(root).last, "1 passed, 0 failed");
  writeFileSync(join(root, "test/new.test.ts"), "");
  const result = run(root);
  assert.is(result.last, "1 passed, 1 failed");
  assert.match(result.stdout, "is not compiled");
});

test("words choose files; a word that chooses none is a failure", () => {
  const pass = `${head}test("a", () => {}); test.run();`;
  const root = tree({ "one.test": pass, "deep/two.test": pass, "deep/three.test": pass });
  assert.is(run(root, "deep/").last, "2 passed, 0 failed");
  assert.is(run(root, "one", "two").last, "2 passed, 0 failed");
  const result = run(root, "four");
  assert.is(result.last, "0 passed, 1 failed");
  assert.is(result.status, 1);
  assert.match(result.stderr, "no test file matches four");
});

test("a bad option is a failure with a usage", () => {
  for (const options of [["--jobs", "none"], ["--unknown"]]) {
    const result = run(tree({}), ...options);
    assert.is(result.last, "0 passed, 1 failed");
    assert.is(result.status, 1);
    assert.match(result.stderr, "Usage:");
  }
});

test("summaries are read in colour, and added up where a file prints two", () => {
  const one = "\n  Total:     3\u001b[32m\n  Passed:    2\u001b[39m\n  Skipped:   1\n  Duration:  1ms\n\n";
  assert.equal(parseSummary(one), { total: 3, passed: 2, skipped: 1 });
  assert.equal(parseSummary(one + one), { total: 6, passed: 4, skipped: 2 });
  assert.is(parseSummary("Total: 3"), undefined);
});

test("a clean exit with all tests passed is no problem", () => {
  const exited = { how: "exited", code: 0, signal: null } as const;
  assert.is(findProblem(exited, { total: 1, passed: 1, skipped: 0 }), undefined);
});

test.run();
