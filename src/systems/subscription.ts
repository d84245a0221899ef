// A subscriber of a stream (streams.ts): a log's reader that knows the end marker, and a hold on the stream.
// Invariant: it gives each event once and in order, then the end for ever; its hold is given back exactly once.

import type { AsyncWaitOptions } from "../cells/deadline.ts";
import { ClosedError } from "../cells/errors.ts";
import type { LogReader, LogValue } from "../tables/log-reader.ts";

export interface SubscriptionOptions {
  /** The position of the first event that is wanted: 0 (the default) replays all, `position` of another one resumes it. */
  readonly from?: number | undefined;
}

export interface StreamEvent {
  /** Counted from 0; the next event has the next number, unless events were lost in between. */
  readonly position: number;
  readonly text: string;
}

/** Made by a stream's `subscribe()`; it belongs to its thread, and must be closed. */
export class Subscription {
  readonly #reader: LogReader;
  readonly #release: () => void;
  #ended = false;
  #closed = false;

  /** @internal */
  constructor(reader: LogReader, release: () => void) {
    this.#reader = reader;
    this.#release = release;
  }

  /** Whether the end marker was read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The position of the next event: another subscription resumes there. */
  get position(): number {
    return this.#reader.position;
  }

  /** How many events were gone before this subscriber came to them: it was slower than the stream's capacity allows. */
  get lost(): number {
    return this.#reader.lost;
  }

  /**
   * The next event, or undefined at the end of the stream, or once it or this subscription is closed. Does not block the
   * thread. Rejects with ERR_TIMEOUT, or the signal's reason; no event is taken then.
   */
  async next(options: AsyncWaitOptions = {}): Promise<StreamEvent | undefined> {
    if (this.#closed || this.#ended) return undefined;
    try {
      return this.#event(await this.#reader.readAsync(options));
    } catch (error) {
      if (error instanceof ClosedError) return undefined;
      throw error;
    }
  }

  /** The next event if there is one by now; undefined if not, and at the end. */
  tryNext(): StreamEvent | undefined {
    if (this.#closed || this.#ended) return undefined;
    try {
      return this.#event(this.#reader.tryRead());
    } catch (error) {
      if (error instanceof ClosedError) return undefined;
      throw error;
    }
  }

  /** Gives the hold on the stream back; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The events to the end of the stream; the subscription is closed when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    try {
      for (let event = await this.next(); event !== undefined; event = await this.next()) yield event;
    } finally {
      this.close();
    }
  }

  #event(value: LogValue | undefined): StreamEvent | undefined {
    if (typeof value === "string") return { position: this.#reader.position - 1, text: value };
    this.#ended = value !== undefined;
    return undefined;
  }
}
