// watchdog: 300s
// The documentation tells the truth: every code block of the README and of docs/ runs, and prints what it says it prints;
// every link leads somewhere; every error code has its entry.
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { anchorsOf, linksOf, type Program, programsOf } from "./support/code-blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "holdfast-docs-"));
const run = promisify(execFile);
const read = (path: string) => readFileSync(join(root, path), "utf8");

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const programs = pages
  .flatMap((page) => programsOf(page, read(page)))
  // Those of a page run in test/browser/.
  .filter(({ main }) => main !== "page.js");
const homeOf = (program: Program) => join(folder, `${program.page.replace(/\W/g, "-")}-${program.line}`);

/** The options that a user's program is checked with. */
const compilerOptions = {
  strict: true,
  // The package's own declarations are checked in package.test.ts, as they are packed.
  skipLibCheck: true,
  target: "es2022",
  module: "nodenext",
  lib: ["es2024", "esnext.disposable", "dom"],
  types: ["node"],
  typeRoots: [join(root, "node_modules", "@types")],
};

async function compile(): Promise<void> {
  if (!programs.some(({ main }) => main.endsWith("ts"))) return;
  const options = { compilerOptions, include: ["**/*.mts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const failed = await run(process.execPath, [compiler, "-p", folder], { cwd: folder }).catch((error) => error.stdout);
  if (typeof failed === "string") throw new Error(failed);
}

test.before(async () => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "holdfast"), "dir");
  for (const program of programs) {
    mkdirSync(homeOf(program));
    for (const [name, text] of Object.entries(program.files)) writeFileSync(join(homeOf(program), name), text);
  }
  // uvu says nothing of an error here.
  await compile().catch((error: Error) => {
    console.error(error.message);
    throw error;
  });
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

async function runProgram(program: Program): Promise<string> {
  const where = `${program.page}:${program.line}`;
  try {
    const main = program.main.replace(/ts$/, "js");
    const { stdout } = await run(process.execPath, [main], { cwd: homeOf(program), timeout: 100_000 });
    const expected = program.prints.map((line) => `${line}\n`).join("");
    return stdout === expected || expected === "" ? "" : `${where} prints\n${stdout}and not\n${expected}`;
  } catch (error) {
    const { stderr, stdout, message } = error as Error & { stderr: string; stdout: string };
    return `${where} fails: ${message}\n${stdout}${stderr}`;
  }
}

test("every program of the documentation runs, and prints what it says", async () => {
  const problems: string[] = [];
  const open = [...programs];
  const work = async () => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) problems.push(await runProgram(next));
  };
  await Promise.all([work(), work(), work()]);
  assert.is(problems.filter((text) => text !== "").join("\n"), "");
});

test("every link leads to a page, and to a heading of it", () => {
  const dead = pages.flatMap((page) =>
    linksOf(read(page))
      .filter((link) => {
        const [path, anchor] = link.split("#");
        const target = path === "" ? page : join(dirname(page), path);
        const generated = target.startsWith(join("docs", "reference"));
        if (generated) return false;
        return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsOf(read(target)).has(anchor));
      })
      .map((link) => `${page}: ${link}`),
  );
  assert.equal(dead, []);
});

/** Every code in the sources, but for those of the platform. */
function codesInSources(): Set<string> {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const found = sources.flatMap((name) => read(join("src", name)).match(/\bERR_[A-Z]+(?:_[A-Z]+)*\b(?!_)/g) ?? []);
  return new Set(found.filter((code) => code !== "ERR_SCRIPT_EXECUTION_TIMEOUT"));
}

test("every error code has an entry with cause and cure, and no other has one", () => {
  const text = read("docs/errors.md");
  const entries = [...text.matchAll(/^### (ERR_[A-Z_]+)\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)];
  assert.equal(entries.map(([, code]) => code).sort(), [...codesInSources()].sort());
  for (const [, code, body] of entries) {
    assert.match(body, /\*\*Cause\.\*\* /, code);
    assert.match(body, /\*\*Cure\.\*\* /, code);
  }
});

test.run();
