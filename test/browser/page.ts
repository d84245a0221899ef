// The script of a page that uses the library on the browser's own thread, which may not block, and in a worker, which may.
// It says on the console what came of it, as JSON.

import { Event, Mutex, Region } from "../../src/index.ts";
import { SharedMap, SharedTable } from "../../src/tables/index.ts";

const region = Region.create({ byteLength: 1 << 20 });
const [mutex, map, go] = [new Mutex({ region }), new SharedMap({ region }), new Event({ region })];

function codeOf(call: () => unknown): string {
  try {
    call();
    return "nothing thrown";
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
}

const blocking = codeOf(() => mutex.lock());
const waiting = codeOf(() => go.wait());
const guard = await mutex.lockAsync();
const worker = new Worker(new URL("./page-worker.js", import.meta.url), { type: "module" });
const answer = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
});
worker.postMessage({ mutex: mutex.share(), map: map.share(), go: go.share() });
await go.waitAsync(); // set by the worker, right before it blocks for the mutex
map.set("page", "wrote");
guard.release();
const backendOfWorker = await answer;
const heldAgain = await mutex.withLockAsync(() => map.get("worker"));
// A worker dies with the lock held: the next owner is told, the page's own thread too.
const victim = new Worker(new URL("./page-worker.js", import.meta.url), { type: "module" });
victim.postMessage({ mutex: mutex.share(), map: map.share(), go: go.share(), dies: true });
while (!mutex.locked) await new Promise((resolve) => setTimeout(resolve, 1));
victim.terminate();
const died = await mutex.lockAsync().then(
  () => "nobody was told",
  ({ code, guard: told }) => {
    told.markConsistent();
    told.release();
    return code as string;
  },
);
const mended = await mutex.withLockAsync(() => "mended");
// More than the region had at the start: it grows, or had enough at once.
map.set("large", "x".repeat(900_000)).set("larger", "y".repeat(900_000));
const grown = map.get("larger")?.length;
// Rows are objects made by generated code, which a policy may forbid too.
const table = new SharedTable({ region, key: "string", columns: { count: "u32", name: "string" } });
table.set("a", { count: 1, name: "Alice" });
const rows = [table.get("a"), table.get("a")];

console.log(
  JSON.stringify({
    isolated: crossOriginIsolated,
    backend: region.backend,
    backendOfWorker,
    blocking,
    waiting,
    heldAgain,
    died,
    mended,
    grown,
    rows,
  }),
);
