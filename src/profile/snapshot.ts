// A profile from what all threads recorded and what the locks count themselves.

import { load } from "../cells/atomics.ts";
import { H_MAX_THREADS, SLOT_ALIVE, T_CLAIM, T_STATE } from "../region/layout.ts";
import { MAX_REGIONS, REGIONS_AT } from "../region/record-layout.ts";
import { controlWords, recordRegistry } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";
import { slotWord } from "../region/threads.ts";
import { sessionNow } from "./control.ts";
import { LockIndex, type LockPlace, type TablePlace } from "./lock-index.ts";
import { addCounts, addHistograms, NO_COUNTS, NO_TIMES } from "./merge.ts";
import { type LockKey, lostCount, type ReadArea, type ReadRow, type ReadThread, readThreads } from "./read.ts";
import type { LockCounts, LockProfile, Profile, Site, Span, TableProfile, ThreadProfile } from "./types.ts";

/** Acquisitions by the id of the lock. */
export type Acquisitions = ReadonlyMap<string, number>;

interface Recorded {
  readonly thread: ReadThread;
  readonly area: ReadArea;
}

/** Every region that this thread has. */
export function regionsHere(): Region[] {
  const found: Region[] = [];
  for (const reference of recordRegistry().regions) {
    const region = reference.deref() as Region | undefined;
    if (region !== undefined) found.push(region);
  }
  return found;
}

function indexes(notes: string[]): LockIndex[] {
  const found: LockIndex[] = [];
  for (const region of regionsHere()) {
    try {
      found.push(new LockIndex(region));
    } catch (error) {
      notes.push(`Region ${region.name ?? region.id} can't be read: ${(error as Error).message}`);
    }
  }
  return found;
}

/** What all locks of this thread's regions count themselves, as it is now. */
export function acquisitionsNow(): Acquisitions {
  const found = new Map<string, number>();
  for (const index of indexes([])) for (const lock of index.locks()) found.set(lock.id, lock.acquisitions);
  return found;
}

/** The profile of the recording under way, or of the last one; `before`: what the locks had counted when it began. */
export function takeSnapshot(before: Acquisitions): Profile {
  const session = sessionNow();
  const notes: string[] = [];
  const known = indexes(notes);
  const threads = readThreads(session.number);
  const recorded = threads.flatMap((thread) => (thread.area === undefined ? [] : [{ thread, area: thread.area }]));
  const locks = lockProfiles(known, recorded, before);
  notes.push(...remarks(known, threads));
  const idOf = (key: LockKey): string => placeOf(known, key).id;
  return {
    version: 1,
    startedAt: session.startedAt,
    duration: Math.max(0, Math.round(session.ended - session.started)),
    threshold: session.threshold,
    sampleEvery: session.sampleEvery,
    threads: threadProfiles(threads),
    locks,
    tables: known.flatMap((index) => [...index.tables()].map((table) => tableProfile(table, locks, recorded, idOf))),
    sites: siteProfiles(recorded, idOf, session.sampleEvery),
    spans: spanProfiles(recorded, idOf, session.started),
    dropped: recorded.reduce((sum, { area }) => sum + area.dropped, 0),
    notes,
  };
}

function placeOf(known: readonly LockIndex[], { region, lock, serial }: LockKey): LockPlace {
  const index = known.find(({ number }) => number === region);
  if (index !== undefined) return index.describe(lock, serial);
  const id = `${region}:${lock * 4}${serial === 0 ? "" : `.${serial}`}`;
  return { id, name: `a lock at ${lock * 4} of region ${region}`, kind: "of a region that this thread does not have" };
}

function threadProfiles(threads: readonly ReadThread[]): ThreadProfile[] {
  return threads
    .filter(({ alive, area }) => alive || area !== undefined)
    .map(({ id, alive, area }) => {
      const earlier = area?.earlier ?? 0;
      const name = id === 0 ? "main thread" : `worker ${id}`;
      return { thread: id, name: earlier === 0 ? name : `${name} and ${earlier} that ended before`, alive };
    });
}

/** Whether anything was counted. */
function isUsed({ counts }: Pick<ReadRow, "counts">): boolean {
  return counts.acquisitions > 0 || counts.contended > 0 || counts.timedHolds > 0;
}

function lockProfiles(known: readonly LockIndex[], recorded: readonly Recorded[], before: Acquisitions): LockProfile[] {
  const profiles = new Map<string, LockProfile>();
  for (const { thread, area } of recorded) {
    for (const row of area.rows.filter(isUsed)) {
      const place = placeOf(known, row);
      const made = profiles.get(place.id) ?? emptyProfile(place);
      profiles.set(place.id, {
        ...made,
        total: addCounts(made.total, row.counts),
        threads: addThread(made.threads, thread.id, row.counts),
        waits: addHistograms(made.waits, row.waits),
        holds: addHistograms(made.holds, row.holds),
      });
    }
  }
  for (const index of known) {
    for (const { acquisitions, ...place } of index.locks()) {
      const since = (acquisitions - (before.get(place.id) ?? 0)) & 0x3fffffff;
      const made = profiles.get(place.id);
      // Of tables, and of the region itself, only the locks that somebody waited for: there are many of them.
      const inner = place.part !== undefined || place.kind.endsWith(" of a region");
      if (made === undefined && (since === 0 || inner)) continue;
      const profile = made ?? emptyProfile(place);
      // Read-write locks count the writes themselves, semaphores nothing: what was recorded comes on top.
      const total = Math.max(since + profile.total.acquisitions - profile.total.contended, profile.total.contended);
      profiles.set(place.id, { ...profile, total: { ...profile.total, acquisitions: total } });
    }
  }
  return [...profiles.values()].sort((a, b) => b.total.wait - a.total.wait || b.total.hold - a.total.hold);
}

