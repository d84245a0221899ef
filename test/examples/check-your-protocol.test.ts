// The example of docs/model-checking.md, run as a user runs it.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("check your own protocol");

test("the broken lock fails with three threads, the fixed one does not", () => {
  const program = fileURLToPath(new URL("../../examples/check-your-protocol/main.js", import.meta.url));
  const output = execFileSync(process.execPath, [program], { encoding: "utf8" });
  assert.match(output, /broken, 2 threads: no interleaving fails/);
  assert.match(output, /broken, 3 threads: deadlock: for ever: thread \d sleeps on word/);
  assert.match(output, /The shortest failing schedule \(14 steps\)/);
  assert.match(output, /fixed, 2 threads: no interleaving fails/);
  assert.match(output, /fixed, 3 threads: no interleaving fails/);
});

test.run();
