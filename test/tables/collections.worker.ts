// One of many threads that use a counter, pool, map, set or multi-map; what it does is told by its workerData.

import { parentPort } from "node:worker_threads";
import { type CounterHandle, SharedCounter } from "../../src/tables/counter.ts";
import { type MapHandle, SharedMap } from "../../src/tables/map.ts";
import { type MultiMapHandle, SharedMultiMap } from "../../src/tables/multi-map.ts";
import { type SetHandle, SharedSet } from "../../src/tables/set.ts";
import { StringPool, type StringPoolHandle } from "../../src/tables/string-pool.ts";
import { data, finish, step } from "../support/watchdog.ts";
import { random } from "./judge.ts";

interface Input {
  readonly task: string;
  readonly object: unknown;
  readonly rounds: number;
  /** Word 2 × index: operations begun; the next one: operations done. */
  readonly progress: SharedArrayBuffer;
}

const { task, object, rounds, progress, index, count: threads } = data<Input>();
const cells = new Int32Array(progress);

/** Adds, and now and then takes all there is. */
function count(): number {
  const counter = SharedCounter.from(object as CounterHandle);
  let taken = 0;
  for (let i = 0; i < rounds; i++) {
    counter.add();
    counter.add(2);
    if (i % 5000 === index) {
      taken += counter.reset();
      parentPort?.postMessage("reset too");
    }
  }
  return taken;
}

function countUntilDeath(): void {
  const counter = SharedCounter.from(object as CounterHandle);
  parentPort?.postMessage("begun");
  for (let i = 1; i <= rounds; i++) {
    Atomics.store(cells, 2 * index, i);
    counter.add();
    Atomics.store(cells, 2 * index + 1, i);
  }
}

/** The ids of many strings, each interned by all, in an order of its own. */
function intern(): number[] {
  const pool = StringPool.from(object as StringPoolHandle);
  const ids: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const text = `text ${(i * 7 + index * 131) % rounds}`;
    step(text);
    const id = pool.intern(text);
    if (pool.get(id) !== text) throw new Error(`${id} is ${pool.get(id)}, not ${text}`);
    if (ids[Number(text.slice(5))] !== undefined) throw new Error(`${text} came twice`);
    ids[Number(text.slice(5))] = id;
  }
  return ids;
}

function internUntilDeath(): void {
  parentPort?.postMessage("begun");
  const pool = StringPool.from(object as StringPoolHandle);
  for (let i = 0; i < 10_000_000; i++) pool.intern(`mine ${index}, ${i}`);
}

/** Each value of the map is a number that all raise; each queue-like key is taken by one. */
function raise(): number {
  const map = SharedMap.from(object as MapHandle);
  let taken = 0;
  for (let i = 0; i < rounds; i++) {
    map.update(`sum ${i % 10}`, (value) => String(Number(value ?? 0) + 1));
    if (map.take(`token ${i}`) !== undefined) taken++;
    if (map.compareAndDelete(`duel ${i}`, "sword")) taken++;
    const winner = map.getOrInsert(`first ${i}`, String(index));
    if (map.get(`first ${i}`) !== winner) throw new Error(`first ${i} changed`);
  }
  return taken;
}

/** Of all threads that add a string one is told that it did, and so for deleting. */
function claim(): [number, number] {
  const set = SharedSet.from(object as SetHandle);
  let added = 0;
  let deleted = 0;
  const next = random(index + 1);
  for (let i = 0; i < rounds; i++) {
    const value = `value ${next(50)}`;
    if (next(2) === 0) added += set.add(value) ? 1 : 0;
    else deleted += set.delete(value) ? 1 : 0;
  }
  return [added, deleted];
}

/** Joins and leaves rooms under its own name: it must be in while it is in, and a room without members must be gone. */
function roam(): number {
  const rooms = SharedMultiMap.from(object as MultiMapHandle);
  const me = `user ${index}`;
  const next = random(index + 1);
  for (let i = 0; i < rounds; i++) {
    const room = `room ${next(3)}`;
    step(`round ${i}`);
    if (!rooms.add(room, me)) throw new Error(`${me} was in ${room} already`);
    if (!rooms.has(room, me) || !rooms.get(room).includes(me)) throw new Error(`${me} was lost from ${room}`);
    if (!rooms.delete(room, me)) throw new Error(`${me} could not leave ${room}`);
    if (rooms.has(room, me)) throw new Error(`${me} is still in ${room}`);
  }
  return rooms.add(`home of ${index % Math.ceil(threads / 2)}`, me) ? 1 : 0;
}

const tasks: Record<string, () => unknown> = { count, countUntilDeath, intern, internUntilDeath, raise, claim, roam };
finish(tasks[task]());
