// `profile`: what programs call. It switches the recording of the whole process and reads what all its threads recorded.

import { describe } from "../cells/deadline.ts";
import { sharedNanoseconds } from "../region/host.ts";
import { beginRecording, endRecording, type RecordOptions, sessionNow } from "./control.ts";
import { HoldSampler } from "./hold-sampler.ts";
import { diffProfiles } from "./merge.ts";
import { readThreads } from "./read.ts";
import { type Acquisitions, acquisitionsNow, regionsHere, takeSnapshot } from "./snapshot.ts";
import type { Profile } from "./types.ts";
import { type WaitNow, waitsNow } from "./wait-graph.ts";

/** Options of {@link Profiler.start}. */
export interface ProfileOptions {
  /** Milliseconds: waits shorter than that have no call site. Default 0.1. */
  readonly threshold?: number | undefined;
  /** One of so many waits above the threshold has a call site; counts and times of all are kept. Default 1. */
  readonly sampleEvery?: number | undefined;
  /** Calls `onProfile` after each so many milliseconds, with what happened in them. The timer keeps no process alive. */
  readonly everyMs?: number | undefined;
  /** Calls `onProfile` with the profile so far when the process gets this signal, as "SIGUSR2". */
  readonly signal?: string | undefined;
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

/** What {@link Profiler.getStats} tells: sums over all locks since the recording began. */
export interface ProfileStats {
  readonly acquisitions: number;
  readonly contended: number;
  /** Total time of contended acquisitions, milliseconds. */
  readonly waitMs: number;
  readonly timeouts: number;
  readonly ownerDeaths: number;
  readonly deadlocks: number;
}

interface Signals {
  on?(signal: string, listener: () => void): unknown;
  off?(signal: string, listener: () => void): unknown;
}

const DEFAULT_THRESHOLD_MS = 0.1;
/** How long a time-out counts against the health of a process, if nothing else is asked for. */
const RECENT_MS = 60_000;

/**
 * The contention profiler of this process: which locks are waited for, how long, and which call sites keep which others
 * waiting. It records all threads that have the default region, whichever of them starts it, and all regions; it can be
 * read in any of them, and knows the names of the locks in the regions that this thread has. Waits for a condition, an
 * event, a latch or a barrier, and for the values of a queue, are not contention, and are not recorded.
 *
 * @example
 * profile.start();
 * await handleRequests();
 * console.log(profile.stop().locks[0]); // the lock with the longest total wait
 */
export class Profiler {
  #before: Acquisitions = new Map();
  #options: RecordOptions = { threshold: 0, sampleEvery: 1 };
  #ends: (() => void)[] = [];

  /** Whether a recording is under way, whichever thread has started it. */
  get recording(): boolean {
    return sessionNow().on;
  }

  /**
   * Begins a recording, for all threads; one that is under way ends, and what it recorded is forgotten. Throws TypeError
   * and RangeError for bad options.
   */
  start(options: ProfileOptions = {}): void {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`profile.start takes an object of options, got ${describe(options)}`);
    }
    const threshold = checkNumber("threshold", options.threshold ?? DEFAULT_THRESHOLD_MS, 0, 2 ** 20);
    const sampleEvery = checkNumber("sampleEvery", options.sampleEvery ?? 1, 1, 2 ** 30);
    if (!Number.isInteger(sampleEvery)) throw new RangeError(`sampleEvery must be whole, got ${sampleEvery}`);
    const everyMs = options.everyMs === undefined ? undefined : checkNumber("everyMs", options.everyMs, 1, 0x7fffffff);
    const { onProfile, signal } = options;
    if ((everyMs !== undefined || signal !== undefined) && typeof onProfile !== "function") {
      throw new TypeError("profile.start: everyMs and signal need onProfile, a function that takes the profile");
    }
    this.#unhook();
    this.#options = { threshold: threshold * 1e6, sampleEvery };
    this.#begin();
    const sampler = new HoldSampler(regionsHere);
    this.#ends.push(() => sampler.end());
    if (onProfile === undefined) return;
    if (everyMs !== undefined) this.#every(everyMs, onProfile);
    if (signal !== undefined) this.#on(signal, onProfile);
  }

  #begin(): void {
    this.#before = acquisitionsNow();
    beginRecording(this.#options);
  }

  #every(everyMs: number, onProfile: (profile: Profile) => void): void {
    let last = this.snapshot();
    const timer = setInterval(() => {
      const next = this.snapshot();
      const between = diffProfiles(last, next);
      last = next;
      onProfile(between);
    }, everyMs);
    (timer as { unref?: () => void }).unref?.();
    this.#ends.push(() => clearInterval(timer));
  }

  #on(signal: string, onProfile: (profile: Profile) => void): void {
    const host = (globalThis as { process?: Signals }).process;
    if (typeof host?.on !== "function") throw new TypeError("profile.start: this host has no signals");
    const listener = (): void => onProfile(this.snapshot());
    host.on(signal, listener);
    this.#ends.push(() => host.off?.(signal, listener));
  }

  #unhook(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Ends the recording and returns its profile. Afterwards the profile can still be had by snapshot(). */
  stop(): Profile {
    this.#unhook();
    endRecording();
    return this.snapshot();
  }

  /**
   * The profile so far, of the recording under way or of the last one; plain data. Takes the allocator's lock of each
   * region for a moment; no thread stops for it. In another thread than the one that called start(), uncontended
   * acquisitions are counted since the locks were made.
   */
  snapshot(): Profile {
    return takeSnapshot(this.#before);
  }

  /**
   * What happened between two snapshots of one recording, `a` taken before `b`. maxWait, maxHold and longestQueue are those
   * of `b`. If `b` is of a later recording, it is returned as it is.
   */
  diff(a: Profile, b: Profile): Profile {
    return diffProfiles(a, b);
  }

  /** Forgets what was recorded; a recording that is under way goes on. */
  reset(): void {
    const { on } = sessionNow();
    this.#begin();
    if (!on) endRecording();
  }

  /** Sums over all locks since the recording began. */
  getStats(): ProfileStats {
    const sums = { acquisitions: 0, contended: 0, waitMs: 0, timeouts: 0, ownerDeaths: 0, deadlocks: 0 };
    for (const { total } of this.snapshot().locks) {
      sums.acquisitions += total.acquisitions;
      sums.contended += total.contended;
      sums.waitMs += total.wait / 1e6;
      sums.timeouts += total.timeouts;
      sums.ownerDeaths += total.ownerDeaths;
      sums.deadlocks += total.deadlocks;
    }
    return sums;
  }

  /**
   * Whether no recorded wait for a lock, in any thread, ran out of time in the last `withinMs` milliseconds (default
   * 60,000). Cheap; true if nothing was recorded.
   */
  isHealthy({ withinMs = RECENT_MS }: { readonly withinMs?: number | undefined } = {}): boolean {
    const since = sharedNanoseconds() - checkNumber("withinMs", withinMs, 0, Number.MAX_SAFE_INTEGER) * 1e6;
    return readThreads(sessionNow().number).every(({ area }) => {
      const last = area?.lastTimeout ?? 0;
      return last === 0 || last < since;
    });
  }

  /** Who waits for whom at this moment, in the regions that this thread has, recording or not. */
  waitGraph(): WaitNow[] {
    return waitsNow();
  }
}

/** The profiler of this process. */
export const profile: Profiler = new Profiler();

function checkNumber(what: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number, got ${describe(value)}`);
  if (!(value >= minimum && value <= maximum)) {
    throw new RangeError(`${what} must be ${minimum} to ${maximum}, got ${value}`);
  }
  return value;
}
