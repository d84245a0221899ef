// A chat client for tests: sends events, and waits for what comes back.
import { WebSocket } from "ws";
import type { Chat } from "../../../examples/chat/server.ts";

export interface Received {
  readonly event: string;
  // Fields of every event; those of an event are as the server documents them.
  readonly data: Readonly<Record<string, unknown>>;
}

export class Client {
  readonly socket: WebSocket;
  readonly received: Received[] = [];
  /** The close code, once closed. */
  closed: number | undefined;
  readonly #waiting = new Set<() => void>();
  #seen = 0;

  constructor(address: string, options: { origin?: string } = {}) {
    this.socket = new WebSocket(`${address.replace("http", "ws")}/chat`, options);
    this.socket.on("message", (text) => {
      this.received.push(JSON.parse(text.toString()) as Received);
      this.#wake();
    });
    this.socket.on("close", (code) => {
      this.closed = code;
      this.#wake();
    });
    this.socket.on("error", () => undefined);
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves with what `look` finds, now or after a later frame or the end; fails after 60 s. */
  until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const watchdog = setTimeout(() => {
        const last = JSON.stringify(this.received.slice(-5));
        reject(new Error(`no ${what} within 60 s, closed ${this.closed}; the last frames: ${last}`));
      }, 60_000);
      const attempt = (): void => {
        const found = look();
        if (found === undefined) return;
        clearTimeout(watchdog);
        this.#waiting.delete(attempt);
        resolve(found);
      };
      this.#waiting.add(attempt);
      attempt();
    });
  }

  /** The next frame of one of these events that no call has returned or passed over yet. */
  next(...events: string[]): Promise<Received> {
    return this.until(events.join(" or "), () => {
      while (this.#seen < this.received.length) {
        const frame = this.received[this.#seen++];
        if (events.includes(frame.event)) return frame;
      }
      return undefined;
    });
  }

  send(event: string, data: object = {}): void {
    this.socket.send(JSON.stringify({ event, data }));
  }

  /** Sends an event and returns the answer to it, which is one of these events or an error. */
  async ask(event: string, data: object, ...answers: string[]): Promise<Received> {
    this.#seen = this.received.length;
    this.send(event, data);
    return this.next(...answers, "error");
  }

  async login(token: string): Promise<this> {
    await this.until("connection", () => this.received.find(({ event }) => event === "chat_connected"));
    const { event, data } = await this.ask("chat_authenticate", { token }, "chat_authenticated");
    if (event === "error") throw new Error(`refused: ${String(data.code)}`);
    return this;
  }

  join(ticket: string): Promise<Received> {
    return this.ask("join_ticket_chat", { ticket_id: ticket }, "ticket_chat_joined");
  }

  end(): Promise<number> {
    this.socket.close();
    return this.until("end", () => this.closed);
  }
}

/** Until the server has seen that all but so many have gone: a client may know of its end before the server does. */
export async function onlyLeft(chat: Chat, clients: number): Promise<void> {
  while (chat.state.rooms.snapshot().members.size > clients) await new Promise((resolve) => setTimeout(resolve, 5));
  await chat.idle();
}
