// What `npm pack` and `npm publish` ship: the compiled package, bundled by entry point and without white space, so that
// it stays small; declarations of inner files without their comments.
//
//   node .ci/pack.mjs shrink     before packing: dist/src becomes the small form, the full one is kept beside it
//   node .ci/pack.mjs restore    after packing: the full form is back
//   node .ci/pack.mjs stage DIR  writes the package that would be packed to DIR and leaves dist alone
//
// Invariant: dist/src is either the full form or has a full twin in dist/src.full. An interrupted packing is mended by
// the next `shrink` or `restore`. Entry points share chunks, so a process has each class, and the default region, once.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const shipped = join(root, "dist", "src");
const full = join(root, "dist", "src.full");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

function restore() {
  if (!existsSync(full)) return;
  rmSync(shipped, { recursive: true, force: true });
  renameSync(full, shipped);
}

const filesOf = (folder, ending) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

/** The files that are started or imported by their own name: what the manifest exports and runs, and workers. */
function entryPoints(from) {
  const named = Object.values(manifest.exports).map((entry) => entry.default);
  const programs = typeof manifest.bin === "string" ? [manifest.bin] : Object.values(manifest.bin ?? {});
  const entries = [...named, ...programs].filter((path) => path?.startsWith("./dist/src/"));
  const workers = filesOf(from, ".js").filter((path) => /[.-]worker\.js$/.test(path));
  return [...new Set([...entries.map((path) => join(from, path.slice("./dist/src/".length))), ...workers])];
}

const declarationOf = (path) => path.replace(/\.js$/, ".d.ts");

/** The declarations that `pattern` names in one file, as absolute paths. */
const referencesOf = (path, pattern) =>
  [...readFileSync(path, "utf8").matchAll(pattern)].map(([, target]) =>
    join(dirname(path), target.replace(/\.[jt]s$/, ".d.ts")),
  );

/** Declarations that an entry exports keep their comments: they are what an editor shows. */
function publicDeclarations(entries) {
  const starts = entries.map(declarationOf).filter(existsSync);
  return new Set(starts.flatMap((path) => [path, ...referencesOf(path, /^export [^;]*? from "(\.[^"]+)"/gm)]));
}

/** Every declaration that the types of an entry need. */
function neededDeclarations(entries) {
  const needed = new Set();
  const open = entries.map(declarationOf).filter(existsSync);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (needed.has(path)) continue;
    needed.add(path);
    open.push(...referencesOf(path, /(?:from|import\()\s*"(\.[^"]+)"/g));
  }
  return needed;
}

async function writeScripts(entries, from, to) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: entries,
    outdir: to,
    outbase: from,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: false,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    packages: "external",
    external: ["node:*"],
    logLevel: "error",
  });
}

function writeDeclarations(entries, from, to) {
  const commented = publicDeclarations(entries);
  for (const path of neededDeclarations(entries)) {
    const text = readFileSync(path, "utf8");
    const target = join(to, path.slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, commented.has(path) ? text : text.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm, ""));
  }
}

async function writeSmall(from, to) {
  const entries = entryPoints(from);
  await writeScripts(entries, from, to);
  writeDeclarations(entries, from, to);
}

async function shrink() {
  restore();
  const built = spawnSync(process.execPath, [join(root, ".ci", "setup.mjs")], { stdio: ["ignore", 2, 2] });
  if (built.status !== 0) throw new Error("the build failed; nothing was packed.");
  renameSync(shipped, full);
  try {
    await writeSmall(full, shipped);
  } catch (error) {
    restore();
    throw error;
  }
}

async function stage(folder) {
  await writeSmall(shipped, join(folder, "dist", "src"));
  const { scripts: _, devDependencies: __, ...published } = manifest;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) cpSync(join(root, name), join(folder, name));
}

const [order, folder] = process.argv.slice(2);
if (order === "shrink") await shrink();
else if (order === "restore") restore();
else if (order === "stage" && folder !== undefined) await stage(folder);
else throw new Error(`node .ci/pack.mjs shrink|restore|stage DIR, not ${order}.`);
