// What it costs to begin: a region, a lock in it, and a worker that attaches to both.

import { Worker } from "node:worker_threads";
import { Mutex, Region } from "../src/index.ts";
import { looped, measure } from "./one-thread.ts";
import { type Effort, median, type Run, type Suite, spreadOf } from "./result.ts";

const GONE_MS = 30_000;

/** Milliseconds until a new worker says that it is ready. */
async function startOne(what: string, mutex: Mutex): Promise<number> {
  const handle = what === "holdfast" ? mutex.share() : undefined;
  const begun = performance.now();
  const worker = new Worker(new URL("./start.worker.js", import.meta.url), { workerData: { what, handle } });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    setTimeout(() => reject(new Error(`no worker within ${GONE_MS} ms`)), GONE_MS).unref();
  });
  const took = performance.now() - begun;
  await worker.terminate();
  return took;
}

async function starts(effort: Effort): Promise<Run[]> {
  const mutex = new Mutex({ region: Region.create() });
  const names = ["floor", "import alone", "holdfast"];
  const times = names.map((): number[] => []);
  for (let round = 0; round < (effort.quick ? 1 : effort.rounds * 3); round++) {
    for (let k = 0; k < names.length; k++) {
      const at = (k + round) % names.length;
      times[at].push(1e6 * (await startOne(names[at], mutex)));
    }
  }
  return names.map((subject, k) => {
    const nsPerOp = median(times[k]);
    const figures = { nsPerOp, opsPerSecond: 1e9 / nsPerOp, p50: nsPerOp, p99: Math.max(...times[k]) };
    return { suite: "start", case: "worker until ready", subject, workers: 1, ...figures, spread: spreadOf(times[k]) };
  });
}

async function objects(effort: Effort): Promise<Run[]> {
  const region = Region.create();
  const shared = new Mutex({ region });
  const given = {
    Mutex,
    Region,
    region,
    handle: shared.share(),
    small: { byteLength: 1 << 16, maxByteLength: 1 << 20 },
  };
  const of = (name: string, body: string, batch: number): Promise<Run[]> =>
    measure("start", name, [looped("holdfast", given, body)], effort, batch);
  return [
    ...(await starts(effort)),
    ...(await of("new Mutex + free", "new Mutex({ region }).free();", 100)),
    ...(await of("Mutex.from(handle)", "Mutex.from(handle);", 100)),
    ...(await of("Region.create", "Region.create(small);", 20)),
  ];
}

export const suites: Suite[] = [{ name: "start", yardstick: "floor", run: objects }];
