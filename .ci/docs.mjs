// `npm run docs`: the documentation as a static site in docs/.vitepress/dist, with the reference made from the docstrings.
// It installs what it needs in docs/ (a lockfile of its own, so that the library's own install stays light).
//
// Invariant: exit code 0 only if the site was built whole: a link that leads nowhere, in a page or in a docstring, fails.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const docs = join(root, "docs");

function run(title, command, args, cwd) {
  process.stderr.write(`docs: ${title} ...\n`);
  const windows = process.platform === "win32";
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2], shell: windows });
  if (status === 0) return;
  process.stderr.write(`docs: "${title}" failed${error ? `: ${error.message}` : ` with exit code ${status}`}.\n`);
  process.exit(1);
}

/** Whether what npm noted when it installed is what the lockfile says; packages for other systems may be absent. */
function isInstalled() {
  const noted = join(docs, "node_modules", ".package-lock.json");
  if (!existsSync(noted)) return false;
  const wanted = JSON.parse(readFileSync(join(docs, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(noted, "utf8")).packages;
  return Object.keys(wanted).every(
    (name) =>
      name === "" ||
      (name in installed ? installed[name].version === wanted[name].version : wanted[name].optional === true),
  );
}

run("set-up", process.execPath, [join(root, ".ci", "setup.mjs"), "--generate"], root);
// Not `npm ci`: npm 11 refuses a lockfile without the packages for other systems, which npm on this one leaves out.
if (!isInstalled()) run("npm install", "npm", ["install", "--no-save", "--no-audit", "--no-fund"], docs);
rmSync(join(docs, "reference"), { recursive: true, force: true });
run("reference", "npm", ["run", "--silent", "reference"], docs);
run("site", "npm", ["run", "--silent", "build"], docs);
process.stdout.write(`${join(docs, ".vitepress", "dist", "index.html")}\n`);
