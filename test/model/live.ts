// What a function still needs, found by reading it: before each statement a checkpoint is put in that names the variables
// which are alive there, so that all ways to that statement on which they are the same are one for the checker.
//
// A variable is alive before a statement if some way on from there reads it before it is written anew: the usual analysis,
// backwards over the statements, loops until nothing changes. What a function within the function names is alive wherever
// it can be named, and so is all that is named in a statement of a kind that is not known here. Objects are no values:
// what changes in those that a variable holds, is told by `objects`.
// Methods of classes become scopes here: there is nowhere else to put one around those that are private.
// Invariant: only checkpoints and scopes are added, and checkpoints only in scopes: what the callers know is not named.
import { parseAst } from "rolldown/parseAst";
import { MisfitError } from "./misfit.ts";

export interface Ast {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Variable {
  readonly name: string;
  /** Where its declaration ends, and the part of the text in which it can be named. */
  readonly from: number;
  readonly within: Ast;
}

interface Edit {
  readonly at: number;
  readonly text: string;
}

/** What a method leaves behind beside what it returns: while it runs, and after it. */
export interface Told {
  readonly inside: string;
  readonly after: string;
}

type Names = ReadonlySet<string>;

/** What is alive where a statement leaves to. */
interface Ways {
  readonly out: Names;
  readonly onBreak: Names;
  readonly onContinue: Names;
}

const NONE: Names = new Set();
const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const LOOPS = ["ForStatement", "WhileStatement", "DoWhileStatement", "ForOfStatement", "ForInStatement"];
const BLOCKS = new Set(["BlockStatement", "CatchClause", ...LOOPS]);
/** Statements before which a checkpoint would say nothing, or not be allowed. */
const IDLE = new Set([
  "FunctionDeclaration",
  "BlockStatement",
  "BreakStatement",
  "ContinueStatement",
  "EmptyStatement",
]);

const isAst = (part: unknown): part is Ast => typeof (part as Ast | null)?.type === "string";
const join = (...sets: readonly Names[]): Set<string> => new Set(sets.flatMap((set) => [...set]));

function kids(node: Ast): Ast[] {
  const parts = Object.values(node).flatMap((part) => (Array.isArray(part) ? (part as unknown[]) : [part]));
  return parts.filter(isAst).filter((kid) => {
    if (node.computed === true || node.shorthand === true) return true;
    return (
      !(node.type === "MemberExpression" && kid === node.property) && !(node.type === "Property" && kid === node.key)
    );
  });
}

function namesIn(node: unknown): Set<string> {
  if (!isAst(node)) return new Set();
  if (node.type === "Identifier") return new Set([node.name as string]);
  return join(...kids(node).map(namesIn));
}

/**
 * The module with checkpoints before the statements of those of its functions that `chosen` names; `objects`: by the names of
 * variables that hold objects, what in them changes. `methods`: by `Class.method`, the methods to which the same is done.
 */
export function tellLive(
  text: string,
  chosen: (name: string) => boolean,
  objects: Readonly<Record<string, string>> = {},
  methods: Readonly<Record<string, Told>> = {},
): string {
  const edits: Edit[] = [];
  const done = new Set<string>();
  for (const part of (parseAst(text) as unknown as { body: Ast[] }).body) {
    const declared = part.type === "ExportNamedDeclaration" && isAst(part.declaration) ? part.declaration : part;
    if (declared.type === "ClassDeclaration") {
      for (const [name, method] of methodsOf(declared)) {
        if (!Object.hasOwn(methods, name)) continue;
        done.add(name);
        edits.push(...asScope(method, name, objects, methods[name]));
      }
    }
    if (declared.type !== "FunctionDeclaration" || declared.async === true) continue;
    const { name } = declared.id as unknown as { name: string };
    if (chosen(name)) edits.push(...new Live(declared, name, objects).edits());
  }
  for (const name of Object.keys(methods)) if (!done.has(name)) throw new MisfitError(`there is no method ${name}`);
  const ordered = edits.map((edit, nth) => ({ ...edit, nth })).sort((a, b) => b.at - a.at || b.nth - a.nth);
  return ordered.reduce((changed, { at, text: added }) => changed.slice(0, at) + added + changed.slice(at), text);
}

/** The methods of a class, but for accessors, static and async ones. */
function methodsOf(declared: Ast): [name: string, method: Ast][] {
  const { name } = declared.id as unknown as { name: string };
  const members = (declared.body as Ast).body as Ast[];
  return members.flatMap((member) => {
    const method = member.value as Ast | null;
    if (member.type !== "MethodDefinition" || member.kind !== "method" || member.static === true) return [];
    if (!isAst(method) || method.async === true) return [];
    const { type, name: key } = member.key as unknown as { type: string; name: string };
    return [[`${name}.${type === "PrivateIdentifier" ? "#" : ""}${key}`, method] as [string, Ast]];
  });
}

function asScope(method: Ast, name: string, objects: Readonly<Record<string, string>>, told: Told): Edit[] {
  const body = method.body as Ast;
  const names = (method.params as Ast[]).flatMap((param) => [...namesIn(param)]);
  const after = names.flatMap((each) => objects[each] ?? []);
  return [
    { at: body.start + 1, text: " return its.inScope(() => {" },
    ...new Live(method, name, objects, told.inside).edits(),
    { at: body.end - 1, text: `}, () => [${[told.after, ...after].filter((part) => part !== "").join(", ")}]); ` },
  ];
}

class Live {
  private readonly of: Ast;
  private readonly name: string;
  private readonly objects: Readonly<Record<string, string>>;
  private readonly self: string;
  private readonly variables: Variable[] = [];
  private readonly captured = new Set<string>();
  private readonly alive = new Map<Ast, { readonly names: Names; readonly bare: boolean }>();

