// Runs the converter with several numbers of workers over one tree and compares each output, byte for byte, with that of
// the single-threaded oracle:
//
//   node dist/examples/takeout/verify.js [DIR] [--files 60000] [--workers 1,2,4,8,16] [--drop-call-only]
//
// Without DIR a Takeout is generated in a temporary folder. Exit code 1 if anything differs.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatCount } from "../../src/systems/html.ts";
import { compareOutput } from "./compare.ts";
import { generateTakeout } from "./generate.ts";
import { readInput, type TakeoutInput } from "./input.ts";
import { runOracle } from "./oracle.ts";
import { Progress } from "./progress.ts";
import { runTakeout } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: "string", default: "2000" },
    workers: { type: "string", default: "1,2,4,8,16" },
    "drop-call-only": { type: "boolean", default: false },
  },
});

async function tree(folder: string): Promise<TakeoutInput> {
  if (positionals[0] !== undefined) return readInput(positionals[0]);
  await generateTakeout({ dir: folder, files: Number(values.files) });
  return readInput(folder);
}

async function verify(folder: string): Promise<boolean> {
  const input = await tree(join(folder, "in"));
  const options = { dropCallOnly: values["drop-call-only"] };
  const out = join(folder, "out");
  mkdirSync(out);
  const oracle = runOracle(input, out, options);
  console.log(`oracle: ${formatCount(oracle.lookups)} lookups, ${formatCount(oracle.files.size)} files`);
  let same = true;
  for (const workers of values.workers.split(",").map(Number)) {
    rmSync(out, { recursive: true });
    const report = await runTakeout({ input, out, workers, progress: new Progress(process.stderr), ...options });
    const problems = compareOutput(out, report, oracle);
    const verdict = problems.length === 0 ? "equal" : problems.join("; ");
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    console.log(`${workers} workers: ${report.seconds.toFixed(1)} s, ${memory} MB at most so far: ${verdict}`);
    same &&= problems.length === 0;
  }
  return same;
}

const folder = mkdtempSync(join(tmpdir(), "holdfast-verify-"));
try {
  if (!(await verify(folder))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
