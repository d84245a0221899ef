// The kill storm over locks: threads that do nothing but use locks of every kind, one of which is killed and replaced at a
// random moment every few milliseconds. What the locks promise is checked by plain memory (locks-plan.ts), that nobody
// hangs by watching every thread's count of operations.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { Region } from "../../src/region/region.ts";
import {
  COUNTS,
  type LockHandles,
  makeLocks,
  operations,
  plainWords,
  ROOMS,
  SLOTS,
  STOP,
  THREAD_WORDS,
  THREADS,
} from "./locks-plan.ts";

export interface LockStormOptions {
  readonly kills: number;
  /** Goes on for so long, with as many kills as come; then `kills` is the least number. */
  readonly minutes?: number;
  readonly threads?: number;
  /** Whether the mutexes are fair. */
  readonly fair?: boolean;
  /** Milliseconds without an operation after which a thread counts as blocked. */
  readonly patienceMs?: number;
}

export interface LockStormResult {
  readonly kills: number;
  readonly operations: number;
  /** Threads that made no progress for too long. */
  readonly survivorsBlocked: number;
  /** What the locks should have made impossible: one sentence each. */
  readonly mismatches: readonly string[];
  /** Bytes by which this thread's heap grew, from the first tenth of the kills to the end. */
  readonly heapGrowthBytes: number;
  readonly seconds: number;
}

const file = new URL("./locks.worker.js", import.meta.url);

interface Place {
  worker: Worker;
  ready: boolean;
  killed: boolean;
  ended: Promise<void>;
  /** Operations as last seen, and when they changed. */
  seen: number;
  since: number;
}

class LockStorm {
  readonly #region = Region.create({ maxThreads: SLOTS });
  readonly #handles: LockHandles;
  readonly #options: Required<LockStormOptions>;
  readonly #memory: SharedArrayBuffer;
  readonly #plain: Int32Array;
  readonly #places: Place[] = [];
  readonly #mismatches: string[] = [];
  #kills = 0;
  #started = 0;
  #blocked = 0;

  constructor(options: LockStormOptions) {
    this.#options = { threads: 16, patienceMs: 15_000, minutes: 0, fair: false, ...options };
    this.#handles = makeLocks(this.#region, this.#options.fair);
    this.#memory = new SharedArrayBuffer(4 * plainWords(this.#options.threads));
    this.#plain = new Int32Array(this.#memory);
  }

  async run(): Promise<LockStormResult> {
    const begun = performance.now();
    const { bytesUsed } = this.#region.stats();
    const { kills, minutes, threads } = this.#options;
    for (let number = 0; number < threads; number++) this.#places.push(this.#start(number));
    let heap: number | undefined;
    while (this.#blocked === 0 && (this.#kills < kills || performance.now() - begun < minutes * 60_000)) {
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 6));
      this.#look();
      await this.#killOne();
      if (heap === undefined && this.#kills >= kills / 10) heap = heapUsed();
    }
    await this.#end();
    this.#checkCounts();
    const grown = this.#region.stats().bytesUsed - bytesUsed;
    if (grown !== 0) this.#mismatches.push(`the region has ${grown} more bytes in use than before`);
    let done = 0;
    for (let number = 0; number < threads; number++) done += this.#operationsOf(number);
    return {
      kills: this.#kills,
      operations: done,
      survivorsBlocked: this.#blocked,
      mismatches: this.#mismatches,
      heapGrowthBytes: heapUsed() - (heap ?? 0),
      seconds: (performance.now() - begun) / 1000,
    };
  }

  #operationsOf(number: number): number {
    return Atomics.load(this.#plain, THREADS + number * THREAD_WORDS);
  }

  #start(number: number): Place {
    const seed = ++this.#started * 7919;
    const workerData = { handles: this.#handles, memory: this.#memory, number, seed };
    const worker = new Worker(file, { workerData });
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const seen = this.#operationsOf(number);
    const place: Place = { worker, ready: false, killed: false, ended, seen, since: performance.now() };
    worker.on("message", (message: string) => {
      if (message === "ready") place.ready = true;
      else this.#mismatches.push(message);
    });
    worker.on("error", (error) => this.#mismatches.push(`thread ${number}: ${error.stack ?? error.message}`));
    return place;
  }

  /** Kills a thread that is at work, at whatever it does, and puts another in its place. */
  async #killOne(): Promise<void> {
    const number = Math.floor(Math.random() * this.#places.length);
    const place = this.#places[number];
    if (!place.ready || place.killed) return;
    place.killed = true;
    this.#kills++;
    await place.worker.terminate();
    this.#places[number] = this.#start(number);
  }

  /** Notices threads that make no progress. */
  #look(): void {
    const now = performance.now();
    for (const [number, place] of this.#places.entries()) {
      const count = this.#operationsOf(number);
      if (count !== place.seen || !place.ready) {
        place.seen = count;
        place.since = now;
      } else if (now - place.since > this.#options.patienceMs) {
        this.#blocked++;
        const doing = operations[this.#plain[THREADS + number * THREAD_WORDS + 1]];
        this.#mismatches.push(`thread ${number} made no progress for ${Math.round(now - place.since)} ms: ${doing}`);
      }
    }
  }

  /** Lets all threads come to their end by themselves. */
  async #end(): Promise<void> {
    Atomics.store(this.#plain, STOP, 1);
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      patience = setTimeout(() => resolve("late"), this.#options.patienceMs);
    });
    const all = Promise.all(this.#places.map(({ ended }) => ended)).then(() => "ended");
    if ((await Promise.race([all, late])) === "late") {
      if (this.#blocked === 0) this.#blocked = 1;
      this.#mismatches.push("not every thread came to its end");
      await Promise.all(this.#places.map(({ worker }) => worker.terminate()));
    }
    clearTimeout(patience);
  }

  /** Each room's count is what all threads counted, but for those killed between the two. */
  #checkCounts(): void {
    for (let room = 0; room < ROOMS; room++) {
      let own = 0;
      for (let number = 0; number < this.#options.threads; number++) {
        own += this.#plain[THREADS + number * THREAD_WORDS + 2 + room];
      }
      const over = this.#plain[COUNTS + room] - own;
      if (over < 0 || over > this.#kills) this.#mismatches.push(`room ${room} counted ${over} more than its threads`);
    }
  }
}

let collect: (() => void) | undefined;

function heapUsed(): number {
  if (collect === undefined) {
    const { Bun: bun } = globalThis as { Bun?: { gc(now: boolean): void } };
    if (bun === undefined) setFlagsFromString("--expose-gc");
    collect = bun === undefined ? (runInNewContext("gc") as () => void) : () => bun.gc(true);
  }
  collect();
  return process.memoryUsage().heapUsed;
}

/** Kills `kills` threads amid locks of every kind. */
export async function lockStorm(options: LockStormOptions): Promise<LockStormResult> {
  return await new LockStorm(options).run();
}