  /** `self`: what changes in the object whose method it is. */
  constructor(of: Ast, name: string, objects: Readonly<Record<string, string>>, self = "") {
    this.self = self;
    this.of = of;
    this.name = name;
    this.objects = objects;
    const body = of.body as Ast;
    for (const param of of.params as Ast[]) this.declare(param, body.start, body);
    this.gather(body, body);
    this.refuseShadows();
    this.list(body.body as Ast[], { out: NONE, onBreak: NONE, onContinue: NONE });
  }

  edits(): Edit[] {
    return [...this.alive].flatMap(([node, { names, bare }]) => {
      const told = this.checkpoint(node, names);
      if (!bare) return [{ at: node.start, text: `${told} ` }];
      return [
        { at: node.start, text: `{ ${told} ` },
        { at: node.end, text: " }" },
      ];
    });
  }

  private checkpoint({ start }: Ast, names: Names): string {
    const alive = this.visible(start).filter(({ name }) => names.has(name) || this.captured.has(name));
    const told = alive.map(({ name }) => name);
    const also = this.visible(start).flatMap(({ name }) => this.objects[name] ?? []);
    if (this.self !== "") also.push(this.self);
    return `if (its.listens()) its.atLoop("${this.name} ${start - this.of.start}", [${told.join(", ")}], [${also.join(", ")}]);`;
  }

  private visible(at: number): readonly Variable[] {
    return this.variables.filter(({ from, within }) => from <= at && within.start <= at && within.end > at);
  }

  /** Notes what a part of the function declares, and what functions within it name. `block`: the nearest one around. */
  private gather(node: Ast, block: Ast): void {
    if (FUNCTIONS.has(node.type)) {
      for (const name of namesIn(node)) this.captured.add(name);
      return;
    }
    if (node.type === "VariableDeclaration") {
      for (const each of node.declarations as Ast[]) this.declare(each.id as Ast, each.end, block);
    }
    if (node.type === "CatchClause" && isAst(node.param)) this.declare(node.param, node.param.end, node);
    for (const kid of kids(node)) this.gather(kid, BLOCKS.has(kid.type) ? kid : block);
  }

