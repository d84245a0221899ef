// The seeded runs of targets.test.ts: what each thread does in each, and what must be there afterwards. The operations of
// two threads on one key commute (add, max); what does not commute, each thread does on keys of its own.

export type SeededRow = { count: number; most: number; text: string };

export interface Operation {
  readonly kind: "add" | "max" | "set" | "delete";
  readonly key: string;
  readonly value: number;
}

export const THREADS = 4;
const OPERATIONS = 25;
const KEYS = 12;

function randomOf(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The operations of a thread in a run. */
export function operationsOf(round: number, thread: number): Operation[] {
  const random = randomOf(round * THREADS + thread);
  return Array.from({ length: OPERATIONS }, () => {
    const kind = (["add", "max", "set", "delete"] as const)[random(4)];
    const shared = kind === "add" || kind === "max";
    return { kind, key: `${shared ? "all" : thread} ${random(KEYS)}`, value: 1 + random(1000) };
  });
}

/** What the table must hold after a run, by the same operations in one thread on a Map. */
export function expected(round: number): Map<string, SeededRow> {
  const rows = new Map<string, SeededRow>();
  for (let thread = 0; thread < THREADS; thread++) {
    for (const { kind, key, value } of operationsOf(round, thread)) {
      const { count, most, text } = rows.get(key) ?? { count: 0, most: 0, text: "" };
      if (kind === "add") rows.set(key, { count: count + value, most, text });
      else if (kind === "max") rows.set(key, { count, most: Math.max(most, value), text });
      else if (kind === "delete") rows.delete(key);
      else rows.set(key, { count: 0, most: 0, text: `text ${value}`.repeat(1 + (value % 9)) });
    }
  }
  return rows;
}
