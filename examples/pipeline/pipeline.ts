// The pipeline: plans that run as processes, with the threads that read their output.
//
// A plan's way: open stream → wait for a place → two reader threads listen → process started → process exits → readers
// joined, for joinMs at the most → stream ended with "completed" or "failed" and the end marker → recorded → grace period →
// removed. Every error on the way leads to the same end, in one `finally`.
//
// Invariant: whoever opened the stream ends it, on every path, and removes the plan's entry in the table of processes, only
// if it is still that of its own generation. A reader that is late after joinMs finds the stream ended.

import { setMaxListeners } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Semaphore } from "../../src/locks/semaphore.ts";
import { Region } from "../../src/region/region.ts";
import { type Stream, StreamRegistry } from "../../src/systems/streams.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { type Child, startChild } from "./child.ts";
import { statusEvent } from "./events.ts";
import { Reader, within } from "./reader.ts";
import { Recorders } from "./recorders.ts";

export interface PipelineOptions {
  /** The database file; default: one in the pipeline's temporary folder, gone with it. */
  readonly database?: string | undefined;
  /** Plans that run at once; others wait. */
  readonly maxRunning?: number | undefined;
  /** How long readers may go on after the process has exited, in milliseconds. */
  readonly joinMs?: number | undefined;
  /** How long an ended stream stays for those who reconnect. */
  readonly graceMs?: number | undefined;
  /** How long processes have between SIGTERM and SIGKILL. */
  readonly killMs?: number | undefined;
  /** Events that a stream keeps. */
  readonly capacity?: number | undefined;
  /** Sessions of the database, a thread each. */
  readonly recorders?: number | undefined;
  /** Called when a plan starts or ends. */
  readonly changed?: (() => void) | undefined;
}

export interface PlanRequest {
  readonly id: string;
  /** The command to run in place of the plan script with `arguments`. */
  readonly command?: readonly string[] | undefined;
  readonly arguments?: readonly string[] | undefined;
}

const PROCESS_COLUMNS = { generation: "i32", pid: "i32", startedAt: "f64" } as const;
const script = fileURLToPath(new URL("./plan.js", import.meta.url));

