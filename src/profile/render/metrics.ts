// What monitoring is told of a profile: the same figures for Prometheus and OpenTelemetry, named once.

import type { LockCounts, Profile, TableProfile } from "../types.ts";

const SECOND = 1e9;

interface Figure<T> {
  /** Words joined by dots, without a unit. */
  readonly name: string;
  readonly help: string;
  /** "s" for seconds, "1" for a plain number. */
  readonly unit: "s" | "1";
  /** A counter only grows while the profile is recorded. */
  readonly type: "counter" | "gauge";
  readonly of: (from: T) => number;
}

export const LOCK_FIGURES: readonly Figure<LockCounts>[] = [
  { name: "acquisitions", help: "Acquisitions.", unit: "1", type: "counter", of: (c) => c.acquisitions },
  {
    name: "contended",
    help: "Acquisitions that found the lock taken.",
    unit: "1",
    type: "counter",
    of: (c) => c.contended,
  },
  { name: "wait.max", help: "Longest wait.", unit: "s", type: "gauge", of: (c) => c.maxWait / SECOND },
  {
    name: "hold",
    help: "Time of the holds that were timed.",
    unit: "s",
    type: "counter",
    of: (c) => c.hold / SECOND,
  },
  { name: "hold.max", help: "Longest hold timed.", unit: "s", type: "gauge", of: (c) => c.maxHold / SECOND },
  { name: "spins", help: "Times a waiter spun for it.", unit: "1", type: "counter", of: (c) => c.spins },
  { name: "parks", help: "Sleeps.", unit: "1", type: "counter", of: (c) => c.parks },
  { name: "timeouts", help: "Waits ended by a time-out.", unit: "1", type: "counter", of: (c) => c.timeouts },
  { name: "owner.deaths", help: "Threads that died holding it.", unit: "1", type: "counter", of: (c) => c.ownerDeaths },
  { name: "deadlocks", help: "Deadlocks found.", unit: "1", type: "counter", of: (c) => c.deadlocks },
  { name: "queue.max", help: "Most waiters at once.", unit: "1", type: "gauge", of: (c) => c.longestQueue },
];

/** OpenTelemetry only: Prometheus has the wait as a histogram. */
export const LOCK_WAIT: Figure<LockCounts> = {
  name: "wait",
  help: "Time waited, all threads together.",
  unit: "s",
  type: "counter",
  of: (c) => c.wait / SECOND,
};

export const TABLE_FIGURES: readonly Figure<TableProfile>[] = [
  { name: "entries", help: "Entries.", unit: "1", type: "gauge", of: (t) => t.entries },
  { name: "retries", help: "Optimistic reads repeated.", unit: "1", type: "counter", of: (t) => t.retries },
  { name: "locked.reads", help: "Reads that took the lock.", unit: "1", type: "counter", of: (t) => t.lockedReads },
  { name: "growths", help: "Times grown.", unit: "1", type: "counter", of: (t) => t.growths },
];

/** Finite and well-formed, whatever the profile holds. */
export function figure<T>({ of }: Figure<T>, from: T): number {
  const value = of(from);
  return Number.isFinite(value) ? value : 0;
}

/** Tables of one name and kind taken together: monitoring can't tell them apart. */
export function tablesByName({ tables }: Profile): TableProfile[] {
  const found = new Map<string, TableProfile>();
  for (const table of tables) {
    const key = JSON.stringify([table.name, table.kind]);
    const same = found.get(key);
    if (same === undefined) found.set(key, table);
    else {
      found.set(key, {
        ...same,
        entries: same.entries + table.entries,
        shards: [...same.shards, ...table.shards],
        retries: same.retries + table.retries,
        lockedReads: same.lockedReads + table.lockedReads,
        growths: same.growths + table.growths,
      });
    }
  }
  return [...found.values()];
}
