// What a profile says, in words: the totals, whom the waits were behind, and what to look at first. Shared by the
// terminal table and the page, so both tell the same.
//
// Invariant: nothing is said that the profile does not hold: shares of call sites are shares of the sampled waits, and
// the sentence says so.

import type { Frame, LockCounts, LockProfile, Profile, Site } from "../types.ts";
import { percent, plural, printable, shortPath, time } from "./units.ts";

/** Sums over all locks. */
export interface Totals {
  readonly wait: number;
  readonly maxWait: number;
  readonly acquisitions: number;
  readonly contended: number;
  readonly timeouts: number;
  readonly ownerDeaths: number;
  readonly deadlocks: number;
  /** Part of the threads' time that was spent waiting, 0 to 1. */
  readonly blocked: number;
}

export function totalsOf({ locks, duration, threads }: Profile): Totals {
  const sum = { wait: 0, maxWait: 0, acquisitions: 0, contended: 0, timeouts: 0, ownerDeaths: 0, deadlocks: 0 };
  for (const { total } of locks) {
    sum.wait += total.wait;
    sum.maxWait = Math.max(sum.maxWait, total.maxWait);
    sum.acquisitions += total.acquisitions;
    sum.contended += total.contended;
    sum.timeouts += total.timeouts;
    sum.ownerDeaths += total.ownerDeaths;
    sum.deadlocks += total.deadlocks;
  }
  return { ...sum, blocked: ratio(sum.wait, duration * threads.length) };
}

/** a / b, and 0 where there is no b. */
export function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0;
}

/** Holds that began without a wait: few of them are timed. */
const freeHolds = ({ acquisitions, contended }: LockCounts): number => Math.max(0, acquisitions - contended);

/** How long the lock was held in all, as far as is known: samples stand for all holds that found the lock free. */
export function heldFor(counts: LockCounts): number {
  const { hold, sampledHold, sampledHolds } = counts;
  if (!(sampledHolds > 0)) return hold;
  return hold - sampledHold + (sampledHold / sampledHolds) * Math.max(freeHolds(counts), sampledHolds);
}

/** How long a hold is on average, reckoned likewise; 0 if none was timed. */
export function meanHold(counts: LockCounts): number {
  const { hold, timedHolds, sampledHolds } = counts;
  if (!(sampledHolds > 0)) return ratio(hold, timedHolds);
  return heldFor(counts) / (timedHolds - sampledHolds + Math.max(freeHolds(counts), sampledHolds));
}

/** How a lock is called in sentences: `Mutex "counter"`, or its name alone where that says the kind already. */
export function titleOf({ name, kind }: Pick<LockProfile, "name" | "kind">): string {
  return name === "" ? printable(kind) : name.startsWith(kind) ? printable(name) : printable(`${kind} "${name}"`);
}

/** "increment (src/worker.js:12)". */
export function placeOf(stack: readonly Frame[]): string {
  const top = stack[0];
  return top === undefined
    ? "an unknown place"
    : printable(`${top.name || "(anonymous)"} (${shortPath(top.file)}:${top.line})`);
}

const keyOf = (stack: readonly Frame[]): string => JSON.stringify(stack.map((at) => [at.file, at.line, at.column]));

/** Waits that share a place. */
export interface Group {
  readonly stack: readonly Frame[];
  readonly waits: number;
  readonly wait: number;
  readonly sites: readonly Site[];
}

/** Sites of equal stack on one side taken together, the longest wait first. */
export function groupSites(sites: readonly Site[], side: "holder" | "waiter"): Group[] {
  const groups = new Map<string, { stack: readonly Frame[]; waits: number; wait: number; sites: Site[] }>();
  for (const site of sites) {
    const stack = site[side];
    const key = keyOf(stack);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { stack, waits: 0, wait: 0, sites: [] }));
    group.waits += site.waits;
    group.wait += site.wait;
    group.sites.push(site);
  }
  return [...groups.values()].sort((a, b) => b.wait - a.wait);
}

export function sitesOf(profile: Profile, lock: string): Site[] {
  return profile.sites.filter((site) => site.lock === lock).sort((a, b) => b.wait - a.wait);
}

/** One thing worth knowing. */
export interface Finding {
  /** "bad": something went wrong. "look": where the time went. "good": nothing to do. "note": about the recording. */
  readonly level: "bad" | "look" | "good" | "note";
  readonly text: string;
  /** Id of the lock it is about. */
  readonly lock?: string;
}

/** Part of the threads' time that waiting may take before it is worth a look. */
const LITTLE = 0.01;

