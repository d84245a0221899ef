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
// wake    who notifies many wakes but some when it gives the lock back; the others are DUE, and each whose wait is over, with the
//         lock held again, takes on the wake of the next one (a chain), so that they do not all run onto the lock at once
//
// Why no notify is lost: the node is published before the lock is given back, and notify needs the lock, so a notify
// after the waiter looked at the state that the lock protects finds the node. Why exactly n, first in, first out: waits
// and notifies have one order, that of their holds of the lock; tickets are drawn under it.
//
// Invariant: a thread sleeps on a node only while it is WAITING, or whoever made it SIGNALED owes the wake of the node, or it is
// DUE and a thread that was chosen, and woken or about to be, has its wait not over yet or holds the lock (if one of these
// died, the reaper wakes all sleepers, and tasks look at the end of a slice). Who can't have the lock again wakes all that are
// DUE.

import { type i32, load, peek, poke, type Words } from "../cells/atomics.ts";
import { park } from "../cells/park.ts";
import { announceSleeper, HOLD, NOT_OWNER, OWNER_MASK, resumeHold, tryLock, unlock } from "./mutex.ts";
import { announce, awake, lacksProbes, sawNewDeath, T_NODE, T_TICKET, T_WAITING } from "./seat.ts";
import { claimNode, freeNode, markOf, nextDue, publishNode, signalOldest, tableWords } from "./wait-nodes.ts";

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

/** Result of {@link beginWait} besides those of an unlock: all nodes are in use. */
export const NO_NODE: i32 = -2;

/** How {@link sleepWait} ended: chosen, and the lock is held again | chosen, but the lock is not to be had at once | neither. */
export const WAIT_OVER: i32 = 1;
export const WAIT_CHOSEN: i32 = 2;
export const WAIT_GOES_ON: i32 = 0;

/**
 * Begins a wait of a thread that holds the mutex `lock`: takes and publishes a node and gives the lock back. The wakes that
 * the caller owes; NOT_OWNER or NO_NODE with nothing changed. The slot has the node, its state and the hold's ticket.
 */
export function beginWait(words: Words, table: i32, lock: i32, me: i32, seatAt: i32): i32 {
  if ((load(words, lock) & OWNER_MASK) !== me) return NOT_OWNER;
  const node = claimNode(words, table, me);
  if (node === 0) return NO_NODE;
  poke(words, seatAt + T_NODE, node);
  poke(words, seatAt + T_TICKET, peek(words, lock + HOLD));
  poke(words, seatAt + T_WAITING, publishNode(words, table, node, me));
  return unlock(words, lock, me);
}

/**
 * The usual course of a wait that was begun: sleeps for `ms` milliseconds at the most, and if it was chosen and the lock is
 * free, takes the lock, resumes the hold and frees the node. `condition` is what the thread is said to wait for. Blocks.
 */
export function sleepWait(words: Words, table: i32, lock: i32, me: i32, seatAt: i32, condition: i32, ms: i32): i32 {
  const node = peek(words, seatAt + T_NODE);
  const waiting = peek(words, seatAt + T_WAITING);
  if (load(words, node) === waiting) {
    announce(words, seatAt, node, condition, 0, 0);
    if (!sawNewDeath(words, seatAt) && !lacksProbes(words, seatAt)) park(words, node, waiting, ms);
    awake(words, seatAt);
    if (load(words, node) === waiting) return WAIT_GOES_ON;
  }
  if (tryLock(words, lock, me) === 0) return WAIT_CHOSEN;
  resumeHold(words, lock, peek(words, seatAt + T_TICKET));
  // Only now: a waiter that died while it waited for the lock has not swallowed its signal.
  freeNode(words, table, node);
  return WAIT_OVER;
}

/**
 * Chooses the oldest waiter, for a thread that holds the mutex `lock`, whose release will pay the wake that it owes to the
 * node's sleeper: the node; 0 if nobody waits; NOT_OWNER.
 */
export function chooseFor(words: Words, table: i32, lock: i32, me: i32): i32 {
  if ((load(words, lock) & OWNER_MASK) !== me) return NOT_OWNER;
  if (markOf(words, table) === 0) return 0;
  const node = signalOldest(words, table);
  if (node !== 0) announceSleeper(words, lock, me);
  return node;
}

/** The next of the chain, of a thread that holds the mutex `lock` and whose wait is over: as {@link chooseFor}. */
export function dueFor(words: Words, table: i32, lock: i32, me: i32): i32 {
  const node = nextDue(words, table);
  if (node !== 0) announceSleeper(words, lock, me);
  return node;
}
