// Reads TypeScript source just closely enough to tell code from comments and strings.
// Invariant: masked code has no comment and no text of a string, template or regular expression; `strings[n]` is the
// text of the literal that stands in it as "n". Expressions inside templates stay code.

export interface MaskedSource {
  /** The code, with `"0"`, `"1"`, … in the place of string and template texts and regular expressions. */
  readonly code: string;
  /** The texts, as they stand in the source (escapes untouched). */
  readonly strings: readonly string[];
}

// Behind one of these a slash begins a regular expression; behind a name, a number, `)` or `]` it divides.
const beforeRegExp =
  /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|throw|await|yield|else|do))$/;

const spaceOrComment = /\/\/.*|\/\*[^]*?(?:\*\/|$)/y;
const quoted = /"((?:\\[^]|[^"\\\n])*)"|'((?:\\[^]|[^'\\\n])*)'/y;
const regExp = /\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/[a-z]*/y;
const templateText = /((?:\\[^]|\$(?!\{)|[^`\\$])*)(`|\$\{|$)/y;

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** Separates code from comments and literals. Never throws; code that does not compile gives some result. */
export function maskSource(source: string): MaskedSource {
  const strings: string[] = [];
  const open: number[] = []; // For each template that we are inside an expression of: the depth of its braces.
  let code = "";
  let depth = 0;
  let at = 0;
  const literal = (text: string) => {
    code += `"${strings.push(text) - 1}"`;
  };
  const template = () => {
    const match = matchAt(templateText, source, at) as RegExpExecArray;
    at += match[0].length;
    literal(match[1]);
    if (match[2] !== "${") return;
    code += "+(";
    open.push(depth);
  };
  while (at < source.length) {
    const comment = matchAt(spaceOrComment, source, at);
    const string = comment ?? matchAt(quoted, source, at);
    const slash = source[at] === "/" && beforeRegExp.test(code.trimEnd());
    const expression = string ?? (slash ? matchAt(regExp, source, at) : null);
    const char = source[at];
    if (expression !== null) {
      at += expression[0].length;
      if (comment === null) literal(expression[1] ?? expression[2] ?? "");
      else code += comment[0].includes("\n") ? "\n" : " ";
    } else {
      at++;
      if (char === "`") template();
      else if (char === "}" && open.length > 0 && open[open.length - 1] === depth) {
        open.pop();
        code += ")+";
        template();
      } else {
        if (char === "{") depth++;
        if (char === "}") depth--;
        code += char;
      }
    }
  }
  return { code, strings };
}
