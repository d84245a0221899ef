// The chat's handlers: each changes the shared tables in one step, then tells others through an outbox, with no lock held.
//
// Every handler may be run again for the same event, if its thread was killed in between: the second run changes what the
// first did not, and tells again. What can be told by looking (who is there, who types, how far a message is) is only
// announced here; the one thread that owns the sockets looks when it sends, so no client is told an older state last.
import type { JsonValue } from "../../src/systems/json-value.ts";
import type { Changed, Member } from "../../src/systems/rooms.ts";
import { ChatError, type Outgoing } from "./events.ts";
import type { ChatState, ClientData } from "./state.ts";
import type { Identity } from "./tokens.ts";

export const STATUSES = ["sent", "delivered", "read"] as const;
export type Status = (typeof STATUSES)[number];

/** What the handlers tell others. Never called with a lock held. */
export interface Outbox {
  send(clients: readonly string[], event: Outgoing, data: object): void;
  /** Who is there, or who types, has changed: the members of the ticket's room are to be told. */
  changed(what: "presence" | "typing", ticket: string): void;
  /** How far these messages are has changed. */
  status(ticket: string, messages: readonly string[]): void;
  /** A new message was handed out; whoever sends it may report it delivered. */
  deliver(clients: readonly string[], message: NewMessage): void;
  /** The client has gone silent. */
  close(client: string): void;
}

export interface NewMessage {
  readonly ticket_id: string;
  readonly message_id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly text: string;
}

/** An indicator is not shown when it is older (milliseconds). */
export const TYPING_SHOWN = 10_000;
/** A sweep removes an indicator that is older. */
export const TYPING_KEPT = 30_000;
/** A client that has not answered for longer is gone. */
export const SILENT = 60_000;
/** How far a message is, is kept so long. */
export const MESSAGE_KEPT = 24 * 3_600_000;
const ADMINS = "admins";
const NOBODY: ClientData = { userId: null, name: "", isAdmin: false, expiresAt: 0 };

export const ticketRoom = (ticket: string): string => `ticket ${ticket}`;
const userRoom = (user: string): string => `user ${user}`;
const ticketsOf = (rooms: readonly string[]): string[] =>
  rooms.filter((room) => room.startsWith("ticket ")).map((room) => room.slice("ticket ".length));

export class ChatService {
  readonly #state: ChatState;
  readonly #out: Outbox;

  constructor(state: ChatState, out: Outbox) {
    this.#state = state;
    this.#out = out;
  }

  connect(client: string): void {
    const { rooms, seen, now } = this.#state;
    seen.set(client, { at: now() });
    rooms.connect(client, NOBODY);
    this.#out.send([client], "chat_connected", { client_id: client });
  }

  /** Everything of the client goes in one step; its typing after it, which counts for nobody who is not in the room. */
  disconnect(client: string): void {
    const { rooms, typing, seen } = this.#state;
    const gone = rooms.disconnect(client);
    seen.delete(client);
    for (const ticket of ticketsOf(gone?.rooms ?? [])) {
      typing.removeOwned(ticket, client);
      this.#out.changed("presence", ticket);
      this.#out.changed("typing", ticket);
    }
  }

