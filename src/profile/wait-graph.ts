// Who waits for whom now, as the slots of the threads say.

import { H_MAX_THREADS, SLOT_ALIVE, T_STATE } from "../region/layout.ts";
import { recordRegistry } from "../region/record-memory.ts";
import type { Region } from "../region/region.ts";
import { slotWord, threadIdOf } from "../region/threads.ts";
import { FOR_PERMITS, FOR_READERS, FOR_RUNNER, FOR_WRITER, type Wait, waitOf } from "../region/waits.ts";
import { LockIndex } from "./lock-index.ts";

/** A thread that sleeps for a lock now. */
export interface WaitNow {
  /** The thread's number, as in a profile. */
  readonly thread: number;
  readonly name: string;
  /** The lock's kind and its name or offset. */
  readonly lock: string;
  /** "to lock", "to read", "to write", "3 permits" or "until it is done". */
  readonly wants: string;
  /** The threads that it needs. */
  readonly heldBy: readonly { readonly thread: number; readonly name: string }[];
}

export function waitsNow(): WaitNow[] {
  const found: WaitNow[] = [];
  for (const reference of recordRegistry().regions) {
    const region = reference.deref() as Region | undefined;
    if (region !== undefined) found.push(...waitsIn(region));
  }
  return found;
}

function waitsIn(region: Region): WaitNow[] {
  const { words } = region.memory;
  const waits: Wait[] = [];
  for (let slot = 0; slot < words[H_MAX_THREADS]; slot++) {
    const state = words[slotWord(slot) + T_STATE];
    const wait = (state & 3) === SLOT_ALIVE ? waitOf(words, ((state >>> 2) << 12) | slot) : undefined;
    if (wait !== undefined) waits.push(wait);
  }
  if (waits.length === 0) return [];
  const index = new LockIndex(region);
  return waits.map((wait) => ({
    ...named(words, wait.owner),
    lock: index.nameAt(wait.lock),
    wants: wants(wait),
    heldBy: [...wait.holders.keys()].map((owner) => named(words, owner)),
  }));
}

function named(words: Int32Array, owner: number): { thread: number; name: string } {
  const thread = threadIdOf(words, owner) ?? -1;
  const name = thread === 0 ? "main thread" : thread < 0 ? "a thread that has ended" : `worker ${thread}`;
  return { thread, name };
}

function wants({ how, argument }: Wait): string {
  switch (how) {
    case FOR_WRITER:
      return "to read";
    case FOR_READERS:
      return "to write";
    case FOR_PERMITS:
      return `${argument} permits`;
    case FOR_RUNNER:
      return "until it is done";
    default:
      return "to lock";
  }
}
