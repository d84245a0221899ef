// The table of docs/runtimes.md says what is so: each cell that begins with "yes" or "no" is compared with what the runtime
// that runs this file gives. `npm run test:runtimes` runs it on each of them; test/browser/chromium.test.ts does in Chromium.

import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { nativePart } from "../src/cells/native.ts";
import { blockingAllowed, hasWaitAsync } from "../src/cells/park.ts";
import { canPublish, onWorkerExit } from "../src/region/host.ts";
import { Region } from "../src/region/region.ts";
import { cellsOf, hasPause, hasUsing } from "./support/runtime-table.ts";
import { suite } from "./support/suite.ts";

const test = suite("table of runtimes");

function nameOfRuntime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${Number.parseInt(bun, 10)}`;
  return deno !== undefined ? `Deno ${Number.parseInt(deno, 10)}` : `Node ${Number.parseInt(node, 10)}`;
}

const name = nameOfRuntime();
const cells = cellsOf(name);

/** Whether the thread that started a worker hears of its end, without having asked that worker; it may take a moment. */
async function parentHears(): Promise<boolean> {
  const ended: number[] = [];
  onWorkerExit((id) => ended.push(id));
  // On Deno the news of a worker may come late; of one whose end came first, nothing is heard (region/worker-end.ts).
  const news = new Promise((resolve) => process.once("worker", resolve));
  const worker = new Worker("setInterval(() => undefined, 1000)", { eval: true });
  const id = worker.threadId;
  await news;
  await worker.terminate();
  for (let turn = 0; turn < 1000 && !ended.includes(id); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  return ended.includes(id);
}

const facts: Readonly<Record<string, () => boolean | Promise<boolean>>> = {
  "WebAssembly fast path": () => Region.create().backend === "wasm",
  "names without plumbing (default region)": () => canPublish,
  "a parent hears of its worker's end": parentHears,
  "`Atomics.waitAsync`": hasWaitAsync,
  "`Atomics.pause`": hasPause,
  "`using` without a compiler": hasUsing,
  "blocking on the main thread": blockingAllowed,
};

for (const [row, fact] of Object.entries(facts)) {
  test(`${name}: ${row}`, async () => {
    assert.match(cells.get(row) ?? "no such row", /^(?:yes|no)\b/);
    assert.is(cells.get(row)?.startsWith("yes"), await fact());
  });
}

test(`${name}: native part`, () => {
  const there = nativePart() !== undefined;
  const promised = cells.get("native part")?.startsWith("yes");
  // It has to be built first.
  if (promised && !there) console.log("skipped: the native part is not built (npm run build:native)");
  else assert.is(there, promised);
});

test.run();