function emptyProfile(place: LockPlace): LockProfile {
  return { ...place, total: NO_COUNTS, threads: [], waits: NO_TIMES, holds: NO_TIMES };
}

function addThread(threads: LockProfile["threads"], thread: number, counts: LockCounts): LockProfile["threads"] {
  const found = threads.find((other) => other.thread === thread);
  if (found === undefined) return [...threads, { thread, counts }];
  const sum = { thread, counts: addCounts(found.counts, counts) };
  return threads.map((other) => (other === found ? sum : other));
}

function tableProfile(
  table: TablePlace,
  locks: readonly LockProfile[],
  recorded: readonly Recorded[],
  idOf: (key: LockKey) => string,
): TableProfile {
  const own = new Set(table.shards);
  const byId = new Map(locks.filter(({ id }) => own.has(id)).map((lock) => [lock.id, lock.total]));
  const sums = { retries: 0, lockedReads: 0, growths: 0 };
  for (const { area } of recorded) {
    for (const row of area.rows) {
      if (row.retries + row.lockedReads + row.growths === 0 || !own.has(idOf(row))) continue;
      sums.retries += row.retries;
      sums.lockedReads += row.lockedReads;
      sums.growths += row.growths;
    }
  }
  const shards = table.shards.map((lock) => {
    const total = byId.get(lock) ?? NO_COUNTS;
    return { lock, contended: total.contended, wait: total.wait };
  });
  return { name: table.name, kind: table.kind, entries: table.entries, shards, ...sums };
}

function siteProfiles(recorded: readonly Recorded[], idOf: (key: LockKey) => string, every: number): Site[] {
  const sites = new Map<string, Site>();
  for (const { area } of recorded) {
    for (const pair of area.pairs) {
      const lock = idOf(pair);
      const key = JSON.stringify([lock, pair.waiter, pair.holder]);
      const { waits, wait } = sites.get(key) ?? { waits: 0, wait: 0 };
      const { waiter, holder } = pair;
      sites.set(key, { lock, waiter, holder, waits: waits + pair.waits * every, wait: wait + pair.wait * every });
    }
  }
  return [...sites.values()].sort((a, b) => b.wait - a.wait);
}

function spanProfiles(recorded: readonly Recorded[], idOf: (key: LockKey) => string, started: number): Span[] {
  const spans = recorded.flatMap(({ thread, area }) =>
    area.spans.map((span) => ({
      thread: thread.id,
      lock: idOf(span),
      what: span.what,
      start: Math.max(0, Math.round(span.start - started)),
      length: span.length,
    })),
  );
  return spans.sort((a, b) => a.start - b.start);
}

function remarks(known: readonly LockIndex[], threads: readonly ReadThread[]): string[] {
  const notes: string[] = [];
  const numbers = new Set(known.map(({ number }) => number));
  for (let k = 0; k < MAX_REGIONS; k++) {
    if (load(controlWords(), REGIONS_AT + k) === 0) break;
    if (numbers.has(k + 1)) continue;
    notes.push(`Region ${k + 1} is not one of this thread's: the names of its locks are not known here.`);
  }
  const ended = threads.filter(({ alive, area }) => !alive && area !== undefined);
  if (ended.length > 0)
    notes.push(`Ended, with what they recorded kept: workers ${ended.map(({ id }) => id).join(", ")}.`);
  for (const { id, area } of ended) {
    if (area?.busy) notes.push(`Worker ${id} ended while it wrote: its last event may be half there.`);
  }
  const listed = new Set(threads.map(({ id }) => id));
  const missing = new Set(regionsHere().flatMap((region) => livingThreads(region).filter((id) => !listed.has(id))));
  for (const id of missing) {
    notes.push(`Worker ${id} is not recorded: it was created before the main thread imported holdfast.`);
  }
  if (lostCount() > 0) notes.push(`The recording memory is full: ${lostCount()} threads or locks are not in it.`);
  if (recordRegistry().strangers > 0) notes.push("Another version of holdfast is in use too, which is not recorded.");
  return notes;
}

/** Ids of the threads that use the region. */
function livingThreads(region: Region): number[] {
  const { words } = region.memory;
  const ids: number[] = [];
  for (let slot = 0; slot < words[H_MAX_THREADS]; slot++) {
    const at = slotWord(slot);
    if ((load(words, at + T_STATE) & 3) === SLOT_ALIVE) ids.push(load(words, at + T_CLAIM) - 1);
  }
  return ids;
}
