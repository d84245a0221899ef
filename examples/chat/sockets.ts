// The sockets: what one client may send, and what it is sent. Only the main thread has any; no shared state is in here.
import type { WebSocket } from "ws";
import { type ErrorReason, frameOf, type Outgoing } from "./events.ts";

export interface Limits {
  /** Frames a second that a client may send for long, and at once. */
  readonly framesPerSecond: number;
  readonly burst: number;
  /** Refused frames after which the client is disconnected. */
  readonly refusals: number;
  /** Bytes that may wait to be sent to a client that does not read. */
  readonly backlog: number;
}

export const LIMITS: Limits = { framesPerSecond: 20, burst: 60, refusals: 200, backlog: 1 << 20 };

interface Connection {
  readonly socket: WebSocket;
  readonly slot: number;
  allowance: number;
  filledAt: number;
  refused: number;
}

export class Sockets {
  readonly #connections = new Map<string, Connection>();
  readonly #limits: Limits;
  readonly #now: () => number;

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  add(client: string, socket: WebSocket, slot: number): void {
    this.#connections.set(client, {
      socket,
      slot,
      allowance: this.#limits.burst,
      filledAt: this.#now(),
      refused: 0,
    });
  }

  delete(client: string): void {
    this.#connections.delete(client);
  }

  get clients(): IterableIterator<string> {
    return this.#connections.keys();
  }

  /** Whether the client may send a frame now. A flood is refused with an error, now and then, and ends the connection. */
  admit(client: string): boolean {
    const connection = this.#connections.get(client);
    if (connection === undefined) return false;
    const { framesPerSecond, burst, refusals } = this.#limits;
    const now = this.#now();
    connection.allowance = Math.min(
      burst,
      connection.allowance + ((now - connection.filledAt) / 1000) * framesPerSecond,
    );
    connection.filledAt = now;
    if (connection.allowance >= 1) {
      connection.allowance--;
      return true;
    }
    if (connection.refused++ % 50 === 0) this.refuse(client, "rate_limited", "too many frames");
    if (connection.refused >= refusals) connection.socket.close(1008, "too many frames");
    return false;
  }

  refuse(client: string, code: ErrorReason, message: string): void {
    this.send([client], "error", { code, message });
  }

  /** Sends a frame; `sent` is called for each socket that took it. A client that does not read is disconnected. */
  send(clients: Iterable<string>, event: Outgoing, data: object, sent?: (client: string) => void): void {
    const frame = frameOf(event, data);
    for (const client of clients) {
      const socket = this.#connections.get(client)?.socket;
      if (socket?.readyState !== socket?.OPEN) continue;
      if ((socket?.bufferedAmount ?? 0) > this.#limits.backlog) socket?.terminate();
      else socket?.send(frame, (error) => !error && sent?.(client));
    }
  }

  slotOf(client: string): number | undefined {
    return this.#connections.get(client)?.slot;
  }

  ping(): void {
    for (const { socket } of this.#connections.values()) if (socket.readyState === socket.OPEN) socket.ping();
  }

  close(client: string, code: number, reason: string): void {
    this.#connections.get(client)?.socket.close(code, reason);
  }

  /** Closes all; cuts off those that do not answer. */
  closeAll(): void {
    for (const { socket } of this.#connections.values()) {
      socket.close(1001, "the server stops");
      setTimeout(() => socket.terminate(), 1000).unref();
    }
  }
}
