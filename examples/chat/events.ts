// What goes over the wire: { "event": NAME, "data": {…} } in both directions. Everything that comes in is checked here,
// before any handler sees it; ids are strings from here on, so 5 and "5" are one ticket.

export type Incoming =
  | { readonly event: "chat_authenticate"; readonly token: string }
  | {
      readonly event: "join_ticket_chat" | "leave_ticket_chat" | "typing_start" | "typing_stop";
      readonly ticket: string;
    }
  | { readonly event: "mark_messages_read"; readonly ticket: string; readonly messages: readonly string[] }
  | { readonly event: "send_message"; readonly ticket: string; readonly text: string };

export type Outgoing =
  | "chat_connected"
  | "chat_authenticated"
  | "ticket_chat_joined"
  | "ticket_chat_left"
  | "presence"
  | "user_typing"
  | "messages_read"
  | "new_message"
  | "ticket_message_notification"
  | "message_status_update"
  | "ticket_update"
  | "error";

export type ErrorReason =
  | "bad_frame"
  | "bad_token"
  | "not_authenticated"
  | "forbidden"
  | "not_in_ticket"
  | "no_such_message"
  | "rate_limited"
  | "internal";

/** A refusal that the client is told. */
export class ChatError extends Error {
  readonly reason: ErrorReason;

  constructor(reason: ErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The most characters of a message's text. */
const MAX_TEXT = 4000;
const MAX_READ_AT_ONCE = 100;
const ID = /^[\w-]{1,64}$/;

export const frameOf = (event: Outgoing, data: object): string => JSON.stringify({ event, data });

/** The event of a frame. Throws ChatError for anything else; what it says names no content of the frame. */
export function parseFrame(text: string): Incoming {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new ChatError("bad_frame", "a frame must be JSON");
  }
  const { event, data = {} } = objectOf(frame);
  const fields = objectOf(data);
  switch (event) {
    case "chat_authenticate":
      return { event, token: textOf(fields.token, "token", 8192) };
    case "join_ticket_chat":
    case "leave_ticket_chat":
    case "typing_start":
    case "typing_stop":
      return { event, ticket: idOf(fields.ticket_id, "ticket_id") };
    case "mark_messages_read": {
      const ids = fields.message_ids;
      if (!Array.isArray(ids) || ids.length > MAX_READ_AT_ONCE) {
        throw new ChatError("bad_frame", `message_ids must be an array of at most ${MAX_READ_AT_ONCE}`);
      }
      return { event, ticket: idOf(fields.ticket_id, "ticket_id"), messages: ids.map((id) => idOf(id, "message_ids")) };
    }
    case "send_message":
      return { event, ticket: idOf(fields.ticket_id, "ticket_id"), text: textOf(fields.text, "text", MAX_TEXT) };
    default:
      throw new ChatError("bad_frame", "no such event");
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ChatError("bad_frame", "a frame is an object with event and data");
}

function textOf(value: unknown, name: string, most: number): string {
  if (typeof value === "string" && value.trim() !== "" && value.length <= most) return value;
  throw new ChatError("bad_frame", `${name} must be a text of 1 to ${most} characters`);
}

function idOf(value: unknown, name: string): string {
  const id = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof id === "string" && ID.test(id)) return id;
  throw new ChatError("bad_frame", `${name} must be a whole number, or 1 to 64 letters, digits, _ and -`);
}
