// Wait nodes: an array of waiters, one node each, nothing linked, so that a thread may end at any moment without breaking
// it. A condition, a fair lock or a weighted semaphore chooses among them, first in, first out.
//
//   table: | TICKETS | USED | CAPACITY | CHAIN | node 0: state, owner | node 1: state, owner | …
//
// Word state   0 free | CLAIMED|owner: someone prepares it | WAITING|ticket | SIGNALED|ticket: chosen |
//              DUE|ticket: chosen, too, but its thread is woken by one that was chosen before it, in a chain |
//              RELAYED|owner: its waiter left or died after it was chosen, and `owner` chooses another in its place
// Word owner   who waits: written before WAITING is published, unchanged until the node is free again; TASK: not a thread
// Word USED    version << 14 | mark: all nodes in use lie below the mark
// Word CHAIN   0: no node is DUE | 1 + the number of a node below which none is. Written by who holds the condition's lock
// Word TICKETS the last ticket drawn; tickets have 28 bits and go round, so those of live waiters span less than 2^27
//
// Legal transitions: 0 → CLAIMED → WAITING (its waiter); WAITING → SIGNALED (who chooses); WAITING → 0 (its waiter, by
// compare-exchange: time-out; or whoever finds it dead); SIGNALED → DUE (who chose) → SIGNALED (who will wake it); SIGNALED,
// DUE → 0 (its waiter, when it has what it was chosen for); SIGNALED, DUE, RELAYED of a dead or leaving waiter → RELAYED|me → 0 once another is chosen; CLAIMED of the dead → 0.
//
// Invariant: a signal is in exactly one place: a SIGNALED node, or a RELAYED one whose owner has yet to pass it on. So a
// waiter that dies with a signal, at any moment until its wait is over, never swallows it. (Should the relaying thread die
// too, after it chose and before it freed the node, one more waiter is chosen: a wake too many, never one too few.)
//
// A state with a ticket never comes again (but for 2^28 tickets), so a compare-exchange on it can't hit a later wait that
// uses the same node. Each waiter sleeps on its own node's state, all sleepers of which are woken, so no wake is shared:
// an old waitAsync that is still armed on the node takes nothing from its present waiter.

import { add, cas, type i32, load, store, type Words } from "../cells/atomics.ts";

export const TICKETS: i32 = 0;
export const USED: i32 = 1;
export const CAPACITY: i32 = 2;
export const CHAIN: i32 = 3;
export const NODES: i32 = 4;
export const NODE_WORDS: i32 = 2;
/** Offset of the owner in a node; the state is its first word. */
export const N_OWNER: i32 = 1;

const VALUE: i32 = (1 << 28) - 1;
const KIND: i32 = 7 << 28;
const CLAIMED: i32 = 1 << 28;
const WAITING: i32 = 2 << 28;
const SIGNALED: i32 = 3 << 28;
const RELAYED: i32 = 4 << 28;
const DUE: i32 = 5 << 28;
/** In the word of the owner: a task waits, not the thread itself. */
export const TASK: i32 = 1 << 28;

const MARK: i32 = (1 << 14) - 1;
const VERSION: i32 = 1 << 14;

/** Most nodes of a table. */
export const MAX_NODES: i32 = 8192;

/** Words of a table. */
export function tableWords(capacity: i32): i32 {
  return NODES + capacity * NODE_WORDS;
}

export function isClaimed(state: i32): boolean {
  return (state & KIND) === CLAIMED;
}

export function isWaiting(state: i32): boolean {
  return (state & KIND) === WAITING;
}

/** Whether the waiter was chosen, whoever wakes it. */
export function isSignaled(state: i32): boolean {
  return (state & KIND) === SIGNALED || (state & KIND) === DUE;
}

export function isRelayed(state: i32): boolean {
  return (state & KIND) === RELAYED;
}

/** The mark: how many nodes a scan has to look at. */
export function markOf(words: Words, table: i32): i32 {
  return load(words, table + USED) & MARK;
}

export function nodeAt(table: i32, at: i32): i32 {
  return table + NODES + at * NODE_WORDS;
}

/** Whom the node belongs to, given the state that was read from it. */
export function nodeOwner(words: Words, node: i32, state: i32): i32 {
  return isClaimed(state) || isRelayed(state) ? state & VALUE : load(words, node + N_OWNER) & VALUE;
}

/** Whether a thread waits on the node itself, not a task of its. */
export function isThreads(words: Words, node: i32): boolean {
  return (load(words, node + N_OWNER) & TASK) === 0;
}