/** What the profile says, most important first. */
export function findingsOf(profile: Profile): Finding[] {
  const hot = profile.locks.filter(({ total }) => total.wait > 0);
  const level = totalsOf(profile).blocked < LITTLE ? "good" : "look";
  const about = hot.slice(0, 1).flatMap((lock) => aboutLock(profile, lock, level));
  return [...headline(profile, hot, level), ...about, ...failures(profile), ...remarks(profile)];
}

function headline(profile: Profile, hot: readonly LockProfile[], level: Finding["level"]): Finding[] {
  const { wait, blocked, acquisitions } = totalsOf(profile);
  const within = profile.duration > 0 ? `in the ${time(profile.duration)} recorded` : "so far";
  if (hot.length === 0) {
    const done = `${plural(acquisitions, "acquisition")} of ${plural(profile.locks.length, "lock")}`;
    return [{ level: "good", text: `No thread waited for a lock ${within}: ${done}.` }];
  }
  const first = hot[0];
  const share = hot.length === 1 ? "all of it" : percent(first.total.wait / wait);
  const often = `that is ${percent(blocked)} of the time of ${plural(profile.threads.length, "thread")}`;
  const text = `Threads waited ${time(wait)} in all ${within} (${often}), ${share} for ${titleOf(first)}.`;
  const verdict = level === "good" ? " Waiting for locks costs this program little." : "";
  return [{ level, text: text + verdict, lock: first.id }];
}

function aboutLock(profile: Profile, lock: LockProfile, level: Finding["level"]): Finding[] {
  const found: Finding[] = [];
  const say = (text: string): number => found.push({ level, text, lock: lock.id });
  const sites = sitesOf(profile, lock.id);
  const sampled = sites.reduce((sum, site) => sum + site.wait, 0);
  const blocker = groupSites(sites, "holder").find(({ stack }) => stack.length > 0);
  if (blocker !== undefined && sampled > 0) {
    const culprit = `${percent(blocker.wait / sampled)} of its sampled wait time`;
    say(`${culprit} was behind a holder that had taken it in ${placeOf(blocker.stack)}.`);
  }
  const advice = adviceFor(lock);
  if (advice !== undefined) say(advice);
  return found;
}

/** Waits below which a lock gets no advice. */
const ENOUGH = 10;

/** Long holds and frequent holds want different cures. */
function adviceFor({ total }: LockProfile): string | undefined {
  const hold = meanHold(total);
  if (hold === 0 || total.contended < ENOUGH) return undefined;
  const part = percent(ratio(total.contended, total.acquisitions));
  if (hold >= 100e3) {
    return `It is held for ${time(hold)} at a time: do less while holding it, above all no I/O and no blocking calls.`;
  }
  return `It is held for only ${time(hold)} at a time, but ${part} of its ${plural(total.acquisitions, "acquisition")} \
found it taken: take it less often (batch the work) or split what it guards over several locks.`;
}

function failures(profile: Profile): Finding[] {
  const { deadlocks, ownerDeaths, timeouts } = totalsOf(profile);
  const where = (of: "deadlocks" | "ownerDeaths" | "timeouts"): LockProfile | undefined =>
    profile.locks.reduce<LockProfile | undefined>(
      (most, lock) => (lock.total[of] > (most?.total[of] ?? 0) ? lock : most),
      undefined,
    );
  const tell = (of: "deadlocks" | "ownerDeaths" | "timeouts", text: string): Finding => {
    const lock = where(of) as LockProfile;
    return { level: "bad", text: `${text}, most at ${titleOf(lock)}.`, lock: lock.id };
  };
  return [
    ...(deadlocks > 0 ? [tell("deadlocks", `${plural(deadlocks, "deadlock was", "deadlocks were")} found`)] : []),
    ...(ownerDeaths > 0 ? [tell("ownerDeaths", `${plural(ownerDeaths, "thread")} died while holding a lock`)] : []),
    ...(timeouts > 0 ? [tell("timeouts", `${plural(timeouts, "wait")} ended by a time-out`)] : []),
  ];
}

function remarks({ dropped, notes, sites, sampleEvery, threshold, locks }: Profile): Finding[] {
  const found: string[] = [];
  if (dropped > 0)
    found.push(`${plural(dropped, "sample")} found the buffer full and are missing here; counts are whole.`);
  if (sites.length === 0 && locks.some(({ total }) => total.contended > 0)) {
    found.push(`No wait was sampled with its call site: none of those sampled reached ${time(threshold)}.`);
  } else if (sampleEvery > 1 && sites.length > 0) {
    found.push(`Call sites are from one in ${sampleEvery} waits of at least ${time(threshold)}, scaled up.`);
  }
  return [...found, ...notes.map(printable)].map((text) => ({ level: "note", text }));
}
