// Where a recording of waits and holds lies: one shared memory of the process, apart from every region, so that recording
// takes nothing from them. All fields are 32-bit words, or 64-bit floats over two of them.
//
//   0       CONTROL   on, threshold, how many are sampled, top, counts
//   64      REGIONS   128 words: first words of the ids (odd) of the regions that something was recorded of
//   2048    THREADS   4096 × 4 words: thread id + 1, state, area
//   18432   LAST    1024 × 4 words, by region and lock: the stack of the hold that ended last
//   22528   HEAP      areas and chunks of rows, never moved and never given back
//
//   area    │ first chunk, rows, spans … │ span × 512 │ pair × 256 │ text of call stacks │      one a thread
//   chunk   │ next │ row × 16 │                                                                of one thread
//   row     │ which lock │ counts │ sums │ histogram of waits │ histogram of holds │
//
// Invariant: each area, chunk and row is written by one living thread only; whoever reads them meanwhile may be one event
// late, never wrong for good. A row's first word, a pair's first word and the counts of spans and rows are written last.

/** "HLPR" as little-endian bytes. */
export const RECORD_MAGIC = 0x52504c48;
export const RECORD_VERSION = 2;

export const C_MAGIC = 0;
export const C_VERSION = 1;
/** The number of the recording under way, 0: none. */
export const C_ON = 2;
/** Waits shorter than this have no call site: microseconds. */
export const C_THRESHOLD = 3;
/** One of so many waits above the threshold has one. */
export const C_SAMPLE = 4;
/** The first word of the heap that is not given out yet. */
export const C_TOP = 5;
/** What found no memory left: threads and locks. */
export const C_LOST = 6;
/** How many recordings there were. */
export const C_SESSIONS = 7;
/** Floats: the clock that all threads share, in nanoseconds, when the recording began and when it ended; the date. */
export const C_STARTED = 16;
export const C_ENDED = 18;
export const C_DATE = 20;

export const REGIONS_AT = 64;
export const MAX_REGIONS = 128;

export const THREADS_AT = 2048;
export const THREAD_WORDS = 4;
export const MAX_THREAD_ENTRIES = 4096;
export const E_ID = 0;
export const E_STATE = 1;
export const E_AREA = 2;
export const ENTRY_ALIVE = 1;
export const ENTRY_ENDED = 2;

export const LAST_AT: number = THREADS_AT + THREAD_WORDS * MAX_THREAD_ENTRIES;
export const LAST_WORDS = 4;
export const LAST_ENTRIES = 1024;
export const L_LOCK = 0;
export const L_SITE = 1;
/** Written last. */
export const L_TICKET = 2;

export const HEAP_AT: number = LAST_AT + LAST_WORDS * LAST_ENTRIES;

export const A_CHUNK = 0;
export const A_ROWS = 1;
export const A_SPANS = 2;
/** One of so many spans is kept: doubles when the buffer is full. */
export const A_STRIDE = 3;
/** Odd while spans are moved. */
export const A_SPAN_VERSION = 4;
export const A_PAIRS = 5;
export const A_TEXT = 6;
export const A_DROPPED = 7;
/** How many ended threads wrote here before. */
export const A_EARLIER = 8;
/** Not 0 while the thread writes. */
export const A_BUSY = 9;
/** The number of the recording that the area is of. */
export const A_SESSION = 10;
/** A float: when a wait of the thread last ran out of time, on the clock that all threads share. */
export const A_LAST_TIMEOUT = 12;

export const SPANS_AT = 16;
export const SPAN_WORDS = 6;
export const MAX_SPANS = 512;
export const SPAN_ROW = 0;
export const SPAN_WHAT = 1;
export const SPAN_START = 2;
export const SPAN_LENGTH = 4;
export const WAIT_SPAN = 1;
export const HOLD_SPAN = 2;

export const PAIRS_AT: number = SPANS_AT + SPAN_WORDS * MAX_SPANS;
export const PAIR_WORDS = 8;
export const MAX_PAIRS = 256;
/** The word of the row in the memory, last written. */
export const P_ROW = 0;
/** Stacks: the word of their text in the memory, 0 if not known. */
export const P_WAITER = 1;
export const P_HOLDER = 2;
export const P_WAITS = 3;
export const P_WAIT = 4;

export const TEXT_AT: number = PAIRS_AT + PAIR_WORDS * MAX_PAIRS;
export const TEXT_WORDS = 8192;
export const AREA_WORDS: number = TEXT_AT + TEXT_WORDS;

export const CHUNK_HEADER = 8;
export const CHUNK_ROWS = 16;
export const ROW_WORDS = 260;
export const CHUNK_WORDS: number = CHUNK_HEADER + CHUNK_ROWS * ROW_WORDS;

/** The number of the region in the table plus 1, last written. */
export const R_REGION = 0;
/** Word index of the lock. */
export const R_LOCK = 1;
/** The serial number of the lock's block; 0: the lock is a part of another object. */
export const R_SERIAL = 2;
export const R_CONTENDED = 3;
export const R_SPINS = 4;
export const R_PARKS = 5;
export const R_TIMEOUTS = 6;
export const R_DEATHS = 7;
export const R_DEADLOCKS = 8;
export const R_QUEUE = 9;
export const R_TIMED = 10;
export const R_RETRIES = 11;
export const R_LOCKED_READS = 12;
export const R_GROWTHS = 13;
/** The stack of the present or last hold, and that hold's ticket. */
export const R_SITE = 14;
export const R_SITE_TICKET = 15;
/** Acquisitions that the lock itself does not count. */
export const R_COUNTED = 24;
export const R_WAIT = 16;
export const R_MAX_WAIT = 18;
export const R_HOLD = 20;
export const R_MAX_HOLD = 22;
/** Of the timed holds those that found the lock free: their time and how many they are. */
export const R_SAMPLED_HOLD = 26;
export const R_SAMPLED = 28;
export const R_WAITS: number = 30;
export const BUCKETS = 114;
export const R_HOLDS: number = R_WAITS + BUCKETS;

/** Where the last hold of a lock leaves its stack; two locks may share a place, and say which of them it is. */
export function lastAt(region: number, lock: number): number {
  return LAST_AT + (((Math.imul(lock, 0x9e3779b1) >>> 20) ^ region) % LAST_ENTRIES) * LAST_WORDS;
}

const FIRST_POWER = 8;

/** The bucket of a time: four to each doubling from 256 ns on, so each is at most a quarter wide. */
export function bucketOf(nanoseconds: number): number {
  if (nanoseconds < 2 ** FIRST_POWER) return 0;
  if (nanoseconds >= 2 ** 36) return BUCKETS - 1;
  // Whole 256ths of a microsecond or so: 30 bits are enough to tell the four quarters of each doubling.
  const units = Math.floor(nanoseconds / 2 ** (FIRST_POWER - 2));
  const power = 29 - Math.clz32(units);
  return 1 + power * 4 + ((units >>> power) & 3);
}

/** The exclusive upper bound of a bucket in nanoseconds; the last one has none. */
export function boundOf(bucket: number): number {
  if (bucket === BUCKETS - 1) return Number.MAX_SAFE_INTEGER;
  const power = FIRST_POWER + (bucket >> 2);
  return 2 ** power + (bucket & 3) * 2 ** (power - 2);
}
