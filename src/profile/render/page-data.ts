// What the page shows, smaller than the profile: names and stacks once, counts as short rows, sentences ready made. The
// report embeds it, the live page gets a new one with each update.
//
// Invariant: it is valid JSON, and its size is bounded by `limits`, whatever the profile; what is left out is said in a
// finding.

import type { Frame, Histogram, LockProfile, Profile } from "../types.ts";
import { type Finding, findingsOf, heldFor, meanHold, type Totals, titleOf, totalsOf } from "./summary.ts";
import { count, printable, shortPath } from "./units.ts";

/** Thread, wait, contended, acquisitions, hold, parks. */
export type ThreadRow = readonly [number, number, number, number, number, number];
/** Index of the lock, of the waiter's and of the holder's stack, waits, wait. */
export type SiteRow = readonly [number, number, number, number, number];
/** Index of the thread, index of the lock, 1 if a hold, start, length. */
export type SpanRow = readonly [number, number, 0 | 1, number, number];
/** Lower bound of the first bin, then pairs of each bin's upper bound and count. Empty: nothing was counted. */
export type Bins = readonly number[];

export interface PageLock {
  readonly id: string;
  readonly title: string;
  readonly wait: number;
  readonly maxWait: number;
  readonly contended: number;
  readonly acquisitions: number;
  /** Of all holds, reckoned from those that were timed: their time, and their mean. */
  readonly held: number;
  readonly meanHold: number;
  readonly timedHolds: number;
  readonly maxHold: number;
  readonly spins: number;
  readonly parks: number;
  readonly longestQueue: number;
  readonly timeouts: number;
  readonly ownerDeaths: number;
  readonly deadlocks: number;
  readonly threads: readonly ThreadRow[];
  readonly waits: Bins;
  readonly holds: Bins;
}

export interface PageFrame {
  readonly name: string;
  /** Last parts of the path, and the line. */
  readonly at: string;
  readonly file: string;
}

export interface PageTable {
  readonly title: string;
  readonly facts: string;
  /** Index of the lock or -1, contended, wait. */
  readonly shards: readonly (readonly [number, number, number])[];
}

export interface PageData {
  readonly startedAt: number;
  readonly duration: number;
  readonly totals: Totals;
  readonly findings: readonly Finding[];
  readonly threads: readonly { readonly name: string; readonly wait: number; readonly alive: boolean }[];
  /** The threads' numbers in the region, as ThreadRow has them. */
  readonly threadNumbers: readonly number[];
  readonly locks: readonly PageLock[];
  readonly tables: readonly PageTable[];
  readonly stacks: readonly (readonly PageFrame[])[];
  readonly sites: readonly SiteRow[];
  readonly spans: readonly SpanRow[];
}

/** How much of a large profile is kept. */
export interface PageLimits {
  /** Locks with rows for each thread. */
  readonly lockThreads: number;
  /** The longest ones are kept. */
  readonly spans: number;
  /** The longest waits are kept. */
  readonly sites: number;
}

export const REPORT_LIMITS: PageLimits = { lockThreads: 200, spans: 60_000, sites: 5000 };
/** Sent anew with each update. */
export const LIVE_LIMITS: PageLimits = { lockThreads: 50, spans: 5000, sites: 500 };

/** A number as short as JSON can have it: whole, finite. */
const whole = (value: number): number => (Number.isFinite(value) ? Math.round(value) : 0);

function binsOf({ bounds, counts }: Histogram): Bins {
  const first = counts.findIndex((value) => value > 0);
  if (first < 0) return [];
  const last = counts.findLastIndex((value) => value > 0);
  const bins = [first === 0 ? 0 : whole(bounds[first - 1])];
  for (let i = first; i <= last; i++) {
    const open = !Number.isFinite(bounds[i]);
    bins.push(open ? 2 * whole(bounds[i - 1] ?? 1) : whole(bounds[i]), counts[i]);
  }
  return bins;
}

function pageLock(lock: LockProfile, withThreads: boolean): PageLock {
  const { acquisitions, ...total } = lock.total;
  const rows = lock.threads.filter(({ counts }) => counts.acquisitions + counts.contended > 0);
  return {
    id: lock.id,
    title: titleOf(lock),
    wait: whole(total.wait),
    maxWait: whole(total.maxWait),
    contended: total.contended,
    acquisitions,
    held: whole(heldFor(lock.total)),
    meanHold: whole(meanHold(lock.total)),
    timedHolds: total.timedHolds,
    maxHold: whole(total.maxHold),
    spins: total.spins,
    parks: total.parks,
    longestQueue: total.longestQueue,
    timeouts: total.timeouts,
    ownerDeaths: total.ownerDeaths,
    deadlocks: total.deadlocks,
    threads: withThreads
      ? rows.map(({ thread, counts: c }): ThreadRow => {
          return [thread, whole(c.wait), c.contended, c.acquisitions, whole(c.hold), c.parks];
        })
      : [],
    waits: binsOf(lock.waits),
    holds: binsOf(lock.holds),
  };
}

