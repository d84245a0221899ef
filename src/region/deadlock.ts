// Deadlocks found: the wait-for graph of the threads (wait-circle.ts), walked by a thread whose slice of sleep has ended.
//
// A thread that runs may end any wait. So the walk takes away, again and again, every thread whose wait could end once
// those already taken away have given up all they hold; what is left can never go on. Waits for a semaphore's permits end
// when enough holders give theirs, other waits when every thread in their way is gone.
//
// Why it is believed: the walk is made twice and must find the same sleeps, by their numbers. A thread that sleeps changes
// nothing, so what the second walk read of locks held by these threads was so at one moment between the two. Members that
// seem alive are asked; one that is dead is no deadlock, its locks are given back. A wait with a time-out counts while it
// lasts. A task that awaits is no wait of its thread, which can run other tasks: only what sleeps is in the graph.
//
// Who is told: of the threads that wait for each other in a circle, the one with the largest thread id, so that exactly one
// is. Another one that finds the circle wakes it and asks it to look. The sleeps of a wait are short at first, so the thread
// that closes a circle looks 50 ms and 150 ms later. A circle may lead through locks of several regions; it is found by, and
// told to, threads that have all of them, so one is needed that has: with two regions every thread of the circle has both.

import { load, store } from "../cells/atomics.ts";
import { DeadlockError } from "../cells/errors.ts";
import { SLICE_MS, wakeAll } from "../cells/park.ts";
import { B_KIND, BLOCK_HEADER_BYTES, kindName, T_NUDGE, T_WAIT_SEQ } from "./layout.ts";
import { type RegionMemory, wordsReaching } from "./memory.ts";
import { probe, slotWord } from "./threads.ts";
import {
  type Attached,
  circleOf,
  claimOf,
  type Graph,
  nodeOf,
  type Place,
  path,
  placesFrom,
  type Sleeper,
  seesAll,
  signature,
} from "./wait-circle.ts";
import { FOR_PART, FOR_PERMITS, FOR_READERS, FOR_RUNNER, FOR_WRITER, type Wait } from "./waits.ts";

/** Result of a sleep, or of a wait, that would never end. Then {@link deadlockError} has what to throw. */
export const DEADLOCKED = 16;
/** Milliseconds of a wait's first sleep; the next one is twice as long. */
export const FIRST_SLICE_MS = 50;

interface Seated {
  readonly memory: RegionMemory;
  readonly me: number;
  readonly seatAt: number;
}

interface Edge {
  /** Thread id of who waits. */
  readonly thread: number;
  readonly wait: Wait;
  /** The lock's region, if it is known. */
  readonly region: Attached | undefined;
  /** Thread id of whom it waits for. */
  readonly holder: number;
}

/** One wait of the circle, in `info.cycle` of an ERR_DEADLOCK. */
export interface DeadlockEdge {
  readonly thread: number;
  /** What it waits for, as messages call it: kind, and name or offset. */
  readonly lock: string;
  /** "lock", "read", "write", "permits" or "once". */
  readonly wants: string;
  readonly heldBy: number;
}

let found: readonly Edge[] = [];
let namer: ((region: Seated, offset: number) => string | undefined) | undefined;

/** Says how a lock's name is found; the directory of names comes after the locks that it uses itself. */
export function nameLocksBy(by: (region: Seated, offset: number) => string | undefined): void {
  namer = by;
}

let lastLock = 0;
let sliceMs: number = FIRST_SLICE_MS;

/** How long the next sleep for a lock may last before the sleeper looks for a deadlock. */
export function sliceBefore(lock: number, sleptOut: boolean): number {
  sliceMs = lock === lastLock && sleptOut ? Math.min(SLICE_MS, sliceMs * 2) : FIRST_SLICE_MS;
  lastLock = lock;
  return sliceMs;
}

/** Whether another thread has asked this sleeper to look. */
export function isNudged(words: Int32Array, seatAt: number): boolean {
  return load(words, seatAt + T_NUDGE) === load(words, seatAt + T_WAIT_SEQ);
}

