// What a team does: a task says what its workers share, what each of them does, and whether the counts came out right.

import type { Params } from "./team.ts";

/** Words of the team's control cells. */
export const STATE = 0;
export const READY = 1;
/** Values of STATE. */
export const WAIT = 0;
export const RUN = 1;
export const STOP = 2;

/** Of whom, and how. */
export interface How {
  readonly subject: string;
  readonly workers: number;
  readonly params: Params;
}

export interface Task {
  /** In the team's process. */
  prepare(how: How): Prepared | Promise<Prepared>;
  /** In a worker, with what {@link Prepared.give} gave it; a wait that it timed goes into `waits`. */
  open(data: unknown, how: How, seat: number, waits: Waits): Job | Promise<Job>;
}

export interface Prepared {
  /** What the worker of that seat gets. */
  give(seat: number): { readonly data: unknown; readonly transfer?: readonly MessagePortLike[] };
  /** Just before the start. */
  begin?(): void;
  /** What is wrong with the shared memory after these operations of all workers; undefined if nothing is. */
  verdict(operations: number, rounds: number): string | undefined;
  /** Whether each worker does a number of rounds, because they wait for each other; else they run until they are stopped. */
  readonly fixedRounds: boolean;
}
export type MessagePortLike = import("node:worker_threads").MessagePort;

export interface Job {
  /** Operations from one look at the clock to the next; 0 for a task of fixed rounds. */
  readonly batch: number;
  /** Does `count` operations or rounds, and tells how many operations they are counted as. */
  run(count: number): number | Promise<number>;
}

const KEPT = 20_000;

/** Waits that were timed, in nanoseconds. Beyond the KEPT first ones only every 16th is kept, and the longest. */
export class Waits {
  readonly #values = new Float64Array(2 * KEPT);
  #count = 0;
  #seen = 0;
  #longest = 0;

  /** A wait in milliseconds. */
  add(milliseconds: number): void {
    if (milliseconds > this.#longest) this.#longest = milliseconds;
    this.#seen++;
    if (this.#count >= KEPT && ((this.#seen & 15) !== 0 || this.#count >= 2 * KEPT - 1)) return;
    this.#values[this.#count++] = milliseconds * 1e6;
  }

  clear(): void {
    this.#count = 0;
    this.#seen = 0;
    this.#longest = 0;
  }

  taken(): Float64Array {
    if (this.#seen > 0) this.#values[this.#count++] = this.#longest * 1e6;
    return this.#values.slice(0, this.#count);
  }
}

let sink = 0;

/** `steps` steps that the compiler can't leave out. */
export function workFor(steps: number): void {
  // An integer from the start: inlined twice in a loop it is a float otherwise, and a step takes 5 ns instead of 1.1.
  let value = sink | 0;
  for (let k = 0; k < steps; k++) value = (Math.imul(value, 31) + k) | 0;
  sink = value;
}