/** Gives each different stack one number. */
function stackNumbers(): { readonly stacks: PageFrame[][]; numberOf(stack: readonly Frame[]): number } {
  const numbers = new Map<string, number>();
  const stacks: PageFrame[][] = [];
  const numberOf = (stack: readonly Frame[]): number => {
    const key = JSON.stringify(stack);
    let number = numbers.get(key);
    if (number === undefined) {
      number = stacks.push(stack.map(pageFrame)) - 1;
      numbers.set(key, number);
    }
    return number;
  };
  return { stacks, numberOf };
}

function pageFrame({ name, file, line, column }: Frame): PageFrame {
  return {
    name: printable(name) || "(anonymous)",
    at: printable(`${shortPath(file)}:${line}`),
    file: printable(`${file}:${line}:${column}`),
  };
}

/** The largest by a measure, in their old order. */
function largest<T>(items: readonly T[], most: number, measure: (item: T) => number): readonly T[] {
  if (items.length <= most) return items;
  const kept = new Set([...items].sort((a, b) => measure(b) - measure(a)).slice(0, most));
  return items.filter((item) => kept.has(item));
}

function leftOut({ sites, spans }: Profile, limits: PageLimits): Finding[] {
  const said: string[] = [];
  if (spans.length > limits.spans) said.push(`the ${count(limits.spans)} longest of ${count(spans.length)} spans`);
  if (sites.length > limits.sites) said.push(`the ${count(limits.sites)} longest of ${count(sites.length)} call sites`);
  return said.length === 0 ? [] : [{ level: "note", text: `This page shows ${said.join(" and ")}.` }];
}

function pageTables({ tables }: Profile, lockAt: ReadonlyMap<string, number>): PageTable[] {
  return tables.map(({ name, kind, entries, shards, retries, lockedReads, growths }) => ({
    title: titleOf({ name, kind }),
    facts: `${count(entries)} entries; grown ${count(growths)}×; ${count(retries)} optimistic reads repeated, \
${count(lockedReads)} gave up and took the lock.`,
    shards: shards.map(({ lock, contended, wait }) => [lockAt.get(lock) ?? -1, contended, whole(wait)] as const),
  }));
}

export function pageDataOf(profile: Profile, limits: PageLimits): PageData {
  const locks = [...profile.locks].sort((a, b) => b.total.wait - a.total.wait);
  const lockAt = new Map(locks.map(({ id }, index) => [id, index]));
  const threadAt = new Map(profile.threads.map(({ thread }, index) => [thread, index]));
  const waited = profile.threads.map(() => 0);
  for (const { thread, counts } of locks.flatMap(({ threads }) => threads)) {
    const index = threadAt.get(thread);
    if (index !== undefined) waited[index] += counts.wait;
  }
  const { stacks, numberOf } = stackNumbers();
  const sites = largest(profile.sites, limits.sites, ({ wait }) => wait).flatMap((site): SiteRow[] => {
    const lock = lockAt.get(site.lock);
    if (lock === undefined) return [];
    return [[lock, numberOf(site.waiter), numberOf(site.holder), whole(site.waits), whole(site.wait)]];
  });
  const spans = largest(profile.spans, limits.spans, ({ length }) => length).flatMap((span): SpanRow[] => {
    const [thread, lock] = [threadAt.get(span.thread), lockAt.get(span.lock)];
    if (thread === undefined || lock === undefined) return [];
    return [[thread, lock, span.what === "hold" ? 1 : 0, whole(span.start), whole(span.length)]];
  });
  return {
    startedAt: profile.startedAt,
    duration: whole(profile.duration),
    totals: totalsOf(profile),
    findings: [...findingsOf(profile), ...leftOut(profile, limits)],
    threads: profile.threads.map(({ thread, name, alive }, index) => {
      return { name: printable(name) || `thread ${thread}`, wait: whole(waited[index]), alive };
    }),
    threadNumbers: profile.threads.map(({ thread }) => thread),
    locks: locks.map((lock, index) => pageLock(lock, index < limits.lockThreads)),
    tables: pageTables(profile, lockAt),
    stacks,
    sites,
    spans,
  };
}
