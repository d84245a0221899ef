// Wait nodes with the registry of threads behind them: who chooses, and who finds the dead, of any lock that has a table
// of nodes (protocols/wait-nodes.ts).
//
// Invariant: a signal that a dead waiter was chosen for is passed on by whoever looks next: the one who chose it, or any
// other waiter of the table when it wakes (the reaper wakes all sleepers at a death, and slices end).

import { load, peek } from "../cells/atomics.ts";
import { moveSleepers, park, TIMED_OUT, wakeAll } from "../cells/park.ts";
import { WAIT_CHOSEN, WAIT_GOES_ON, WAIT_OVER } from "../protocols/condition.ts";
import { ACQUIRED, lockStep, resumeHold, tryLock } from "../protocols/mutex.ts";
import {
  announce,
  awake,
  lacksProbes,
  sawNewDeath,
  T_NODE,
  T_TICKET,
  T_WAIT_CELL,
  T_WAITING,
} from "../protocols/seat.ts";
import {
  CAPACITY,
  CHAIN,
  claimNode,
  freeNode,
  isClaimed,
  isRelayed,
  isSignaled,
  isThreads,
  isWaiting,
  markOf,
  nodeAt,
  nodeOwner,
  putOff,
  signalNode,
  signalOldest,
  takeSignal,
  withdrawNode,
} from "../protocols/wait-nodes.ts";
import { cores } from "./host.ts";
import { EXPIRED, sleepOn } from "./sleep.ts";
import { announceMove, isAlive, probe } from "./threads.ts";
import type { Locker } from "./word-lock.ts";

/**
 * Threads that are woken at once. Only one of them has the lock at a time; the next one is woken when that one gives it back,
 * and with more cores another one may be on its way meanwhile.
 */
const AT_ONCE = Math.min(Math.max(cores() >> 1, 1), 4);

/** Takes a node for a waiter of this thread; 0 if all are in use by the living. */
export function takeNode(locker: Locker, table: number): number {
  const { words } = locker.memory;
  const node = claimNode(words, table, locker.me);
  if (node !== 0) return node;
  sweepDead(locker, table);
  return claimNode(words, table, locker.me);
}

/** A published node, and what its waiter needs to sleep on it. */
export interface WaitingNode {
  readonly table: number;
  readonly node: number;
  /** The state under which it was published. */
  readonly waiting: number;
  /** What the thread is said to wait for. */
  readonly lock: number;
}

/**
 * Sleeps until the node is chosen: true, and the node stays the caller's; or false, and the node is free again, if the
 * deadline is over or `isLost` first. A time-out that comes after the choice counts as chosen. Blocks.
 */
export function sleepNode(locker: Locker, what: WaitingNode, deadline: number, isLost: () => boolean): boolean {
  const { table, node, waiting, lock } = what;
  const { words } = locker.memory;
  for (;;) {
    if (load(words, node) !== waiting) return true;
    const ended = sleepOn(locker, node, waiting, lock, deadline);
    if (load(words, node) !== waiting) return true;
    if (isLost()) return !withdrawNode(words, table, node, waiting);
    rescueSignals(locker, table, ended === TIMED_OUT || ended === EXPIRED);
    if (ended === EXPIRED) return !withdrawNode(words, table, node, waiting);
  }
}

/**
 * Chooses the live waiter that has waited longest, and wakes it: at once, or, if `lock` is one that the caller holds, when
 * that is given back ({@link payChosen}). False if nobody waits.
 */
export function chooseOldest(locker: Locker, table: number, lock = 0): boolean {
  const { words } = locker.memory;
  for (;;) {
    const node = signalOldest(words, table);
    if (node === 0) return false;
    if (settleChosen(locker, table, node, lock)) return true;
  }
}

