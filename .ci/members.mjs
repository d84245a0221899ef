// Which names of members may be shortened in what is packed: those that nobody but the package's own code can say.
//
// Invariant: a name is shortened only if it is defined as a member in our own code and occurs nowhere else: not in the
// declarations that are shipped, in no string (a name of WebAssembly, of a message, of the profiler's page), in no
// library that we call, and in no module whose objects or files another copy of holdfast, shortened or not, reads.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAst } from "rolldown/parseAst";

const WORD = /[A-Za-z_$][\w$]*/g;

/** The registry that the copies in one process share, what it leads to, and what is written to files or sent. */
const SHARED = /^(?:profile|region|systems)[\\/]|^cells[\\/](?:errors|native)\./;

/** Most frequent first, so that they compress; no number is appended to a name before all pairs are dealt out. */
const LETTERS = "etnrioasclfudphmgyvbwxkjqz";

function filesOf(folder, pattern) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Every object of a syntax tree. */
function nodesOf(node, found = []) {
  if (typeof node !== "object" || node === null) return found;
  if (typeof node.type === "string") found.push(node);
  for (const child of Object.values(node)) nodesOf(child, found);
  return found;
}

const isOfClass = ({ type }) => type === "MethodDefinition" || type === "PropertyDefinition";
const keyOf = (node) =>
  isOfClass(node) || node.type === "Property" ? node.key : node.type === "MemberExpression" ? node.property : undefined;

/**
 * Adds the names of a module's members to those that a class defines and those that are used. What the keys of objects
 * and the words of strings are may be read by others: an error's `info` is such an object.
 */
function readModule(path, defined, used, words) {
  for (const node of nodesOf(parseAst(readFileSync(path, "utf8")))) {
    const key = keyOf(node);
    if (key?.type === "Identifier" && !node.computed) {
      if (isOfClass(node)) defined.add(key.name);
      used.set(key.name, (used.get(key.name) ?? 0) + 1);
    }
    if (node.type === "ObjectExpression")
      for (const { key: own } of node.properties) if (own?.name) words.add(own.name);
    const text = node.type === "Literal" ? node.value : node.type === "TemplateElement" ? node.value.cooked : undefined;
    if (typeof text === "string") for (const [word] of text.matchAll(WORD)) words.add(word);
  }
}

/** The words of the declarations of what the runtimes and the language give. */
function wordsOfLibraries(root) {
  const words = new Set();
  const modules = join(root, "node_modules");
  const folders = [
    ...filesOf(join(modules, "typescript", "lib"), /\.d\.ts$/),
    ...readdirSync(join(modules, "@typescript")).flatMap((name) =>
      filesOf(join(modules, "@typescript", name), /lib\.[\w.]+\.d\.ts$/),
    ),
    ...filesOf(join(modules, "@types", "node"), /\.d\.ts$/),
    ...filesOf(join(modules, "undici-types"), /\.d\.ts$/),
  ];
  for (const path of folders) {
    const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
    for (const [word] of code.matchAll(WORD)) words.add(word);
  }
  if (words.size < 5000) throw new Error("the declarations of the libraries were not found; no name can be shortened.");
  return words;
}

/** Name of a member → its short name. `from`: the compiled package; `declarations`: the text of those that are shipped. */
export function shortNames(root, from, declarations) {
  const defined = new Set();
  const used = new Map();
  const taken = wordsOfLibraries(root);
  const texts = [declarations, readFileSync(join(root, "src", "assembly", "exports.as"), "utf8")];
  for (const text of texts) for (const [word] of text.matchAll(WORD)) taken.add(word);
  for (const path of filesOf(from, /\.js$/)) {
    const shared = SHARED.test(relative(from, path));
    const own = new Map();
    readModule(path, shared ? new Set() : defined, own, taken);
    for (const [name, count] of own) {
      if (shared) taken.add(name);
      used.set(name, (used.get(name) ?? 0) + count);
    }
  }
  const names = [...defined]
    .filter((name) => !taken.has(name) && /^[a-z][A-Za-z0-9]{2,}$/.test(name))
    .sort((a, b) => used.get(b) - used.get(a) || (a < b ? -1 : 1));
  const free = ["", ...LETTERS]
    .flatMap((first) => [...LETTERS].map((second) => first + second))
    .filter((name) => !taken.has(name) && !used.has(name));
  return Object.fromEntries(
    names.map((name, i) => [name, free[i] ?? `${free[i % free.length]}${Math.floor(i / free.length)}`]),
  );
}
