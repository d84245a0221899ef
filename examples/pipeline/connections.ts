// Who is connected, by topic: what the WebSocketManager of the analysed program was to be. All of it belongs to the thread
// that serves the sockets, so its critical sections are its turns of the event loop: each method takes its snapshot first
// and calls out to sockets afterwards, which may come back in (a send that fails removes its connection).
//
// Invariant: a connection is under exactly one topic from add() to remove(), and closed at most once; a topic without
// connections does not exist. Only the client's answer makes it younger: neither our sends nor our pings do.

export interface Connection {
  /** Sends, or throws if the client is gone. */
  send(text: string): void;
  /** Asks the client for a sign of life. */
  ping(): void;
  close(reason: string): void;
}

export interface ConnectionsOptions {
  /** Milliseconds between two pings. Default 30,000. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds without an answer after which a client counts as gone. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** A monotonic clock in milliseconds. */
  readonly now?: (() => number) | undefined;
}

interface Entry {
  readonly topic: string;
  answeredAt: number;
  pingedAt: number;
}

export interface ConnectionStats {
  readonly topics: number;
  readonly connections: number;
  readonly added: number;
  readonly removed: number;
  /** Of the removed, those that did not answer, and those whose send failed. */
  readonly timedOut: number;
  readonly pruned: number;
}

export class Connections {
  readonly #heartbeatMs: number;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #entries = new Map<Connection, Entry>();
  readonly #topics = new Map<string, Set<Connection>>();
  readonly #counts = { added: 0, removed: 0, timedOut: 0, pruned: 0 };

  constructor({ heartbeatMs = 30_000, timeoutMs = 60_000, now = () => performance.now() }: ConnectionsOptions = {}) {
    this.#heartbeatMs = heartbeatMs;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  add(topic: string, connection: Connection): void {
    if (this.#entries.has(connection)) return;
    const now = this.#now();
    this.#entries.set(connection, { topic, answeredAt: now, pingedAt: now });
    let members = this.#topics.get(topic);
    if (members === undefined) this.#topics.set(topic, (members = new Set()));
    members.add(connection);
    this.#counts.added++;
  }

  /** Whether it was there. Does not close it. */
  remove(connection: Connection): boolean {
    const entry = this.#entries.get(connection);
    if (entry === undefined) return false;
    this.#entries.delete(connection);
    const members = this.#topics.get(entry.topic);
    members?.delete(connection);
    if (members?.size === 0) this.#topics.delete(entry.topic);
    this.#counts.removed++;
    return true;
  }

  /** The client answered. */
  answered(connection: Connection): void {
    const entry = this.#entries.get(connection);
    if (entry !== undefined) entry.answeredAt = this.#now();
  }

  /** Sends to all of the topic, removes those that are gone, and returns how many it was sent to. */
  broadcast(topic: string, text: string): number {
    let sent = 0;
    for (const connection of Array.from(this.#topics.get(topic) ?? [])) {
      // One that left while the others were sent to.
      if (!this.#entries.has(connection)) continue;
      try {
        connection.send(text);
        sent++;
      } catch {
        this.#counts.pruned++;
        this.#drop(connection, "send failed");
      }
    }
    return sent;
  }

  /** Takes all connections of the topic out, then closes them; how many they were. */
  cleanup(topic: string, reason: string): number {
    const members = [...(this.#topics.get(topic) ?? [])];
    return members.filter((connection) => this.#drop(connection, reason)).length;
  }

  /** Pings whoever is due, and drops whoever did not answer in time; returns how many those were. */
  heartbeat(): number {
    const now = this.#now();
    let dropped = 0;
    for (const [connection, entry] of Array.from(this.#entries)) {
      if (now - entry.answeredAt >= this.#timeoutMs) {
        if (!this.#drop(connection, "no answer")) continue;
        this.#counts.timedOut++;
        dropped++;
      } else if (now - entry.pingedAt >= this.#heartbeatMs) {
        entry.pingedAt = now;
        try {
          connection.ping();
        } catch {
          this.#counts.pruned++;
          this.#drop(connection, "ping failed");
        }
      }
    }
    return dropped;
  }

  stats(): ConnectionStats {
    return { topics: this.#topics.size, connections: this.#entries.size, ...this.#counts };
  }

  /** Closes all; how many they were. */
  shutdown(reason: string): number {
    return [...this.#entries.keys()].filter((connection) => this.#drop(connection, reason)).length;
  }

  #drop(connection: Connection, reason: string): boolean {
    if (!this.remove(connection)) return false;
    try {
      connection.close(reason);
    } catch {
      // It is gone already.
    }
    return true;
  }
}
