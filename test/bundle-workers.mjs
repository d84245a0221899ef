// The last step of the build: each compiled worker of the tests that start most of them becomes one file. A worker of a
// hundred modules takes some 80 ms of processor time to begin, one of a single module 10, and `npm test` starts thousands.
//
// Invariant: a bundled worker does what the one that tsc wrote does: a thread has modules of its own in any case. Left out
// are the workers whose call sites are looked at (test/profile), as they would stand in the same file as the
// library's, and those of the examples, but for the Takeout run's, of which its tests start a hundred. Without this step,
// as after a bare `tsc`, all tests pass too, only later.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const tests = fileURLToPath(new URL("../dist/test/", import.meta.url));
const files = ["locks", "region", "soak", "suites", "support", "systems", "tables"].flatMap((folder) =>
  readdirSync(join(tests, folder), { recursive: true })
    .map((name) => join(tests, folder, String(name)))
    .filter((path) => path.endsWith(".worker.js")),
);
files.push(fileURLToPath(new URL("../dist/examples/takeout/scan.worker.js", import.meta.url)));

async function bundle(path) {
  await build({
    input: path,
    // Packages and Node's modules stay outside.
    external: (name) => !/^(?:[./]|[A-Za-z]:)/.test(name),
    platform: "node",
    logLevel: "warn",
    // Errors and stacks say the names of classes and functions.
    output: { dir: dirname(path), entryFileNames: "[name].js", format: "esm", keepNames: true },
  });
}

await Promise.all(files.map(bundle));
