// What a thread of rw-lock-threads.test.ts is told by its test.

import type { LockHandle } from "../../src/locks/place.ts";

export type Role =
  | "stress"
  | "pendingWriter"
  | "newReader"
  | "downgrader"
  | "readerBeside"
  | "writerBehind"
  | "victim"
  | "heir"
  | "storm"
  | "optimist"
  | "writer";

export interface Setup {
  readonly role: Role;
  readonly lock: LockHandle;
  readonly flags: Int32Array;
  readonly words: Int32Array;
  readonly rounds?: number;
  readonly seed?: number;
  /** What a victim holds or does when it dies, and how it ends. */
  readonly how?: "read" | "nested" | "write" | "upgradable" | "drain" | "blocked";
  readonly ending?: "terminate" | "exit" | "throw";
}
