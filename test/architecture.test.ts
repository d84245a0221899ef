// The one direction of the architecture, enforced: each folder of src imports from those before it in the order, never
// from a barrel, never in a circle. The checks themselves are tested on a bad tree in test/support/imports.test.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
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
  readTree,
} from "./support/imports.ts";
import { maskSource } from "./support/source-text.ts";

const order = ["cells", "protocols", "assembly", "region", "locks", "tables", "systems", "profile", "testing"];

/** Files that may only hand on what others export: the entries of the package. */
const entries = ["src/index.ts", "src/tables/index.ts", "src/profile/index.ts", "src/testing/index.ts"];

/** cells touch Atomics, assembly compiles and pins them, testing simulates them. */
const atomicsFiles = [/^src\/(?:cells|assembly|testing)\//];

/** What works on files or starts threads by its purpose, and is in no browser build. */
const nodeFiles = [/^src\/systems\/[^/]*-files\.ts$/, /^src\/testing\/race[^/]*\.ts$/, /^src\/profile\//];

/** Packages whose code is part of ours when it is packed (.ci/pack.mjs). */
const bundled: readonly string[] = [];

/** The places that ask for the host's modules, and do without where there are none. */
const guardedFiles = ["src/cells/native.ts", "src/region/host.ts", "src/testing/host.ts"];

const root = fileURLToPath(new URL("../../", import.meta.url));
const tree = readTree(root);
const barrels = [...new Set([...entries, ...exportedEntries(tree.manifest)])];
const test = suite("architecture");

function none(violations: readonly string[]): void {
  assert.is(violations.join("\n"), "");
}

test("the tree was found", () => {
  assert.ok(tree.files.length > 0);
});

test("each folder imports from itself and from those before it", () => {
  none(checkDirection(tree, order, barrels));
});

test("only entries are barrels, and nothing inside imports them", () => {
  none(checkBarrels(tree, barrels));
});

test("no files import each other in a circle", () => {
  none(checkCycles(tree));
});

test("only cells, assembly and testing touch Atomics", () => {
  none(checkIdentifier(tree, "Atomics", atomicsFiles));
});

test("no module of Node is imported but where it is guarded or the purpose", () => {
  none(checkNodeImports(tree, nodeFiles, guardedFiles));
});

test("the package needs no other package at run time", () => {
  none(checkPackages(tree, bundled));
});

test("every suite of every test file is run", () => {
  const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  const forgotten = files
    .filter((path) => path.endsWith(".test.ts"))
    .flatMap((path) =>
      findForgottenRuns(maskSource(readFileSync(join(root, "test", path), "utf8"))).map(
        (name) => `${path}: ${name}.run() is missing`,
      ),
    );
  none(forgotten);
});

test.run();
