// The package as its user installs it: packed, installed from the tarball into an empty folder, and used from ESM, from
// CommonJS, from workers and by a TypeScript compiler. What is packed is the small form (.ci/pack.mjs), so this is also
// the test that bundling by entry point keeps one default region and one identity of each class.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdfast-package-"));
const installed = join(folder, "user", "node_modules", "holdfast");
/** Bytes. What the package may weigh, packed. */
const LIMIT = 158_400;

function run(command: string, args: string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  assert.is(done.status, 0, `${command} ${args.join(" ")}\n${done.stdout}\n${done.stderr}${done.error ?? ""}`);
  return done.stdout;
}

function user(name: string, text: string): string {
  writeFileSync(join(folder, "user", name), text);
  return run(process.execPath, [name], join(folder, "user"));
}

test.before(() => {
  mkdirSync(join(folder, "stage"));
  mkdirSync(installed, { recursive: true });
  run(process.execPath, [join(root, ".ci", "pack.mjs"), "stage", join(folder, "stage")], root);
  run("npm", ["pack", "--silent", "--pack-destination", folder], join(folder, "stage"));
  run("tar", ["xzf", join(folder, "holdfast-0.1.0.tgz"), "--strip-components=1", "-C", installed], folder);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test("the tarball is no heavier than it should be", () => {
  const { size } = statSync(join(folder, "holdfast-0.1.0.tgz"));
  assert.ok(size < LIMIT, `${size} bytes`);
});

test("a shell can run its command", () => {
  const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { bin: Record<string, string> };
  assert.equal(Object.keys(bin), ["holdfast"]);
  assert.match(readFileSync(join(installed, bin.holdfast), "utf8"), /^#!\/usr\/bin\/env node\n/);
});

test("its README links to no file that the package lacks", () => {
  const text = readFileSync(join(installed, "README.md"), "utf8");
  const targets = [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target);
  assert.equal(
    targets.filter((target) => !/^https?:/.test(target)),
    [],
  );
  assert.match(text, /^## First example$/m);
});

test("it names no runtime dependency and every export is there", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  assert.is(manifest.dependencies, undefined);
  for (const entry of Object.values<string | { types: string; default: string }>(manifest.exports)) {
    for (const path of typeof entry === "string" ? [entry] : [entry.types, entry.default]) {
      assert.ok(statSync(join(installed, path)).isFile(), path);
    }
  }
});

test("ESM, CommonJS and a worker share one default region and one identity of each class", () => {
  const said = user(
    "app.mjs",
    `import { createRequire } from "node:module";
     import { Worker, isMainThread } from "node:worker_threads";
     import { Mutex, HoldfastError } from "holdfast";
     import { SharedMap } from "holdfast/tables";
     const counter = SharedMap.named("counter");
     const add = () => { for (let i = 0; i < 1000; i++) Mutex.named("m").withLock(() => counter.set("n", String(Number(counter.get("n") ?? 0) + 1))); };
     if (isMainThread) {
       const required = createRequire(import.meta.url)("holdfast");
       const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)));
       await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve))));
       console.log(required.Mutex === Mutex, required.HoldfastError === HoldfastError, counter.get("n"));
     } else add();`,
  );
  assert.is(said, "true true 2000\n");
});

test("require() alone works, and an error says its class and code", () => {
  const said = user(
    "app.cjs",
    `const { Mutex } = require("holdfast");
     const mutex = new Mutex();
     try { mutex.unlock(); } catch (error) { console.log(error.code, error.name, mutex.constructor.name); }`,
  );
  assert.is(said, "ERR_NOT_OWNER NotOwnerError [ERR_NOT_OWNER] Mutex\n");
});

test("each exported class says its own name", () => {
  const said = user(
    "names.mjs",
    `for (const path of ["", "/tables", "/streams", "/rooms", "/session-store", "/phone-lookup", "/testing"])
       for (const [name, value] of Object.entries(await import("holdfast" + path)))
         if (String(value).startsWith("class") && value.name !== name) console.log(path, name, value.name);`,
  );
  assert.is(said, "");
});

test("a stranger's protocol is searched with holdfast/testing from the package", () => {
  const said = user(
    "search.mjs",
    `import { explore } from "holdfast/testing";
     const memory = { word: new Int32Array(new SharedArrayBuffer(4)) };
     const lose = ({ word }) => Atomics.store(word, 0, Atomics.load(word, 0) + 1);
     const keep = ({ word }) => Atomics.add(word, 0, 1);
     for (const body of [lose, keep]) {
       const result = await explore({ memory, threads: [body, body], final: ({ word }) => word[0] === 2 });
       console.log(result.failure === undefined ? "holds" : "fails");
     }`,
  );
  assert.is(said, "fails\nholds\n");
});

test("a TypeScript program compiles against the declarations", () => {
  writeFileSync(
    join(folder, "user", "app.ts"),
    `import { Mutex, type MutexHandle } from "holdfast";
     import { SharedTable } from "holdfast/tables";
     import { explore } from "holdfast/testing";
     import { PhoneLookup } from "holdfast/phone-lookup";
     import { ConversationStats } from "holdfast/conversation-stats";
     const table = new SharedTable({ key: "string", columns: { count: "u32" } });
     const count: number = table.add("a", "count", 1);
     const handle: MutexHandle = new Mutex().share();
     export const used = [count, handle, explore, PhoneLookup, ConversationStats];`,
  );
  writeFileSync(join(folder, "user", "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules", "@types"), join(folder, "user", "node_modules", "@types"));
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "false"];
  const lib = ["--lib", "es2024,esnext.disposable,dom", "--types", "node"];
  run(
    process.execPath,
    [join(root, "node_modules", "typescript", "bin", "tsc"), ...options, ...lib, "app.ts"],
    join(folder, "user"),
  );
});

test("the native part is found as a package of its own, and nothing is missing without it", () => {
  const program = `import { Region } from "holdfast"; console.log(Region.create().parking);`;
  assert.is(user("parking.mjs", program), "atomics\n");
  const demanded = { ...process.env, HOLDFAST_NATIVE: "1" };
  const options = { cwd: join(folder, "user"), encoding: "utf8", env: demanded, timeout: 60_000 } as const;
  const without = spawnSync(process.execPath, ["parking.mjs"], options);
  assert.match(without.stderr, /ERR_REGION_NATIVE/);
  const addon = readdirSync(join(root, "native")).find((name) => name.endsWith(".node"));
  if (addon === undefined) {
    console.log("skipped: the native part is not built (npm run build:native)");
    return;
  }
  // As `npm run build:platforms` lays it out: holdfast-linux-x64-gnu with holdfast.linux-x64-gnu.node.
  const name = addon.replace(".node", "").replace(".", "-");
  const platform = join(folder, "user", "node_modules", name);
  mkdirSync(platform);
  copyFileSync(join(root, "native", addon), join(platform, addon));
  writeFileSync(join(platform, "package.json"), JSON.stringify({ name, version: "0.1.0", main: addon }));
  const found = spawnSync(process.execPath, ["parking.mjs"], options);
  assert.is(found.stdout, "native\n", found.stderr);
});

test.run();
