// How a Condition's waits go on once the node is published and the lock is given back: asleep or awaited, and the lock taken
// again. The protocol is in protocols/condition.ts.
//
// Invariant: a chosen node is freed only after the lock is held again, or is lost for good; and the end of each wait sees to
// the next one of the chain.

import { load, peek } from "../cells/atomics.ts";
import { type AsyncWaitOptions, now, type WaitOptions } from "../cells/deadline.ts";
import { SLICE_MS, wakeAll } from "../cells/park.ts";
import { WAIT_GOES_ON, WAIT_OVER } from "../protocols/condition.ts";
import { T_NODE, T_TICKET, T_WAITING } from "../protocols/seat.ts";
import { CHAIN, freeNode, nextDue, withdrawNode } from "../protocols/wait-nodes.ts";
import type { Region } from "../region/region.ts";
import { countPark } from "../region/threads.ts";
import { passOn, rescueSignals, sleepNode, wakeDue } from "../region/wait-queue.ts";
import { AsyncWaiters } from "./async-waiters.ts";
import type { ConditionLock, ReacquireOptions, SavedHold } from "./condition-lock.ts";
import type { WaitOperations } from "./wait-operations.ts";

export const NO_OPTIONS: ConditionWaitOptions = {};
const FOREVER: number = Number.POSITIVE_INFINITY;

/** Options of a wait; `recover` is the lock's, for the case that its owner dies before the waiter has it again. */
export interface ConditionWaitOptions extends WaitOptions, ReacquireOptions {}

export interface AsyncConditionWaitOptions extends AsyncWaitOptions, ReacquireOptions {}

/** A condition as this thread sees it. */
export interface ConditionPlace {
  readonly region: Region;
  readonly index: number;
  /** Where its wait nodes are. */
  readonly table: number;
  readonly me: number;
  readonly lock: ConditionLock;
}

/** The rest of a wait that has given the lock back. */
export function waitOn(
  place: ConditionPlace,
  node: number,
  waiting: number,
  saved: SavedHold,
  deadline: number,
  options: ConditionWaitOptions,
): boolean {
  const { region, table, index, lock } = place;
  const what = { table, node, waiting, lock: index };
  const notified = sleepNode(region, what, deadline, () => lock.isLost());
  try {
    lock.reacquire(saved, options);
  } finally {
    // Only now: a waiter that died while it waited for the lock has not swallowed its signal.
    if (notified) freeNode(region.memory.words, table, node);
    wakeNext(place);
  }
  return notified;
}

/** The end of a wait: of those that were chosen and not woken yet, one is, when this thread gives the lock back. */
export function wakeNext({ region, table, lock }: ConditionPlace): void {
  if (load(region.memory.words, table + CHAIN) === 0) return;
  if (!lock.isHeldForWait()) return wakeDue(region, table);
  const owing = lock.owingWakes();
  const node = nextDue(region.memory.words, table);
  if (node !== 0) region.owedWakes.push(owing, node);
}

/** A wait without options, of a lock that allows it; undefined, with nothing changed, if it can't be begun like this. */
export function waitUsual(
  place: ConditionPlace,
  { beginWait, sleepWait, dueFor }: WaitOperations,
): boolean | undefined {
  const { region, table, index, me, lock } = place;
  const { seatAt } = region;
  const mutex = lock.plainMutex;
  const owed = beginWait(table, mutex, me, seatAt);
  if (owed < 0) return undefined;
  if (owed > 0) lock.payRelease(owed);
  const begun = now();
  const ended = sleepWait(table, mutex, me, seatAt, index, SLICE_MS);
  const { words } = region.memory;
  countPark(words, seatAt, now() - begun);
  // Of a lock that was freed meanwhile the memory is another one's now: reacquire says so, and gives it back.
  if (ended === WAIT_OVER && lock.isCurrent()) {
    const next = dueFor(table, mutex, me);
    if (next !== 0) region.owedWakes.push(mutex, next);
    return true;
  }
  const saved = { ticket: peek(words, seatAt + T_TICKET), depth: 1, mode: 0 };
  const node = peek(words, seatAt + T_NODE);
  // A death that was seen before the sleep, or ended it, may have left a signal behind.
  if (ended === WAIT_GOES_ON) rescueSignals(region, table, true);
  if (ended !== WAIT_OVER) return waitOn(place, node, peek(words, seatAt + T_WAITING), saved, FOREVER, NO_OPTIONS);
  wakeDue(region, table);
  lock.reacquire(saved, NO_OPTIONS);
  return true;
}

/** Awaits the choice of a task's node: false, and the node is free, if the time was over or the wait aborted first. */
export async function sleepAsync(
  place: ConditionPlace,
  node: number,
  waiting: number,
  options: AsyncConditionWaitOptions,
): Promise<boolean> {
  const { region, table, lock } = place;
  const { words } = region.memory;
  let left = false;
  const attempt = ({ ask }: { ask: boolean }): true | undefined => {
    if (load(words, node) !== waiting) return true;
    rescueSignals(region, table, ask);
    if (!lock.isLost()) return load(words, node) !== waiting ? true : undefined;
    leave();
    return true;
  };
  const leave = (): void => {
    left = withdrawNode(words, table, node, waiting);
    if (!left && options.signal?.aborted) {
      passOn(region, table, node);
      left = true;
    }
    // Ends the waitAsync that may still be armed on the node.
    wakeAll(words, node);
  };
  const { timeout, signal } = options;
  // A list of its own: the node's next waiter may be of another thread, and this one's cell is nobody else's.
  const tasks = new AsyncWaiters(region, node, false);
  await tasks.wait({ timeout, signal, attempt, withdraw: leave });
  // A time-out that comes after the choice counts as notified.
  return !left;
}
