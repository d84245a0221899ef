// The table of what other runtimes leave out: each entry names what is there, and docs/runtimes.md gives its reason.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { isLimited, limits, reasonToSkip } from "./runtime-limits.ts";
import { suite } from "./suite.ts";

const test = suite("limits of runtimes");
const root = fileURLToPath(new URL("../../../", import.meta.url));
const docs = readFileSync(join(root, "docs", "runtimes.md"), "utf8").replaceAll(/\s+/g, " ");

/** The sources in which a test's title may be written. */
function sourcesBeside(file: string): string {
  const own = readFileSync(join(root, file), "utf8");
  const suites = join(root, "test", "suites");
  return (
    own +
    readdirSync(suites)
      .map((name) => readFileSync(join(suites, name), "utf8"))
      .join("\n")
  );
}

for (const { file, title, reason } of limits) {
  test(`${file}${title === undefined ? "" : `: ${title}`}`, () => {
    // A folder, a file, or the beginning of the names of files.
    const [, folder, name] = /^(.*\/)(.*)$/.exec(file) as RegExpExecArray;
    assert.ok(existsSync(join(root, file)) || readdirSync(join(root, folder)).some((other) => other.startsWith(name)));
    assert.ok(docs.includes(reason), `docs/runtimes.md does not say: ${reason}`);
    if (title === undefined) return;
    const source = sourcesBeside(file);
    // What stands before the way in which a thread ends, which the sources insert.
    const part = title.replace(/ ?(?:ends|dies) by .*$/, "");
    assert.ok(source.includes(part), `no test has "${part}" in its name`);
  });
}

test("a file, a folder and a single test are found; other tests and runtimes are not", () => {
  assert.type(reasonToSkip("bun", "test/model/check.test.ts"), "string");
  assert.is(reasonToSkip("node", "test/model/check.test.ts"), undefined);
  assert.is(reasonToSkip("deno", "test/locks/once.test.ts"), undefined);
  assert.type(
    reasonToSkip("deno", "test/locks/once.test.ts", "when the one that runs it ends by terminate(), …"),
    "string",
  );
  assert.is(reasonToSkip("deno", "test/locks/once.test.ts", "another"), undefined);
  assert.ok(isLimited("deno", "test/locks/once.test.ts"));
  assert.not.ok(isLimited("bun", "test/locks/once.test.ts"));
  assert.not.ok(isLimited(undefined, "test/locks/once.test.ts"));
});

test.run();
