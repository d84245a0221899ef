// SharedMap against a Map of one thread (the floor) and against what people share a map with today: lmdb, the package
// sharedmap, and a thread that owns a Map and is asked by postMessage. First in one thread, then by workers.

import { Region } from "../src/index.ts";
import { SharedMap } from "../src/tables/index.ts";
import { crowd } from "./map-crowd.ts";
import { CASES, fill, loopOf } from "./map-plan.ts";
import { measure } from "./one-thread.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { openStore } from "./rivals/tables.ts";

const SUBJECTS = ["floor-map", "holdfast", "holdfast-js", "lmdb", "sharedmap"];

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

const CROWD = [...SUBJECTS, "postMessage"];

function readers(workers: number): Suite {
  const name = workers === 1 ? "map, 1 worker" : `map, ${workers} workers`;
  const run = async (effort: Effort): Promise<Run[]> => {
    const few = { ...effort, rounds: Math.min(effort.rounds, 3), milliseconds: Math.max(effort.milliseconds, 200) };
    const runs: Run[] = [];
    for (const what of ["get hit", "mixed 95:5"]) runs.push(...(await crowd(name, what, CROWD, workers, few)));
    return runs;
  };
  return { name, yardstick: "floor-map", run };
}

export const suites: Suite[] = [
  { name: "map", yardstick: "floor-map", run: oneThread },
  readers(1),
  readers(2),
  readers(16),
];
