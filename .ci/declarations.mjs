// The declarations of the package in one file: of all that tsc wrote, only what the exported names need, each once.
//
// It reads what tsc emits, whose form is regular: every statement of a module begins in the first column, with a word
// that this file knows; what it does not know, it refuses. Members marked @internal are gone already (`stripInternal`).
//
// Invariant: a name of a module means the same declaration after as before. Names that two modules give to different
// things are told apart by a number behind all but the first; names that an entry exports are dealt out first.

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const STATEMENT =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function|enum) ([A-Za-z_$][\w$]*)/;
const NAMES = /^(?:import|export)(?: type)? \{([\s\S]*?)\}(?: from "([^"]+)")?;$/;
const COMMENT = /\/\*[\s\S]*?\*\//g;
/** A name that is used, and not that of a member. */
const IDENTIFIER = /(?<![.\w$])[A-Za-z_$][\w$]*\b(?!\??:)/g;
/** The name of a constant, which a colon follows too. */
const DECLARED = /^((?:export )?declare const )([\w$]+)(?=:)/gm;

/** Statements of a module, each with the comment before it. */
function split(text) {
  const statements = [];
  let open = "";
  let inStatement = false;
  for (const line of text.split("\n")) {
    const begins = /^(?:export|import|declare|interface|type|abstract)\b/.test(line);
    if ((begins || line.startsWith("/**")) && inStatement) {
      statements.push(open.trim());
      open = "";
      inStatement = false;
    }
    inStatement ||= begins;
    open += `${line}\n`;
  }
  if (inStatement) statements.push(open.trim());
  return statements;
}

/** `A, type B, C as D` as pairs of the name there and the name here. */
const pairs = (list) =>
  list
    .split(",")
    .map((item) => item.trim().replace(/^type /, ""))
    .filter((item) => item !== "")
    .map((item) => item.split(" as ").map((name) => name.trim()))
    .map(([there, here = there]) => [there, here]);

/** A module: its own declarations, and what it imports or hands on, by the names they have in it. */
function readModule(path) {
  const own = new Map();
  const imported = new Map();
  const exported = new Map();
  for (const statement of split(readFileSync(path, "utf8"))) {
    const bare = statement.replace(/^(?:\/\*\*[\s\S]*?\*\/\s*)+/, "");
    const name = STATEMENT.exec(bare)?.[1];
    const lists = NAMES.exec(bare);
    if (name !== undefined) {
      own.set(name, [...(own.get(name) ?? []), statement]);
      if (bare.startsWith("export")) exported.set(name, { name });
    } else if (lists !== null) {
      const [, list, from] = lists;
      const target = from?.startsWith(".") ? join(dirname(path), from.replace(/\.[jt]s$/, ".d.ts")) : undefined;
      for (const [there, here] of pairs(list)) {
        if (bare.startsWith("import"))
          imported.set(here, { name: there, path: target, outside: target ? undefined : from });
        else exported.set(here, { name: there, path: target });
      }
    } else if (!bare.startsWith('import "'))
      throw new Error(`${path}: a statement of an unknown form: ${bare.slice(0, 100)}`);
  }
  return { path, own, imported, exported };
}

class Modules {
  #read = new Map();

