// The wire format of a region: every offset exists once, here. All fields are 32-bit words, little-endian on every host
// that runs JavaScript today; byte offsets count from the region's first byte.
//
//   0        HEADER  4 KiB
//            words 0-15   magic, version, id, state, sizes, where the parts begin, checksum of what never changes
//            words 16-31  heap top, next slot, next serial number, how threads sleep
//            words 32-39  the allocator's mutex          (a cache line of its own)
//            words 48-55  the directory's mutex          (a cache line of its own)
//            words 64-191 heads of the allocator's free lists, one a size class
//            words 192-319 heads of the directory's chains
//   4096     THREADS maxThreads slots of 128 bytes
//   heap     BLOCKS  tile the heap from HEAP_AT to HEAP_TOP; each begins with a 64-byte block header, then its payload
//
//   thread slot                         block
//   +--------------------------+        +------------------------------------------------------+----------- …
//   | 0 claim (thread id + 1)  |        | 0 bytes | 1 state | 2 kind | 3 serial | 4 next | 5 … | payload
//   | 1 generation << 2 | state|        +------------------------------------------------------+----------- …
//   | 2 cell it sleeps on      |         <------------------- 64 bytes ------------------------>
//   | 3 lock it waits for      |
//   | 4 probed at | 5 probes   |
//   | 6 parks | 7 parked µs    |
//   | 8 wait seq | 9 how       |
//   | 10 argument | 11 nudge   |
//   | 12 deaths seen           |
//   | 13-15 its own wait       |
//   | 16-23 probe cells        |
//   +--------------------------+

/** "HLDF" as little-endian bytes. */
export const MAGIC = 0x46444c48;
/** Changes with every incompatible change of the layout; another version is refused on attach. */
export const LAYOUT_VERSION = 1;

export const H_MAGIC = 0;
export const H_VERSION = 1;
/** Four words of random id: what identifies a region, since one buffer arrives as many JS objects. */
export const H_ID = 2;
export const H_STATE = 6;
/** Usable bytes now; grows. */
export const H_BYTES = 7;
export const H_MAX_BYTES = 8;
export const H_MAX_THREADS = 9;
export const H_HEAP_AT = 10;
export const H_CHECKSUM = 11;

export const H_HEAP_TOP = 16;
export const H_NEXT_SLOT = 17;
export const H_NEXT_SERIAL = 18;
export {
  H_DEATHS,
  SLOT_ALIVE,
  SLOT_WORDS,
  T_NUDGE,
  T_PARKS,
  T_PROBES,
  T_STATE,
  T_WAIT_ARG,
  T_WAIT_CELL,
  T_WAIT_FOR,
  T_WAIT_HOW,
  T_WAIT_SEQ,
} from "../protocols/seat.ts";
/** Where a thread finds out whether two of its views show the same memory. */
export const H_SAME = 20;
/** How the region's threads sleep: 0 by Atomics, else natively, by the copy of the native part with this number. */
export const H_PARKING = 21;
/** H_DEATHS when objects of the dead were last looked for. */
export const H_SWEPT = 22;

export const H_ALLOCATOR_LOCK = 32;
export const H_DIRECTORY_LOCK = 48;
export const H_FREE_LISTS = 64;
export const FREE_LISTS = 128;
/** Size classes end below 2 GiB; the free lists behind them are of kinds whose blocks stay of their kind. */
export const SIZE_CLASSES = 100;
export const H_DIRECTORY = 192;
export const DIRECTORY_CHAINS = 128;

/** States of a region's header. */
export const REGION_RAW = 0;
export const REGION_FORMATTING = 1;
export const REGION_READY = 2;

export const HEADER_BYTES = 4096;
/** SLOT_WORDS of them. */
export const SLOT_BYTES = 128;
export const THREADS_WORD: number = HEADER_BYTES >> 2;

export const T_CLAIM = 0;
/** When somebody last asked whether the thread lives, in milliseconds modulo 2^30. */
export const T_PROBED_AT = 4;
export const T_PARKED_US = 7;
/** Probe cells, by the generation's low bits: who is late with a probe of one tenant uses up none of the next one's. */
export const T_PROBE = 16;
export const PROBE_CELLS = 8;

/** States of a thread's slot beside SLOT_ALIVE (1), in the two low bits of its state word. */
export const SLOT_FREE = 0;
export const SLOT_DEAD = 2;
/** Taken by a thread that is not attached yet. */
export const SLOT_CLAIMED = 3;

