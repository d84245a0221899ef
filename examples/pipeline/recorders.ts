// The threads that write the history, seen from the main thread: one queue, one session a thread.
//
// Invariant: of every plan, the last record is answered once: written, or reported as failed. A thread that dies is
// replaced, and what is not answered yet is queued again: the dead one may have had it. To write a plan twice is to write
// it once (recorder.worker.ts). Threads that die one after the other without an answer between are replaced no more; with
// the last one gone everything that waits has failed. close() leaves no thread behind.

import { Worker } from "node:worker_threads";
import { ClosedError } from "../../src/cells/errors.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import type { Region } from "../../src/region/region.ts";
import type { StreamRegistry } from "../../src/systems/streams.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { within } from "./reader.ts";
import type { HistoryRow, PlanRecord, RecorderData, RecorderMessage } from "./recorder.worker.ts";

export interface RecordersOptions {
  readonly region: Region;
  readonly registry: StreamRegistry;
  readonly file: string;
  readonly run: string;
  readonly count: number;
}

interface Waiting {
  readonly text: string;
  readonly settle: (written: boolean) => void;
}

interface Query {
  readonly limit: number;
  readonly worker: Worker;
  readonly settle: (rows: readonly HistoryRow[]) => void;
}

/** Threads that may die in a row with nothing answered. */
const MOST_DEATHS = 8;

export class Recorders {
  readonly #mutex: Mutex;
  readonly #queue: SharedQueue;
  readonly #data: RecorderData;
  readonly #workers: Worker[] = [];
  readonly #exits = new Set<Promise<void>>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #queries = new Map<number, Query>();
  #lastQuery = 0;
  #deathsInARow = 0;
  #closing = false;
  readonly failures: string[] = [];
  /** Threads that died so far. */
  deaths = 0;

  constructor({ region, registry, file, run, count }: RecordersOptions) {
    this.#mutex = new Mutex({ region });
    this.#queue = new SharedQueue({ region, capacity: 1000 });
    this.#data = {
      file,
      run,
      mutex: this.#mutex.share(),
      queue: this.#queue.share(),
      registry: registry.share(),
    };
    for (let index = 0; index < count; index++) this.#start();
  }

  #start(): void {
    const worker = new Worker(new URL("./recorder.worker.js", import.meta.url), { workerData: this.#data });
    worker.on("message", (message: RecorderMessage) => this.#take(message));
    worker.on("error", (error) => this.failures.push(String(error)));
    this.#workers.push(worker);
    const exit = new Promise<void>((resolve) =>
      worker.once("exit", () => {
        this.#exits.delete(exit);
        this.#workers.splice(this.#workers.indexOf(worker), 1);
        if (!this.#closing) this.#replace(worker);
        resolve();
      }),
    );
    this.#exits.add(exit);
  }

  #replace(dead: Worker): void {
    this.deaths++;
    if (++this.#deathsInARow <= MOST_DEATHS) this.#start();
    if (this.#workers.length === 0) return this.#giveUp();
    for (const { text } of this.#waiting.values()) void this.#push(text);
    for (const [query, { worker, limit, settle }] of this.#queries)
      if (worker === dead) this.#ask(query, limit, settle);
  }

  /** Queues a record; one that finds the queue closed has been answered by then. */
  async #push(text: string): Promise<void> {
    try {
      await this.#queue.pushAsync(text);
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  /** Writes how a plan stands; for the last record, resolves once it is in the database (false: it could not be). */
  async record(record: PlanRecord): Promise<boolean> {
    if (this.#workers.length === 0) return false;
    const text = JSON.stringify(record);
    const written = new Promise<boolean>((settle) => {
      if (record.final) this.#waiting.set(record.generation, { text, settle });
      else settle(true);
    });
    await this.#push(text);
    return written;
  }

  /** The newest plans of this run. */
  history(limit = 100): Promise<readonly HistoryRow[]> {
    if (this.#workers.length === 0) return Promise.resolve([]);
    return new Promise((settle) => this.#ask(++this.#lastQuery, limit, settle));
  }

  #ask(query: number, limit: number, settle: Query["settle"]): void {
    const worker = this.#workers[query % this.#workers.length];
    this.#queries.set(query, { limit, worker, settle });
    worker.postMessage({ query, limit });
  }

  /** Kills a thread where it stands, for tests. */
  async kill(index: number): Promise<void> {
    await this.#workers[index % this.#workers.length]?.terminate();
  }

  /** Lets the threads finish what is queued, `ms` milliseconds at the most, then terminates them. Twice does no harm. */
  async close(ms: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#queue.close();
    if (!(await within(Promise.all(this.#exits), ms))) {
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
    this.#giveUp();
    this.#queue.free();
  }

  #take(message: RecorderMessage): void {
    this.#deathsInARow = 0;
    if ("query" in message) {
      this.#queries.get(message.query)?.settle(message.rows);
      this.#queries.delete(message.query);
      return;
    }
    const generation = "recorded" in message ? message.recorded : message.failed;
    if ("reason" in message) this.failures.push(message.reason);
    this.#waiting.get(generation)?.settle("recorded" in message);
    this.#waiting.delete(generation);
  }

  #giveUp(): void {
    for (const { settle } of this.#waiting.values()) settle(false);
    for (const { settle } of this.#queries.values()) settle([]);
    this.#waiting.clear();
    this.#queries.clear();
  }
}