export class Pipeline {
  readonly region: Region = Region.create();
  readonly registry: StreamRegistry;
  /** The running processes, by plan. */
  readonly processes = new SharedTable({ region: this.region, key: "string", columns: PROCESS_COLUMNS });
  readonly recorders: Recorders;
  readonly counts = { completed: 0, failed: 0, lateReaders: 0, refusedEvents: 0, terminatedReaders: 0 };
  readonly #options: Required<Pick<PipelineOptions, "joinMs" | "graceMs" | "killMs" | "changed">>;
  readonly #folder = mkdtempSync(join(tmpdir(), "pipeline-"));
  readonly #places: Semaphore;
  readonly #stop = new AbortController();
  readonly #runs = new Map<number, Promise<void>>();
  readonly #children = new Map<number, Child>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: PipelineOptions = {}) {
    const { joinMs = 5000, graceMs = 30_000, killMs = 2000, changed = () => {}, maxRunning = 4 } = options;
    this.#options = { joinMs, graceMs, killMs, changed };
    const { region } = this;
    // Every plan that waits for a place listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.registry = new StreamRegistry({ region, capacity: options.capacity });
    this.#places = new Semaphore({ region, permits: maxRunning });
    const file = options.database ?? join(this.#folder, "plans.db");
    const run = `${Date.now()}-${process.pid}`;
    const { registry } = this;
    this.recorders = new Recorders({ region, registry, file, run, count: options.recorders ?? 2 });
    this.#sweeper = setInterval(() => this.sweep(), Math.max(20, Math.min(1000, graceMs))).unref();
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Starts a plan, or queues it; undefined if one of this id runs, or the pipeline stops. */
  execute(request: PlanRequest): Stream | undefined {
    if (this.stopping) return undefined;
    const stream = this.registry.open(request.id);
    if (stream === undefined) return undefined;
    stream.publish(statusEvent("queued"));
    const run = this.#run(stream, request).finally(() => this.#runs.delete(stream.generation));
    this.#runs.set(stream.generation, run);
    return stream;
  }

  /** Ends the plan's process, and all that it started; false if it has none. */
  cancel(id: string): boolean {
    const child = this.#children.get(this.registry.find(id)?.generation ?? -1);
    child?.kill("SIGTERM");
    return child !== undefined;
  }

  /** Removes streams whose grace period is over; how many they were. */
  sweep(): number {
    const { graceMs } = this.#options;
    return this.registry.sweep({ graceMs, orphaned: statusEvent("failed", "the thread that ran it is gone") });
  }

  /** Resolves when no plan runs or waits. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs.values());
  }

  async #run(stream: Stream, request: PlanRequest): Promise<void> {
    const readers: Reader[] = [];
    let status: "completed" | "failed" = "failed";
    let message = "";
    let child: Child | undefined;
    let placed = false;
    try {
      await this.#places.acquireAsync(1, { signal: this.#stop.signal });
      placed = true;
      child = await this.#start(stream, request, readers);
      const { code, signal } = await child.exit;
      status = code === 0 ? "completed" : "failed";
      message = signal === null ? `exit code ${code}` : `killed by ${signal}`;
    } catch (error) {
      message = this.stopping ? "the pipeline stops" : error instanceof Error ? error.message : String(error);
    } finally {
      await this.#finish(stream, readers, child, status, message);
      if (placed) this.#places.release();
      this.#options.changed();
    }
  }

  async #start(stream: Stream, request: PlanRequest, readers: Reader[]): Promise<Child> {
    const { generation } = stream;
    const { id, arguments: given = [], command = [process.execPath, script, ...given] } = request;
    const registry = this.registry.share();
    const connected = await Promise.allSettled(
      (["log", "error"] as const).map((type) => {
        const path = join(this.#folder, `${generation}-${type}`);
        return Reader.start({ registry, generation, type, path }, (reader) => readers.push(reader));
      }),
    );
    const sockets = connected.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = connected.find((result) => result.status === "rejected");
    if (failed !== undefined || this.stopping) {
      for (const socket of sockets) socket.destroy();
      throw failed === undefined ? new Error("the pipeline stops") : failed.reason;
    }
    const child = await startChild(command, sockets[0], sockets[1]);
    this.#children.set(generation, child);
    this.processes.set(id, { generation, pid: child.pid, startedAt: Date.now() });
    stream.publish(statusEvent("started", `process ${child.pid}`));
    void this.recorders.record({ id, generation, status: "started", final: false });
    this.#options.changed();
    if (this.stopping) child.kill("SIGTERM");
    return child;
  }

  /** The one end of every plan, however far it came. */
  async #finish(
    stream: Stream,
    readers: Reader[],
    child: Child | undefined,
    status: "completed" | "failed",
    message: string,
  ): Promise<void> {
    const { key: id, generation } = stream;
    this.#children.delete(generation);
    this.processes.update(id, (row) => (row?.generation === generation ? undefined : row));
    const joined = await this.#joinReaders(readers, child);
    // The recorders read the stream's events: until they have, no sweep may take it.
    const hold = stream.subscribe({ from: stream.position });
    stream.end(statusEvent(status, message));
    this.counts[status]++;
    if (!joined && child !== undefined) await this.#endReaders(readers, child);
    for (const reader of readers) this.counts.refusedEvents += reader.refused;
    await this.recorders.record({ id, generation, status, final: true });
    hold?.close();
  }

  /** Whether the readers came to their end within joinMs. */
  async #joinReaders(readers: Reader[], child: Child | undefined): Promise<boolean> {
    const { joinMs } = this.#options;
    if (child !== undefined) return (await Promise.all(readers.map((reader) => reader.join(joinMs)))).every(Boolean);
    // No process was started: nobody may ever connect to them.
    await Promise.all(readers.map((reader) => reader.end(joinMs)));
    return true;
  }

  /** Something of the plan still holds its pipe. The stream has ended: a reader goes with the next line that it gets. */
  async #endReaders(readers: Reader[], child: Child): Promise<void> {
    const { joinMs } = this.#options;
    this.counts.lateReaders++;
    await Promise.all(readers.map((reader) => reader.join(joinMs)));
    child.kill("SIGKILL");
    await Promise.all(readers.map((reader) => reader.end(joinMs)));
    this.counts.terminatedReaders += readers.filter(({ terminated }) => terminated).length;
  }

  /**
   * Takes no more plans, ends the running ones (SIGTERM, after killMs SIGKILL), and waits until their streams are ended and
   * recorded. Streams and database stay readable until {@link free}. True if all was over in time.
   */
  async stop(): Promise<boolean> {
    this.#stop.abort(new Error("the pipeline stops"));
    for (const child of this.#children.values()) child.kill("SIGTERM");
    const { killMs, joinMs } = this.#options;
    if (await within(this.idle(), killMs)) return true;
    for (const child of this.#children.values()) child.kill("SIGKILL");
    return within(this.idle(), 3 * joinMs + 5000);
  }

  /** Ends the recorders and gives all memory and files back; subscribers that are left get the end. */
  async free(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.recorders.close(this.#options.joinMs);
    this.registry.free();
    this.processes.free();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
