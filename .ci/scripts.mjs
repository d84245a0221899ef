// Rewrites of the packed scripts that no other tool does and that leave what they do as it is: each makes the compressed
// package smaller.
//
//   shortenMembers   before bundling: short names for members that only our own code says (members.mjs); a field that the
//                    constructor sets anyway is not declared as well
//   shortenClasses   after it: short names for classes that no declaration names; errors say the names of their classes
//   packFunctions    last: functions stand last and next to those that look like them, since what compresses sees
//                    32 kB back; declarations that stand together are one; long texts are quoted with few escapes; and
//                    lines stay short, as Node prints the line of an uncaught error
//
// Invariant: only declarations of functions move, which are there before a module's first statement wherever they stand.

import { parseAst } from "rolldown/parseAst";

const isNode = (node) => typeof node === "object" && node !== null;

/** Calls `visit` with every node; what it returns false for is not entered. */
function walk(node, visit) {
  if (!isNode(node)) return;
  if (typeof node.type === "string" && visit(node) === false) return;
  for (const child of Object.values(node)) walk(child, visit);
}

/** The text with the edits (from, to, instead) made. */
function edited(text, edits) {
  let out = "";
  let at = 0;
  for (const [from, to, instead] of edits.sort((a, b) => a[0] - b[0])) {
    out += text.slice(at, from) + instead;
    at = to;
  }
  return out + text.slice(at);
}

const isSimple = (node, type) => node.type === type && !node.computed && !node.static && node.key.type === "Identifier";

/** The fields of a class without a value that its constructor sets before it calls or asks anything else of `this`. */
function fieldsSetAnyway(body) {
  const made = body.find((node) => node.type === "MethodDefinition" && node.kind === "constructor");
  const set = new Set();
  for (const { type, expression } of made?.value.body.body ?? []) {
    if (type !== "ExpressionStatement") break;
    if (expression.type === "CallExpression" && expression.callee.type === "Super") continue;
    const { left, operator } = expression;
    const isField = operator === "=" && left.type === "MemberExpression" && left.object.type === "ThisExpression";
    if (!isField || left.computed) break;
    set.add(left.property.name);
  }
  return body.filter((node) => isSimple(node, "PropertyDefinition") && node.value === null && set.has(node.key.name));
}

/** The module with short names for its members (`names`: name → short name) and without fields declared in vain. */
export function shortenMembers(text, names) {
  const edits = [];
  const rename = ({ start, end, name, type }, shorthand) => {
    if (type === "Identifier" && Object.hasOwn(names, name))
      edits.push([start, shorthand ? start : end, names[name] + (shorthand ? ":" : "")]);
  };
  walk(parseAst(text), (node) => {
    if (node.type === "ClassBody")
      for (const { start, end } of fieldsSetAnyway(node.body)) edits.push([start, end, ""]);
    if (node.computed) return true;
    if (node.type === "MemberExpression") rename(node.property, false);
    else if (node.type === "Property") rename(node.key, node.shorthand);
    else if (node.type === "MethodDefinition") rename(node.key, false);
    else if (node.type === "PropertyDefinition") rename(node.key, false);
    return true;
  });
  const within = edits.filter(
    ([from, to]) => !edits.some(([a, b, c]) => c === "" && a <= from && to <= b && b - a > to - from),
  );
  return edited(text, within);
}

const GRAM = 6;
/** How far back what compresses sees, in characters. */
const WINDOW = 30_000;
/** Pieces that more texts have than this say nothing. */
const COMMON = 15;

/** For each text the pieces of GRAM characters that few others have. */
function piecesOf(texts) {
  const having = new Map();
  const pieces = texts.map((text) => {
    const own = new Set();
    for (let i = text.indexOf("(") + 1; i + GRAM <= text.length; i++) own.add(text.slice(i, i + GRAM));
    return own;
  });
  for (const [i, own] of pieces.entries())
    for (const piece of own) having.set(piece, [...(having.get(piece) ?? []), i]);
  return pieces
    .map((own) => [...own].filter((piece) => having.get(piece).length < COMMON))
    .map((own) => ({ own, having }));
}

/** The texts in an order in which each has much in common with those not far before it. */
export function orderBySimilarity(texts) {
  const pieces = piecesOf(texts);
  const score = texts.map(() => 0);
  const seen = new Map();
  const placed = [];
  const left = new Set(texts.keys());
  let oldest = 0;
  let inWindow = 0;
  const count = (i, by) => {
    for (const piece of pieces[i].own) {
      const before = seen.get(piece) ?? 0;
      seen.set(piece, before + by);
      if (before === 0 || before + by === 0) for (const other of pieces[i].having.get(piece)) score[other] += by;
    }
    inWindow += by * texts[i].length;
  };
  while (left.size > 0) {
    let best = -1;
    let most = -1;
    for (const i of left) {
      const worth = score[i] / Math.max(40, texts[i].length);
      if (worth > most) [best, most] = [i, worth];
    }
    left.delete(best);
    placed.push(best);
    count(best, 1);
    while (inWindow > WINDOW) count(placed[oldest++], -1);
  }
  return placed.map((i) => texts[i]);
}