  at(path) {
    if (!this.#read.has(path)) this.#read.set(path, readModule(path));
    return this.#read.get(path);
  }

  /** What a name in a module stands for: the module that declares it, or a package outside; undefined if it is no name of it. */
  resolve(path, name) {
    const module = this.at(path);
    if (module.own.has(name)) return { path, name };
    const from = module.imported.get(name);
    if (from === undefined) return undefined;
    return from.path === undefined ? { outside: from.outside, name: from.name } : this.exportOf(from.path, from.name);
  }

  /** What a module exports under a name. */
  exportOf(path, name) {
    const found = this.at(path).exported.get(name);
    if (found === undefined) throw new Error(`${path} exports no ${name}`);
    return found.path === undefined ? this.resolve(path, found.name) : this.exportOf(found.path, found.name);
  }
}

/** The first statement of a doc comment; nothing if it makes none. */
function shorten(comment) {
  const text = comment
    .slice(3, -2)
    .replace(/^\s*\* ?/gm, "")
    .replaceAll("@internal", "")
    .split(/^\s*@\w/m)[0]
    .replace(/\s+/g, " ")
    .trim();
  return text === "" ? "" : `/** ${(/^(?:`[^`]*`|[^`])*?[.;](?= |$)/.exec(text)?.[0] ?? text).replace(/;$/, ".")} */`;
}

/** Where the bracket that opens at `start` closes. */
function closing(text, start) {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if ("([{".includes(text[at])) depth++;
    else if (")]}".includes(text[at]) && --depth === 0) return at;
  }
  throw new Error(`a bracket stays open: ${text.slice(start, start + 100)}`);
}

/** A class without its protected members, whose types would drag in what no user can reach; none may be extended. */
function withoutProtected(statement) {
  let text = statement;
  const member = /^ {4}(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?protected (constructor)?/m;
  for (let found = member.exec(text); found !== null; found = member.exec(text)) {
    const begin = found.index;
    let end = begin + found[0].length;
    while (text[end] !== ";") end = "([{".includes(text[end]) ? closing(text, end) + 1 : end + 1;
    const kept = found[1] === undefined ? "" : "    PROTECTED constructor();\n";
    text = text.slice(0, begin) + kept + text.slice(end + 1).replace(/^\n/, "");
  }
  return text.replace("PROTECTED", "protected");
}

/** One declaration: names as `nameOf` gives them; its own comment, and those of its members, shortened or left out. */
function rewrite(whole, { nameOf, isExported, heads, members }) {
  // What a class implements says nothing that its members don't, and may name members that are gone.
  const code = (text) =>
    text
      .replace(/^(.*\bclass .*?) implements [^{]+(?=\{)/m, "$1 ")
      .replace(IDENTIFIER, nameOf)
      .replace(DECLARED, (_, before, name) => before + nameOf(name));
  const statement = withoutProtected(whole);
  const parts = [];
  let end = 0;
  for (const { 0: comment, index } of statement.matchAll(COMMENT)) {
    const ofMember = /^ /m.test(statement.slice(statement.lastIndexOf("\n", index) + 1, index + 1));
    parts.push(code(statement.slice(end, index)), (ofMember ? members : heads) ? shorten(comment) : "");
    end = index + comment.length;
  }
  const text = [...parts, code(statement.slice(end))]
    .join("")
    .replace(/^ +/gm, (indent) => " ".repeat(indent.length / 4))
    .replace(/^\s*\n/gm, "");
  return isExported
    ? text
    : text.replace(/^export (?:declare )?(?=abstract |class|const|function)/m, "declare ").replace(/^export /m, "");
}

/** What goes into the one file, in order of need, under which names. */
class Collected {
  /** Key of a declaration → what it is, how it is called, and the rank of the first entry that needs it. */
  needed = new Map();
  /** Package outside → import items. */
  outside = new Map();
  #taken = new Map();

  static key(found) {
    return `${found.path ?? found.outside}#${found.name}`;
  }

  need(found, rank) {
    const key = Collected.key(found);
    if (this.needed.has(key)) return this.needed.get(key).called;
    const count = (this.#taken.get(found.name) ?? 0) + 1;
    this.#taken.set(found.name, count);
    const called = count === 1 ? found.name : `${found.name}$${count}`;
    this.needed.set(key, { ...found, called, rank });
    if (found.outside !== undefined) {
      const item = called === found.name ? called : `${found.name} as ${called}`;
      this.outside.set(found.outside, [...(this.outside.get(found.outside) ?? []), item]);
    }
    return called;
  }
}

/** Strings and comments, which keep their spaces. */
const KEPT = /("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|^\/\/\/.*$)/m;

/** Declarations without spaces that part nothing; each member stays on a line of its own. */
function withoutSpaces(text) {
  const tight = (code) =>
    code
      .replace(/^ +/gm, "")
      .replace(/ *(=>|[:=|&{]) */g, "$1")
      .replace(/, /g, ",")
      .replace(/ \}/g, "}")
      .replace(/^export declare (?=abstract |class |const |function )/gm, "export ");
  return text
    .split(KEPT)
    .map((part, i) => (i % 2 === 0 ? tight(part) : part))
    .join("");
}

/**
 * The text of the one file, and for each entry that of its own. `entries`: absolute paths of declarations, the most
 * used first. What the first `heads` of them need keeps the first sentence of its comment, what the first `members`
 * need those of its members too; the documentation has all of them in full.
 */
export function bundleDeclarations(entries, into, { heads, members }) {
  const modules = new Modules();
  const collected = new Collected();
  const exported = new Set();
  const names = new Map();
  for (const [rank, entry] of entries.entries()) {
    const items = [...modules.at(entry).exported.keys()].map((name) => {
      const found = modules.exportOf(entry, name);
      exported.add(Collected.key(found));
      const called = collected.need(found, rank);
      return called === name ? name : `${called} as ${name}`;
    });
    const target = relative(dirname(entry), into)
      .replaceAll("\\", "/")
      .replace(/\.d\.ts$/, ".js");
    names.set(entry, `export{${items.join(",")}}from"${target.startsWith(".") ? target : `./${target}`}"\n`);
  }
  const texts = [];
  // The map grows while it is walked: a declaration brings in those it names.
  for (const [key, { path, name, rank }] of collected.needed) {
    if (path === undefined) continue;
    const nameOf = (word) => {
      const found = modules.resolve(path, word);
      return found === undefined ? word : collected.need(found, rank);
    };
    const how = { nameOf, isExported: exported.has(key), heads: rank < heads, members: rank < members };
    texts.push(
      ...modules
        .at(path)
        .own.get(name)
        .map((text) => rewrite(text, how)),
    );
  }
  const imports = [...collected.outside].map(([from, items]) => `import type { ${items.join(", ")} } from "${from}";`);
  // A program that is compiled for an older library has no type `Disposable` of its own.
  imports.unshift('/// <reference lib="esnext.disposable" />');
  return { text: `${withoutSpaces([...imports, ...texts, "export {};"].join("\n"))}\n`, names };
}
