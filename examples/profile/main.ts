// A shop with five locks, one of them hot: a report is written to "disk" with the cart's lock held. The profiler says
// which lock, and which call keeps the others waiting; then the same with the slow part moved out of the lock.
//
//   npm run example:profile

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Mutex } from "../../src/index.ts";
import { profile } from "../../src/profile/index.ts";
import { terminalTable } from "../../src/profile/reports.ts";
import { readOptions } from "../options.ts";
import { LOCKS } from "./shop.ts";

readOptions("Usage: npm run example:profile [-- --help]", {});

const WORKERS = 4;

/** Runs the shop with the profiler on: the total wait for the cart's lock in milliseconds. */
async function run(fixed: boolean): Promise<number> {
  // Made here first, so that all workers find the same five.
  for (const name of LOCKS) Mutex.named(name);
  profile.start({ threshold: 0.05 });
  const url = new URL("./shop.worker.js", import.meta.url);
  const workers = Array.from({ length: WORKERS }, (_, id) => new Worker(url, { workerData: { id, fixed } }));
  await Promise.all(workers.map((worker) => once(worker, "exit")));
  const found = profile.stop();
  const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  process.stdout.write(terminalTable(found, { colour, width: process.stdout.columns ?? 100 }));
  return (found.locks.find(({ name }) => name === "cart")?.total.wait ?? 0) / 1e6;
}

process.stdout.write("With the report written while the cart's lock is held:\n\n");
const before = await run(false);
process.stdout.write("\nWith the report written after the lock was given back:\n\n");
const after = await run(true);
process.stdout.write(`\nWaits for the cart's lock: ${before.toFixed(1)} ms before, ${after.toFixed(1)} ms after.\n`);
