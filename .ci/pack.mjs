// What `npm pack` and `npm publish` ship: the compiled package, bundled by entry point and without white space, so that
// it stays small; the declarations of what is exported in one file (declarations.mjs).
//
//   node .ci/pack.mjs shrink     before packing: dist/src becomes the small form, the full one is kept beside it
//   node .ci/pack.mjs restore    after packing: the full form is back
//   node .ci/pack.mjs stage DIR  writes the package that would be packed to DIR and leaves dist alone
//
// The package's README is the part of README.md that is of use without the repository, as links to docs are not.
// Packages that an entry imports (pprof-format) are bundled too, and their licences are put into dist/src/licenses.
//
// Invariant: dist/src is either the full form or has a full twin in dist/src.full, and so have README.md and package.json in
// dist/README.full.md and dist/package.full.json. An interrupted packing is mended by the next `shrink`, `restore` or set-up. Entry points share chunks, so a process has each class, and the default region, once.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleDeclarations } from "./declarations.mjs";
import { shortNames } from "./members.mjs";
import { packFunctions, shortenClasses, shortenMembers } from "./scripts.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const shipped = join(root, "dist", "src");
const full = join(root, "dist", "src.full");
const fullManifest = join(root, "dist", "package.full.json");
// As it is before packing, also if a packing was interrupted.
const manifest = JSON.parse(readFileSync(existsSync(fullManifest) ? fullManifest : join(root, "package.json"), "utf8"));

const readme = join(root, "README.md");
const fullReadme = join(root, "dist", "README.full.md");