  /** The client is who its verified token says; rooms of whom it was before are left in the same step. */
  authenticate(client: string, { userId, name, isAdmin, expiresAt }: Identity): void {
    let left: readonly string[] = [];
    const changed = this.#state.rooms.change(client, ({ data, rooms }) => {
      const same = data.userId === userId && data.isAdmin === isAdmin;
      left = same ? [] : rooms;
      const join = [userRoom(userId), ...(isAdmin ? [ADMINS] : [])];
      return { data: { userId, name, isAdmin, expiresAt }, leave: left, join };
    });
    if (changed === undefined) return;
    for (const ticket of ticketsOf(left)) this.#out.changed("presence", ticket);
    this.#out.send([client], "chat_authenticated", { user_id: userId, user_name: name, is_admin: isAdmin });
  }

  /** Joins if the ticket is the client's own, or it is an administrator. An unknown ticket is refused as a foreign one is. */
  joinTicket(client: string, ticket: string): void {
    const room = ticketRoom(ticket);
    const changed = this.#state.rooms.change(client, ({ data }) => {
      const user = this.#userOf(data);
      const owner = this.#state.tickets.get(ticket)?.owner;
      if (owner === undefined || (owner !== user && !data.isAdmin)) {
        throw new ChatError("forbidden", "this ticket is not yours");
      }
      return { join: [room] };
    });
    if (changed === undefined) return;
    this.#out.send([client], "ticket_chat_joined", this.#joined(ticket, changed));
    this.#out.changed("presence", ticket);
  }

  leaveTicket(client: string, ticket: string): void {
    const { rooms, typing } = this.#state;
    const changed = rooms.change(client, () => ({ leave: [ticketRoom(ticket)] }));
    if (changed === undefined) return;
    typing.removeOwned(ticket, client);
    this.#out.send([client], "ticket_chat_left", { ticket_id: ticket });
    this.#out.changed("presence", ticket);
    this.#out.changed("typing", ticket);
  }

  /** Whether the client is in the room is asked in the step that stores the indicator. */
  startTyping(client: string, ticket: string): void {
    const { rooms, typing } = this.#state;
    const { data } = this.#participant(client, ticket);
    const user = this.#userOf(data);
    typing.put(ticket, user, data.name, client, () => rooms.isIn(client, ticketRoom(ticket)));
    this.#out.changed("typing", ticket);
  }

  stopTyping(client: string, ticket: string): void {
    const user = this.#userOf(this.#participant(client, ticket).data);
    if (this.#state.typing.remove(ticket, user, client)) this.#out.changed("typing", ticket);
  }

  /** A participant's own message; `message` names it, the same if the handler is run again. */
  sendMessage(client: string, ticket: string, message: string, text: string): void {
    const { data } = this.#participant(client, ticket);
    const user = this.#userOf(data);
    if (this.#state.typing.remove(ticket, user, client)) this.#out.changed("typing", ticket);
    this.broadcastNewMessage({ ticket_id: ticket, message_id: message, user_id: user, user_name: data.name, text });
  }

  broadcastNewMessage(message: NewMessage): void {
    const { rooms, messages, now } = this.#state;
    const { ticket_id: ticket, message_id: id, user_id: sender } = message;
    messages.getOrInsert(id, { ticket, sender, status: 1, at: now() });
    const present = rooms.members(ticketRoom(ticket));
    this.#out.deliver(present, message);
    const elsewhere = rooms.members(ADMINS).filter((client) => !present.includes(client));
    this.#out.send(elsewhere, "ticket_message_notification", { ticket_id: ticket, message_id: id, user_id: sender });
  }

  /** Moves a message's status forward, never back: a late "sent" after "read" changes nothing. */
  broadcastMessageStatus(ticket: string, message: string, status: Status): boolean {
    const level = STATUSES.indexOf(status) + 1;
    let moved = false;
    this.#state.messages.update(message, (row) => {
      moved = row !== undefined && row.ticket === ticket && row.status < level;
      return row !== undefined && moved ? { ...row, status: level } : row;
    });
    if (moved) this.#out.status(ticket, [message]);
    return moved;
  }

  /** Marks what others wrote as read. All of it is checked first. */
  markRead(client: string, ticket: string, messages: readonly string[]): void {
    const user = this.#userOf(this.#participant(client, ticket).data);
    for (const id of messages) {
      if (this.#state.messages.get(id)?.ticket !== ticket) {
        throw new ChatError("no_such_message", "this ticket has no such message");
      }
    }
    const read = messages.filter((id) => this.#state.messages.get(id)?.sender !== user);
    for (const id of read) this.broadcastMessageStatus(ticket, id, "read");
    const data = { ticket_id: ticket, message_ids: read, user_id: user };
    this.#out.send(this.#state.rooms.members(ticketRoom(ticket)), "messages_read", data);
  }

  broadcastTicketUpdate(ticket: string, update: JsonValue): void {
    const { rooms, tickets } = this.#state;
    const owner = tickets.get(ticket)?.owner;
    const own = owner === undefined ? [] : rooms.members(userRoom(owner));
    const clients = new Set([...rooms.members(ticketRoom(ticket)), ...own]);
    this.#out.send([...clients], "ticket_update", { ticket_id: ticket, update });
  }

  /** How far a message is, undefined where it is unknown. */
  statusOf(message: string): Status | undefined {
    const level = this.#state.messages.get(message)?.status;
    return level === undefined ? undefined : STATUSES[level - 1];
  }

  /** Who types in the ticket: not older than 10 s, and still there. Removes nothing. */
  getTypingUsers(ticket: string): { user_id: string; user_name: string; age: number }[] {
    const { rooms, typing } = this.#state;
    return typing
      .list(ticket, TYPING_SHOWN)
      .filter(({ owner }) => rooms.isIn(owner, ticketRoom(ticket)))
      .map(({ id, value, age }) => ({ user_id: id, user_name: String(value), age }));
  }

  /** Who is in the ticket: how many clients, and which users. */
  getParticipants(ticket: string): {
    participants_count: number;
    participants: { user_id: string; user_name: string }[];
  } {
    const { rooms } = this.#state;
    const clients = rooms.members(ticketRoom(ticket));
    const users = new Map<string, string>();
    for (const client of clients) {
      const data = rooms.get(client)?.data;
      if (data !== undefined && data.userId !== null) users.set(data.userId, data.name);
    }
    const participants = [...users].map(([user_id, user_name]) => ({ user_id, user_name }));
    return { participants_count: clients.length, participants };
  }

  /** The authenticated users, of one moment, with how many clients each has. */
  getConnectedUsers(): Map<string, number> {
    const users = new Map<string, number>();
    for (const { data } of this.#state.rooms.snapshot().members.values()) {
      if (data.userId !== null) users.set(data.userId, (users.get(data.userId) ?? 0) + 1);
    }
    return users;
  }

  /** Removes old indicators, silent clients and the status of old messages; what fails for one does not stop the rest. */
  cleanupStaleConnections(): { typing: number; clients: string[]; failures: unknown[] } {
    const { typing, seen, messages, now } = this.#state;
    const swept = typing.sweep(TYPING_KEPT);
    const clients: string[] = [];
    const failures: unknown[] = [];
    for (const [client, { at }] of seen.snapshot()) {
      if (now() - at <= SILENT) continue;
      try {
        // Only if it has not answered meanwhile.
        const last = seen.getWithVersion(client);
        if (last === undefined || now() - last.row.at <= SILENT || !seen.compareAndDelete(client, last.version))
          continue;
        clients.push(client);
        this.disconnect(client);
        this.#out.close(client);
      } catch (error) {
        failures.push(error);
      }
    }
    for (const [id, { at }] of messages) if (now() - at > MESSAGE_KEPT) messages.delete(id);
    for (const ticket of new Set(swept.map(([ticket]) => ticket))) this.#out.changed("typing", ticket);
    return { typing: swept.length, clients, failures };
  }

  #joined(ticket: string, changed: Changed<ClientData>): object {
    const participants_count = changed.sizes.get(ticketRoom(ticket));
    return { ticket_id: ticket, participants_count, typing: this.getTypingUsers(ticket) };
  }

  #userOf(data: ClientData): string {
    if (data.userId === null) throw new ChatError("not_authenticated", "say who you are first");
    if (Date.now() >= data.expiresAt * 1000) throw new ChatError("not_authenticated", "your token has expired");
    return data.userId;
  }

  #participant(client: string, ticket: string): Member<ClientData> {
    const member = this.#state.rooms.get(client);
    if (member === undefined || !member.rooms.includes(ticketRoom(ticket))) {
      throw new ChatError("not_in_ticket", "join the ticket's chat first");
    }
    return member;
  }
}
