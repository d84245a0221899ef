// The default region: in every worker without plumbing, nested ones included, and an error where a name could not mean
// the same in all threads.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { defaultRegion, setDefaultRegion } from "../../src/region/default-region.ts";
import { Region } from "../../src/region/region.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("default region");
const file = new URL("./region.worker.js", import.meta.url);

interface Seen {
  readonly id: string;
  readonly backend: string;
  readonly threads: number;
  readonly mutex: number;
}

test("workers have the main thread's default region, and its names", async () => {
  const mutex = Mutex.named("counter");
  const outcomes = await runWorkers<Seen>({ file, count: 4, workerData: { behaviour: "default region" } });
  for (const { result } of outcomes) {
    assert.is(result.id, defaultRegion().id);
    assert.is(result.mutex, mutex.share().offset);
  }
});

test("so have workers of workers of workers", async () => {
  const [outcome] = await runWorkers({ file, count: 1, workerData: { behaviour: "default region", nested: 2 } });
  const deepest = outcome.messages.find(
    (message) => typeof message === "object" && message !== null && "offset" in message,
  );
  assert.equal(deepest, { id: defaultRegion().id, offset: Mutex.named("counter").share().offset });
});

test("HOLDFAST_WASM=0 turns WebAssembly off in one thread, over the same region", async () => {
  const outcomes = await runWorkers<Seen>({
    file,
    count: 2,
    workerData: { behaviour: "default region" },
    env: (index): Record<string, string> => ({ HOLDFAST_WASM: String(index) }),
  });
  assert.equal(
    outcomes.map(({ result }) => result.backend),
    ["js", "wasm"],
  );
  assert.is(outcomes[0].result.id, outcomes[1].result.id);
});

test("setDefaultRegion: workers created later have the new one", async () => {
  const before = defaultRegion();
  const mine = Region.create({ name: "mine" });
  setDefaultRegion(mine);
  const [outcome] = await runWorkers<Seen>({ file, count: 1, workerData: { behaviour: "default region" } });
  assert.is(outcome.result.id, mine.id);
  assert.is(new Mutex().region, mine);
  setDefaultRegion(before);
  assert.is(
    codeOf(() => setDefaultRegion({} as Region)),
    "TypeError",
  );
  assert.is(defaultRegion(), before);
});

/** Runs a main thread that does not import holdfast and starts a worker that does, or a worker of such a worker. */
function withoutMain(depth: number): { named: string; explicit: string }[] {
  const program = `
    const { Worker, workerData, isMainThread, parentPort } = require("node:worker_threads");
    const steps = new SharedArrayBuffer(64);
    const start = (depth) => {
      const url = new URL(${JSON.stringify(file.href)});
      const own = { behaviour: "unshared default region", index: 0, count: 1, steps };
      const worker = new Worker(url, { workerData: own });
      worker.on("message", (message) => { process.stdout.write(JSON.stringify(message.holdfastTestResult) + "\\n"); });
      worker.on("error", (error) => { throw error; });
    };
    if (!isMainThread) {
      // A worker that has holdfast and no default region of the main thread, and a worker of its own.
      import(${JSON.stringify(new URL("../../src/index.js", import.meta.url).href)}).then(({ Mutex }) => {
        new Mutex();
        start(0);
      });
    } else if (${depth} === 0) start(0);
    else new Worker(__filename);
  `;
  const path = `${process.env.TMPDIR ?? "/tmp"}/holdfast-default-region-${process.pid}-${depth}.cjs`;
  writeFileSync(path, program);
  try {
    const output = execFileSync(process.execPath, [path], { encoding: "utf8", timeout: 20_000 });
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  } finally {
    rmSync(path);
  }
}

test("a worker whose main thread has no holdfast: locks and explicit regions work, names are an error", () => {
  const [seen] = withoutMain(0);
  assert.is(seen.named, "ERR_REGION_NOT_SHARED");
  assert.is(seen.explicit, "none");
});

test("and so in a worker of such a worker: it shares with one thread, which is not all", () => {
  const [seen] = withoutMain(1);
  assert.is(seen.named, "ERR_REGION_NOT_SHARED");
});

test.run();
