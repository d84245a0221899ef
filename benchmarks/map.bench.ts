// SharedMap against a Map of one thread (the floor) and against what people share a map with today: lmdb, the package
// sharedmap, SQLite, and a thread that owns a Map and is asked by postMessage. First in one thread, then by workers.

import { Region } from "../src/index.ts";
import { SharedMap } from "../src/tables/index.ts";
import { crowd } from "./map-crowd.ts";
import { CASES, fill, keys, loopOf } from "./map-plan.ts";
import { looped, measure } from "./one-thread.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { sqliteHere, sqliteShared } from "./rivals/sqlite.ts";
import { openStore } from "./rivals/tables.ts";

const SHARED = ["floor-map", "holdfast", "holdfast-js", "lmdb", "sharedmap"];
const SUBJECTS = [...SHARED, ...sqliteHere()];

async function oneThread(effort: Effort): Promise<Run[]> {
  const opened = SUBJECTS.map((name) => ({ name, ...openStore(name) }));
  for (const { store } of opened) fill(store);
  const runs: Run[] = [];
  for (const name of CASES) {
    const subjects = opened.map((subject) => ({ name: subject.name, batch: loopOf(name, subject.store) }));
    runs.push(...(await measure("map", name, subjects, effort)));
  }
  for (const { close } of opened) await close();
  process.stdout.write(memory());
  return runs;
}

/** Values of other lengths, set and got. */
async function values(effort: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const size of effort.quick ? [10] : [10, 100, 1000, 10_000]) {
    // sharedmap's values have one size, given when it is made, and 32 units here.
    const names = SUBJECTS.filter((name) => name !== "sharedmap" || size <= 32);
    const texts = [0, 1].map((k) => String(k).padEnd(size, "abcdefghij"));
    for (const [what, body] of [
      ["set", "store.set(keys[k % 1000], texts[k & 1]);"],
      ["get", "sum += store.get(keys[k % 1000]).length;"],
    ]) {
      const opened = names.map((name) => ({ name, ...openStore(name) }));
      const subjects = opened.map(({ name, store }) => looped(name, { store, keys, texts, sum: 0 }, body));
      for (const { store } of opened) for (const key of keys) store.set(key, texts[0]);
      runs.push(...(await measure("map values", `${what}, ${size} characters`, subjects, effort, 1000)));
      for (const { close } of opened) await close();
    }
  }
  return runs;
}

/** A new map filled with `GROWN` entries, from its first size on; an operation is an entry. */
async function growth(effort: Effort): Promise<Run[]> {
  const grown = Array.from({ length: effort.quick ? 500 : GROWN }, (_, i) => `+1555${1_000_000 + i * 37}`);
  const grow =
    (make: () => { set(key: string, value: string): unknown }) =>
    (operations: number): void => {
      for (let done = 0; done < operations; done += grown.length) {
        const map = make();
        for (const key of grown) map.set(key, "Alice Example");
      }
    };
  // One region for all its maps, each freed before the next: making a region is measured elsewhere.
  const own = (wasm: boolean): (() => SharedMap) => {
    const region = Region.create({ wasm });
    let last: SharedMap | undefined;
    return () => {
      last?.free();
      last = new SharedMap({ region });
      return last;
    };
  };
  const subjects = [
    { name: "floor-map", batch: grow(() => new Map<string, string>()) },
    { name: "holdfast", batch: grow(own(true)) },
    { name: "holdfast-js", batch: grow(own(false)) },
  ];
  return await measure("map growth", `to ${grown.length} entries`, subjects, effort, grown.length);
}
const GROWN = 20_000;

/** Bytes an entry takes beyond those of its key and value, where an index is at least half full. */
function memory(): string {
  const map = new SharedMap({ region: Region.create() });
  let payload = 0;
  let line = "";
  for (let count = 1; count <= 100_000; count++) {
    const key = `+1555${1_000_000 + count * 37}`;
    map.set(key, "Alice Example");
    payload += key.length + "Alice Example".length;
    if (count !== 20_000 && count !== 50_000 && count !== 100_000) continue;
    const { bytesUsed, bytesIndex, load } = map.stats();
    const overhead = (bytesUsed + bytesIndex - payload) / count;
    line += `map: ${overhead.toFixed(1)} bytes an entry beyond key and value, ${count} entries, load ${load.toFixed(2)}\n`;
  }
  return line;
}

const CROWD = [...SHARED, ...sqliteShared(), "postMessage"];

function readers(workers: number): Suite {
  const name = workers === 1 ? "map, 1 worker" : `map, ${workers} workers`;
  const run = async (effort: Effort): Promise<Run[]> => {
    const few = { ...effort, rounds: Math.min(effort.rounds, 3), milliseconds: Math.max(effort.milliseconds, 200) };
    const runs: Run[] = [];
    for (const what of ["get hit", "mixed 95:5", "mixed 50:50", "zipf 95:5", "add"])
      runs.push(...(await crowd(name, what, CROWD, workers, few)));
    return runs;
  };
  return { name, yardstick: "floor-map", run };
}

export const suites: Suite[] = [
  { name: "map", yardstick: "floor-map", run: oneThread },
  { name: "map values", yardstick: "floor-map", run: values },
  { name: "map growth", yardstick: "floor-map", run: growth },
  readers(1),
  readers(2),
  readers(16),
];
