// Profiles made up for tests of the renderers: one with a known culprit, a large one, an empty one, one with hostile
// names. The same arguments give the same profile.

import { NO_COUNTS } from "../../src/profile/merge.ts";
import type { Frame, Histogram, LockCounts, LockProfile, Profile, Site, Span } from "../../src/profile/types.ts";

/** Numbers in [0, 1) from a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Log-linear: four bounds for each power of two from 256 ns on. */
const BOUNDS = Array.from({ length: 100 }, (_, i) => 2 ** (8 + Math.floor(i / 4)) * (1 + ((i % 4) + 1) / 4));

/** A histogram of so many values around a mean. */
export function histogramOf(count: number, mean: number, random: () => number): Histogram {
  const counts = BOUNDS.map(() => 0);
  const draws = Math.min(count, 64);
  for (let i = 0; i < draws; i++) {
    const value = mean * 4 ** (random() + random() + random() - 1.5);
    const at = BOUNDS.findIndex((bound) => value < bound);
    counts[at < 0 ? BOUNDS.length - 1 : at] +=
      i === 0 ? count - Math.floor(count / draws) * (draws - 1) : Math.floor(count / draws);
  }
  return { bounds: BOUNDS, counts };
}

export const frame = (name: string, file: string, line: number, column = 5): Frame => ({ name, file, line, column });

function sum(parts: readonly LockCounts[]): LockCounts {
  const keys = Object.keys(NO_COUNTS) as (keyof LockCounts)[];
  const total = { ...NO_COUNTS } as { -readonly [K in keyof LockCounts]: number };
  for (const part of parts) {
    for (const key of keys) {
      const most = key.startsWith("max") || key === "longestQueue";
      total[key] = most ? Math.max(total[key], part[key]) : total[key] + part[key];
    }
  }
  return total;
}

export interface LockPlan {
  readonly id: string;
  readonly name: string;
  readonly kind?: string;
  readonly part?: { readonly of: string; readonly index: number };
  /** Of all threads, ns. */
  readonly wait: number;
  readonly contended: number;
  readonly acquisitions: number;
  /** Of one acquisition, ns. */
  readonly hold: number;
  readonly failures?: Partial<Pick<LockCounts, "timeouts" | "ownerDeaths" | "deadlocks">>;
}

/** A lock whose counts are spread evenly over the threads. */
export function lockOf(plan: LockPlan, threads: readonly number[], random: () => number): LockProfile {
  const { wait, contended, acquisitions, hold, failures } = plan;
  const share = (of: number, index: number): number =>
    index === 0 ? of - Math.floor(of / threads.length) * (threads.length - 1) : Math.floor(of / threads.length);
  const counts = threads.map((thread, index) => ({
    thread,
    counts: {
      ...NO_COUNTS,
      acquisitions: share(acquisitions, index),
      contended: share(contended, index),
      wait: share(wait, index),
      maxWait: contended === 0 ? 0 : Math.round((wait / contended) * 6),
      hold: Math.ceil(share(acquisitions, index) / 16) * hold,
      maxHold: hold * 4,
      timedHolds: Math.ceil(share(acquisitions, index) / 16),
      spins: share(contended, index) * 20,
      parks: share(contended, index),
      longestQueue: contended === 0 ? 0 : Math.max(1, threads.length - 1),
      ...(index === 0 ? failures : {}),
    },
  }));
  return {
    id: plan.id,
    name: plan.name,
    kind: plan.kind ?? "Mutex",
    ...(plan.part === undefined ? {} : { part: plan.part }),
    total: sum(counts.map(({ counts }) => counts)),
    threads: counts,
    waits: histogramOf(contended, contended === 0 ? 1 : wait / contended, random),
    holds: histogramOf(Math.ceil(acquisitions / 16), hold, random),
  };
}

