// `npx holdfast profile`, run as users run it: over an application that uses this copy of holdfast, and over one that has
// a copy of its own.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseTime, readSettings } from "../../src/profile/settings.ts";
import type { Profile } from "../../src/profile/types.ts";

const test = suite("profile: command line");
const cli = fileURLToPath(new URL("../../src/profile/cli.js", import.meta.url));
const app = fileURLToPath(new URL("./cli-app.js", import.meta.url));
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): SpawnSyncReturns<string> {
  const env = { ...process.env, NO_COLOR: "1", HOLDFAST_NATIVE: undefined };
  return spawnSync(process.execPath, [cli, ...args], { encoding: "utf8", cwd: folder, timeout: 120_000, env });
}

function assertProfiled(done: SpawnSyncReturns<string>, out: string): void {
  const found = JSON.parse(readFileSync(join(out, "profile.json"), "utf8")) as Profile;
  const [lock] = found.locks;
  assert.is(lock?.name, "application's lock", done.stderr);
  assert.is(lock.total.contended, 1);
  assert.ok(found.threads.some(({ thread }) => thread > 0));
  const [site] = found.sites;
  assert.is(site.waits, 1);
  assert.ok(site.waiter.length > 0);
  for (const name of ["report.html", "mutex.pb.gz", "block.pb.gz", "trace.json", "metrics.prom"]) {
    assert.ok(existsSync(join(out, name)), name);
  }
  assert.ok(done.stderr.includes("application's lock"), done.stderr);
}

test("profiles an application that knows nothing of it, and passes its exit code on", () => {
  const out = join(folder, "out put");
  const done = run("profile", "--out", out, "--threshold", "0ms", "--", process.execPath, app, "7");
  assert.is(done.status, 7, done.stderr);
  assert.is(done.stdout, "the application's output 7\n");
  assertProfiled(done, out);
});

test("an application with a copy of holdfast of its own is profiled too", async () => {
  const { build } = await import("esbuild");
  const bundle = join(folder, "bundle.mjs");
  await build({
    entryPoints: [app],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  const done = run("profile", "--threshold", "0ms", "--", process.execPath, bundle, "0");
  assert.is(done.status, 0, done.stderr);
  assertProfiled(done, join(folder, "holdfast-profile"));
});

test("where the runtime knows a source map, stacks name the source", () => {
  const stack = new URL("../../src/region/record-stack.js", import.meta.url).href;
  // The third line was written in line 12 of another file.
  const map = { version: 3, sources: ["written.ts"], names: [], mappings: ";;AAWA" };
  const lines = [
    `import { captureTrace, textOf } from ${JSON.stringify(stack)};`,
    "",
    "function made() { return textOf(captureTrace()); } process.stdout.write(made());",
    `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString("base64")}`,
  ];
  const file = join(folder, "made.mjs");
  writeFileSync(file, lines.join("\n"));
  const frameOf = (...options: string[]): string[] => {
    const done = spawnSync(process.execPath, [...options, file], { encoding: "utf8", timeout: 120_000 });
    assert.is(done.status, 0, done.stderr);
    return done.stdout.split("\n")[0].split("\t").slice(0, 3);
  };
  assert.equal(frameOf("--enable-source-maps"), ["made", join(realpathSync(folder), "written.ts"), "12"]);
  assert.equal(frameOf(), ["made", realpathSync(file), "3"]);
});

test("an application that a signal ends leaves its profile, and the signal's exit code", () => {
  const done = run("profile", "--threshold", "0ms", "--", process.execPath, app, "SIGTERM");
  assert.is(done.status, 128 + 15, done.stderr);
  assertProfiled(done, join(folder, "holdfast-profile"));
});

test("a program that is not Node, or not there, is said to have left no profile", () => {
  const other = run("profile", "--", "true");
  assert.is(other.status, 1);
  assert.ok(other.stderr.includes("no profile was written"), other.stderr);
  const missing = run("profile", "--", "no-such-program");
  assert.is(missing.status, 127);
  assert.ok(missing.stderr.includes("no-such-program could not be run"), missing.stderr);
});

test("bad command lines are refused with the usage", () => {
  for (const args of [
    ["profiel"],
    ["profile"],
    ["profile", "--threshold", "soon", "--", "node"],
    ["profile", "--sample-every", "0", "--", "node"],
    ["profile", "--signal", "SIGNONE", "--", "node"],
    ["profile", "--unknown", "--", "node"],
    ["watch", "--port", "many", "--", "node"],
  ]) {
    const done = run(...args);
    assert.is(done.status, 2, args.join(" "));
    assert.ok(done.stderr.includes("holdfast profile [options] -- node app.js"), args.join(" "));
  }
  assert.is(run("--help").status, 0);
});

test("times are read with their units", () => {
  assert.is(parseTime("threshold", "1ms"), 1);
  assert.is(parseTime("threshold", "50us"), 0.05);
  assert.is(parseTime("threshold", "2.5s"), 2500);
  assert.is(parseTime("threshold", "3"), 3);
  assert.throws(
    () => parseTime("threshold", "-1ms"),
    (error: unknown) => error instanceof RangeError,
  );
  assert.is(readSettings("no JSON").sampleEvery, 1);
  assert.is(readSettings('{"sampleEvery":5}').sampleEvery, 5);
});

test.run();
