// The checks of the architecture: who imports whom in a source tree, and what that breaks.
// Every check is a pure function over the tree's files and gives one line per violation, none if all is well.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix, sep } from "node:path";
import { type MaskedSource, maskSource } from "./source-text.ts";

/** How a file names another: "url" is `new URL("./x.js", import.meta.url)`, "require" a call by that name. */
export type ImportKind = "static" | "type" | "dynamic" | "url" | "require";

export interface Import {
  readonly kind: ImportKind;
  /** As written: `./words.ts`, `#atomics`, `node:fs`. */
  readonly specifier: string;
}

export interface SourceFile extends MaskedSource {
  /** Path from the root, with slashes: `src/cells/words.ts`. */
  readonly path: string;
  readonly imports: readonly Import[];
}

export interface Manifest {
  readonly exports?: unknown;
  readonly imports?: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

export interface Tree {
  readonly files: readonly SourceFile[];
  readonly manifest: Manifest;
}

const patterns: readonly (readonly [ImportKind, RegExp])[] = [
  ["type", /\b(?:import|export)\s+type\b[^;"]*?\bfrom\s*"(\d+)"/g],
  ["static", /\b(?:import|export)\b(?!\s+type\s+[\w${*])(?:[\w\s${},*]*?\bfrom)?\s*"(\d+)"/g],
  ["dynamic", /\bimport\s*\(\s*"(\d+)"/g],
  ["url", /\bnew\s+URL\s*\(\s*"(\d+)"\s*,\s*import\s*\.\s*meta\s*\.\s*url/g],
  ["require", /\b(?:require|getBuiltinModule)\s*(?:\?\.)?\s*\(\s*"(\d+)"/g],
];

/** Everything that a source names as another module. */
export function findImports({ code, strings }: MaskedSource): Import[] {
  return patterns.flatMap(([kind, pattern]) =>
    [...code.matchAll(pattern)].map((match) => ({ kind, specifier: strings[Number(match[1])] })),
  );
}

export function parseSource(path: string, text: string): SourceFile {
  const masked = maskSource(text);
  return { path, ...masked, imports: findImports(masked) };
}

/** Reads all `.ts` files under `src` of a root, and its package.json. */
export function readTree(root: string): Tree {
  const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.split(sep).join("/")}`)
    .sort();
  const manifest = join(root, "package.json");
  return {
    files: paths.map((path) => parseSource(path, readFileSync(join(root, path), "utf8"))),
    manifest: existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : {},
  };
}

/** All paths at the ends of an `exports` or `imports` value, as sources: `./dist/src/x.js` is `src/x.ts`. */
function targets(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(targets);
  if (typeof value !== "string") return [];
  const match = /^\.\/(?:dist\/)?(src\/.*?)(?:\.d)?\.[jt]s$/.exec(value);
  return match === null ? [] : [`${match[1]}.ts`];
}

/** The source files that an import means; empty for packages and Node's modules. */
export function resolveImport(tree: Tree, from: string, specifier: string): string[] {
  if (specifier.startsWith("#")) return [...new Set(targets(tree.manifest.imports?.[specifier]))];
  if (!specifier.startsWith(".")) return [];
  return [posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts")];
}

const edges = (tree: Tree, file: SourceFile) =>
  file.imports.flatMap(({ kind, specifier }) =>
    resolveImport(tree, file.path, specifier).map((target) => ({ kind, specifier, target })),
  );

/** The folder under src that a file belongs to; undefined for files of src itself and outside. */
function layerOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** Each folder imports from itself and from those before it in `order`; nothing is outside of the folders but barrels. */
export function checkDirection(tree: Tree, order: readonly string[], barrels: readonly string[]): string[] {
  return tree.files.flatMap((file) => {
    if (barrels.includes(file.path) && layerOf(file.path) === undefined) return [];
    const own = order.indexOf(layerOf(file.path) ?? "");
    if (own < 0) return [`${file.path} is in none of the folders ${order.join(", ")}`];
    return edges(tree, file)
      .filter(({ kind, target }) => {
        if (kind === "require" && !target.startsWith("src/")) return false; // A native addon.
        const rank = order.indexOf(layerOf(target) ?? "");
        return rank < 0 || rank > own;
      })
      .map(({ target }) => `${file.path} imports ${target}, which is not in ${order.slice(0, own + 1).join(", ")}`);
  });
}

/** Whether a file only hands on what others export. */
function isBarrel(file: SourceFile): boolean {
  const statement = /\b(?:export|import)\b[\w\s${},*]*?(?:\bfrom\s*)?"\d+"\s*;?/g;
  const rest = file.code.replace(statement, "").trim();
  return /\bexport\b[^;]*\bfrom\s*"/.test(file.code) && rest === "";
}

/** Barrels are only the given files, and no file imports one. */
export function checkBarrels(tree: Tree, allowed: readonly string[]): string[] {
  const barrels = tree.files.filter((file) => file.path.endsWith("/index.ts") || isBarrel(file));
  const paths = new Set([...allowed.filter((path) => path.endsWith("/index.ts")), ...barrels.map(({ path }) => path)]);
  const wrong = barrels.filter(({ path }) => !allowed.includes(path));
  return [
    ...wrong.map(({ path }) => `${path} is a barrel (it only re-exports, or is named index.ts) and no entry`),
    ...tree.files.flatMap((file) =>
      edges(tree, file)
        .filter(({ target }) => paths.has(target))
        .map(({ target }) => `${file.path} imports the barrel ${target}`),
    ),
  ];
}

/** The entries that package.json exports, as sources. */
export function exportedEntries(manifest: Manifest): string[] {
  return [...new Set(targets(manifest.exports))];
}

/**
 * Cycles of imports between files, type imports and dynamic ones included. A URL is none: a class may start a worker
 * that imports it.
 */
export function checkCycles(tree: Tree): string[] {
  const byPath = new Map(tree.files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) cycles.push(`cycle: ${[...way.slice(start), path].join(" -> ")}`);
    const file = byPath.get(path);
    if (start >= 0 || file === undefined || done.has(path)) return;
    for (const { kind, target } of edges(tree, file)) if (kind !== "url") visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of tree.files) visit(path, []);
  return cycles;
}

/** Only files whose path matches one of `allowed` name the identifier in code. */
export function checkIdentifier(tree: Tree, identifier: string, allowed: readonly RegExp[]): string[] {
  const pattern = new RegExp(`(?<![\\w$])${identifier}(?![\\w$])`);
  return tree.files
    .filter((file) => !allowed.some((path) => path.test(file.path)) && pattern.test(file.code))
    .map((file) => `${file.path} mentions ${identifier}`);
}

function isNodeModule(specifier: string): boolean {
  return specifier.startsWith("node:") || builtinModules.includes(specifier);
}

/**
 * Node's own modules are named only by `nodeFiles` (in any way) and by `guardedFiles` (in no way that a browser would
 * trip over: as types, or through a call that may fail).
 */
export function checkNodeImports(tree: Tree, nodeFiles: readonly RegExp[], guardedFiles: readonly string[]): string[] {
  return tree.files
    .filter((file) => !nodeFiles.some((path) => path.test(file.path)))
    .flatMap((file) => {
      const guarded = guardedFiles.includes(file.path);
      const bad = file.imports
        .filter(({ specifier }) => isNodeModule(specifier))
        .filter(({ kind }) => !guarded || kind === "static")
        .map(({ kind, specifier }) => `${file.path} imports ${specifier} (${kind})`);
      const way = /\b(?:getBuiltinModule|createRequire)\b/.exec(file.code);
      return way === null || guarded ? bad : [...bad, `${file.path} uses ${way[0]}`];
    });
}

/**
 * No package is needed at run time: none is a dependency, one is imported only dynamically and if optional, or it is one
 * of those that packing bundles.
 */
export function checkPackages(tree: Tree, bundled: readonly string[] = []): string[] {
  const { dependencies = {}, peerDependenciesMeta = {} } = tree.manifest;
  return [
    ...Object.keys(dependencies).map((name) => `package.json has the dependency ${name}`),
    ...tree.files.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => !/^[.#]/.test(specifier) && !isNodeModule(specifier))
        .filter(({ kind, specifier }) => kind !== "url" || /^[\w@]/.test(specifier))
        .filter(({ specifier }) => !bundled.includes(specifier))
        .filter(({ kind, specifier }) => {
          const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
          return kind === "static" || peerDependenciesMeta[name]?.optional !== true;
        })
        .map(({ kind, specifier }) => `${file.path} imports the package ${specifier} (${kind})`),
    ),
  ];
}

/** The names of uvu suites that a test file makes and never runs. */
export function findForgottenRuns({ code }: MaskedSource): string[] {
  const made = [...code.matchAll(/\b(?:const|let|var)\s+(\w+)\s*=\s*suite\s*[(<]/g)].map((match) => match[1]);
  const imported = /\bimport\s*\{[^}]*\btest\b(?!\s+as\b)[^}]*\}\s*from\s*"/.test(code) && /\btest\s*\(/.test(code);
  return [...made, ...(imported ? ["test"] : [])].filter(
    (name) => !new RegExp(`\\b${name}\\s*\\.\\s*run\\b`).test(code),
  );
}
