// What a thread does when it hears that a worker of its own has ended: its seats are given up, and who sleeps is woken.
//
// Invariant: no thread that still runs is buried. Where the host says that a thread has ended before it has (on Deno
// terminate() says so at once, and a thread that computes or blocks goes on), the thread itself is asked by a probe, and
// asked again for a moment. If it goes on beyond that, nothing is lost: who waits for it asks by probes of its own.

import { load } from "../cells/atomics.ts";
import { exitMeansEnd } from "./host.ts";
import { H_MAX_THREADS, SLOT_ALIVE, T_CLAIM, T_STATE } from "./layout.ts";
import { buryThread, probe, slotWord } from "./threads.ts";

/** Milliseconds until a thread that answered is asked again: the first time, doubling, and for the last time. */
const FIRST_MS = 8;
const LAST_MS = 512;

/** The worker with this thread id is said to have ended; `proven` tells whether it can't run any more. Never blocks. */
export function hearOfEnd(words: Int32Array, id: number, proven: boolean = exitMeansEnd): void {
  if (proven) buryThread(words, id);
  else askAgain(words, id, FIRST_MS);
}

function askAgain(words: Int32Array, id: number, ms: number): void {
  if (!isHeardOf(words, id) || ms > LAST_MS) return;
  const timer: { unref?: () => void } | number = setTimeout(() => askAgain(words, id, 2 * ms), ms);
  if (typeof timer === "object") timer.unref?.();
}

/** Asks the thread at each of its seats, and buries it there if it does not answer. Whether it has a seat and answers. */
export function isHeardOf(words: Int32Array, id: number): boolean {
  let lives = false;
  for (let slot = 0; slot < words[H_MAX_THREADS]; slot++) {
    const at = slotWord(slot);
    const state = load(words, at + T_STATE);
    if ((state & 3) !== SLOT_ALIVE || load(words, at + T_CLAIM) !== id + 1) continue;
    // If the seat changes hands meanwhile, this owner is gone, and nobody else is asked.
    if (!probe(words, ((state >>> 2) << 12) | slot, true)) lives = true;
  }
  return lives;
}
