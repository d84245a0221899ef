// The shared table in one thread against a Map: what sharing costs where nobody contends.

import { Region } from "../src/index.ts";
import { SharedTable } from "../src/tables/index.ts";
import { measure, type Subject } from "./one-thread.ts";
import type { Effort, Run, Suite } from "./result.ts";

const KEYS = 1000;
const columns = { alias: "string", count: "u32" } as const;
type Row = { alias: string; count: number };

/** What a table and a Map have in common. */
interface Store {
  get(key: string): Row | undefined;
  has(key: string): boolean;
  set(key: string, row: Row): unknown;
}

const keys: string[] = Array.from({ length: KEYS }, (_, i) => `+1555${1_000_000 + i * 37}`);
const missing: string[] = keys.map((key) => `${key}0`);
const row: Row = { alias: "Alice Example", count: 1 };

/** Loops over `operations` operations; each subject has one of its own, so that none spoils another's inline caches. */
const loops: Record<string, string> = {
  "get hit": "sum += store.get(keys[k % 1000]).count",
  "get fresh key": 'sum += store.get("+1555" + (1000000 + (k % 1000) * 37)).count',
  "get miss": "sum += store.get(missing[k % 1000]) === undefined ? 1 : 0",
  has: "sum += store.has(keys[k % 1000]) ? 1 : 0",
  set: "store.set(keys[k % 1000], row)",
};

function loop(name: string, store: Store): Subject["batch"] {
  const make = new Function(
    "store",
    "keys",
    "missing",
    "row",
    `let sum = 0; return (operations) => { for (let k = 0; k < operations; k++) { ${loops[name]}; } return sum; }`,
  );
  return make(store, keys, missing, row) as Subject["batch"];
}

function filled<S extends Store>(store: S): S {
  for (const key of keys) store.set(key, row);
  return store;
}

function makeTable(wasm: boolean): SharedTable<string, Row> {
  return filled(new SharedTable({ region: Region.create({ wasm }), key: "string", columns }));
}

function counted(name: string, table: SharedTable<string, Row>): Subject {
  const make = new Function(
    "table",
    "keys",
    'return (operations) => { for (let k = 0; k < operations; k++) table.add(keys[k % 1000], "count", 1); }',
  );
  return { name, batch: make(table, keys) as Subject["batch"] };
}

function countedMap(): Subject {
  const map = new Map(keys.map((key) => [key, 0]));
  return {
    name: "floor-map",
    batch: (operations) => {
      for (let k = 0; k < operations; k++) {
        const key = keys[k % KEYS];
        map.set(key, (map.get(key) ?? 0) + 1);
      }
    },
  };
}

async function oneThread(effort: Effort): Promise<Run[]> {
  const suite = "table";
  const runs: Run[] = [];
  const map = filled(new Map<string, Row>());
  const wasm = makeTable(true);
  const js = makeTable(false);
  for (const name of Object.keys(loops)) {
    const subjects: Subject[] = [
      { name: "floor-map", batch: loop(name, map) },
      { name: "holdfast", batch: loop(name, wasm) },
      { name: "holdfast-js", batch: loop(name, js) },
    ];
    runs.push(...(await measure(suite, name, subjects, effort)));
  }
  const adders = [countedMap(), counted("holdfast", wasm), counted("holdfast-js", js)];
  runs.push(...(await measure(suite, "add", adders, effort)));
  return runs;
}

export const suites: Suite[] = [{ name: "table", yardstick: "floor-map", run: oneThread }];