/** The waiter of this node was chosen: wakes it as {@link chooseOldest} says; false, and the node is free, if it is dead. */
export function settleChosen(locker: Locker, table: number, node: number, lock: number, chains = true): boolean {
  const { words } = locker.memory;
  const state = load(words, node);
  // Free again: it took the signal and went. Otherwise the owner is that of this state, or the exchange below fails.
  const dead = isSignaled(state) && !isAlive(words, nodeOwner(words, node, state));
  if (dead && takeSignal(words, node, state, locker.me)) {
    freeNode(words, table, node);
    return false;
  }
  wakeChosen(locker, table, node, lock, chains);
  return true;
}

/**
 * Chooses every live waiter, and wakes it as {@link chooseOldest} does; returns how many. Those that `moves` allows to be
 * moved are not woken but sleep on at the word of `lock`, of whose sleepers each release wakes one.
 */
export function chooseAll(locker: Locker, table: number, lock = 0, moves = false): number {
  const { words } = locker.memory;
  const mark = markOf(words, table);
  let chosen = 0;
  for (let at = 0; at < mark; at++) {
    const node = nodeAt(table, at);
    const state = load(words, node);
    if (!isWaiting(state)) continue;
    const owner = nodeOwner(words, node, state);
    if (!isAlive(words, owner)) withdrawNode(words, table, node, state);
    else if (signalNode(words, node, state)) {
      // Who is moved needs no wake, and who can't be is woken with the others: no chain beside the lock's own.
      if (moves && moveChosen(words, node, owner, lock)) chosen++;
      else if (settleChosen(locker, table, node, lock, !moves)) chosen++;
    }
  }
  return chosen;
}

/**
 * The thread that was chosen sleeps on at the lock's word, if it sleeps on the node at all. Only the lock's holder may do
 * so, with S set: then someone who sleeps on that word is what the word says, and the release will wake one.
 */
function moveChosen(words: Int32Array, node: number, owner: number, lock: number): boolean {
  // In the slot first: should the holder die, the reaper wakes it where it then sleeps.
  if (!announceMove(words, owner, node, lock)) return false;
  moveSleepers(words, node, lock);
  return true;
}

/**
 * Wakes a chosen waiter: now, or once `lock`, which the caller holds and has announced a sleeper of, is given back; or
 * leaves it to the chain.
 */
function wakeChosen(locker: Locker, table: number, node: number, lock: number, chains: boolean): void {
  const { owedWakes, memory } = locker;
  if (lock === 0 || owedWakes === undefined) wakeAll(memory.words, node);
  else if (!chains || !beginsChain(locker, table) || !putOff(memory.words, table, node)) owedWakes.push(lock, node);
}

/** Whether the caller wakes as many threads of the table as it should when it gives the lock back. */
function beginsChain({ owedWakes = [], wakesAtOnce = AT_ONCE, memory }: Locker, table: number): boolean {
  const end = nodeAt(table, memory.words[table + CAPACITY]);
  let threads = 0;
  for (let at = 1; at < owedWakes.length && threads < wakesAtOnce; at += 2) {
    const node = owedWakes[at];
    // A task's thread may be blocked elsewhere: nobody's wake may depend on it.
    if (node > table && node < end && isThreads(memory.words, node)) threads++;
  }
  return threads >= wakesAtOnce;
}

/** Wakes all that the chain has not woken yet: the caller, which was to wake the next one, has not got the lock again. */
export function wakeDue(locker: Locker, table: number): void {
  const { words } = locker.memory;
  if (load(words, table + CHAIN) === 0) return;
  const mark = markOf(words, table);
  for (let at = 0; at < mark; at++) {
    const node = nodeAt(table, at);
    // Their sleepers look at their own state: that these stay DUE costs a wake later on, at the most.
    if (isSignaled(load(words, node))) wakeAll(words, node);
  }
}