/** Spans of a run in which a lock has one holder at a time and the others wait for it; the first locks are the hot ones. */
function spansOf(
  locks: readonly string[],
  threads: number,
  length: number,
  each: number,
  random: () => number,
): Span[] {
  const spans: Span[] = [];
  const step = length / each;
  const free = new Map<string, number>();
  const clocks = Array.from({ length: threads }, () => random() * step);
  for (let thread = 0; clocks[thread] < length * 0.98; thread = clocks.indexOf(Math.min(...clocks))) {
    const lock = locks[Math.floor(random() ** 4 * locks.length)];
    const asked = Math.round(clocks[thread]);
    const got = Math.max(asked, free.get(lock) ?? 0);
    const hold = Math.round(step * (0.05 + 0.4 * random() ** 2));
    if (got > asked) spans.push({ thread: thread + 1, lock, what: "wait", start: asked, length: got - asked });
    spans.push({ thread: thread + 1, lock, what: "hold", start: got, length: hold });
    free.set(lock, got + hold);
    clocks[thread] = got + hold + step * random() * 0.5;
  }
  return spans.filter(({ start, length: of }) => start + of <= length).sort((a, b) => a.start - b.start);
}

const base = { version: 1, startedAt: Date.UTC(2026, 0, 2, 3, 4, 5), threshold: 1e6, dropped: 0, notes: [] } as const;

/** Five mutexes, one hot; 92 % of the sampled waits for it behind `increment`. */
export function hotProfile(): Profile {
  const random = randomFrom(7);
  const threads = [1, 2, 3, 4];
  const increment = frame("increment", "/srv/app/src/worker.js", 12);
  const report = frame("report", "/srv/app/src/worker.js", 47);
  const main = frame("main", "/srv/app/src/worker.js", 80);
  const plans: LockPlan[] = [
    { id: "1:4096", name: "counter", wait: 3.2e9, contended: 6400, acquisitions: 8000, hold: 400e3 },
    { id: "1:4160", name: "cache", kind: "RwLock", wait: 410e6, contended: 900, acquisitions: 120_000, hold: 3e3 },
    { id: "1:4352", name: "log", wait: 12e6, contended: 130, acquisitions: 45_000, hold: 1200 },
    { id: "1:4480", name: "ids", wait: 700e3, contended: 40, acquisitions: 32_000, hold: 180 },
    { id: "1:4544", name: "Semaphore at 4544", kind: "Semaphore", wait: 0, contended: 0, acquisitions: 900, hold: 90 },
  ];
  const shards = Array.from({ length: 16 }, (_, index) => ({
    lock: "1:9000",
    contended: index === 5 ? 870 : Math.floor(random() * 90),
    wait: index === 5 ? 96e6 : Math.round(random() * 9e6),
  }));
  return {
    ...base,
    duration: 5e9,
    sampleEvery: 4,
    threads: threads.map((thread) => ({
      thread,
      name: thread === 1 ? "main" : `worker ${thread}`,
      alive: thread !== 4,
    })),
    locks: plans.map((plan) => lockOf(plan, threads, random)),
    tables: [{ name: "users", kind: "SharedMap", entries: 120_431, shards, retries: 5120, lockedReads: 3, growths: 9 }],
    sites: [
      { lock: "1:4096", waiter: [increment, main], holder: [increment, main], waits: 5600, wait: 2.76e9 },
      { lock: "1:4096", waiter: [report, main], holder: [increment, main], waits: 200, wait: 0.184e9 },
      { lock: "1:4096", waiter: [increment, main], holder: [report, main], waits: 400, wait: 0.256e9 },
      {
        lock: "1:4160",
        waiter: [frame("lookup", "/srv/app/src/cache.js", 31), main],
        holder: [],
        waits: 80,
        wait: 90e6,
      },
    ],
    spans: spansOf(
      plans.slice(0, 4).map(({ id }) => id),
      4,
      5e9,
      60,
      random,
    ),
  };
}

