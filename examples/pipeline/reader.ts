// The main thread's side of a reader thread: start, connect, join with a time-out, and the end by force as the last resort.
// Invariant: after end() the thread is gone.

import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { ReaderData, ReaderMessage } from "./reader.worker.ts";

/** Whether the promise settled within `ms` milliseconds. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Reader {
  readonly #worker: Worker;
  readonly #exit: Promise<void>;
  #listening: () => void = () => {};
  #failed: (error: Error) => void = () => {};
  /** Events that came after the stream's end, and went nowhere. */
  refused = 0;
  terminated = false;

  private constructor(data: ReaderData) {
    this.#worker = new Worker(new URL("./reader.worker.js", import.meta.url), { workerData: data });
    this.#exit = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.#worker.on("message", (message: ReaderMessage) => {
      if ("listening" in message) this.#listening();
      else this.refused = message.refused;
    });
    this.#worker.on("error", (error) => this.#failed(error instanceof Error ? error : new Error(String(error))));
  }

  /** Starts the thread and connects to it; the socket is what the child gets as its stream. */
  static async start(data: ReaderData, started: (reader: Reader) => void): Promise<Socket> {
    const reader = new Reader(data);
    started(reader);
    await new Promise<void>((resolve, reject) => {
      reader.#listening = resolve;
      reader.#failed = reject;
      reader.#exit.then(() => reject(new Error("the reader thread ended before it listened")));
    });
    reader.#failed = () => {};
    const socket = connect(data.path);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return socket;
  }

  /** Waits for the thread's end, `ms` milliseconds at the most; whether it has ended. */
  join(ms: number): Promise<boolean> {
    return within(this.#exit, ms);
  }

  /** Tells it to stop, waits, and terminates it if it did not listen. */
  async end(ms: number): Promise<void> {
    this.#worker.postMessage("stop");
    if (await this.join(ms)) return;
    this.terminated = true;
    await this.#worker.terminate();
  }
}