/** Takes a free node: its word index, or 0 if all are in use. */
export function claimNode(words: Words, table: i32, me: i32): i32 {
  const capacity = load(words, table + CAPACITY);
  for (let at: i32 = 0; at < capacity; at++) {
    const node = nodeAt(table, at);
    if (load(words, node) !== 0 || cas(words, node, 0, CLAIMED | me) !== 0) continue;
    raiseMark(words, table, at + 1);
    return node;
  }
  return 0;
}

/** Sees to it that a scan reaches the first `count` nodes. */
function raiseMark(words: Words, table: i32, count: i32): void {
  for (;;) {
    const used = load(words, table + USED);
    const mark = used & MARK;
    // The version moves even if the mark does not: someone who found the node free a moment ago may be lowering it.
    const next = ((used & ~MARK) + VERSION) | (mark < count ? count : mark);
    if (cas(words, table + USED, used, next) === used) return;
  }
}

/** Publishes a claimed node: the state on which its waiter sleeps. `me` with TASK if that is a task. */
export function publishNode(words: Words, table: i32, node: i32, me: i32): i32 {
  store(words, node + N_OWNER, me);
  const state = WAITING | ((add(words, table + TICKETS, 1) + 1) & VALUE);
  store(words, node, state);
  return state;
}

/** Frees a node that is the caller's, and lowers the mark if it can. */
export function freeNode(words: Words, table: i32, node: i32): void {
  store(words, node, 0);
  lowerMark(words, table);
}

function lowerMark(words: Words, table: i32): void {
  for (;;) {
    const used = load(words, table + USED);
    const mark = used & MARK;
    if (mark === 0 || load(words, nodeAt(table, mark - 1)) !== 0) return;
    // A claim in between has moved the version.
    cas(words, table + USED, used, ((used & ~MARK) + VERSION) | (mark - 1));
  }
}

/** Frees a node by compare-exchange: a waiter leaves, or a dead one is swept. False if it is no longer in that state. */
export function withdrawNode(words: Words, table: i32, node: i32, state: i32): boolean {
  if (cas(words, node, state, 0) !== state) return false;
  lowerMark(words, table);
  return true;
}

/** Chooses the waiter with the oldest ticket: its node, whose sleepers the caller must wake; or 0 if nobody waits. */
export function signalOldest(words: Words, table: i32): i32 {
  for (;;) {
    const mark = markOf(words, table);
    let best: i32 = 0;
    let oldest: i32 = 0;
    for (let at: i32 = 0; at < mark; at++) {
      const node = nodeAt(table, at);
      const state = load(words, node);
      if (!isWaiting(state)) continue;
      // The difference of two tickets as a signed number of 28 bits.
      if (best === 0 || (state - oldest) << 4 < 0) {
        best = node;
        oldest = state;
      }
    }
    if (best === 0) return 0;
    if (signalNode(words, best, oldest)) return best;
  }
  return 0;
}

/** Chooses the waiter of this node if it still waits in that state. */
export function signalNode(words: Words, node: i32, state: i32): boolean {
  return cas(words, node, state, SIGNALED | (state & VALUE)) === state;
}

/**
 * Leaves the wake of a thread that was just chosen to the chain, with the condition's lock held: false if it is a task's, or has
 * been given up.
 */
export function putOff(words: Words, table: i32, node: i32): boolean {
  const state = load(words, node);
  if ((state & KIND) !== SIGNALED || !isThreads(words, node)) return false;
  const place = (node - nodeAt(table, 0)) / NODE_WORDS + 1;
  const chain = load(words, table + CHAIN);
  // Before the state: should this thread die in between, a look too many is made.
  if (chain === 0 || place < chain) store(words, table + CHAIN, place);
  return cas(words, node, state, DUE | (state & VALUE)) === state;
}

/** The next of the chain, which the caller, holding the condition's lock, wakes when it gives it back; 0 if there is none. */
export function nextDue(words: Words, table: i32): i32 {
  const chain = load(words, table + CHAIN);
  if (chain === 0) return 0;
  const mark = markOf(words, table);
  for (let at: i32 = chain - 1; at < mark; at++) {
    const node = nodeAt(table, at);
    const state = load(words, node);
    if ((state & KIND) !== DUE || cas(words, node, state, SIGNALED | (state & VALUE)) !== state) continue;
    store(words, table + CHAIN, at + 2);
    return node;
  }
  store(words, table + CHAIN, 0);
  return 0;
}

/** Takes a chosen node's signal over from a waiter that is dead or leaves: the caller must choose another, then free it. */
export function takeSignal(words: Words, node: i32, state: i32, me: i32): boolean {
  return cas(words, node, state, RELAYED | me) === state;
}
