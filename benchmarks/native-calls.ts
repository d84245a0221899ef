// Whether a whole operation in the native part would be faster than in WebAssembly: what the smallest native call costs beside
// operations that WebAssembly or JavaScript do whole, and what a snapshot's bytes cost to copy, natively, beside the snapshot.

import { nativePart } from "../src/cells/native.ts";
import { Mutex, Region } from "../src/index.ts";
import { SharedTable } from "../src/tables/index.ts";
import { looped, measure } from "./one-thread.ts";
import type { Effort, Run } from "./result.ts";

const ROWS = 1000;
/** Of a row: key, hash, slot and value, rounded up. */
const ROW_BYTES = 64;

export async function nativeCalls(effort: Effort): Promise<Run[]> {
  const suite = "native call, or WebAssembly";
  const native = nativePart();
  if (native === undefined) return [];
  const region = Region.create();
  const mutex = new Mutex({ region });
  const table = new SharedTable({ region, key: "string", columns: { n: "u32" } });
  for (let k = 0; k < ROWS; k++) table.set(`key ${k}`, { n: k });
  const words = new Int32Array(new SharedArrayBuffer(64));
  const operations = [
    looped("native call", { native, words }, "native.wake(words, 0, 0);"),
    looped("lock and unlock", { mutex }, "mutex.lock(); mutex.unlock();"),
    looped("get of a row", { table }, 'table.get("key 7");'),
  ];
  const from = Buffer.from(new SharedArrayBuffer(ROWS * ROW_BYTES));
  const to = Buffer.alloc(from.length);
  const snapshots = [
    looped("copy of its bytes", { from, to }, "from.copy(to);"),
    looped("snapshot", { table }, "table.snapshot();"),
  ];
  return [
    ...(await measure(suite, "one operation", operations, effort)),
    ...(await measure(suite, `a snapshot of ${ROWS} rows`, snapshots, effort, 20)),
  ];
}
