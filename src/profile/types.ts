// What a profile is: plain data (structured-cloneable, valid JSON), made by the recorder and read by every renderer.
// Times are nanoseconds as numbers unless the name says otherwise; instants count from `startedAt`.

/** Counts of a log-linear histogram: `bounds[i]` is the exclusive upper bound, in nanoseconds, of `counts[i]`. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** One line of a call stack, innermost first, source-mapped where a map is known. */
export interface Frame {
  /** Name of the function, "(anonymous)" if it has none. */
  readonly name: string;
  /** Path or URL of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** What was counted of one lock by one thread, or by all of them. */
export interface LockCounts {
  /** By one thread: only those that were recorded there, which are the contended ones, and not the free ones of a mutex. */
  readonly acquisitions: number;
  /** Acquisitions that found the lock taken. */
  readonly contended: number;
  /** Total time of contended acquisitions, ns. */
  readonly wait: number;
  readonly maxWait: number;
  /** Total time of the timed holds (see `timedHolds`), ns. */
  readonly hold: number;
  readonly maxHold: number;
  /** How many holds were timed: all that began with a wait, and a few of the others. */
  readonly timedHolds: number;
  /** The time of those few, ns, which is part of `hold`: samples of the holds that found the lock free. */
  readonly sampledHold: number;
  /** How many they are; part of `timedHolds`. */
  readonly sampledHolds: number;
  /** How often a waiter spun for the lock, before it slept or between two sleeps. */
  readonly spins: number;
  /** Sleeps. */
  readonly parks: number;
  readonly timeouts: number;
  readonly ownerDeaths: number;
  readonly deadlocks: number;
  /** Most waiters seen at once. */
  readonly longestQueue: number;
}

export interface ThreadProfile {
  /** The host's number of the thread: 0 is the main thread. */
  readonly thread: number;
  readonly name: string;
  /** False if it had ended when the profile was taken. */
  readonly alive: boolean;
}

export interface LockProfile {
  /** The region's number, the lock's offset and the serial number of its memory, as "1:4096.12"; stable in a recording. */
  readonly id: string;
  /** The lock's name, or its kind and offset. */
  readonly name: string;
  /** "Mutex", "RwLock", "shard 3 of SharedMap users", … */
  readonly kind: string;
  /** The table or queue that the lock belongs to, if it does. */
  readonly part?: { readonly of: string; readonly index: number };
  readonly total: LockCounts;
  readonly threads: readonly { readonly thread: number; readonly counts: LockCounts }[];
  readonly waits: Histogram;
  readonly holds: Histogram;
}

/** What a contended wait of a call site came to. One entry for each pair of a waiting stack and the holder's stack. */
export interface Site {
  readonly lock: string;
  /** Of the thread that waited. */
  readonly waiter: readonly Frame[];
  /** Where the thread that held the lock had taken it; empty if that is not known. */
  readonly holder: readonly Frame[];
  /** Waits, scaled up by the sampling rate. */
  readonly waits: number;
  /** ns, scaled up likewise. */
  readonly wait: number;
}

/** One span of the timeline, of a sampled wait or hold. */
export interface Span {
  readonly thread: number;
  readonly lock: string;
  readonly what: "wait" | "hold";
  /** ns since `startedAt`. */
  readonly start: number;
  /** ns. */
  readonly length: number;
}

export interface TableProfile {
  readonly name: string;
  readonly kind: string;
  readonly entries: number;
  /** All shards in order; one that nobody waited for may not be among the profile's locks. */
  readonly shards: readonly { readonly lock: string; readonly contended: number; readonly wait: number }[];
  /** Optimistic reads that had to be repeated. */
  readonly retries: number;
  /** Reads that took the lock after too many retries. */
  readonly lockedReads: number;
  readonly growths: number;
}

/** A snapshot, or the difference of two. */
export interface Profile {
  readonly version: 1;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** ns. */
  readonly duration: number;
  /** Waits shorter than this have no call site, ns. */
  readonly threshold: number;
  /** One of so many waits above the threshold is sampled. */
  readonly sampleEvery: number;
  readonly threads: readonly ThreadProfile[];
  /** Sorted by total wait, largest first. */
  readonly locks: readonly LockProfile[];
  readonly tables: readonly TableProfile[];
  readonly sites: readonly Site[];
  readonly spans: readonly Span[];
  /** Samples and spans that found their buffer full. */
  readonly dropped: number;
  /** What the reader should know: regions without recording, threads that ended in mid-record, … */
  readonly notes: readonly string[];
}
