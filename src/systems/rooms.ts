// Who is connected and who is in which room, for all threads: both directions in one table.
//
//   m \0 member → rooms that it is in, its data        r \0 room → members
//
// Invariant: a member stands in a room exactly if the room stands with the member, members are in rooms only while they
// are connected, and a room without members has no row. Each change is one table transaction over the member's row and
// the rows of all rooms that it touches, so the invariant holds at every moment, and also if a thread is killed.
//
// Which rooms those are is read first, without a lock. Inside the transaction the member's row is read again; if it is
// another one by then, nothing is changed and the whole begins anew. The data and rooms that a caller decides upon are
// thus those that its decision is stored against: a join that meets a disconnect is either wholly before it or refused.

import { describe } from "../cells/deadline.ts";
import type { Region } from "../region/region.ts";
import { between, membersOf, withMember, withoutMember } from "../tables/members.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import { encodeJson, type JsonValue } from "./json-value.ts";

interface Row {
  set: string;
  data: string;
}

const COLUMNS = { set: "string", data: "string" } as const;

export interface RoomsOptions {
  /** A name in the region: every thread that gives it has the same rooms. */
  readonly name?: string | undefined;
  /** Where they live; the default region of the process if not given. */
  readonly region?: Region | undefined;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface RoomsHandle {
  readonly holdfast: "rooms";
  readonly table: TableHandle<string, Row>;
}

/** A connected member: a copy. */
export interface Member<Data extends JsonValue = JsonValue> {
  readonly data: Data;
  readonly rooms: readonly string[];
}

/** What {@link Rooms.change} is to make of a member. Rooms that it is in already, or is not in, make no difference. */
export interface MemberChange<Data extends JsonValue = JsonValue> {
  readonly data?: Data;
  readonly join?: readonly string[];
  readonly leave?: readonly string[];
}

/** What a change came to. */
export interface Changed<Data extends JsonValue = JsonValue> extends Member<Data> {
  /** Members of each room that was joined or left, in the moment of the change. */
  readonly sizes: ReadonlyMap<string, number>;
}

const memberKey = (member: string): string => `m\u0000${member}`;
const roomKey = (room: string): string => `r\u0000${room}`;
const listOf = (set: string): string[] => (set === "" ? [] : membersOf(set));

/**
 * Connected members, their data, and rooms of them, for all threads. Each method is one step for every other thread, also
 * if its thread is killed; none waits longer than for the change of another. A room is there while it has members: the
 * last one to leave removes it, and one that joins in the same moment is never lost.
 *
 * Members and rooms are any strings; the members of a room take at most 1 MiB together, as do the rooms of a member.
 * Methods throw TypeError for other names and data that JSON would change, RangeError for too long ones, ERR_REGION_FULL,
 * ERR_CLOSED; nothing has changed then.
 *
 * @example
 * const rooms = new Rooms<{ user: string }>();
 * rooms.connect("socket 1", { user: "ann" });
 * rooms.change("socket 1", ({ data }) => ({ join: [`user ${data.user}`, "lobby"] }))?.sizes.get("lobby"); // 1
 * rooms.disconnect("socket 1"); // and both rooms are gone
 */
export class Rooms<Data extends JsonValue = JsonValue> {
  readonly #table: SharedTable<string, Row>;

  constructor(options: RoomsOptions = {}, /** @internal */ attached?: SharedTable<string, Row>) {
    const { name, region } = options;
    this.#table = attached ?? new SharedTable({ name, region, key: "string", columns: COLUMNS });
  }

  /** The same rooms in another thread. */
  static from<Data extends JsonValue = JsonValue>(handle: RoomsHandle): Rooms<Data> {
    if (handle?.holdfast !== "rooms") throw new TypeError("this is no handle of Rooms");
    return new Rooms({}, SharedTable.from(handle.table));
  }

  /** A small handle for workerData or postMessage. */
  share(): RoomsHandle {
    return { holdfast: "rooms", table: this.#table.share() };
  }

  /** Makes a member, in no room; false if it is there already, which changes nothing. */
  connect(member: string, data: Data): boolean {
    checkName(member, "a member");
    const text = encodeJson(data, "a member's data");
    let made = false;
    this.#table.update(memberKey(member), (row) => {
      made = row === undefined;
      return row ?? { set: "", data: text };
    });
    return made;
  }

  /** The member, or undefined if it is not connected. */
  get(member: string): Member<Data> | undefined {
    const row = this.#table.get(memberKey(member));
    return row === undefined ? undefined : memberOf(row);
  }

