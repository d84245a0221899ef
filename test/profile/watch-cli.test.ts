// `npx holdfast watch`, run as users run it: the live page of an application that knows nothing of it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { PageData } from "../../src/profile/render/page-data.ts";
import type { WaitNow } from "../../src/profile/wait-graph.ts";

const test = suite("profile: watch from the command line");
const cli = fileURLToPath(new URL("../../src/profile/cli.js", import.meta.url));
const app = fileURLToPath(new URL("./watch-app.js", import.meta.url));
let folder = "";
const running: ChildProcess[] = [];

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-watch-"));
});
test.after.each(() => {
  for (const child of running.splice(0)) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: { out: string; error: string };
  /** Resolves when it has said that on standard error. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once all it said is here. */
  readonly code: Promise<number | null>;
}

function start(...args: string[]): Running {
  const env = { ...process.env, NO_COLOR: "1", HOLDFAST_NATIVE: undefined };
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env, stdio: "pipe" });
  running.push(child);
  const said = { out: "", error: "" };
  const code = once(child, "close").then(([exit]) => exit as number | null);
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said.error += text;
  });
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const over = code.then(() => "over");
    for (;;) {
      const found = pattern.exec(said.error);
      if (found !== null) return found;
      if ((await Promise.race([once(child.stderr, "data"), over])) === "over")
        throw new Error(`it ended:\n${said.error}`);
    }
  };
  return { child, said, until, code };
}

/** Asks who waits for whom until somebody does. */
async function waits(address: string): Promise<WaitNow[]> {
  for (;;) {
    const found = (await (await fetch(`${address}waits`)).json()) as WaitNow[];
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("serves the live page of an application while it runs, and tells it when it ends", async () => {
  const { child, said, until, code } = start("watch", "--threshold", "0ms", "--", process.execPath, app);
  const [, address] = await until(/holdfast watch: (http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/)\n/);
  const [wait] = await waits(address);
  assert.match(wait.lock, "watched lock");
  assert.is(wait.wants, "to lock");
  assert.is(wait.heldBy.length, 1);
  assert.is.not(wait.heldBy[0].thread, wait.thread);
  assert.match(await (await fetch(address)).text(), "Where threads waited");
  assert.is((await fetch(new URL("/", address))).status, 403);
  const events = (await fetch(`${address}events`)).text();
  child.stdin?.end("\n");
  const text = await events;
  const profile = text.split("\n\n").find((event) => event.startsWith("event: profile\n")) ?? "";
  const data = JSON.parse(profile.slice(profile.indexOf("data: ") + 6)) as PageData;
  assert.ok(data.locks.some(({ title }) => title === 'Mutex "watched lock"'));
  assert.ok(text.endsWith("event: end\ndata: {}\n\n"), "the page is told of the end");
  assert.is(await code, 0, said.error);
  assert.is(said.out, "the application's output\n");
  assert.ok(existsSync(join(folder, "holdfast-profile", "report.html")));
});

test("a port in use is said, and the application runs without the page", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const { child, said, code } = start("watch", "--port", String(port), "--", process.execPath, app);
  child.stdin?.end("\n");
  assert.is(await code, 0, said.error);
  assert.match(said.error, `holdfast watch: there is no page: port ${port} of 127.0.0.1 is in use; choose another one`);
  assert.is(said.out, "the application's output\n");
  await new Promise((done) => other.close(done));
});

test("bad ports and misplaced options are refused with the usage", async () => {
  for (const args of [
    ["watch"],
    ["watch", "--port", "70000", "--", "node"],
    ["profile", "--port", "1", "--", "node"],
  ]) {
    const { said, code } = start(...args);
    assert.is(await code, 2, args.join(" "));
    assert.ok(said.error.includes("holdfast watch [options] -- node app.js"), said.error);
  }
});

test.run();
