// A shop whose request handlers are threads with one session store: npm run example:session-store
// Shows what goes wrong with get and set, and what does not with the store's own steps; exits with 1 if one of them does.
import { Worker } from "node:worker_threads";
import { Region } from "../../src/region/region.ts";
import { SessionStore } from "../../src/systems/session-store.ts";
import { readOptions } from "../options.ts";
import type { ShopWork } from "./shop.worker.ts";

const usage = `Usage: npm run example:session-store [-- OPTIONS]
  --quick    a twentieth of the work
  --help`;
const rounds = readOptions(usage, { quick: { type: "boolean", default: false } }).quick ? 250 : 5000;
const region = Region.create();
const store = new SessionStore({ region });
let failed = false;

/** Runs `count` handlers to their end; what each posted. */
function handlers<T>(count: number, job: ShopWork["job"]): Promise<T[]> {
  const file = new URL("./shop.worker.js", import.meta.url);
  const run = (index: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const workerData: ShopWork = { job, store: store.share(), index, rounds };
      const worker = new Worker(file, { workerData });
      worker.once("error", reject);
      worker.once("message", (message: T) => {
        if (job === "die") worker.terminate();
        worker.once("exit", () => resolve(message));
      });
    });
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

function tell(what: string, found: unknown, wanted: unknown): void {
  const right = JSON.stringify(found) === JSON.stringify(wanted);
  if (!right) failed = true;
  console.log(`${right ? "right" : "WRONG"}  ${what}: ${JSON.stringify(found)}`);
}

function percentiles(runs: readonly Float64Array[]): string {
  const all = Float64Array.from(runs.flatMap((run) => [...run])).sort();
  const at = (share: number): string => all[Math.min(all.length - 1, Math.floor(all.length * share))].toFixed(1);
  return `p50 ${at(0.5)} µs, p99 ${at(0.99)} µs`;
}

const sold = 8 * rounds;
await handlers(8, "buy");
const counted = Number(store.get("sold, counted by get and set"));
console.log(`${sold} things sold by 8 threads`);
console.log(`       counted by get, then set: ${counted} (${sold - counted} lost)`);
tell("counted by atomicUpdate", store.get("sold"), sold);

const torn = await handlers<number>(8, "carts");
tell(
  "carts seen half written, with setMultiple and getMultiple",
  torn.reduce((sum, n) => sum + n, 0),
  0,
);

store.setMultiple({ from: 100, to: 0, fee: 0 });
await handlers(1, "die");
tell(
  "accounts after a thread was killed inside an update",
  { ...store.getMultiple(["from", "to", "fee"]) },
  {
    from: 100,
    to: 0,
    fee: 0,
  },
);

console.log(`1 thread:   ${percentiles(await handlers<Float64Array>(1, "measure"))} an operation`);
console.log(`16 threads: ${percentiles(await handlers<Float64Array>(16, "measure"))} an operation`);

const before = region.stats().bytesUsed;
const value = { user: "Ann", cart: [1, 2, 3] };
let text = 0;
for (let i = 0; i < 1000; i++) {
  const key = `customer ${i}`;
  text += key.length + JSON.stringify(value).length;
  store.set(key, value);
}
console.log(`${((region.stats().bytesUsed - before - text) / 1000).toFixed(0)} bytes a key beyond key and value`);
console.log("figures:", store.getStats(), store.isHealthy() ? "healthy" : "unhealthy");
process.exitCode = failed ? 1 : 0;
