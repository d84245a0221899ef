// What the locks cost in the main job: the same generated pages read by the same 16 workers, with shared tables and their
// locks, and with private tables and none (takeout-scan.worker.ts), in turn; the median. The documents' target is less
// than 5 % slower with locks.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { generateTakeout } from "../examples/takeout/generate.ts";
import { readInput, type TakeoutInput } from "../examples/takeout/input.ts";
import { Region } from "../src/region/region.ts";
import { ConversationStats } from "../src/systems/conversation-stats.ts";
import { PhoneLookup } from "../src/systems/phone-lookup.ts";
import { type Effort, median, type Run, type Suite, spreadOf } from "./result.ts";
import type { ScanTask } from "./takeout-scan.worker.ts";

const PAGES = 6000;
export const WORKERS = 16;
const LIMIT_MS = 120_000;

interface Scan {
  /** From the start line to the last page; of processor time likewise, of all threads. */
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Written. */
  readonly messages: number;
}

export async function scanOnce(input: TakeoutInput, locks: boolean): Promise<Scan> {
  const region = Region.create({ byteLength: 2 << 20, maxByteLength: 0x7fff_0000 });
  const lookup = new PhoneLookup({ region });
  const stats = new ConversationStats({ region });
  const control = new Int32Array(new SharedArrayBuffer(64));
  const task: ScanTask = {
    locks,
    calls: input.calls,
    pages: input.pages.buffer,
    ownNumber: input.ownNumber,
    lookup: lookup.share(),
    stats: stats.share(),
    control,
  };
  const url = new URL("./takeout-scan.worker.js", import.meta.url);
  const workers = Array.from({ length: WORKERS }, () => new Worker(url, { workerData: task }));
  try {
    const done = Promise.all(workers.map((worker) => finished(worker)));
    done.catch(() => undefined);
    while (Atomics.load(control, 1) < WORKERS) {
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
    const before = process.cpuUsage();
    const begun = performance.now();
    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
    const timer = AbortSignal.timeout(LIMIT_MS);
    const late = new Promise<never>((_, reject) => {
      timer.addEventListener("abort", () => reject(new Error(`the workers took more than ${LIMIT_MS} ms`)));
    });
    await Promise.race([done, late]);
    const seconds = (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(before);
    return { seconds, processorSeconds: (user + system) / 1e6, messages: control[3] };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function finished(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with code ${code}`)));
  });
}

/** Gives `use` so many generated pages. */
export async function withTakeout<T>(pages: number, use: (input: TakeoutInput) => Promise<T>): Promise<T> {
  // In memory if there is such a folder: what the disk takes is not what the locks cost.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "holdfast-bench-"));
  try {
    await generateTakeout({ dir: folder, files: pages });
    return await use(await readInput(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function locksCost(effort: Effort): Promise<Run[]> {
  const seconds: number[][] = [[], []];
  const messages: number[] = [0, 0];
  await withTakeout(PAGES, async (input) => {
    await scanOnce(input, true);
    for (let round = 0; round < effort.rounds; round++) {
      for (const k of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const run = await scanOnce(input, k === 0);
        seconds[k].push(run.seconds);
        messages[k] = run.messages;
      }
    }
  });
  if (messages[0] !== messages[1]) throw new Error(`the two did not do the same work: ${messages.join(" messages, ")}`);
  return ["holdfast", "without locks"].map((subject, k) => {
    const nsPerOp = (median(seconds[k]) * 1e9) / PAGES;
    return {
      suite: "takeout locks",
      case: `read ${PAGES} pages, a page`,
      subject,
      workers: WORKERS,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: nsPerOp,
      p99: nsPerOp,
      spread: spreadOf(seconds[k]),
    };
  });
}

export const suites: Suite[] = [{ name: "takeout locks", yardstick: "without locks", run: locksCost }];
