// What the live page asks of whoever records: plain data, so that it may come from another thread or process.

import type { Profile } from "./types.ts";

/** A thread that sleeps for a lock now. */
export interface WaitNow {
  /** Number of the thread in the region's registry. */
  readonly thread: number;
  readonly name: string;
  /** The lock, as messages call it: kind, and name or offset. */
  readonly lock: string;
  /** "to lock", "to read", "to write", "3 permits" or "until it is done". */
  readonly wants: string;
  /** The threads that it needs. */
  readonly heldBy: readonly { readonly thread: number; readonly name: string }[];
}

/** Where the live page gets what it shows. */
export interface WatchSource {
  /** The profile so far. */
  snapshot(): Profile | Promise<Profile>;
  /** Who waits for whom now. */
  waitGraph(): readonly WaitNow[] | Promise<readonly WaitNow[]>;
}
