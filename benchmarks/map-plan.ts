// What is measured of maps of strings, in one thread and in many: the keys, the operations, and their loops.

import { COUNTERS, type Store } from "./rivals/tables.ts";

export const KEYS = 1000;
export const keys: readonly string[] = Array.from({ length: KEYS }, (_, i) => `+1555${1_000_000 + i * 37}`);
const counters: readonly string[] = keys.map((key) => `${COUNTERS}${key}`);
const VALUE = "Alice Example";
const OTHER = "Bob Example";

/** One operation of a case, in the names that {@link loopOf} gives it. */
const bodies: Readonly<Record<string, string>> = {
  "get hit": "sum += store.get(keys[k % 1000]).length",
  "get fresh key": 'sum += store.get("+1555" + (1000000 + (k % 1000) * 37)).length',
  set: "store.set(keys[k % 1000], (k & 1) === 0 ? value : other)",
  add: "store.add(counters[k % 1000])",
  "mixed 95:5":
    "if (k % 20 === 7) store.set(keys[(k * 7) % 1000], (k & 1) === 0 ? value : other); else sum += store.get(keys[k % 1000]).length",
};
export const CASES: readonly string[] = Object.keys(bodies);

/** A loop over one case; each call makes code of its own, so that no subject spoils another's inline caches. */
export function loopOf(name: string, store: Store): (operations: number) => void {
  const make = new Function(
    "store",
    "keys",
    "counters",
    "value",
    "other",
    `let sum = 0; return (operations) => { for (let k = 0; k < operations; k++) { ${bodies[name]}; } return sum; }`,
  );
  return make(store, keys, counters, VALUE, OTHER) as (operations: number) => void;
}

export function fill(store: Store): void {
  for (const key of keys) store.set(key, VALUE);
  for (const key of counters) {
    store.set(key, "0");
    store.add(key);
  }
}
