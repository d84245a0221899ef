// Code blocks of a Markdown page, as the programs that they are.
//
//   ```js                  a whole program, run as main.mjs; so is ```ts, compiled first
//   ```js [worker.mjs]     a file beside the next program under the same heading; [main.mjs] is the program itself
//   ```js [page.js]        a program too, for a browser's page
//   // prints 3            in a program: the next line of its output, in this order
//
// Invariant: every js and ts block is in exactly one program, whole, as a reader pastes it; a file that no program follows
// is an error.

export interface Program {
  readonly page: string;
  /** Line of the block in the page, from 1. */
  readonly line: number;
  /** Name → text; the one that is run is `main`. */
  readonly files: Readonly<Record<string, string>>;
  readonly main: string;
  /** Lines that it says it prints. */
  readonly prints: readonly string[];
}

const BLOCK = /^(?:(?<heading>#{1,6} .*)|(?<fence>`{3,})(?<info>[^\n`]*)\n(?<code>[\s\S]*?)^\k<fence>)$/gm;

/** The programs of a page. Throws Error for a page that breaks the rules above. */
export function programsOf(page: string, text: string): Program[] {
  const programs: Program[] = [];
  let beside: Record<string, string> = {};
  const mustBeUsed = () => {
    const [name] = Object.keys(beside);
    if (name !== undefined) throw new Error(`${page}: no program follows the block ${name}`);
  };
  for (const { index, groups } of text.matchAll(BLOCK)) {
    const { heading, info = "", code = "" } = groups ?? {};
    if (heading !== undefined) mustBeUsed();
    const language = /^(js|ts)\b(?: \[(.+)\])?/.exec(info);
    if (heading !== undefined || language === null) continue;
    const name = language[2] ?? `main.m${language[1]}`;
    if (!/^(?:main|page)\./.test(name)) {
      beside[name] = code;
      continue;
    }
    const prints = [...code.matchAll(/\/\/ prints (.*)$/gm)].map(([, line]) => line.trim());
    const line = text.slice(0, index).split("\n").length;
    programs.push({ page, line, files: { ...beside, [name]: code }, main: name, prints });
    beside = {};
  }
  mustBeUsed();
  return programs;
}

/** How a heading is called in links to it, as GitHub and the site's generator both do for our headings. */
const anchorOf = (heading: string) =>
  heading
    .replace(/[`*]/g, "")
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s+/g, "-");

/** A page without its code, in which nothing is a link or a heading. */
const proseOf = (text: string) =>
  text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ""));

export function anchorsOf(text: string): Set<string> {
  return new Set([...proseOf(text).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => anchorOf(heading)));
}

/** Targets of a page's links and pictures that are no addresses of the web. */
export function linksOf(text: string): string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}
