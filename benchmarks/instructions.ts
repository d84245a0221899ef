// node dist/benchmarks/instructions.js: instructions that one operation executes, counted by valgrind (callgrind), so the
// same on a busy machine. A child runs a hot loop once with LESS and once with MORE operations; the difference, divided, is
// the loop's, with all that starts and compiles left out. Needs valgrind.
//
// node dist/benchmarks/instructions.js --loop NAME COUNT: what the child runs. With node's --print-opt-code and
// --print-wasm-code before the file it prints the machine code that is counted here.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Mutex, Region, RwLock, Semaphore } from "../src/index.ts";
import { profile } from "../src/profile/index.ts";
import { SharedMap, SharedTable } from "../src/tables/index.ts";
import { looped, type Subject } from "./one-thread.ts";
import { bareWasm, bareWords } from "./rivals/floor.ts";

const LESS = 100_000;
const MORE = 1_100_000;
const keys = Array.from({ length: 1000 }, (_, k) => `+1555${1_000_000 + k * 37}`);

function filled<M extends { set(key: string, value: string): unknown }>(map: M): M {
  for (const key of keys) map.set(key, "Alice Example");
  return map;
}

function table(): SharedTable<string, { count: number }> {
  const rows = new SharedTable({ region: Region.create(), key: "string", columns: { count: "u32" } });
  for (const key of keys) rows.set(key, { count: 1 });
  return rows;
}

const wasm = (): Region => Region.create();
const js = (): Region => Region.create({ wasm: false });
const PAIR = "lock.lock(); lock.unlock();";
const GET = "sum += map.get(keys[k % 1000]).length;";

const loops: Readonly<Record<string, () => Subject>> = {
  "an empty loop": () => looped("", {}, ""),
  "two bare Atomics": () =>
    looped("", { w: bareWords() }, "Atomics.compareExchange(w, 0, 0, 1); Atomics.compareExchange(w, 0, 1, 0);"),
  "two bare Wasm atomics": () => looped("", { wasm: bareWasm() }, "wasm.take(); wasm.give();"),
  "mutex lock + unlock": () => looped("", { lock: new Mutex({ region: wasm() }) }, PAIR),
  "mutex lock + unlock, recorded": () => {
    // Recorded from the first loop on: never ended, so that the child's end is not part of what is counted.
    profile.start();
    return looped("", { lock: new Mutex({ region: wasm() }) }, PAIR);
  },
  "mutex lock + unlock, JavaScript": () => looped("", { lock: new Mutex({ region: js() }) }, PAIR),
  "rw lock read + release": () => looped("", { lock: new RwLock({ region: wasm() }) }, "lock.read().release();"),
  "semaphore acquire + release": () =>
    looped("", { lock: new Semaphore({ region: wasm(), permits: 2 }) }, "lock.acquire(); lock.release();"),
  "keys[k % 1000]": () => looped("", { keys, sum: 0 }, "sum += keys[k % 1000].length;"),
  "Map get": () => looped("", { map: filled(new Map()), keys, sum: 0 }, GET),
  "SharedMap get": () => looped("", { map: filled(new SharedMap({ region: wasm() })), keys, sum: 0 }, GET),
  "SharedMap get, JavaScript": () => looped("", { map: filled(new SharedMap({ region: js() })), keys, sum: 0 }, GET),
  "SharedTable get": () => looped("", { map: table(), keys, sum: 0 }, "sum += map.get(keys[k % 1000]).count;"),
};

function run(name: string, count: number): void {
  const make = loops[name];
  if (make === undefined) throw new RangeError(`no loop ${name}; there are: ${Object.keys(loops).join(", ")}`);
  const { batch } = make();
  // Short calls first, so that the optimized code is entered at its beginning.
  for (let k = 0; k < 50; k++) void batch(5000);
  void batch(count);
}

function instructions(name: string, count: number): number {
  // One thread, so that what is compiled when is the same in both runs.
  const node = [process.execPath, "--single-threaded", "--max-lazy", fileURLToPath(import.meta.url)];
  const tool = ["--tool=callgrind", "--smc-check=all-non-file", "--callgrind-out-file=/dev/null"];
  const done = spawnSync("valgrind", [...tool, ...node, "--loop", name, String(count)], { encoding: "utf8" });
  const found = /Collected : (\d+)/.exec(done.stderr ?? "");
  if (found === null) throw new Error(`valgrind counted nothing: ${done.error?.message ?? done.stderr}`);
  return Number(found[1]);
}

const [what, name, count] = process.argv.slice(2);
if (what === "--loop") run(name, Number(count));
else {
  for (const loop of Object.keys(loops).filter((each) => what === undefined || each.includes(what))) {
    const each = (instructions(loop, MORE) - instructions(loop, LESS)) / (MORE - LESS);
    process.stdout.write(`${loop.padEnd(36)} ${each.toFixed(1).padStart(8)} instructions\n`);
  }
}
