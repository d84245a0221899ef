// A thread that writes the history: it has a database session of its own, and takes plans from a queue that all such
// threads share. The events it reads from the stream itself, as one subscriber more.
//
// Invariant: one transaction at a time over all sessions, under one mutex: statements of two threads never mix in one
// transaction, and no session finds the file locked by another. A thread that is killed inside leaves the mutex to the
// next one, which removes the file's lock; SQLite then rolls the torn transaction back from its journal. A plan may be
// written again, by another thread after one was killed: the rows that are there already stay.

import { rmSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import sqlite from "node-sqlite3-wasm";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { StreamRegistry, type StreamRegistryHandle } from "../../src/systems/streams.ts";
import { type QueueHandle, SharedQueue } from "../../src/tables/queue.ts";
import type { PlanEvent, PlanStatus } from "./events.ts";

export interface RecorderData {
  readonly file: string;
  readonly run: string;
  readonly mutex: MutexHandle;
  readonly queue: QueueHandle;
  readonly registry: StreamRegistryHandle;
}

/** What is in the queue: how a plan stands. Its events are written with the last one. */
export interface PlanRecord {
  readonly id: string;
  readonly generation: number;
  readonly status: PlanStatus;
  readonly final: boolean;
}

export interface HistoryRow {
  readonly id: string;
  readonly generation: number;
  readonly status: string;
  readonly events: number;
}

export type RecorderMessage =
  | { readonly recorded: number }
  | { readonly failed: number; readonly reason: string }
  | { readonly query: number; readonly rows: readonly HistoryRow[] };

const { file, run, queue: queueHandle, mutex: mutexHandle, registry: registryHandle } = workerData as RecorderData;
const mutex = Mutex.from(mutexHandle);
const queue = SharedQueue.from(queueHandle);
const registry = StreamRegistry.from(registryHandle);
const removeLock = (): void => rmSync(`${file}.lock`, { recursive: true, force: true });

function locked<T>(work: () => T): T {
  return mutex.withLock(work, { recover: removeLock });
}

/** How far a plan has come: two records of one plan may be taken by two threads, and the later must win. */
const RANK: Record<PlanStatus, number> = { queued: 0, started: 1, stdout_closed: 2, completed: 3, failed: 3 };

const schema = `
  CREATE TABLE IF NOT EXISTS plans (
    run TEXT, generation INTEGER, id TEXT, status TEXT, rank INTEGER, PRIMARY KEY (run, generation));
  CREATE TABLE IF NOT EXISTS events (
    run TEXT, generation INTEGER, position INTEGER, type TEXT, message TEXT, timestamp INTEGER,
    PRIMARY KEY (run, generation, position));`;

const session = locked(() => {
  const database = new sqlite.Database(file);
  database.exec(schema);
  return database;
});

function write({ id, generation, status, final }: PlanRecord): void {
  session.run(
    `INSERT INTO plans VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET status = excluded.status, rank = excluded.rank WHERE excluded.rank > plans.rank`,
    [run, generation, id, status, RANK[status]],
  );
  if (!final) return;
  const subscription = registry.attach(generation)?.subscribe();
  if (subscription === undefined) return;
  const insert = session.prepare("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)");
  try {
    for (let next = subscription.tryNext(); next !== undefined; next = subscription.tryNext()) {
      const event = JSON.parse(next.text) as PlanEvent;
      const message = event.type === "status" ? `${event.status} ${event.message}`.trim() : event.message;
      insert.run([run, generation, next.position, event.type, message, event.timestamp]);
    }
  } finally {
    insert.finalize();
    subscription.close();
  }
}

function record(plan: PlanRecord): void {
  locked(() => {
    session.exec("BEGIN IMMEDIATE");
    try {
      write(plan);
      session.exec("COMMIT");
    } catch (error) {
      if (session.inTransaction) session.exec("ROLLBACK");
      throw error;
    }
  });
}

function history(limit: number): HistoryRow[] {
  const rows = locked(() =>
    session.all(
      `SELECT id, generation, status, (SELECT count(*) FROM events e WHERE e.run = p.run AND e.generation = p.generation)
         AS events FROM plans p WHERE run = ? ORDER BY generation DESC LIMIT ?`,
      [run, limit],
    ),
  );
  return rows as unknown as HistoryRow[];
}

const send = (message: RecorderMessage): void => parentPort?.postMessage(message);

parentPort?.on("message", (query: { query: number; limit: number }) => {
  send({ query: query.query, rows: history(query.limit) });
});
for await (const text of queue) {
  const plan = JSON.parse(text as string) as PlanRecord;
  try {
    record(plan);
    if (plan.final) send({ recorded: plan.generation });
  } catch (error) {
    send({ failed: plan.generation, reason: String(error) });
  }
}
locked(() => session.close());
parentPort?.close();