  private declare(pattern: Ast, from: number, within: Ast): void {
    if (pattern.type === "Identifier") this.variables.push({ name: pattern.name as string, from, within });
    else if (pattern.type === "Property") this.declare(pattern.value as Ast, from, within);
    else if (pattern.type === "AssignmentPattern") this.declare(pattern.left as Ast, from, within);
    else for (const kid of kids(pattern)) this.declare(kid, from, within);
  }

  /** Names stand for variables here. */
  private refuseShadows(): void {
    for (const { name, within } of this.variables) {
      const inner = this.variables.some(
        (v) => v.name === name && v.within !== within && v.within.start >= within.start && v.within.end <= within.end,
      );
      if (inner) throw new MisfitError(`${this.name} has two variables ${name}, one within the block of the other`);
    }
  }

  private list(statements: readonly Ast[], ways: Ways): Names {
    let { out } = ways;
    for (const each of [...statements].reverse()) out = this.before(each, { ...ways, out }, false);
    return out;
  }

  /** What is alive before the statement; notes it. `bare`: no braces are around it. */
  private before(node: Ast, ways: Ways, bare: boolean): Names {
    const names = this.through(node, ways);
    if (!IDLE.has(node.type)) this.alive.set(node, { names, bare });
    return names;
  }

  private through(node: Ast, ways: Ways): Names {
    const { out } = ways;
    switch (node.type) {
      case "BlockStatement":
        return this.list(node.body as Ast[], ways);
      case "EmptyStatement":
      case "FunctionDeclaration":
        return out;
      case "BreakStatement":
        return isAst(node.label) ? this.all() : ways.onBreak;
      case "ContinueStatement":
        return isAst(node.label) ? this.all() : ways.onContinue;
      case "ReturnStatement":
      case "ThrowStatement":
        return namesIn(node.argument);
      case "VariableDeclaration":
        return [...(node.declarations as Ast[])]
          .reverse()
          .reduce<Names>((names, each) => this.declared(each, names), out);
      case "ExpressionStatement":
        return this.expressed(node.expression as Ast, out);
      case "IfStatement":
        return join(
          namesIn(node.test),
          this.before(node.consequent as Ast, ways, true),
          isAst(node.alternate) ? this.before(node.alternate, ways, true) : out,
        );
      case "ForStatement":
      case "WhileStatement":
        return this.loop(node, out);
      default:
        return this.all();
    }
  }

  private declared({ id, init }: Ast, out: Names): Names {
    const names = namesIn(id);
    return join(new Set([...out].filter((name) => !names.has(name))), namesIn(init));
  }

  private expressed(expression: Ast, out: Names): Names {
    const { type, operator, left, right } = expression;
    const simple = type === "AssignmentExpression" && operator === "=" && (left as Ast).type === "Identifier";
    if (!simple) return join(out, namesIn(expression));
    const { name } = left as unknown as { name: string };
    return join(new Set([...out].filter((each) => each !== name)), namesIn(right));
  }

  private loop(node: Ast, out: Names): Names {
    const leaves = isAst(node.test) ? out : NONE;
    let head: Names = join(namesIn(node.test), leaves);
    for (;;) {
      const onContinue = isAst(node.update) ? this.expressed(node.update, head) : head;
      const body = this.before(node.body as Ast, { out: onContinue, onBreak: out, onContinue }, true);
      const next = join(head, body);
      if (next.size === head.size) break;
      head = next;
    }
    if (!isAst(node.init)) return head;
    return node.init.type === "VariableDeclaration"
      ? this.through(node.init, { out: head, onBreak: NONE, onContinue: NONE })
      : this.expressed(node.init, head);
  }

  private all(): Names {
    return new Set(this.variables.map(({ name }) => name));
  }
}
