// One of the threads that handle events. It holds nothing between two events but the order of each client's.
import { parentPort, workerData } from "node:worker_threads";
import type { JWK } from "jose";
import { monotonicClock } from "../../src/systems/clock.ts";
import { ChatError, type Outgoing, parseFrame } from "./events.ts";
import { ChatService, type NewMessage } from "./service.ts";
import { attachState, type ChatStateHandle } from "./state.ts";
import { createVerifier, type Identity } from "./tokens.ts";

/** What the main thread hands to a worker. */
export type Task = { readonly id: number; readonly client: string } & (
  | { readonly kind: "connect" | "disconnect" | "sweep" }
  | { readonly kind: "frame"; readonly text: string }
  | { readonly kind: "delivered"; readonly ticket: string; readonly message: string }
);

/** What a worker hands to the main thread. */
export type Notice =
  | { readonly kind: "send"; readonly clients: readonly string[]; readonly event: Outgoing; readonly data: object }
  | { readonly kind: "presence" | "typing"; readonly ticket: string }
  | { readonly kind: "status"; readonly ticket: string; readonly messages: readonly string[] }
  | { readonly kind: "deliver"; readonly clients: readonly string[]; readonly message: NewMessage }
  | { readonly kind: "close"; readonly client: string }
  | { readonly kind: "done"; readonly id: number };

const { state, publicKey } = workerData as { state: ChatStateHandle; publicKey: JWK };
const tell = (notice: Notice): void => parentPort?.postMessage(notice);
const service = new ChatService(attachState(state, monotonicClock), {
  send: (clients, event, data) => clients.length > 0 && tell({ kind: "send", clients, event, data }),
  changed: (kind, ticket) => tell({ kind, ticket }),
  status: (ticket, messages) => tell({ kind: "status", ticket, messages }),
  deliver: (clients, message) => tell({ kind: "deliver", clients, message }),
  close: (client) => tell({ kind: "close", client }),
});
const verifier = createVerifier(publicKey);

async function verify(token: string): Promise<Identity> {
  return (await verifier)(token);
}

async function onFrame(client: string, text: string, id: number): Promise<void> {
  const frame = parseFrame(text);
  switch (frame.event) {
    case "chat_authenticate":
      return service.authenticate(client, await verify(frame.token));
    case "join_ticket_chat":
      return service.joinTicket(client, frame.ticket);
    case "leave_ticket_chat":
      return service.leaveTicket(client, frame.ticket);
    case "typing_start":
      return service.startTyping(client, frame.ticket);
    case "typing_stop":
      return service.stopTyping(client, frame.ticket);
    case "mark_messages_read":
      return service.markRead(client, frame.ticket, frame.messages);
    case "send_message":
      return service.sendMessage(client, frame.ticket, `m${id}`, frame.text);
  }
}

async function handle(task: Task): Promise<void> {
  const { client } = task;
  try {
    if (task.kind === "frame") await onFrame(client, task.text, task.id);
    else if (task.kind === "connect") service.connect(client);
    else if (task.kind === "disconnect") service.disconnect(client);
    else if (task.kind === "delivered") service.broadcastMessageStatus(task.ticket, task.message, "delivered");
    else service.cleanupStaleConnections();
  } catch (error) {
    const known = error instanceof ChatError;
    if (!known) process.stderr.write(`chat: ${task.kind} failed: ${error instanceof Error ? error.stack : error}\n`);
    // What went wrong inside is for the log, not for the client.
    const data = known ? { code: error.reason, message: error.message } : { code: "internal", message: "try again" };
    tell({ kind: "send", clients: [client], event: "error", data });
  }
  tell({ kind: "done", id: task.id });
}

/** The last event of each client that is not handled yet: a client's events are handled in their order. */
const last = new Map<string, Promise<void>>();

parentPort?.on("message", (task: Task) => {
  const mine = (last.get(task.client) ?? Promise.resolve()).then(() => handle(task));
  last.set(task.client, mine);
  void mine.then(() => last.get(task.client) === mine && last.delete(task.client));
});
