// The threads that write the history, seen from the main thread: one queue, one session a thread.
// Invariant: of every plan, the last record is answered by exactly one thread or reported as failed; close() leaves no
// thread behind.

import { Worker } from "node:worker_threads";
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

export class Recorders {
  readonly #mutex: Mutex;
  readonly #queue: SharedQueue;
  readonly #workers: Worker[] = [];
  readonly #exits: Promise<void>[] = [];
  readonly #waiting = new Map<number, (written: boolean) => void>();
  readonly #queries = new Map<number, (rows: readonly HistoryRow[]) => void>();
  #lastQuery = 0;
  readonly failures: string[] = [];

  constructor({ region, registry, file, run, count }: RecordersOptions) {
    this.#mutex = new Mutex({ region });
    this.#queue = new SharedQueue({ region, capacity: 1000 });
    const workerData: RecorderData = {
      file,
      run,
      mutex: this.#mutex.share(),
      queue: this.#queue.share(),
      registry: registry.share(),
    };
    for (let index = 0; index < count; index++) this.#start(workerData);
  }

  #start(workerData: RecorderData): void {
    const worker = new Worker(new URL("./recorder.worker.js", import.meta.url), { workerData });
    worker.on("message", (message: RecorderMessage) => this.#take(message));
    worker.on("error", (error) => this.failures.push(String(error)));
    this.#workers.push(worker);
    this.#exits.push(
      new Promise((resolve) =>
        worker.once("exit", () => {
          this.#workers.splice(this.#workers.indexOf(worker), 1);
          // With the last one gone nobody answers any more.
          if (this.#workers.length === 0) this.#giveUp();
          resolve();
        }),
      ),
    );
  }

  /** Writes how a plan stands; for the last record, resolves once it is in the database (false: it could not be). */
  async record(record: PlanRecord): Promise<boolean> {
    if (this.#workers.length === 0) return false;
    const written = new Promise<boolean>((resolve) => {
      if (record.final) this.#waiting.set(record.generation, resolve);
      else resolve(true);
    });
    await this.#queue.pushAsync(JSON.stringify(record));
    return written;
  }

  /** The newest plans of this run. */
  history(limit = 100): Promise<readonly HistoryRow[]> {
    const query = ++this.#lastQuery;
    if (this.#workers.length === 0) return Promise.resolve([]);
    const worker = this.#workers[query % this.#workers.length];
    return new Promise((resolve) => {
      this.#queries.set(query, resolve);
      worker.postMessage({ query, limit });
    });
  }

  /** Lets the threads finish what is queued, `ms` milliseconds at the most, then terminates them. */
  async close(ms: number): Promise<void> {
    this.#queue.close();
    if (!(await within(Promise.all(this.#exits), ms))) {
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
    this.#giveUp();
    this.#queue.free();
  }

  #take(message: RecorderMessage): void {
    if ("query" in message) {
      this.#queries.get(message.query)?.(message.rows);
      this.#queries.delete(message.query);
      return;
    }
    const generation = "recorded" in message ? message.recorded : message.failed;
    if ("reason" in message) this.failures.push(message.reason);
    this.#waiting.get(generation)?.("recorded" in message);
    this.#waiting.delete(generation);
  }

  #giveUp(): void {
    for (const settle of this.#waiting.values()) settle(false);
    for (const settle of this.#queries.values()) settle([]);
    this.#waiting.clear();
    this.#queries.clear();
  }
}