/** Where a line may begin: before the functions, classes and methods below this node. */
function beginnings(ast) {
  const found = [];
  walk(ast, ({ type, start }) => {
    if (/^(?:FunctionDeclaration|ClassDeclaration|MethodDefinition)$/.test(type)) found.push(start);
    return true;
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

/** No line is much longer than this, unless one function or string is. */
const LINE = 400;

function breakLines(text) {
  const lines = [];
  let at = 0;
  for (const next of [...beginnings(parseAst(text)), text.length]) {
    if (next - at < LINE && next !== text.length) continue;
    lines.push(text.slice(at, next));
    at = next;
  }
  return lines.join("\n");
}

/** Letters of names, in which order they are dealt out. */
const LETTERS = "etnrioascludfphmgyvbwxkjqz";

/** The short names of the classes that `isTold` doesn't keep; none is a word that the script says already. */
function shortClasses(ast, isTold) {
  const said = new Set();
  const classes = new Set();
  walk(ast, (node) => {
    if (node.type === "Identifier") said.add(node.name);
    const isNamed = node.type === "VariableDeclarator" && node.init?.type === "ClassExpression";
    if (isNamed || /^Class(?:Declaration|Expression)$/.test(node.type)) classes.add(node.id?.name);
    return true;
  });
  const free = [...LETTERS.toUpperCase()]
    .flatMap((first) => ["", ...LETTERS].map((second) => first + second))
    .filter((name) => !said.has(name) && !isTold(name));
  const long = [...classes].filter((name) => name?.length > 2 && !isTold(name));
  // A number that told it from a name which is no more would be told too.
  const first = (name) => name.replace(/\$\d+$/, "");
  const isFirst = (name) => first(name) !== name && isTold(first(name)) && !said.has(first(name));
  return new Map(long.map((name, i) => [name, isFirst(name) ? first(name) : (free[i] ?? name)]));
}

/**
 * The bundled script with short names for its classes, apart from those that a user is told (`isTold`). It is minified:
 * nothing else in it but a class, and members, has such a name.
 */
export function shortenClasses(text, isTold) {
  const ast = parseAst(text);
  const names = shortClasses(ast, isTold);
  const edits = [];
  const visit = (node, role, parent) => {
    if (!isNode(node)) return;
    const name = node.type === "Identifier" ? names.get(node.name) : undefined;
    const isMember = /^(?:property|key|exported|imported)$/.test(role) && !parent.computed;
    if (name !== undefined && !isMember)
      edits.push(parent.shorthand ? [node.end, node.end, `:${name}`] : [node.start, node.end, name]);
    for (const [of, child] of Object.entries(node))
      for (const each of Array.isArray(child) ? child : [child]) visit(each, of, node);
  };
  visit(ast, "", undefined);
  return edited(text, edits);
}

/** What is longer is put between single quotes if it has fewer of those. */
const LONG = 1000;
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\\": "\\\\", "'": "\\'" };

const quote = (text) => `'${text.replace(/[\n\r\\']/g, (char) => ESCAPES[char])}'`;

/** The script with its long texts between the quotes that they hold least of: escapes compress badly. */
function requote(text) {
  const edits = [];
  walk(parseAst(text), (node) => {
    if (node.type === "TaggedTemplateExpression") return false;
    for (const { start, end, value } of node.type === "TemplateLiteral" ? node.quasis : []) {
      const quoted = quote(value.cooked);
      if (end - start > LONG && quoted.length < end - start) edits.push([start, end, `\${${quoted}}`]);
    }
    return true;
  });
  return edited(text, edits);
}

/** The script with neighbouring declarations of one kind as one. */
function mergeDeclarations(text) {
  const { body } = parseAst(text);
  const edits = [];
  for (const [i, node] of body.entries()) {
    const before = body[i - 1];
    if (node.type !== "VariableDeclaration" || before?.type !== node.type || before.kind !== node.kind) continue;
    edits.push([before.end - (text[before.end - 1] === ";" ? 1 : 0), node.declarations[0].start, ","]);
  }
  return edited(text, edits);
}

/** The script with its functions last, ordered by likeness, each on a line of its own. */
export function packFunctions(script) {
  const text = requote(script);
  const { body } = parseAst(text);
  const isFunction = ({ type }) => type === "FunctionDeclaration";
  const code = ({ start, end }) => text.slice(start, end);
  const rest = mergeDeclarations(
    body
      .filter((node) => !isFunction(node))
      .map(code)
      .join(""),
  );
  // The syntax tree has no first line that names the interpreter.
  const first = /^#!.*\n/.exec(script)?.[0] ?? "";
  return first + [breakLines(rest), ...orderBySimilarity(body.filter(isFunction).map(code))].join("\n").trim();
}
