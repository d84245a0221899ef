// Deadlocks found: the wait-for graph of a region's threads, walked by a thread whose slice of sleep has ended.
//
// A thread that runs may end any wait. So the walk takes away, again and again, every thread whose wait could end once
// those already taken away have given up all they hold; what is left can never go on. Waits for a semaphore's permits end
// when enough holders give theirs, other waits when every thread in their way is gone.
//
// Why it is believed: the walk is made twice and must find the same sleeps, by their numbers. A thread that sleeps changes
// nothing, so what the second walk read of locks held by these threads was so at one moment between the two. Members that
// seem alive are asked; one that is dead is no deadlock, its locks are given back. A wait with a time-out counts while it
// lasts. A task that awaits is no wait of its thread, which can run other tasks: only what sleeps is in the graph. Locks of
// different regions are in different graphs.
//
// Who is told: of the threads that wait for each other in a circle, the one with the largest thread id, so that exactly one
// is. Another one that finds the circle wakes it and asks it to look. The sleeps of a wait are short at first, so the thread
// that closes a circle looks 50 ms and 150 ms later.

import { load, store } from "../cells/atomics.ts";
import { DeadlockError } from "../cells/errors.ts";
import { SLICE_MS, wakeAll } from "../cells/park.ts";
import { B_KIND, BLOCK_HEADER_BYTES, kindName, T_CLAIM, T_NUDGE, T_WAIT_SEQ } from "./layout.ts";
import { type RegionMemory, wordsReaching } from "./memory.ts";
import { probe, slotWord } from "./threads.ts";
import { FOR_PART, FOR_PERMITS, FOR_READERS, FOR_RUNNER, FOR_WRITER, type Wait, waitOf } from "./waits.ts";

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

type Graph = Map<number, Wait>;

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
 * Whether this thread, whose sleep is still announced, waits in a circle and is the one to be told. Wakes that one if it
 * is another. Never blocks.
 */
export function isVictim(words: Int32Array, me: number): boolean {
  const first = circleOf(words, me);
  if (first === undefined) return false;
  const second = circleOf(words, me);
  if (second === undefined || signature(first) !== signature(second)) return false;
  for (const owner of second.keys()) if (owner !== me && probe(words, owner, true)) return false;
  const victim = largest(words, second);
  if (victim.owner !== me) {
    store(words, slotWord(victim.owner & 0xfff) + T_NUDGE, victim.sequence);
    const reaching = wordsReaching(words, victim.cell);
    if (reaching !== undefined) wakeAll(reaching, victim.cell);
    return false;
  }
  found = shortest(words, second, me);
  return true;
}

/** The threads that wait for each other in circles through this one. */
function circleOf(words: Int32Array, me: number): Graph | undefined {
  const graph = reachable(words, me);
  reduce(graph);
  if (!graph.has(me)) return undefined;
  for (const owner of graph.keys()) if (!reaches(graph, owner, me)) graph.delete(owner);
  return graph.size === 0 ? undefined : graph;
}

function reachable(words: Int32Array, me: number): Graph {
  const graph: Graph = new Map();
  const open = [me];
  const seen = new Set(open);
  for (let owner = open.pop(); owner !== undefined; owner = open.pop()) {
    const wait = waitOf(words, owner);
    if (wait === undefined) continue;
    graph.set(owner, wait);
    for (const holder of wait.holders.keys()) {
      if (!seen.has(holder)) open.push(holder);
      seen.add(holder);
    }
  }
  return graph;
}

/** Takes away every thread that can go on once those not in the graph have given up what they hold. */
function reduce(graph: Graph): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const wait of graph.values()) {
      if (isStuck(graph, wait)) continue;
      graph.delete(wait.owner);
      changed = true;
    }
  }
}

function isStuck(graph: Graph, wait: Wait): boolean {
  let given = 0;
  let stuck = false;
  for (const [holder, gives] of wait.holders) {
    if (graph.has(holder)) stuck = true;
    else given += gives;
  }
  return stuck && (wait.missing === 0 || given < wait.missing);
}

/** Whether the thread waits for `goal`, by however many others. */
function reaches(graph: Graph, from: number, goal: number): boolean {
  return path(graph, from, goal) !== undefined;
}

/** The shortest way from a thread, by at least one wait, to `goal`: all on it but the goal. */
function path(graph: Graph, from: number, goal: number): number[] | undefined {
  const ways: number[][] = [[from]];
  const seen = new Set<number>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const holder of graph.get(way[way.length - 1])?.holders.keys() ?? []) {
      if (holder === goal) return way;
      if (seen.has(holder) || !graph.has(holder)) continue;
      seen.add(holder);
      ways.push([...way, holder]);
    }
  }
  return undefined;
}

function signature(graph: Graph): string {
  const lines: string[] = [];
  for (const { owner, sequence, lock, how, argument, holders } of graph.values()) {
    const needed = Array.from(holders.keys()).filter((holder) => graph.has(holder));
    lines.push(`${owner} ${sequence} ${lock} ${how} ${argument} ${needed.sort().join()}`);
  }
  return lines.sort().join("\n");
}

function idOf(words: Int32Array, owner: number): number {
  return load(words, slotWord(owner & 0xfff) + T_CLAIM) - 1;
}

function largest(words: Int32Array, graph: Graph): Wait {
  const id = ({ owner }: Wait): number => idOf(words, owner);
  const later = (a: Wait, b: Wait): boolean => (id(a) === id(b) ? a.owner > b.owner : id(a) > id(b));
  return Array.from(graph.values()).reduce((most, wait) => (later(wait, most) ? wait : most));
}

function shortest(words: Int32Array, graph: Graph, me: number): Edge[] {
  const way = path(graph, me, me) ?? [me];
  return way.map((owner, at) => ({
    thread: idOf(words, owner),
    wait: graph.get(owner) as Wait,
    holder: idOf(words, way[(at + 1) % way.length]),
  }));
}

/** Whether this thread has been found to wait for nobody but itself. */
export function isAlone(): boolean {
  return found.length === 1;
}

/** The error for the deadlock that this thread has just been found in; `region` is that of the lock it waited for. */
export function deadlockError(region: Seated): DeadlockError {
  const cycle = found.map(({ thread, wait, holder }): DeadlockEdge => {
    return { thread, lock: labelOf(region, wait), wants: wantsOf(wait), heldBy: holder };
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
