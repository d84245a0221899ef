// `npm run docs`: the documentation as a static site in docs/.vitepress/dist, with the reference made from the docstrings.
// It installs what it needs in docs/ (a lockfile of its own, so that the library's own install stays light).
// With --if-possible, where npm can't install that, it says so and ends well.
//
// Invariant: exit code 0 only if the site was built whole: a link that leads nowhere, in a page or in a docstring, fails.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const docs = join(root, "docs");

function run(title, command, args, cwd, codeOfFailure = 1) {
  process.stderr.write(`docs: ${title} ...\n`);
  const windows = process.platform === "win32";
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2], shell: windows });
  if (status === 0) return;
  process.stderr.write(`docs: "${title}" failed${error ? `: ${error.message}` : ` with exit code ${status}`}.\n`);
  if (codeOfFailure === 0) process.stderr.write("SKIPPED: the documentation's site was not built.\n");
  process.exit(codeOfFailure);
}

const orders = process.argv.slice(2);
if (orders.some((order) => order !== "--if-possible")) {
  process.stderr.write(`docs: npm run docs [-- --if-possible], not ${orders.join(" ")}.\n`);
  process.exit(2);
}
const ifNotInstalled = orders.length > 0 ? 0 : 1;

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
if (!isInstalled())
  run("npm install", "npm", ["install", "--no-save", "--no-audit", "--no-fund"], docs, ifNotInstalled);
rmSync(join(docs, "reference"), { recursive: true, force: true });
run("reference", "npm", ["run", "--silent", "reference"], docs);
run("site", "npm", ["run", "--silent", "build"], docs);
process.stdout.write(`${join(docs, ".vitepress", "dist", "index.html")}\n`);
