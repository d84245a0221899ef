// The wait-for graph that deadlock.ts judges: who waits for whom, followed from one sleeping thread through all regions that
// this thread has.
//
// A thread has one owner id in each region, and sleeps in one of them at a time. So a holder of a lock that does not sleep
// in the lock's region is looked for in the others, by the id that its slot names (T_CLAIM): threads' ids are those of the
// process. A node of the graph is the slot in which a thread sleeps.

import { load } from "../cells/atomics.ts";
import { H_ID, H_MAX_THREADS, SLOT_ALIVE, T_CLAIM, T_STATE, T_WAIT_CELL } from "./layout.ts";
import type { RegionMemory } from "./memory.ts";
import { isAlive, slotWord } from "./threads.ts";
import { type Wait, waitOf } from "./waits.ts";

/** A region as this thread has it. */
export interface Attached {
  readonly memory: RegionMemory;
  readonly id: string;
  readonly name: string | undefined;
  readonly me: number;
  readonly seatAt: number;
}

/** A region whose threads are looked at. */
export interface Place {
  readonly words: Int32Array;
  /** Undefined if all that is known of it is its words. */
  readonly region: Attached | undefined;
}

/** A thread that sleeps, and the sleeping ones among those that it needs. */
export interface Sleeper {
  /** Which of the places it sleeps in. */
  readonly place: number;
  readonly wait: Wait;
  /** What each of those that it needs would give: by their nodes. */
  readonly needs: ReadonlyMap<number, number>;
}

/** By node. */
export type Graph = Map<number, Sleeper>;

const OWNERS = 2 ** 28;
const attached = new Set<WeakRef<Attached>>();

/** The region can be part of circles that this thread finds, as long as it lives. */
export function attachForDeadlocks(region: Attached): void {
  for (const reference of attached) if (reference.deref() === undefined) attached.delete(reference);
  attached.add(new WeakRef(region));
}

/** The region with these words, and then the others that this thread has. */
export function placesFrom(words: Int32Array): Place[] {
  const [here, ...others]: Place[] = [{ words, region: undefined }];
  const isHere = (region: Attached): boolean =>
    [0, 1, 2, 3].every((k) => region.memory.words[H_ID + k] === words[H_ID + k]);
  let first = here;
  for (const reference of attached) {
    const region = reference.deref();
    if (region === undefined) continue;
    if (isHere(region)) first = { words, region };
    else others.push({ words: region.memory.words, region });
  }
  return [first, ...others];
}

/** The node of a thread with this owner id in a place. */
export function nodeOf(place: number, owner: number): number {
  return place * OWNERS + owner;
}

/** The threads that wait for each other in circles through the one with this owner id in the first place. */
export function circleOf(places: readonly Place[], me: number): Graph | undefined {
  const graph = reachable(places, me);
  reduce(graph);
  const mine = nodeOf(0, me);
  if (!graph.has(mine)) return undefined;
  for (const node of graph.keys()) if (path(graph, node, mine) === undefined) graph.delete(node);
  return graph.size === 0 ? undefined : graph;
}

function reachable(places: readonly Place[], me: number): Graph {
  const graph: Graph = new Map();
  const wait = waitOf(places[0].words, me);
  const open = wait === undefined ? [] : [{ place: 0, wait }];
  const seen = new Set([nodeOf(0, me)]);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { place, wait } = next;
    const needs = new Map<number, number>();
    graph.set(nodeOf(place, wait.owner), { place, wait, needs });
    for (const [holder, gives] of wait.holders) {
      const asleep = sleepOf(places, place, holder);
      const node = asleep === undefined ? nodeOf(place, holder) : nodeOf(asleep.place, asleep.wait.owner);
      needs.set(node, (needs.get(node) ?? 0) + gives);
      if (asleep !== undefined && !seen.has(node)) open.push(asleep);
      seen.add(node);
    }
  }
  return graph;
}

/** Where the thread with this owner id in a place sleeps, there or in another one; undefined if it runs or is dead. */
function sleepOf(places: readonly Place[], place: number, owner: number): { place: number; wait: Wait } | undefined {
  const { words } = places[place];
  const wait = waitOf(words, owner);
  if (wait !== undefined) return { place, wait };
  const claim = load(words, slotWord(owner & 0xfff) + T_CLAIM);
  if (claim === 0 || !isAlive(words, owner)) return undefined;
  for (let other = 0; other < places.length; other++) {
    if (other === place) continue;
    for (const seat of seatsOf(places[other], claim)) {
      const found = waitOf(places[other].words, seat);
      if (found !== undefined) return { place: other, wait: found };
    }
  }
  return undefined;
}

/** Owner ids of the thread with this claim in a place, of those that sleep first. */
function seatsOf({ words }: Place, claim: number): number[] {
  const found: number[] = [];
  for (let slot = 0; slot < words[H_MAX_THREADS]; slot++) {
    const at = slotWord(slot);
    const state = load(words, at + T_STATE);
    if ((state & 3) !== SLOT_ALIVE || load(words, at + T_CLAIM) !== claim) continue;
    const owner = ((state >>> 2) << 12) | slot;
    if (load(words, at + T_WAIT_CELL) === 0) found.push(owner);
    else found.unshift(owner);
  }
  return found;
}

/** Takes away every thread that can go on once those not in the graph have given up what they hold. */
function reduce(graph: Graph): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const [node, sleeper] of graph) {
      if (isStuck(graph, sleeper)) continue;
      graph.delete(node);
      changed = true;
    }
  }
}

function isStuck(graph: Graph, { wait, needs }: Sleeper): boolean {
  let given = 0;
  let stuck = false;
  for (const [node, gives] of needs) {
    if (graph.has(node)) stuck = true;
    else given += gives;
  }
  return stuck && (wait.missing === 0 || given < wait.missing);
}

/** The shortest way from a thread, by at least one wait, to `goal`: all on it but the goal. */
export function path(graph: Graph, from: number, goal: number): number[] | undefined {
  const ways: number[][] = [[from]];
  const seen = new Set<number>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const node of graph.get(way[way.length - 1])?.needs.keys() ?? []) {
      if (node === goal) return way;
      if (seen.has(node) || !graph.has(node)) continue;
      seen.add(node);
      ways.push([...way, node]);
    }
  }
  return undefined;
}

/** All that two looks at one circle must have read alike. */
export function signature(graph: Graph): string {
  const lines: string[] = [];
  for (const [node, { wait, needs }] of graph) {
    const needed = [...needs.keys()].filter((other) => graph.has(other));
    const { sequence, lock, how, argument } = wait;
    lines.push(`${node} ${sequence} ${lock} ${how} ${argument} ${needed.sort().join()}`);
  }
  return lines.sort().join("\n");
}

/** What the slot of a sleeper names its thread by: its id, plus 1. */
export function claimOf(places: readonly Place[], { place, wait }: Sleeper): number {
  return load(places[place].words, slotWord(wait.owner & 0xfff) + T_CLAIM);
}

/** Whether the thread of a sleeper has attached to all regions that are part of the circle, so that it can find it too. */
export function seesAll(places: readonly Place[], graph: Graph, sleeper: Sleeper): boolean {
  const claim = claimOf(places, sleeper);
  for (const { place } of graph.values()) {
    if (place !== sleeper.place && seatsOf(places[place], claim).length === 0) return false;
  }
  return true;
}