/** Slots are 12 bits of an owner's id; 4095 is kept so that no id is all ones. */
export const MAX_THREADS = 4094;
export const DEFAULT_THREADS = 256;

export const BLOCK_HEADER_BYTES = 64;
export const B_BYTES = 0;
export const B_STATE = 1;
export const B_KIND = 2;
export const B_SERIAL = 3;
export const B_NEXT = 4;
/** The directory entry that names the block's object, 0 if none. */
export const B_NAME = 5;
/** Payload bytes asked for. */
export const B_ASKED = 6;
/** Whose part it is: a word within the object that has it; negative: the thread that alone knows of it; else 0. */
export const B_TAG = 7;

export const BLOCK_FREE = 0;
export const BLOCK_USED = 1;

/** Kinds of blocks: what a handle must agree with. */
export const KIND_RAW = 1;
export const KIND_NAME = 2;
export const KIND_MUTEX = 3;
export const KIND_REENTRANT_MUTEX = 4;
export const KIND_RW_LOCK = 5;
export const KIND_STAMPED_LOCK = 6;
export const KIND_CONDITION = 7;
export const KIND_SEMAPHORE = 8;
export const KIND_EVENT = 9;
export const KIND_LATCH = 10;
export const KIND_BARRIER = 11;
export const KIND_ONCE = 12;
export const KIND_FAIR_LINE = 13;
export const KIND_TABLE = 16;
export const KIND_TABLE_PART = 17;
export const KIND_QUEUE = 18;
export const KIND_LOG = 19;
export const KIND_RING = 20;
export const KIND_COUNTER = 21;
export const KIND_STRING_POOL = 22;
export const KIND_SCRATCH = 31;

/**
 * Whether the kind's freed blocks serve only the same kind again, and come as they were left instead of zeroed: a thread
 * that was about to touch the freed object finds one of the same shape, whose state tells it that its own is gone.
 */
export function keepsKind(kind: number): boolean {
  return (
    kind === KIND_MUTEX ||
    kind === KIND_REENTRANT_MUTEX ||
    kind === KIND_RW_LOCK ||
    kind === KIND_STAMPED_LOCK ||
    kind === KIND_FAIR_LINE
  );
}

/** The name of a kind for error messages. */
export function kindName(kind: number): string {
  switch (kind) {
    case KIND_RAW:
      return "raw block";
    case KIND_NAME:
      return "name";
    case KIND_MUTEX:
      return "Mutex";
    case KIND_REENTRANT_MUTEX:
      return "ReentrantMutex";
    case KIND_RW_LOCK:
      return "RwLock";
    case KIND_STAMPED_LOCK:
      return "StampedLock";
    case KIND_CONDITION:
      return "Condition";
    case KIND_SEMAPHORE:
      return "Semaphore";
    case KIND_EVENT:
      return "Event";
    case KIND_LATCH:
      return "Latch";
    case KIND_BARRIER:
      return "Barrier";
    case KIND_ONCE:
      return "Once";
    case KIND_FAIR_LINE:
      return "line of a fair lock";
    case KIND_TABLE:
      return "SharedTable";
    case KIND_TABLE_PART:
      return "part of a SharedTable";
    case KIND_QUEUE:
      return "SharedQueue";
    case KIND_LOG:
      return "SharedLog";
    case KIND_RING:
      return "ring of a SharedQueue or SharedLog";
    case KIND_COUNTER:
      return "SharedCounter";
    case KIND_STRING_POOL:
      return "StringPool";
    case KIND_SCRATCH:
      return "scratch area of a thread";
    default:
      return `kind ${kind}`;
  }
}

/** Byte offsets are positive 32-bit integers, so a region ends below 2 GiB. */
export const MAX_REGION_BYTES = 0x7fff_0000;

/** Bytes that a region takes before anything is allocated in it. */
export function overheadBytes(maxThreads: number): number {
  return HEADER_BYTES + SLOT_BYTES * maxThreads;
}

/** A checksum of the header words that never change after formatting. */
export function headerChecksum(words: Int32Array): number {
  let sum = 0x811c9dc5 | 0;
  for (const at of [
    H_MAGIC,
    H_VERSION,
    H_ID,
    H_ID + 1,
    H_ID + 2,
    H_ID + 3,
    H_MAX_BYTES,
    H_MAX_THREADS,
    H_HEAP_AT,
    H_PARKING,
  ]) {
    sum = Math.imul(sum ^ words[at], 0x01000193);
    sum ^= sum >>> 15;
  }
  return sum | 0;
}
