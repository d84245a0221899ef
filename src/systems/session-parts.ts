// What a session store consists of in shared memory, and the types of its options, handle and figures.

import { ReentrantMutex, type ReentrantMutexHandle } from "../locks/reentrant-mutex.ts";
import { defaultRegion, defaultRegionForNames } from "../region/default-region.ts";
import type { Region } from "../region/region.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import type { Clock } from "./clock.ts";

const VALUES = { json: "string" } as const;
const FIGURES = { acquisitions: "f64", failures: "f64", failedAt: "f64" } as const;
export const NO_FIGURES: Figures = { acquisitions: 0, failures: 0, failedAt: 0 };
export const FIGURES_KEY = 0;

export interface Figures {
  acquisitions: number;
  failures: number;
  failedAt: number;
}

export interface SessionStoreOptions {
  /** A name in the region: every thread that gives it has the same store. */
  readonly name?: string | undefined;
  /** Where it lives; the default region of the process if not given. */
  readonly region?: Region | undefined;
  /** Milliseconds that an operation waits for the lock before it throws ERR_TIMEOUT. Default 5,000. */
  readonly lockTimeout?: number | undefined;
  /** Milliseconds for which a time-out makes the store unhealthy. Default 30,000. */
  readonly unhealthyFor?: number | undefined;
  /** For tests: a monotonic clock, the same in every thread that uses the store. */
  readonly now?: Clock | undefined;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface SessionStoreHandle {
  readonly holdfast: "session-store";
  readonly lock: ReentrantMutexHandle;
  readonly values: TableHandle<string, { json: string }>;
  readonly figures: TableHandle<number, Figures>;
  readonly lockTimeout: number;
  readonly unhealthyFor: number;
}

/** What `getStats()` tells. */
export interface SessionStats {
  /** How often the lock was acquired, nested acquisitions included, by all threads. */
  readonly lock_acquisitions: number;
  /** How many operations gave up waiting for it. */
  readonly failed_acquisitions: number;
  readonly session_keys: number;
  readonly lock_timeout_seconds: number;
}

export interface Parts {
  readonly lock: ReentrantMutex;
  readonly values: SharedTable<string, { json: string }>;
  readonly figures: SharedTable<number, Figures>;
}

/** The parts of a new store, or of the one of that name. */
export function makeParts({ region: given, name }: SessionStoreOptions): Parts {
  const region = given ?? (name === undefined ? defaultRegion() : defaultRegionForNames());
  const named = (part: string): { region: Region; name?: string } =>
    name === undefined ? { region } : { region, name: `${name}.${part}` };
  return {
    lock: new ReentrantMutex(named("lock")),
    values: new SharedTable({ ...named("values"), key: "string", columns: VALUES }),
    figures: new SharedTable({ ...named("figures"), key: "i32", columns: FIGURES, capacity: 1 }),
  };
}
