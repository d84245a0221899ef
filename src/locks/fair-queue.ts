// The tasks of one thread that await a fair lock: each draws its ticket when it comes; the first of them stands in the
// lock's line (region/fair-lock.ts) with its own, at the node of the thread's tasks, on whose sequence they are woken.
//
// Invariant: the tasks' order is that of their tickets, so whoever stands in line for a thread has its oldest ticket.

import { peek } from "../cells/atomics.ts";
import { type AsyncWaitOptions, checkSignal, checkTimeout, now } from "../cells/deadline.ts";
import { drawTicket, enterLine, NODE_SEQ, nodeOf } from "../protocols/fair-line.ts";
import { ACQUIRED, ACQUIRED_DIED, HOLD, MUST_WAIT, UNRECOVERABLE } from "../protocols/mutex.ts";
import { fairStep, KEPT, KEPT_MS, type Place, quit, SLEEP } from "../region/fair-lock.ts";
import { EXCLUSIVE } from "../region/record-holds.ts";
import { recordAwait } from "../region/recording.ts";
import type { Region } from "../region/region.ts";
import type { Perishable } from "../region/word-lock.ts";
import type { Acquired } from "./async-queue.ts";
import { asyncWaiters, awaitingCell, EXPIRED_ASYNC } from "./async-waiters.ts";

function cellOf(region: Region, line: number): number {
  return nodeOf(line, region.me, 1) + NODE_SEQ;
}

/** How many tasks of this thread await the lock of this line. */
export function awaitingFair(region: Region, line: number): number {
  return awaitingCell(region, cellOf(region, line));
}

/** As the acquire() of an async queue, for a fair lock. */
export function acquireFair(
  region: Region,
  index: number,
  line: number,
  options: AsyncWaitOptions,
  what: Perishable,
  taken: () => void,
): Promise<Acquired> {
  const run = (blocked: () => void) => acquireInTurn(region, index, line, options, what, taken, blocked);
  return recordAwait(region, index, EXCLUSIVE, run);
}

async function acquireInTurn(
  region: Region,
  index: number,
  line: number,
  options: AsyncWaitOptions,
  what: Perishable,
  taken: () => void,
  blocked: () => void,
): Promise<Acquired> {
  const timeout = checkTimeout(options.timeout);
  const signal = checkSignal(options.signal);
  const { words } = region.memory;
  const node = nodeOf(line, region.me, 1);
  const place: Place = { index, line, node, state: drawTicket(words, line), byTask: true };
  const end = (result: number): Acquired => {
    if (result === ACQUIRED || result === ACQUIRED_DIED) taken();
    return { result, ticket: peek(words, index + HOLD) };
  };
  let keptSince = -1;
  let stands = false;
  const acquired = await asyncWaiters(region, cellOf(region, line), true).wait<Acquired>({
    timeout,
    signal,
    attempt: ({ ask, again }) => {
      if (!what.isCurrent()) {
        if (stands) quit(words, place, UNRECOVERABLE);
        return end(UNRECOVERABLE);
      }
      enterLine(words, line, node, region.me, place.state);
      stands = true;
      const overtake = keptSince >= 0 && now() - keptSince >= KEPT_MS;
      const step = fairStep(words, region.me, place, ask, overtake);
      if (step === KEPT) {
        if (keptSince < 0) keptSince = now();
        again(KEPT_MS);
      } else keptSince = -1;
      if (step <= SLEEP) {
        blocked();
        return undefined;
      }
      quit(words, place, step);
      return end(step);
    },
    withdraw: () => {
      if (stands) quit(words, place, what.isCurrent() ? MUST_WAIT : UNRECOVERABLE);
    },
  });
  return acquired === EXPIRED_ASYNC ? { result: MUST_WAIT, ticket: 0 } : acquired;
}