/** Many locks and threads, with sites and spans to match. */
export function largeProfile(locks = 1000, threads = 64, spans = 20_000): Profile {
  const random = randomFrom(11);
  const numbers = Array.from({ length: threads }, (_, index) => index + 1);
  const made = Array.from({ length: locks }, (_, index) => {
    const contended = Math.floor(20_000 / (index + 1));
    const wait = contended * Math.round(30e3 + random() * 1e3);
    const acquisitions = contended * 3 + 100;
    const part = index >= 8 && index < 72 ? { of: "orders", index: index - 8 } : undefined;
    const kind = part === undefined ? "Mutex" : `shard ${part.index} of SharedTable orders`;
    const name = part === undefined ? `lock ${index}` : kind;
    return lockOf(
      { id: `1:${4096 + index * 64}`, name, kind, wait, contended, acquisitions, hold: 2000, part },
      numbers,
      random,
    );
  }).sort((a, b) => b.total.wait - a.total.wait);
  const ids = made.slice(0, 40).map(({ id }) => id);
  const place = (): Frame[] => {
    const at = Math.floor(random() * 30);
    return [frame(`step${at}`, `/srv/app/src/part${at % 5}.js`, at + 1), frame("loop", "/srv/app/src/main.js", 9)];
  };
  const sites: Site[] = Array.from({ length: 400 }, () => {
    const waits = Math.ceil(random() * 50);
    return {
      lock: ids[Math.floor(random() ** 2 * ids.length)],
      waiter: place(),
      holder: place(),
      waits,
      wait: waits * 2e6,
    };
  });
  const shards = made
    .filter(({ part }) => part !== undefined)
    .map(({ id, total }) => ({ lock: id, contended: total.contended, wait: total.wait }));
  return {
    ...base,
    duration: 60e9,
    sampleEvery: 1,
    threads: numbers.map((thread) => ({ thread, name: `worker ${thread}`, alive: thread % 13 !== 0 })),
    locks: made,
    tables: [
      { name: "orders", kind: "SharedTable", entries: 2_000_000, shards, retries: 0, lockedReads: 0, growths: 14 },
    ],
    sites,
    spans: spansOf(ids, threads, 60e9, Math.ceil(spans / threads / 1.7), random),
  };
}

/** Nothing happened. */
export function emptyProfile(): Profile {
  return { ...base, duration: 0, sampleEvery: 1, threads: [], locks: [], tables: [], sites: [], spans: [] };
}

/** What names must not do: end a script, a tag, an attribute, a label or a line, or steer a terminal. */
export const HOSTILE = [
  `</script><script>document.title="owned"</script>`,
  `"><img src=x onerror="document.title='owned'">`,
  "\u001B[2J\u001B[31mred\nsecond line\\n",
  `<!--<script>`,
  "名前 with 宽 characters 👩‍👩‍👧 \u202Egnirts",
  "\uD800 lone",
  "x".repeat(256),
  "",
];

/** The hot profile with hostile names everywhere, and everything that can go wrong. */
export function hostileProfile(): Profile {
  const hot = hotProfile();
  const random = randomFrom(3);
  const failures = { timeouts: 3, ownerDeaths: 1, deadlocks: 2 };
  const locks = HOSTILE.map((name, index) => {
    const id = `1:${4096 + 64 * index}`;
    const wait = 1e9 / (index + 1);
    return lockOf(
      { id, name, wait: Math.round(wait), contended: 50, acquisitions: 100, hold: 5e6, failures },
      [1, 2],
      random,
    );
  });
  const stack = HOSTILE.map((name, index) => frame(name, name, index + 1));
  return {
    ...hot,
    threads: HOSTILE.map((name, index) => ({ thread: index + 1, name, alive: true })),
    locks,
    tables: hot.tables.map((table) => ({ ...table, name: HOSTILE[0], kind: HOSTILE[1] })),
    sites: locks.map(({ id }) => ({ lock: id, waiter: stack, holder: stack.toReversed(), waits: 3, wait: 4e6 })),
    dropped: 17,
    notes: [HOSTILE[0], HOSTILE[2]],
  };
}
