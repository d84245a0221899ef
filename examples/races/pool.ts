// A pool of real workers, reused for all runs: starting one takes longer than most races. Invariant: after run() every
// worker is idle; one that hung or was terminated has been replaced.
import { Worker } from "node:worker_threads";
import { freeState, sendState } from "./sharing.ts";
import { type Control, makeControl, missed, passFor } from "./steering.ts";
import type { Story, Variant } from "./story.ts";

/** What a worker is sent for a run. */
export interface Order {
  readonly id: string;
  readonly variant: Variant;
  readonly state: ReturnType<typeof sendState>;
  readonly control: Control;
  readonly index: number;
}

/** What a worker says. */
export interface Reply {
  readonly ready?: boolean;
  readonly dies?: boolean;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
}

export interface Run {
  /** What the oracle found; undefined if all was right. */
  readonly symptom: string | undefined;
  /** Entries of the script that could not be kept. */
  readonly missed: number;
}

/** Milliseconds for a run, and for the start of a worker, on a machine however busy. */
const RUN_MS = 60_000;
/** An unsafe variant must keep its script; a safe one need not, where a lock forbids it. */
const PATIENCE = { unsafe: 20_000, safe: 8 };
/** Mistakes of a story itself, which no race may be blamed for. */
const DEFECTS = new Set(["TypeError", "ReferenceError", "RangeError", "SyntaxError"]);

export class RacePool {
  readonly #workers: Promise<Worker>[] = [];

  /**
   * Runs one variant of a story once, steered by its script or another. Rejects if a thread hangs or the story itself is
   * broken.
   */
  async run(story: Story, variant: Variant, script = story.kind === "forced" ? story.script : []): Promise<Run> {
    const control = makeControl(story.threads.length, script, PATIENCE[variant]);
    const state = story.setUp(variant);
    const sent = sendState(state);
    const values = await Promise.all(
      story.threads.map((_, index) => this.#runIn(index, { id: story.id, variant, state: sent, control, index })),
    );
    for (const value of values) {
      if (value instanceof Error && DEFECTS.has(value.name)) throw value;
    }
    const symptom = story.check(state, values);
    freeState(state);
    return { symptom, missed: missed(control) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => (await worker).terminate()));
  }

  #start(): Promise<Worker> {
    const worker = new Worker(new URL("./races.worker.js", import.meta.url));
    return new Promise((resolve, reject) => {
      worker.once("message", () => resolve(worker));
      worker.once("error", reject);
    });
  }

  async #runIn(index: number, order: Order): Promise<unknown> {
    this.#workers[index] ??= this.#start();
    const worker = await this.#workers[index];
    const reply = await answer(worker, order);
    if (reply.dies !== true) {
      if (reply.error === undefined) return reply.value;
      return Object.assign(new Error(reply.error.message), reply.error);
    }
    await worker.terminate();
    this.#workers[index] = this.#start();
    passFor(order.control, `${index}: is terminated`);
    return "terminated";
  }
}

function answer(worker: Worker, order: Order): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const where = `${order.id}, ${order.variant}, thread ${order.index}`;
    const watchdog = setTimeout(() => settle(() => reject(new Error(`${where}: hangs`))), RUN_MS);
    const onMessage = (reply: Reply): void => settle(() => resolve(reply));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error(`${where}: the worker ended`)));
    const settle = (then: () => void): void => {
      clearTimeout(watchdog);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      then();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit).postMessage(order);
  });
}
