// The condition: wait nodes, and which lock it belongs to.
//
//   | lock's offset | lock's serial | - | - | table of wait nodes (wait-nodes.ts)
//
// wait    with the lock held: claim a node, publish it, give the lock back, sleep on the node while it is WAITING; take the
//         lock again, and only then free the node, so that a waiter that dies while it waits for the lock has not
//         swallowed its signal either
// leave   time-out, abort: WAITING → free. If it was chosen already: a time-out counts as notified; an aborted wait passes
//         the signal on to the one that has waited longest
// notify  with the lock held: choose the oldest live ticket, n times; its node is woken when the lock is given back, so
//         that who wakes finds it free, and sleeps once a wait, not twice (waiters that die meanwhile are as below)
//
// Why no notify is lost: the node is published before the lock is given back, and notify needs the lock, so a notify
// after the waiter looked at the state that the lock protects finds the node. Why exactly n, first in, first out: waits
// and notifies have one order, that of their holds of the lock; tickets are drawn under it.
//
// Invariant: a thread sleeps on a node only while it is WAITING, or whoever made it SIGNALED owes the wake of the node (if
// that one died, the reaper wakes all sleepers, and tasks look at the end of a slice).

import type { i32 } from "../cells/atomics.ts";
import { tableWords } from "./wait-nodes.ts";

export const LOCK_OFFSET: i32 = 0;
export const LOCK_SERIAL: i32 = 1;
/** Where the table of wait nodes begins. */
export const TABLE: i32 = 4;

/** How many may wait at once: two a thread (one asleep, one task), 64 at the least, 1,024 at the most. */
export function conditionCapacity(maxThreads: i32): i32 {
  const wanted = 2 * maxThreads;
  return wanted < 64 ? 64 : wanted > 1024 ? 1024 : wanted;
}

/** Words of a condition. */
export function conditionWords(capacity: i32): i32 {
  return TABLE + tableWords(capacity);
}
