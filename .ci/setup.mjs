// The set-up that `npm start` and `npm test` do by themselves: dependencies, then the build, each only if needed.
//
//   node .ci/setup.mjs               install if node_modules does not fit package-lock.json, build if dist is stale
//   node .ci/setup.mjs --generate    install likewise, then write the generated sources only (for lint, type check)
//
// Invariant: after exit code 0, node_modules is what the lockfile says and dist is what the sources say, by content,
// not by time stamps. It prints nothing if there is nothing to do, and writes only to standard error, so that a
// program's own output stays clean.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const manifest = readJson("package.json");
const stamp = join(root, "dist", ".built-from");
const generated = new Set(["src/assembly/core-bytes.ts", "src/profile/render/page-assets.ts"]);
const packing = join(root, ".ci", "pack.mjs");
const generators = ["src/assembly/build.mjs", "src/profile/build.mjs"];

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

function checkNode() {
  const wanted = /^>=(\d+)\.(\d+)/.exec(manifest.engines.node);
  const [major, minor] = process.versions.node.split(".").map(Number);
  const good = major > Number(wanted[1]) || (major === Number(wanted[1]) && minor >= Number(wanted[2]));
  if (!good) fail(`Node ${manifest.engines.node} is needed, this is ${process.version} (${process.execPath}).`);
}

/** Runs a command of the set-up with its output on standard error; ends the set-up if it fails. */
function run(title, command, args, hint) {
  say(`${title} ...`);
  const started = performance.now();
  const windows = process.platform === "win32";
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell: windows });
  if (error) fail(`"${title}" could not be started: ${error.message}. ${hint}`);
  if (signal) fail(`"${title}" was ended by ${signal}.`);
  if (status !== 0) fail(`"${title}" failed with exit code ${status}; its output is above. ${hint}`);
  say(`${title}: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function npm(title, args, hint) {
  const path = process.env.npm_execpath;
  // Under npm, the very same npm; else (called directly, or by another package manager) the one on the path.
  if (path && basename(path) === "npm-cli.js") run(title, process.execPath, [path, ...args], hint);
  else run(title, "npm", args, hint);
}

/** Whether the installed packages are those of the lockfile. npm notes what it installed in a lockfile of its own. */
function isInstalled() {
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const wanted = readJson("package-lock.json").packages;
  const installed = readJson("node_modules/.package-lock.json").packages;
  const names = Object.keys(wanted).filter((name) => name !== "");
  const same = (name) =>
    wanted[name].version === installed[name].version && wanted[name].integrity === installed[name].integrity;
  // Packages for other systems are optional and may be absent.
  return (
    names.every((name) => (name in installed ? same(name) : wanted[name].optional === true)) &&
    Object.keys(installed).every((name) => name in wanted)
  );
}

function install() {
  if (isInstalled()) return;
  const isLink = lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink();
  // npm would empty the folder behind the link, which belongs to someone else.
  if (isLink) fail("node_modules is a link to a folder that does not fit package-lock.json. Remove the link.");
  const hint = "Without a network or a registry that answers, the packages can't be fetched.";
  npm("npm ci", ["ci", "--include=dev", "--no-audit", "--no-fund"], hint);
}

function listSources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : listSources(path);
    return /\.(?:[mc]?ts|mjs|json|css)$/.test(entry.name) ? [path] : [];
  });
}

/** A digest of everything that the build reads. */
function digestSources() {
  const hash = createHash("sha256");
  const paths = ["src", "test", "examples", "benchmarks"].flatMap((folder) => listSources(join(root, folder)));
  const others = ["package.json", "package-lock.json", "tsconfig.json"].map((name) => join(root, name));
  for (const path of [...paths, ...others].sort()) {
    const name = relative(root, path).replaceAll("\\", "/");
    if (!generated.has(name)) hash.update(`${name}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

function build() {
  const digest = digestSources();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  // Output of sources that are gone must not stay.
  rmSync(join(root, "dist"), { recursive: true, force: true });
  npm("npm run build", ["run", "build"], "");
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(stamp, digest);
}

checkNode();
if (existsSync(join(root, "dist", "README.full.md")))
  run("an interrupted packing", process.execPath, [packing, "restore"], "");
install();
if (process.argv.includes("--generate")) {
  for (const path of generators) run(`generated sources, ${path}`, process.execPath, [join(root, path)], "");
} else {
  build();
}