  /**
   * Changes a member by what `decide` returns for it; undefined changes nothing. Returns what became of it, or undefined
   * if it is not connected (then `decide` is not called) or nothing was to change. `decide` runs without a lock and is
   * called again if another thread changed the member meanwhile; what it throws is passed on, and nothing has changed.
   */
  change(member: string, decide: (member: Member<Data>) => MemberChange<Data> | undefined): Changed<Data> | undefined {
    checkName(member, "a member");
    for (;;) {
      const seen = this.#table.get(memberKey(member));
      if (seen === undefined) return undefined;
      const change = decide(memberOf<Data>(seen));
      if (change === undefined) return undefined;
      const changed = this.#apply(member, seen, change);
      if (changed !== undefined) return changed;
    }
  }

  /** Takes a member out of all its rooms and away; what it was, with the rooms' sizes without it. One caller gets it. */
  disconnect(member: string): Changed<Data> | undefined {
    checkName(member, "a member");
    for (;;) {
      const seen = this.#table.get(memberKey(member));
      if (seen === undefined) return undefined;
      const leave = listOf(seen.set);
      const sizes = this.#step(member, seen, [], leave, undefined);
      if (sizes !== undefined) return { ...memberOf<Data>(seen), sizes };
    }
  }

  /** The members of a room in the order in which they came; empty if there are none. */
  members(room: string): string[] {
    return listOf(this.#table.get(roomKey(room))?.set ?? "");
  }

  /** Whether the member is in the room, at this moment. */
  isIn(member: string, room: string): boolean {
    return this.#table.get(memberKey(member))?.set.includes(between(room)) === true;
  }

  /** All members and all rooms as they were at one moment. */
  snapshot(): { members: Map<string, Member<Data>>; rooms: Map<string, string[]> } {
    const members = new Map<string, Member<Data>>();
    const rooms = new Map<string, string[]>();
    for (const [key, row] of this.#table.snapshot()) {
      if (key.startsWith("m")) members.set(key.slice(2), memberOf(row));
      else rooms.set(key.slice(2), listOf(row.set));
    }
    return { members, rooms };
  }

  /** Gives the memory back; whoever uses it later gets ERR_CLOSED. */
  free(): void {
    this.#table.free();
  }

  #apply(member: string, seen: Row, change: MemberChange<Data>): Changed<Data> | undefined {
    const data = change.data === undefined ? seen.data : encodeJson(change.data, "a member's data");
    const leave = new Set(change.leave ?? []);
    const join = new Set(change.join ?? []);
    for (const room of [...leave, ...join]) checkName(room, "a room");
    for (const room of join) leave.delete(room);
    let set = seen.set === "" ? undefined : seen.set;
    for (const room of leave) if (set !== undefined) set = withoutMember(set, between(room));
    for (const room of join) if (set?.includes(between(room)) !== true) set = withMember(set, between(room));
    const after = { set: set ?? "", data };
    const sizes = this.#step(member, seen, [...join], [...leave], after);
    return sizes === undefined ? undefined : { ...memberOf<Data>(after), sizes };
  }

  /** Stores the member's new row and its rooms' in one step; undefined, with nothing changed, if the old row was another. */
  #step(
    member: string,
    seen: Row,
    join: readonly string[],
    leave: readonly string[],
    after: Row | undefined,
  ): Map<string, number> | undefined {
    const key = memberKey(member);
    const wanted = between(member);
    return this.#table.transaction([key, ...join.map(roomKey), ...leave.map(roomKey)], (tx) => {
      const now = tx.get(key);
      if (now === undefined || now.set !== seen.set || now.data !== seen.data) return undefined;
      const sizes = new Map<string, number>();
      for (const room of join) {
        const set = tx.get(roomKey(room))?.set;
        const next = set?.includes(wanted) === true ? set : withMember(set, wanted);
        if (next !== set) tx.set(roomKey(room), { set: next, data: "" });
        sizes.set(room, listOf(next).length);
      }
      for (const room of leave) {
        const set = tx.get(roomKey(room))?.set;
        const next = set === undefined ? undefined : withoutMember(set, wanted);
        if (next === undefined) tx.delete(roomKey(room));
        else if (next !== set) tx.set(roomKey(room), { set: next, data: "" });
        sizes.set(room, listOf(next ?? "").length);
      }
      if (after === undefined) tx.delete(key);
      else tx.set(key, after);
      return sizes;
    });
  }
}

function memberOf<Data extends JsonValue>(row: Row): Member<Data> {
  return { data: JSON.parse(row.data) as Data, rooms: listOf(row.set) };
}

function checkName(name: unknown, what: string): void {
  if (typeof name !== "string") throw new TypeError(`${what}'s name must be a string, got ${describe(name)}`);
}
