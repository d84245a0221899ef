// `npm run release [-- --dry-run]`: publishes with provenance, from a tagged commit in hosted CI.
// Invariant: what is published is the commit that carries the tag of its version, and the changelog says what is in it; but
// for the optional dependencies, which are the platforms' packages, if they are laid out in native/npm.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const dryRun = process.argv.includes("--dry-run");

function git(...args) {
  return spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();
}

const problems = [];
const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
if (!changelog.includes(`\n## ${manifest.version} `))
  problems.push(`CHANGELOG.md has no heading "## ${manifest.version} (date)"`);
if (git("status", "--porcelain") !== "") problems.push("the tree has changes that are not committed");
if (!git("tag", "--points-at", "HEAD").split("\n").includes(`v${manifest.version}`)) {
  problems.push(`the commit does not carry the tag v${manifest.version}`);
}
if (manifest.repository === undefined) {
  problems.push("package.json names no repository, and npm compares it with the one that the CI job runs for");
}
for (const problem of problems) process.stderr.write(`release: ${problem}\n`);
if (problems.length > 0 && !dryRun) process.exit(1);

// The platforms' packages go first, and into the manifest as optional dependencies: what lists them must find them.
if (existsSync(join(root, "native", "npm"))) {
  const before = [
    "napi",
    "pre-publish",
    "--npm-dir",
    "native/npm",
    "--no-gh-release",
    ...(dryRun ? ["--dry-run"] : []),
  ];
  const env = { ...process.env, ...(dryRun ? {} : { npm_config_provenance: "true", npm_config_access: "public" }) };
  const { status } = spawnSync("npx", before, {
    cwd: root,
    env,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
} else process.stderr.write("release: without the native packages (npm run build:platforms lays them out)\n");

const args = ["publish", "--access", "public", ...(dryRun ? ["--dry-run"] : ["--provenance"])];
const { status } = spawnSync("npm", args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
process.exit(problems.length > 0 ? 1 : (status ?? 1));