/** The caller has given the lock back: wakes those that it chose while it held it, first come, first served. */
export function payChosen(locker: Locker, lock: number): void {
  const { owedWakes = [], memory } = locker;
  let kept = 0;
  for (let at = 0; at < owedWakes.length; at += 2) {
    const node = owedWakes[at + 1];
    if (owedWakes[at] === lock) wakeAll(memory.words, node);
    else {
      owedWakes[kept++] = owedWakes[at];
      owedWakes[kept++] = node;
    }
  }
  // Setting `length` calls the engine, which gives the array's room back: the next wake would have to make it anew.
  while (owedWakes.length > kept) owedWakes.pop();
}

/**
 * As sleepWait (protocols/condition.ts), where {@link chooseAll} may move the sleeper to those of the lock: it may have taken
 * a wake there then, and takes the lock as one of them, with S, since others may sleep on.
 */
export function sleepMovable(locker: Locker, table: number, lock: number, condition: number, ms: number): number {
  const { memory, me, seatAt } = locker;
  const { words } = memory;
  const node = peek(words, seatAt + T_NODE);
  const waiting = peek(words, seatAt + T_WAITING);
  let moved = false;
  if (load(words, node) === waiting) {
    announce(words, seatAt, node, condition, 0, 0);
    if (!sawNewDeath(words, seatAt) && !lacksProbes(words, seatAt)) park(words, node, waiting, ms);
    moved = load(words, seatAt + T_WAIT_CELL) !== node;
    awake(words, seatAt);
    if (load(words, node) === waiting) return WAIT_GOES_ON;
  }
  const taken = moved ? lockStep(words, lock, me, 1, 0) === ACQUIRED : tryLock(words, lock, me) !== 0;
  if (!taken) return WAIT_CHOSEN;
  resumeHold(words, lock, peek(words, seatAt + T_TICKET));
  freeNode(words, table, node);
  return WAIT_OVER;
}

/** A chosen waiter of this thread leaves without what it was chosen for: another is chosen in its place. */
export function passOn(locker: Locker, table: number, node: number): void {
  const { words } = locker.memory;
  const state = load(words, node);
  if (!isSignaled(state) || !takeSignal(words, node, state, locker.me)) return;
  chooseOldest(locker, table);
  freeNode(words, table, node);
}

/** Passes on the signals of dead waiters; `ask`: also asks the chosen ones themselves whether they live. */
export function rescueSignals(locker: Locker, table: number, ask: boolean): void {
  const { words, me } = { words: locker.memory.words, me: locker.me };
  const mark = markOf(words, table);
  for (let at = 0; at < mark; at++) {
    const node = nodeAt(table, at);
    const state = load(words, node);
    if (!isSignaled(state) && !isRelayed(state)) continue;
    const owner = nodeOwner(words, node, state);
    if (owner === me || (isAlive(words, owner) && !(ask && probe(words, owner)))) continue;
    if (!takeSignal(words, node, state, me)) continue;
    chooseOldest(locker, table);
    freeNode(words, table, node);
  }
}

/** Frees the nodes of the dead. */
function sweepDead(locker: Locker, table: number): void {
  const { words } = locker.memory;
  rescueSignals(locker, table, true);
  // Past the mark, too: a thread that died right after its claim has not raised it.
  const capacity = load(words, table + CAPACITY);
  for (let at = 0; at < capacity; at++) {
    const node = nodeAt(table, at);
    const state = load(words, node);
    if (!isClaimed(state) && !isWaiting(state)) continue;
    const owner = nodeOwner(words, node, state);
    if (owner !== locker.me && (!isAlive(words, owner) || probe(words, owner))) withdrawNode(words, table, node, state);
  }
}

/** How many live waiters there are: chosen ones that have not gone on yet do not count. */
export function countWaiting(locker: Locker, table: number): number {
  const { words } = locker.memory;
  const mark = markOf(words, table);
  let waiting = 0;
  for (let at = 0; at < mark; at++) {
    const node = nodeAt(table, at);
    const state = load(words, node);
    if (isWaiting(state) && isAlive(words, nodeOwner(words, node, state))) waiting++;
  }
  return waiting;
}
