// The checks of the architecture fail where they should: on small bad trees, written to a temporary folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  checkBarrels,
  checkCycles,
  checkDirection,
  checkIdentifier,
  checkNodeImports,
  checkPackages,
  exportedEntries,
  findForgottenRuns,
  findImports,
  type Manifest,
  readTree,
  type Tree,
} from "./imports.ts";
import { maskSource } from "./source-text.ts";

const order = ["cells", "locks", "tables"];
const entries = ["src/index.ts", "src/tables/index.ts"];

/** Writes a tree of sources, reads it as the test of the architecture does, and removes it. */
function tree(files: Record<string, string>, manifest: Manifest = {}): Tree {
  const root = mkdtempSync(join(tmpdir(), "test-imports-"));
  try {
    writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, "src", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return readTree(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("every way to name a module is found", () => {
  const source = `
    import "./bare.ts";
    import plain from "./plain.ts";
    import * as all from './all.ts'
    import type { A } from "./type.ts";
    import { type B, b } from "./mixed.ts";
    export { c } from "./again.ts";
    export * from "./star.ts";
    export type { D } from "./type-again.ts";
    import {
      long,
    } from "./lines.ts";
    const lazy = await import("./lazy.ts");
    const worker = new URL("./x.worker.js", import.meta.url);
    const host = process.getBuiltinModule?.("node:fs");
    const addon = require("../addon.node");`;
  assert.equal(
    findImports(maskSource(source)).map(({ kind, specifier }) => `${kind} ${specifier}`),
    [
      "type ./type.ts",
      "type ./type-again.ts",
      "static ./bare.ts",
      "static ./plain.ts",
      "static ./all.ts",
      "static ./mixed.ts",
      "static ./again.ts",
      "static ./star.ts",
      "static ./lines.ts",
      "dynamic ./lazy.ts",
      "url ./x.worker.js",
      "require node:fs",
      "require ../addon.node",
    ],
  );
});

test("imports in comments, strings, templates and regular expressions are none", () => {
  const source = [
    '// import "./a.ts";',
    '/* import "./b.ts"; */',
    `const text = 'import "./c.ts"' + "import './d.ts'";`,
    'const page = `import "./e.ts"; ${`nested import("./f.ts")`} import("./g.ts")`;',
    'const pattern = /import "x"/; const other = a / b; const quote = /["\'`]/g;',
    'import "./real.ts"; // "',
  ];
  assert.equal(findImports(maskSource(source.join("\n"))), [{ kind: "static", specifier: "./real.ts" }]);
});

test("expressions inside templates are code", () => {
  const { code } = maskSource("const a = `one ${ { b: `two ${Atomics.load(c, 0)}` } } Text`; last();");
  assert.match(code, "Atomics.load(c, 0)");
  assert.match(code, "last()");
  assert.not.match(code, "Text");
});

test("an import against the direction fails, in every form, also as a type", () => {
  const later = {
    "locks/mutex.ts": "export const m = 1;",
    "cells/a.ts": 'import { m } from "../locks/mutex.ts";',
    "cells/b.ts": 'import type { M } from "../locks/mutex.ts";',
    "cells/c.ts": 'export * from "../locks/mutex.ts"; export const c = 1;',
    "cells/d.ts": 'const m = await import("../locks/mutex.ts");',
    "cells/e.ts": 'new Worker(new URL("../locks/mutex.js", import.meta.url));',
  };
  assert.equal(
    checkDirection(tree(later), order, entries),
    ["a", "b", "c", "d", "e"].map((name) => `src/cells/${name}.ts imports src/locks/mutex.ts, which is not in cells`),
  );
});

test("imports along the direction, and those of an entry, pass", () => {
  const good = {
    "index.ts": 'export { t } from "./tables/map.ts";',
    "cells/words.ts": "export const w = 1;",
    "cells/park.ts": 'import { w } from "./words.ts";',
    "tables/map.ts": 'import { w } from "../cells/words.ts"; export const t = w;',
  };
  assert.equal(checkDirection(tree(good), order, entries), []);
});

test("a file or a folder outside of the order fails", () => {
  const stray = { "util.ts": "export {};", "helpers/a.ts": "export {};" };
  assert.is(checkDirection(tree(stray), order, entries).length, 2);
  const outside = { "cells/a.ts": 'import "../../test/b.ts";' };
  assert.equal(checkDirection(tree(outside), order, entries), [
    "src/cells/a.ts imports test/b.ts, which is not in cells",
  ]);
});

test("an import by a name of package.json counts as one of its targets", () => {
  const manifest = { imports: { "#late": { browser: "./dist/src/locks/x.js", default: "./src/locks/y.ts" } } };
  const files = { "cells/a.ts": 'import "#late";' };
  assert.is(checkDirection(tree(files, manifest), order, entries).length, 2);
});

test("a barrel that is no entry fails, and so does an import of a barrel", () => {
  const files = {
    "index.ts": 'export * from "./tables/index.ts";',
    "tables/index.ts": 'export { map } from "./map.ts";\nexport type { M } from "./map.ts";',
    "tables/map.ts": 'import "../index.ts"; export const map = 1;',
    "locks/all.ts": '// Everything.\nexport * from "./mutex.ts";\nexport { a } from "./a.ts";',
    "cells/index.ts": "export const x = 1;",
    "cells/fine.ts": 'export { b } from "./b.ts"; export const fine = 1;',
  };
  assert.equal(checkBarrels(tree(files), entries), [
    "src/cells/index.ts is a barrel (it only re-exports, or is named index.ts) and no entry",
    "src/locks/all.ts is a barrel (it only re-exports, or is named index.ts) and no entry",
    "src/index.ts imports the barrel src/tables/index.ts",
    "src/tables/map.ts imports the barrel src/index.ts",
  ]);
});

test("the entries are those of package.json's exports", () => {
  const exports = {
    ".": { types: "./dist/src/index.d.ts", default: "./dist/src/index.js" },
    "./tables": { browser: "./dist/src/tables/browser.js", default: "./dist/src/tables/index.js" },
    "./package.json": "./package.json",
  };
  assert.equal(exportedEntries({ exports }), ["src/index.ts", "src/tables/browser.ts", "src/tables/index.ts"]);
});

test("a cycle fails, also through types; a worker that imports who starts it is none", () => {
  const cycle = {
    "cells/a.ts": 'import { b } from "./b.ts";',
    "cells/b.ts": 'import type { C } from "./c.ts";',
    "cells/c.ts": 'import { a } from "./a.ts";',
  };
  assert.equal(checkCycles(tree(cycle)), [
    "cycle: src/cells/a.ts -> src/cells/b.ts -> src/cells/c.ts -> src/cells/a.ts",
  ]);
  const worker = {
    "cells/a.ts": 'new Worker(new URL("./a.worker.js", import.meta.url));',
    "cells/a.worker.ts": 'import { a } from "./a.ts";',
  };
  assert.equal(checkCycles(tree(worker)), []);
});

test("an identifier outside of its files fails, in code only", () => {
  const files = {
    "cells/a.ts": "Atomics.load(x, 0);",
    "locks/b.ts": "// Atomics\nconst text = 'Atomics'; const myAtomics = 1;",
    "locks/c.ts": "const { load } = Atomics;",
    "locks/d.ts": "log(`state: ${Atomics.load(x, 0)}`);",
  };
  assert.equal(checkIdentifier(tree(files), "Atomics", [/^src\/cells\//]), [
    "src/locks/c.ts mentions Atomics",
    "src/locks/d.ts mentions Atomics",
  ]);
});

test("modules of Node fail outside of the allowed files, by whatever name or way", () => {
  const files = {
    "cells/a.ts": 'import { readFileSync } from "fs";',
    "cells/b.ts": 'import type { Worker } from "node:worker_threads";',
    "cells/c.ts": 'const fs = process.getBuiltinModule("node:fs");',
    "locks/host.ts": 'import type { A } from "node:fs"; const fs = process.getBuiltinModule?.("node:fs");',
    "tables/x-files.ts": 'import { open } from "node:fs/promises";',
  };
  assert.equal(checkNodeImports(tree(files), [/-files\.ts$/], ["src/locks/host.ts"]), [
    "src/cells/a.ts imports fs (static)",
    "src/cells/b.ts imports node:worker_threads (type)",
    "src/cells/c.ts imports node:fs (require)",
    "src/cells/c.ts uses getBuiltinModule",
  ]);
  const host = { "locks/host.ts": 'import { open } from "node:fs";' };
  assert.equal(checkNodeImports(tree(host), [], ["src/locks/host.ts"]), ["src/locks/host.ts imports node:fs (static)"]);
});

test("a package fails as a dependency or an import; an optional one may be loaded when needed", () => {
  const files = {
    "cells/a.ts": 'import { x } from "left-pad";',
    "cells/b.ts": 'const x = await import("@scope/optional/part");',
    "cells/c.ts": 'import "@scope/optional";',
  };
  const manifest = {
    dependencies: { "left-pad": "1" },
    peerDependenciesMeta: { "@scope/optional": { optional: true } },
  };
  assert.equal(checkPackages(tree(files, manifest)), [
    "package.json has the dependency left-pad",
    "src/cells/a.ts imports the package left-pad (static)",
    "src/cells/c.ts imports the package @scope/optional (static)",
  ]);
  const bundled = checkPackages(tree(files, { ...manifest, dependencies: {} }), ["left-pad"]);
  assert.equal(bundled, ["src/cells/c.ts imports the package @scope/optional (static)"]);
});

test("a suite that is made and not run is found", () => {
  const forgotten = (source: string) => findForgottenRuns(maskSource(source));
  assert.equal(forgotten('import { test } from "uvu"; test("a", () => {}); // test.run();'), ["test"]);
  assert.equal(forgotten('import { test } from "uvu"; test("a", () => {}); test.run();'), []);
  assert.equal(forgotten('const a = suite("a"); const b = suite<State>("b", {}); a.run();'), ["b"]);
});

test.run();
