// The chat's whole state: shared tables, nothing else. Any thread attaches by the handle.
import type { Region } from "../../src/region/region.ts";
import type { Clock } from "../../src/systems/clock.ts";
import { ExpiringEntries, type ExpiringEntriesHandle } from "../../src/systems/expiring-entries.ts";
import { Rooms, type RoomsHandle } from "../../src/systems/rooms.ts";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";

/** A connected client's data; nobody until a token says who. */
export type ClientData = {
  readonly userId: string | null;
  readonly name: string;
  readonly isAdmin: boolean;
  readonly expiresAt: number;
};

type TicketRow = { owner: string };
type MessageRow = { ticket: string; sender: string; status: number; at: number };
type SeenRow = { at: number };

export interface ChatState {
  /** Clients, and rooms of them: `ticket T`, `user U`, `admins`. */
  readonly rooms: Rooms<ClientData>;
  /** Ticket → user → name: who types. The owner of an entry is the client. */
  readonly typing: ExpiringEntries;
  readonly tickets: SharedTable<string, TicketRow>;
  /** Message → its ticket, its sender, and how far it is: sent 1, delivered 2, read 3. */
  readonly messages: SharedTable<string, MessageRow>;
  /** Client → when it last answered. */
  readonly seen: SharedTable<string, SeenRow>;
  readonly now: Clock;
}

export interface ChatStateHandle {
  readonly rooms: RoomsHandle;
  readonly typing: ExpiringEntriesHandle;
  readonly tickets: TableHandle<string, TicketRow>;
  readonly messages: TableHandle<string, MessageRow>;
  readonly seen: TableHandle<string, SeenRow>;
}

export function createState(region: Region, now: Clock): ChatState {
  const place = { region, key: "string" } as const;
  return {
    rooms: new Rooms({ region }),
    typing: new ExpiringEntries({ region, now }),
    tickets: new SharedTable({ ...place, columns: { owner: "string" } }),
    messages: new SharedTable({
      ...place,
      columns: { ticket: "string", sender: "string", status: "u32", at: "f64" },
    }),
    seen: new SharedTable({ ...place, columns: { at: "f64" } }),
    now,
  };
}

export function shareState({ rooms, typing, tickets, messages, seen }: ChatState): ChatStateHandle {
  return {
    rooms: rooms.share(),
    typing: typing.share(),
    tickets: tickets.share(),
    messages: messages.share(),
    seen: seen.share(),
  };
}

export function attachState(handle: ChatStateHandle, now: Clock): ChatState {
  return {
    rooms: Rooms.from<ClientData>(handle.rooms),
    typing: ExpiringEntries.from(handle.typing, { now }),
    tickets: SharedTable.from(handle.tickets),
    messages: SharedTable.from(handle.messages),
    seen: SharedTable.from(handle.seen),
    now,
  };
}
