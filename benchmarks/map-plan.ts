// What is measured of maps of strings, in one thread and in many: the keys, the operations, and their loops.

import { COUNTERS, type Store } from "./rivals/tables.ts";

export const KEYS = 1000;
export const keys: readonly string[] = Array.from({ length: KEYS }, (_, i) => `+1555${1_000_000 + i * 37}`);
const counters: readonly string[] = keys.map((key) => `${COUNTERS}${key}`);
const missing: readonly string[] = keys.map((key) => `${key}0`);
const VALUE = "Alice Example";
const OTHER = "Bob Example";

/** Numbers of keys as they are asked for in life: the k-th most wanted one k times as rarely as the first (Zipf). */
function zipf(count: number): Uint16Array {
  const drawn = new Uint16Array(count);
  let sum = 0;
  const steps = keys.map((_, rank) => {
    sum += 1 / (rank + 1);
    return sum;
  });
  let seed = 12_345;
  for (let k = 0; k < count; k++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const at = (seed / 0x80000000) * sum;
    // Ranks far apart in the order of the keys.
    drawn[k] = (steps.findIndex((step) => step > at) * 389) % KEYS;
  }
  return drawn;
}
const wanted = zipf(4096);

/** One operation of a case, in the names that {@link loopOf} gives it. */
const bodies: Readonly<Record<string, string>> = {
  "get hit": "sum += store.get(keys[k % 1000]).length",
  "get fresh key": 'sum += store.get("+1555" + (1000000 + (k % 1000) * 37)).length',
  "get miss": "sum += store.get(missing[k % 1000]) === undefined ? 1 : 0",
  set: "store.set(keys[k % 1000], (k & 1) === 0 ? value : other)",
  add: "store.add(counters[k % 1000])",
  "mixed 95:5":
    "if (k % 20 === 7) store.set(keys[(k * 7) % 1000], (k & 1) === 0 ? value : other); else sum += store.get(keys[k % 1000]).length",
  "mixed 50:50":
    "if ((k & 1) === 0) store.set(keys[(k * 7) % 1000], (k & 2) === 0 ? value : other); else sum += store.get(keys[k % 1000]).length",
  "zipf 95:5":
    "if (k % 20 === 7) store.set(keys[wanted[k & 4095]], (k & 1) === 0 ? value : other); else sum += store.get(keys[wanted[k & 4095]]).length",
};
export const CASES: readonly string[] = Object.keys(bodies);

/** A loop over one case; each call makes code of its own, so that no subject spoils another's inline caches. */
export function loopOf(name: string, store: Store): (operations: number) => void {
  const make = new Function(
    "store",
    "keys",
    "counters",
    "missing",
    "wanted",
    "value",
    "other",
    `let sum = 0; return (operations) => { for (let k = 0; k < operations; k++) { ${bodies[name]}; } return sum; }`,
  );
  return make(store, keys, counters, missing, wanted, VALUE, OTHER) as (operations: number) => void;
}

export function fill(store: Store): void {
  for (const key of keys) store.set(key, VALUE);
  for (const key of counters) {
    store.set(key, "0");
    store.add(key);
  }
}
