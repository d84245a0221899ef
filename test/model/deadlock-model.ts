// The look for deadlocks as a model: threads that take two mutexes, and where the second one is held announce that they sleep
// for it and look once, as they do when a slice of their sleep has ended (region/sleeping.ts), at any moment that the others
// allow. Whoever was not told then gives up, so that no model needs a slice: that a circle is found in the end, by the one
// that closed it or one that looks later, is for the tests with real threads.
//
// In some of them the locks lie in two regions, halves of the model's memory: a thread has another owner id in each.
//
// What must hold: of two threads that wait for each other only the one with the larger id is ever told; nobody is told where
// there is no circle, however the locks change hands while it looks.

import { FOR_OWNER } from "../../src/region/waits.ts";
import type { ThreadStatus } from "../../src/testing/judge.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const SEATS = 3;
/** Words of a lock, as long as the walk takes any lock to be. */
const ROOM = 32;

type Words = Int32Array;
type Options = ExploreOptions<Words>;
type Run = (w: Words, thread: { index: number }) => unknown;

export function deadlockModels(library: Library): readonly Model[] {
  const { mutex, threads, wordLock, layout, park, deadlock } = library;
  const first = threads.slotWord(SEATS);
  const second = first + ROOM;

  const size = second + ROOM;
  /** The slot of a thread in a region: in the second one they are taken in another order. */
  const slotIn = (region: number, index: number): number => (region === 0 ? index : (index + 1) % SEATS);

  const memory = (regions: number): Words => {
    const w = new Int32Array(new SharedArrayBuffer(4 * size * regions));
    for (let region = 0; region < regions; region++) {
      const part = w.subarray(region * size, (region + 1) * size);
      part[layout.H_MAX_THREADS] = SEATS;
      for (let t = 0; t < SEATS; t++) {
        const at = threads.slotWord(slotIn(region, t));
        part[at + layout.T_CLAIM] = t + 1;
        part[at + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
      }
    }
    return w;
  };

  /** One attempt at a lock, with one look if another thread holds it: ACQUIRED, MUST_WAIT or DEADLOCKED. */
  const attempt = (w: Words, index: number, at: number): number => {
    const me = (1 << 12) | index;
    const seatAt = threads.slotWord(index);
    if (mutex.tryLock(w, at, me) !== 0) return mutex.ACQUIRED;
    const step = mutex.lockStep(w, at, me, 0, 0);
    if (step > 0) return step;
    threads.announceSleep(w, seatAt, at + mutex.LOCK, at, FOR_OWNER);
    const told = deadlock.isVictim(w, me, [{ words: w, region: undefined }]);
    threads.announceSleep(w, seatAt, 0, 0);
    return told ? deadlock.DEADLOCKED : mutex.MUST_WAIT;
  };
  const unlock = (w: Words, index: number, at: number): void => {
    wordLock.payWakes(w, at, mutex.unlock(w, at, (1 << 12) | index));
  };

  /** Takes one lock, and with it held the other. */
  const nested =
    (outer: number, inner: number): Run =>
    (w, { index }) => {
      if (attempt(w, index, outer) !== mutex.ACQUIRED) return "gave up";
      const result = attempt(w, index, inner);
      if (result === mutex.ACQUIRED) unlock(w, index, inner);
      unlock(w, index, outer);
      return result === deadlock.DEADLOCKED ? "told" : "done";
    };

  /** As {@link attempt} and {@link unlock}, at a lock of the first or the second region. */
  const partsOf = (w: Words): readonly Words[] => [w.subarray(0, size), w.subarray(size, 2 * size)];
  const attemptIn = (w: Words, index: number, region: number): number => {
    const parts = partsOf(w);
    const slot = slotIn(region, index);
    const me = (1 << 12) | slot;
    const seatAt = threads.slotWord(slot);
    const words = parts[region];
    if (mutex.tryLock(words, first, me) !== 0) return mutex.ACQUIRED;
    const step = mutex.lockStep(words, first, me, 0, 0);
    if (step > 0) return step;
    threads.announceSleep(words, seatAt, first + mutex.LOCK, first, FOR_OWNER);
    const places = [words, parts[1 - region]].map((each) => ({ words: each, region: undefined }));
    const told = deadlock.isVictim(words, me, places);
    threads.announceSleep(words, seatAt, 0, 0);
    return told ? deadlock.DEADLOCKED : mutex.MUST_WAIT;
  };
  const unlockIn = (w: Words, index: number, region: number): void => {
    const words = partsOf(w)[region];
    wordLock.payWakes(words, first, mutex.unlock(words, first, (1 << 12) | slotIn(region, index)));
  };

  /** Takes the lock of one region, and with it held that of the other. */
  const across =
    (outer: number, inner: number): Run =>
    (w, { index }) => {
      if (attemptIn(w, index, outer) !== mutex.ACQUIRED) return "gave up";
      const result = attemptIn(w, index, inner);
      if (result === mutex.ACQUIRED) unlockIn(w, index, inner);
      unlockIn(w, index, outer);
      return result === deadlock.DEADLOCKED ? "told" : "done";
    };

  /** Takes the locks of these regions one after the other, with nothing held. */
  const inTurnAcross =
    (...regions: readonly number[]): Run =>
    (w, { index }) => {
      for (const region of regions) {
        const result = attemptIn(w, index, region);
        if (result === deadlock.DEADLOCKED) return "told";
        if (result === mutex.ACQUIRED) unlockIn(w, index, region);
      }
      return "done";
    };

  /** Takes one lock after the other, with nothing held: never part of a circle. */
  const inTurn =
    (...locks: readonly number[]): Run =>
    (w, { index }) => {
      for (const at of locks) {
        const result = attempt(w, index, at);
        if (result === deadlock.DEADLOCKED) return "told";
        if (result === mutex.ACQUIRED) unlock(w, index, at);
      }
      return "done";
    };

  const told = (statuses: readonly ThreadStatus[]): number[] =>
    statuses.flatMap((status, index) => (status.state === "ended" && status.value === "told" ? [index] : []));
  const onlyTheLast = (_: Words, statuses: readonly ThreadStatus[]): void => {
    if (told(statuses).some((index) => index !== 1)) throw new Error("the wrong thread of a circle was told");
  };
  const onlyTheLargest = (_: Words, statuses: readonly ThreadStatus[]): void => {
    if (told(statuses).some((index) => index !== 2)) throw new Error("the wrong thread was told");
  };
  /** A thread that dies while another looks is no part of the circle any more, which was one when it looked. */
  const atMostOne = (_: Words, statuses: readonly ThreadStatus[]): void => {
    if (told(statuses).length > 1) throw new Error("two were told of one circle");
  };
  const nobody = (_: Words, statuses: readonly ThreadStatus[]): void => {
    if (told(statuses).length > 0) throw new Error("told of a deadlock that there was not");
  };

  const model = (
    name: string,
    runs: readonly Run[],
    final: Options["final"],
    { long = false, ...more }: Partial<Options> & { long?: boolean } = {},
  ): Model => {
    const base = { memory: memory(name.includes("two regions") ? 2 : 1), reset: library.reset, sliceMs: park.SLICE_MS };
    return { name, short: !long, options: { ...base, threads: runs.map((body) => ({ body })), final, ...more } };
  };
  const crash = { crashes: 1, onCrash: (t: number, w: Words) => threads.buryThread(w, t) };
  const bury = (t: number, w: Words): void => partsOf(w).forEach((part) => threads.buryThread(part, t));
  const circle = [nested(first, second), nested(second, first)];
  const wide = [across(0, 1), across(1, 0)];
  return [
    model("deadlock: two threads in a circle", circle, onlyTheLast),
    model("deadlock: two threads in a circle, a death", circle, atMostOne, crash),
    model("deadlock: the other lets go before it waits", [inTurn(second, first), nested(first, second)], nobody),
    model("deadlock: two regions, a circle", wide, onlyTheLast),
    model("deadlock: two regions, a circle, a death", wide, atMostOne, { crashes: 1, onCrash: bury, long: true }),
    model("deadlock: two regions, a circle and a thread beside it", [inTurnAcross(1), ...wide], onlyTheLargest, {
      preemptions: 2,
      long: true,
    }),
    model("deadlock: two regions, the other lets go before it waits", [inTurnAcross(1, 0), across(0, 1)], nobody),
    model(
      "deadlock: two regions, one order for two beside a third thread",
      [inTurnAcross(1), across(0, 1), across(0, 1)],
      nobody,
      { preemptions: 3, long: true },
    ),
    model("deadlock: one order for both", [nested(first, second), nested(first, second)], nobody),
  ];
}
