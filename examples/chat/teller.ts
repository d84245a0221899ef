// Tells clients what the handlers announce. What can be looked up is looked up here, at the moment of sending: one thread
// sends, so nobody is told an older state last, and a message's status never goes back on the wire either.
import type { Notice, Task } from "./chat.worker.ts";
import { ChatService, type NewMessage, ticketRoom } from "./service.ts";
import type { Sockets } from "./sockets.ts";
import type { ChatState } from "./state.ts";

export type NewTask = Task extends infer T ? (T extends unknown ? Omit<T, "id"> : never) : never;

export class Teller {
  /** The handlers' methods in this thread, telling at once. */
  readonly service: ChatService;
  readonly #state: ChatState;
  readonly #sockets: Sockets;
  readonly #post: (slot: number, task: NewTask) => void;

  constructor(state: ChatState, sockets: Sockets, post: (slot: number, task: NewTask) => void) {
    this.#state = state;
    this.#sockets = sockets;
    this.#post = post;
    this.service = new ChatService(state, {
      send: (clients, event, data) => sockets.send(clients, event, data),
      changed: (what, ticket) => this.#changed(what, ticket),
      status: (ticket, messages) => this.#status(ticket, messages),
      deliver: (clients, message) => this.#deliver(clients, message),
      close: (client) => sockets.close(client, 1001, "no sign of life"),
    });
  }

  onNotice(notice: Exclude<Notice, { kind: "done" }>): void {
    if (notice.kind === "send") this.#sockets.send(notice.clients, notice.event, notice.data);
    else if (notice.kind === "deliver") this.#deliver(notice.clients, notice.message);
    else if (notice.kind === "close") this.#sockets.close(notice.client, 1001, "no sign of life");
    else if (notice.kind === "status") this.#status(notice.ticket, notice.messages);
    else this.#changed(notice.kind, notice.ticket);
  }

  /** A thread that died may have changed a room and not said so: every room is told again. */
  onDeath(): void {
    for (const room of this.#state.rooms.snapshot().rooms.keys()) {
      if (!room.startsWith("ticket ")) continue;
      const ticket = room.slice("ticket ".length);
      this.#changed("presence", ticket);
      this.#changed("typing", ticket);
    }
  }

  #changed(what: "presence" | "typing", ticket: string): void {
    const room = this.#state.rooms.members(ticketRoom(ticket));
    if (what === "presence") {
      this.#sockets.send(room, "presence", { ticket_id: ticket, ...this.service.getParticipants(ticket) });
    } else this.#sockets.send(room, "user_typing", { ticket_id: ticket, users: this.service.getTypingUsers(ticket) });
  }

  #status(ticket: string, messages: readonly string[]): void {
    const room = this.#state.rooms.members(ticketRoom(ticket));
    for (const message_id of messages) {
      const status = this.service.statusOf(message_id);
      this.#sockets.send(room, "message_status_update", { ticket_id: ticket, message_id, status });
    }
  }

  /** Hands a message out; a socket of somebody else that took it makes it delivered. */
  #deliver(clients: readonly string[], message: NewMessage): void {
    const { ticket_id: ticket, message_id, user_id } = message;
    const status = this.service.statusOf(message_id);
    this.#sockets.send(clients, "new_message", { ...message, status }, (client) => {
      const slot = this.#sockets.slotOf(client);
      if (slot === undefined || this.#state.rooms.get(client)?.data.userId === user_id) return;
      if (this.service.statusOf(message_id) !== "sent") return;
      this.#post(slot, { kind: "delivered", client, ticket, message: message_id });
    });
  }
}