/**
 * Whether this thread, whose sleep in the first of the places is still announced, waits in a circle and is the one to be
 * told. Wakes that one if it is another. Never blocks.
 */
export function isVictim(words: Int32Array, me: number, places: readonly Place[] = placesFrom(words)): boolean {
  const first = circleOf(places, me);
  if (first === undefined) return false;
  const second = circleOf(places, me);
  if (second === undefined || signature(first) !== signature(second)) return false;
  const mine = nodeOf(0, me);
  for (const [node, { place, wait }] of second) {
    if (node !== mine && probe(places[place].words, wait.owner, true)) return false;
  }
  const victim = victimOf(places, second);
  if (victim === undefined) return false;
  if (victim !== second.get(mine)) {
    nudge(places[victim.place].words, victim.wait);
    return false;
  }
  found = shortest(places, second, mine);
  return true;
}

/** Wakes a sleeper, and asks it to look for a deadlock. */
function nudge(words: Int32Array, { owner, sequence, cell }: Wait): void {
  store(words, slotWord(owner & 0xfff) + T_NUDGE, sequence);
  const reaching = wordsReaching(words, cell);
  if (reaching !== undefined) wakeAll(reaching, cell);
}

/** The thread with the largest id among those that can find the circle themselves. */
function victimOf(places: readonly Place[], graph: Graph): Sleeper | undefined {
  const later = (a: Sleeper, b: Sleeper): boolean => {
    const [one, other] = [claimOf(places, a), claimOf(places, b)];
    return one === other ? a.wait.owner > b.wait.owner : one > other;
  };
  let most: Sleeper | undefined;
  for (const sleeper of graph.values()) {
    if (seesAll(places, graph, sleeper) && (most === undefined || later(sleeper, most))) most = sleeper;
  }
  return most;
}

function shortest(places: readonly Place[], graph: Graph, mine: number): Edge[] {
  const way = path(graph, mine, mine) ?? [mine];
  const sleepers = way.map((node) => graph.get(node) as Sleeper);
  const id = (sleeper: Sleeper): number => claimOf(places, sleeper) - 1;
  return sleepers.map((sleeper, at) => ({
    thread: id(sleeper),
    wait: sleeper.wait,
    region: places[sleeper.place].region,
    holder: id(sleepers[(at + 1) % sleepers.length]),
  }));
}

/** Whether this thread has been found to wait for nobody but itself. */
export function isAlone(): boolean {
  return found.length === 1;
}

/** The error for the deadlock that this thread has just been found in; `region` is that of the lock it waited for. */
export function deadlockError(region: Seated): DeadlockError {
  const cycle = found.map(({ thread, wait, holder, region: of }): DeadlockEdge => {
    const elsewhere = of !== undefined && of.memory !== region.memory;
    const lock = elsewhere ? `${labelOf(of, wait)} of region ${of.name ?? of.id}` : labelOf(region, wait);
    return { thread, lock, wants: wantsOf(wait), heldBy: holder };
  });
  found = [];
  const waits = cycle.map(({ thread, lock, wants, heldBy }) => {
    return `thread ${thread} waits for ${lock} (${wants}), which thread ${heldBy} holds`;
  });
  const message = `deadlock: ${waits.join("; ")}; thread ${cycle[0]?.thread} gives up its wait, the others wait on`;
  return new DeadlockError("ERR_DEADLOCK", message, { cycle });
}

function wantsOf({ how, argument }: Wait): string {
  if (how === FOR_WRITER) return "to read";
  if (how === FOR_READERS) return "to write";
  if (how === FOR_PERMITS) return `${argument} permits`;
  return how === FOR_RUNNER ? "until it is done" : "to lock";
}

function labelOf(region: Seated, { lock, how }: Wait): string {
  const offset = lock * 4;
  if (how === FOR_PART) return `the lock of a part at ${offset}`;
  const words = wordsReaching(region.memory.words, lock);
  const kind = words === undefined ? "lock" : kindName(load(words, ((offset - BLOCK_HEADER_BYTES) >> 2) + B_KIND));
  const name = namer?.(region, offset);
  return name === undefined ? `${kind} at ${offset}` : `${kind} "${name}"`;
}
