// One stream of a registry (streams.ts): what threads publish to and subscribe to. It has no state of its own: all of it is
// the registry's row and the log.
// Invariant: events and the end marker are appended only while the row is open, under its lock; the marker comes last.

import { describe } from "../cells/deadline.ts";
import { ClosedError } from "../cells/errors.ts";
import type { SharedLog } from "../tables/log.ts";
import { Subscription, type SubscriptionOptions } from "./subscription.ts";

/** The entry that ends a stream: bytes, so that no event can be taken for it. */
const END_MARKER = Uint8Array.of(0);

/** What a stream needs of its registry. */
export interface StreamHost {
  whileOpen<T>(generation: number, work: () => T, end?: boolean): T | undefined;
  isEnded(generation: number): boolean;
  hold(generation: number, delta: 1 | -1): boolean;
  removeStream(generation: number, held: boolean): boolean;
}

/** What `work` gives; undefined if what it works on is freed. */
export function unlessClosed<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ClosedError) return undefined;
    throw error;
  }
}

/** One stream of a {@link StreamRegistry}; any thread may use it, by {@link StreamRegistry.attach}. */
export class Stream {
  readonly #registry: StreamHost;
  readonly #log: SharedLog;
  readonly key: string;
  /** Tells it from every other stream of the registry, also from others of its key. */
  readonly generation: number;

  /** @internal */
  constructor(registry: StreamHost, generation: number, key: string, log: SharedLog) {
    this.#registry = registry;
    this.#log = log;
    this.key = key;
    this.generation = generation;
  }

  /** Whether it has ended, or is removed. */
  get ended(): boolean {
    return this.#registry.isEnded(this.generation);
  }

  /** How many events it got so far, the end marker included; 0 once it is removed. */
  get position(): number {
    return unlessClosed(() => this.#log.position) ?? 0;
  }

  /**
   * Appends an event and returns its position, from 0; undefined if the stream has ended (the event goes nowhere then).
   * Never waits for subscribers. Throws TypeError or RangeError for what is no text or too long, ERR_REGION_FULL.
   */
  publish(text: string): number | undefined {
    if (typeof text !== "string") throw new TypeError(`an event is a text, got ${describe(text)}`);
    return this.#registry.whileOpen(this.generation, () => this.#log.append(text));
  }

  /** Appends `last`, if given, and the end marker; true for the one call of all threads that did it. */
  end(last?: string): boolean {
    if (last !== undefined && typeof last !== "string")
      throw new TypeError(`an event is a text, got ${describe(last)}`);
    const append = (): true => {
      if (last !== undefined) this.#log.append(last);
      this.#log.append(END_MARKER);
      return true;
    };
    return this.#registry.whileOpen(this.generation, append, true) === true;
  }

  /**
   * A reader of all events from position `from` (default 0), which keeps the stream from being removed until it is closed;
   * undefined if the stream is removed. Throws RangeError for a position beyond the end.
   */
  subscribe({ from = 0 }: SubscriptionOptions = {}): Subscription | undefined {
    const registry = this.#registry;
    const { generation } = this;
    if (!registry.hold(generation, 1)) return undefined;
    let reader: ReturnType<SharedLog["reader"]> | undefined;
    try {
      reader = unlessClosed(() => this.#log.reader({ from }));
    } finally {
      if (reader === undefined) registry.hold(generation, -1);
    }
    return reader && new Subscription(reader, () => registry.hold(generation, -1));
  }

  /** Removes the ended stream with its events if nobody holds it; true for the one call of all threads that did it. */
  remove(): boolean {
    return this.#registry.removeStream(this.generation, false);
  }
}