function restore() {
  if (existsSync(fullReadme)) renameSync(fullReadme, readme);
  if (existsSync(fullManifest)) renameSync(fullManifest, join(root, "package.json"));
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

/** Sections of README.md that say nothing to someone who has the package and not the repository. */
const OF_REPOSITORY = ["Two commands", "The main job", "Figures", "Beside others", "The native part", "Commands"];

/** The package's README: without those sections, without pictures, and nothing that sends to files of the repository. */
function shortReadme(text) {
  const [head, ...sections] = text.split(/^(?=## )/m);
  const kept = sections.filter((section) => !OF_REPOSITORY.some((title) => section.startsWith(`## ${title}\n`)));
  return [head, ...kept]
    .join("")
    .replace(/^!\[.*\]\(.*\)\n\n?/gm, "")
    .replace(/^\[[^\]]*\]\((?!https?:|#)[^)]*\)[^\n]*\n\n/gm, "")
    .replace(/(?:; see| More in) \[[^\]]*\]\((?!https?:|#)[^)]*\)\.?/g, "")
    .replace(/\[([^\]]*)\]\((?!https?:|#)[^)]*\)/g, "$1");
}

/** Which shared file a module goes to; what an entry alone needs stays with the entry. */
const groups = [
  // WebAssembly as text, unlike any script: what compresses sees 32 kB back, and in their midst it would hide half of
  // that. In a file of its own it comes before them in the archive, which npm sorts by name.
  { name: "bytes", test: /[\\/]core-bytes\./, priority: 1 },
  { name: "core", test: /[\\/](?:cells|protocols|assembly|region|locks|tables)[\\/](?!index)/ },
  { name: "systems", test: /[\\/]systems[\\/](?:alias|clock|json-value|lock-stats)/ },
  // What runs in the process that is profiled, apart from what makes reports of it.
  {
    name: "profiler",
    test: /[\\/]profile[\\/](?:control|lock-index|merge|profile|read|record-run|settings|snapshot)\./,
  },
  { name: "reports", test: /[\\/]profile[\\/](?:render|show|wait-graph|watch)/ },
];

const keepNames = { class: true, function: false };

/** Writes the scripts; returns the names of the packages whose code is in them. */
async function writeScripts(entries, from, to) {
  const { build } = await import("rolldown");
  const names = shortNames(root, from, readFileSync(join(to, "declarations.d.ts"), "utf8"));
  const shorten = {
    name: "short members",
    transform(code, id) {
      // A constant would be put where it is used, into another file.
      if (/[\\/]core-bytes\./.test(id)) return code.replace(/^export const (\w+)/gm, "export let $1; $1");
      return id.startsWith(from) ? shortenMembers(code, names) : null;
    },
  };
  const nameOf = (path) => relative(from, path).replaceAll("\\", "/").slice(0, -".js".length);
  const { output } = await build({
    cwd: root,
    input: Object.fromEntries(entries.map((path) => [nameOf(path), path])),
    external: /^node:/,
    platform: "neutral",
    transform: { target: "es2022" },
    preserveEntrySignatures: "strict",
    logLevel: "warn",
    checks: { pluginTimings: false },
    plugins: [shorten],
    // Most of what modules share are numbers: offsets and bits.
    optimization: { inlineConst: { mode: "all", pass: 3 } },
    output: {
      dir: to,
      format: "esm",
      // Errors and stacks say the names of classes; which of them stay is up to shortenClasses.
      minify: { compress: { keepNames }, mangle: { keepNames } },
      comments: false,
      entryFileNames: "[name].js",
      chunkFileNames: "[name].js",
      codeSplitting: { groups },
    },
  });
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds);
  return new Set(modules.flatMap((path) => /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1] ?? []));
}

/** Bytes that the package may have, packed. */
const BUDGET = 149_000;

/** How much of the comments the declarations keep: as much as there is room for. */
const DETAILS = [
  { heads: Infinity, members: 2 },
  { heads: Infinity, members: 1 },
  { heads: Infinity, members: 0 },
  { heads: 2, members: 0 },
  { heads: 1, members: 0 },
  { heads: 0, members: 0 },
];

/** What the package weighs, nearly: a compressed archive of its files. */
function weigh(to) {
  const paths = [...filesOf(to, ""), join(root, "LICENSE")];
  const parts = paths
    .filter((path) => statSync(path).isFile())
    .sort()
    .flatMap((path) => {
      const header = Buffer.alloc(512);
      header.write(`package/${relative(root, path)} 000644 ${statSync(path).size.toString(8)}`);
      const text = readFileSync(path);
      return [header, text, Buffer.alloc((512 - (text.length % 512)) % 512)];
    });
  parts.push(Buffer.alloc(512), Buffer.from(shortReadme(readFileSync(readme, "utf8")) + shortManifest()));
  return gzipSync(Buffer.concat(parts), { level: 9 }).length;
}

/** The declarations, with as many of their comments as the package has room for. */
function writeDeclarations(from, to) {
  for (const detail of DETAILS) {
    writeDeclarationsWith(detail, from, to);
    if (weigh(to) <= BUDGET) return;
  }
}

/** One file with all declarations, and for each exported entry one that hands its names on. */
function writeDeclarationsWith(detail, from, to) {
  const entries = Object.values(manifest.exports)
    .map((entry) => entry.types)
    .filter((path) => path !== undefined)
    .map((path) => join(from, path.slice("./dist/src/".length)));
  const { text, names } = bundleDeclarations(entries, join(from, "declarations.d.ts"), detail);
  writeFileSync(join(to, "declarations.d.ts"), text);
  for (const [path, lines] of names) {
    mkdirSync(dirname(join(to, relative(from, path))), { recursive: true });
    writeFileSync(join(to, relative(from, path)), lines);
  }
}

/** What the licence of a bundled package asks for: that it goes along. */
function writeLicences(bundled, to) {
  for (const name of bundled) {
    mkdirSync(join(to, "licenses"), { recursive: true });
    cpSync(join(root, "node_modules", name, "LICENSE"), join(to, "licenses", `${name.replace("/", "-")}.txt`));
  }
}

async function writeSmall(from, to) {
  mkdirSync(to, { recursive: true });
  // Without comments first: what they declare keeps its names in the scripts.
  writeDeclarationsWith(DETAILS.at(-1), from, to);
  writeLicences(await writeScripts(entryPoints(from), from, to), to);
  // What a user may meet: what is declared, and errors, which say the name of their class.
  const told = new Set(readFileSync(join(to, "declarations.d.ts"), "utf8").match(/[\w$]+/g));
  const isTold = (name) => told.has(name) || name.endsWith("Error");
  for (const path of filesOf(to, ".js"))
    writeFileSync(path, packFunctions(shortenClasses(readFileSync(path, "utf8"), isTold)));
  writeDeclarations(from, to);
}

/** The manifest without what only the repository needs. */
function shortManifest() {
  const { scripts: _, devDependencies: __, napi: ___, ...published } = manifest;
  return `${JSON.stringify(published)}\n`;
}

async function shrink() {
  restore();
  const built = spawnSync(process.execPath, [join(root, ".ci", "setup.mjs")], { stdio: ["ignore", 2, 2] });
  if (built.status !== 0) throw new Error("the build failed; nothing was packed.");
  renameSync(shipped, full);
  try {
    await writeSmall(full, shipped);
    cpSync(readme, fullReadme);
    cpSync(join(root, "package.json"), fullManifest);
    writeFileSync(join(root, "package.json"), shortManifest());
    writeFileSync(readme, shortReadme(readFileSync(fullReadme, "utf8")));
  } catch (error) {
    restore();
    throw error;
  }
}

async function stage(folder) {
  await writeSmall(shipped, join(folder, "dist", "src"));
  writeFileSync(join(folder, "package.json"), shortManifest());
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "README.md"), shortReadme(readFileSync(readme, "utf8")));
}

const [order, folder] = process.argv.slice(2);
if (order === "shrink") await shrink();
else if (order === "restore") restore();
else if (order === "stage" && folder !== undefined) await stage(folder);
else throw new Error(`node .ci/pack.mjs shrink|restore|stage DIR, not ${order}.`);
