// Sums and differences of what profiles hold.

import { BUCKETS, boundOf } from "../region/record-layout.ts";
import type { Histogram, LockCounts, LockProfile, Profile, Site, TableProfile } from "./types.ts";

export const NO_COUNTS: LockCounts = {
  acquisitions: 0,
  contended: 0,
  wait: 0,
  maxWait: 0,
  hold: 0,
  maxHold: 0,
  timedHolds: 0,
  sampledHold: 0,
  sampledHolds: 0,
  spins: 0,
  parks: 0,
  timeouts: 0,
  ownerDeaths: 0,
  deadlocks: 0,
  longestQueue: 0,
};

export const NO_TIMES: Histogram = { bounds: [], counts: [] };

/** Fields of which the larger one counts, not the sum. */
const LARGEST: ReadonlySet<string> = new Set(["maxWait", "maxHold", "longestQueue"]);

function combine(a: LockCounts, b: LockCounts, sum: (field: string, a: number, b: number) => number): LockCounts {
  const fields = Object.keys(NO_COUNTS) as (keyof LockCounts)[];
  return Object.fromEntries(fields.map((field) => [field, sum(field, a[field], b[field])])) as unknown as LockCounts;
}

export function addCounts(a: LockCounts, b: LockCounts): LockCounts {
  return combine(a, b, (field, x, y) => (LARGEST.has(field) ? Math.max(x, y) : x + y));
}

/** What came between `a` and `b`; of maxima the later one stands. */
function subtractCounts(b: LockCounts, a: LockCounts): LockCounts {
  return combine(b, a, (field, x, y) => (LARGEST.has(field) ? x : Math.max(0, x - y)));
}

export function addHistograms(a: Histogram, b: Histogram, sign: 1 | -1 = 1): Histogram {
  const sums = new Map(a.bounds.map((bound, at) => [bound, a.counts[at]]));
  for (const [at, bound] of b.bounds.entries()) sums.set(bound, (sums.get(bound) ?? 0) + sign * b.counts[at]);
  return histogramOf((bucket) => sums.get(boundOf(bucket)) ?? 0);
}

/** From the last empty bucket before the first used one, whose bound is where that one begins, to the last used one. */
export function histogramOf(countOf: (bucket: number) => number): Histogram {
  const all = Array.from({ length: BUCKETS }, (_, bucket) => Math.max(0, countOf(bucket)));
  const last = all.findLastIndex((count) => count > 0);
  if (last < 0) return NO_TIMES;
  const first = Math.max(0, all.findIndex((count) => count > 0) - 1);
  const counts = all.slice(first, last + 1);
  return { bounds: counts.map((_, at) => boundOf(first + at)), counts };
}

function byKey<T>(all: readonly T[], key: (one: T) => string): Map<string, T> {
  return new Map(all.map((one) => [key(one), one]));
}

const siteKey = (site: Site): string => JSON.stringify([site.lock, site.waiter, site.holder]);

/**
 * What happened between two profiles of one recording, `a` taken before `b`. Maxima (maxWait, maxHold, longestQueue) are
 * those of `b`, since the recording began. If `b` is of a later recording than `a`, it is returned as it is.
 */
export function diffProfiles(a: Profile, b: Profile): Profile {
  if (a.startedAt !== b.startedAt) return b;
  const locks = byKey(a.locks, ({ id }) => id);
  const tables = byKey(a.tables, ({ name, kind }) => `${kind} ${name}`);
  const sites = byKey(a.sites, siteKey);
  return {
    ...b,
    startedAt: a.startedAt + a.duration / 1e6,
    duration: b.duration - a.duration,
    locks: b.locks
      .map((lock) => subtractLock(lock, locks.get(lock.id)))
      .filter(({ total }) => total.acquisitions > 0 || total.contended > 0 || total.timedHolds > 0)
      .sort((x, y) => y.total.wait - x.total.wait),
    tables: b.tables.map((table) => subtractTable(table, tables.get(`${table.kind} ${table.name}`))),
    sites: b.sites
      .map((site) => subtractSite(site, sites.get(siteKey(site))))
      .filter(({ waits }) => waits > 0)
      .sort((x, y) => y.wait - x.wait),
    spans: b.spans
      .filter(({ start, length }) => start + length > a.duration)
      .map((span) => ({ ...span, start: Math.max(0, span.start - a.duration) })),
    dropped: Math.max(0, b.dropped - a.dropped),
  };
}

function subtractLock(b: LockProfile, a: LockProfile | undefined): LockProfile {
  if (a === undefined) return b;
  const before = new Map(a.threads.map(({ thread, counts }) => [thread, counts]));
  return {
    ...b,
    total: subtractCounts(b.total, a.total),
    threads: b.threads.map(({ thread, counts }) => ({
      thread,
      counts: subtractCounts(counts, before.get(thread) ?? NO_COUNTS),
    })),
    waits: addHistograms(b.waits, a.waits, -1),
    holds: addHistograms(b.holds, a.holds, -1),
  };
}

function subtractTable(b: TableProfile, a: TableProfile | undefined): TableProfile {
  if (a === undefined) return b;
  const before = byKey(a.shards, ({ lock }) => lock);
  return {
    ...b,
    shards: b.shards.map(({ lock, contended, wait }) => ({
      lock,
      contended: contended - (before.get(lock)?.contended ?? 0),
      wait: Math.max(0, wait - (before.get(lock)?.wait ?? 0)),
    })),
    retries: b.retries - a.retries,
    lockedReads: b.lockedReads - a.lockedReads,
    growths: b.growths - a.growths,
  };
}

function subtractSite(b: Site, a: Site | undefined): Site {
  return a === undefined ? b : { ...b, waits: b.waits - a.waits, wait: Math.max(0, b.wait - a.wait) };
}
