// Waiting for a read-write lock in tasks: the loops of rw-waiting.ts without blocking the thread.

import { load } from "../cells/atomics.ts";
import type { AsyncWaitOptions } from "../cells/deadline.ts";
import { MUST_WAIT } from "../protocols/mutex.ts";
import { announceStarved, DRAIN, isClosed, MODE, OPENINGS, withdrawStarved, writeStep } from "../protocols/rw-lock.ts";
import { EXCLUSIVE, SHARED } from "../region/record-holds.ts";
import { recordAwait } from "../region/recording.ts";
import { STARVING_MS } from "../region/word-lock.ts";
import { asyncQueue } from "./async-queue.ts";
import { asyncWaiters, EXPIRED_ASYNC } from "./async-waiters.ts";
import { giveBackDead, payRwWakes, type RwPlace, readLook, repaired } from "./rw-waiting.ts";

/** As {@link readBlocking} for a task; a writer of this thread is waited for like any other. */
export function readAwaiting(place: RwPlace, options: AsyncWaitOptions): Promise<number> {
  return recordAwait(place.region, place.index, SHARED, (blocked) => readInTurn(place, options, blocked));
}

async function readInTurn(place: RwPlace, options: AsyncWaitOptions, blocked: () => void): Promise<number> {
  const { region, index } = place;
  const { words } = region.memory;
  const came = load(words, index + OPENINGS);
  let starving = false;
  const withdraw = (): void => {
    if (starving) payRwWakes(words, index, withdrawStarved(words, index));
  };
  const result = await asyncWaiters(region, index + OPENINGS, false).wait({
    timeout: options.timeout,
    signal: options.signal,
    withdraw,
    attempt: ({ waited, waitedMs, ask }) => {
      const step = readLook(place, ask, load(words, index + OPENINGS) === came ? 0 : 1);
      if (step === MUST_WAIT) {
        blocked();
        if (waited && waitedMs > STARVING_MS) starving = announceStarved(words, index) || starving;
        return undefined;
      }
      withdraw();
      return step;
    },
  });
  return result === EXPIRED_ASYNC ? MUST_WAIT : result;
}

/** As {@link gateBlocking} for a task: tasks of one thread exclude each other. */
export async function gateAwaiting(place: RwPlace, options: AsyncWaitOptions): Promise<number> {
  const { timeout, signal } = options;
  const acquired = await asyncQueue(place.region, place.index).acquire({ timeout, signal }, place);
  return repaired(place, acquired.result);
}

/** As {@link drainBlocking} for a task; its own thread's read holds are waited for like any others. */
export function drainAwaiting(place: RwPlace, options: AsyncWaitOptions): Promise<number> {
  return recordAwait(place.region, place.index, EXCLUSIVE, (blocked) => drainInTurn(place, options, blocked));
}

async function drainInTurn(place: RwPlace, options: AsyncWaitOptions, blocked: () => void): Promise<number> {
  const { region, index } = place;
  const { words } = region.memory;
  const result = await asyncWaiters(region, index + DRAIN, true).wait({
    timeout: options.timeout,
    signal: options.signal,
    attempt: ({ ask }) => {
      for (;;) {
        const step = writeStep(words, index, ask ? 1 : 0);
        if (step !== MUST_WAIT) return step;
        if (isClosed(load(words, index + MODE)) && giveBackDead(place, ask)) continue;
        blocked();
        return undefined;
      }
    },
  });
  return result === EXPIRED_ASYNC ? MUST_WAIT : result;
}
