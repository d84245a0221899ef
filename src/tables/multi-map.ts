// SharedMultiMap: keys to sets of members, a row for each key that has any (members.ts), changed under its shard's lock.
//
// Invariant: a key is there exactly if its set is not empty. The last leaver removes the row in the same step in which it
// takes its member out, and a joiner makes the row in the same step in which it puts its own in: whichever comes first,
// the joiner is in.

import { between, membersOf, withMember, withoutMember } from "./members.ts";
import { assertText, TableView, type ViewHandle, type ViewOptions, viewOptions } from "./view.ts";

export type MultiMapOptions = ViewOptions;
export type MultiMapHandle = ViewHandle<"multi-map">;

const COLUMNS = { members: "string" } as const;

/**
 * Sets of strings by key, for all threads: who is in which room, which files carry which tag. Every method is atomic, and
 * a thread that is terminated inside leaves it done or not done. A key whose last member leaves vanishes in that moment;
 * one that joins at the same time is never lost.
 *
 * Keys of up to 1 MiB in UTF-8; the members of one key together take at most 1 MiB, with a byte more for each. Changing a
 * set costs time in proportion to its bytes: made for many sets rather than for large ones. Errors as for SharedMap.
 *
 * @example
 * const rooms = SharedMultiMap.named("rooms");
 * rooms.add("lobby", "Alice"); // true: she was not there
 * rooms.get("lobby"); // ["Alice"]
 * rooms.delete("lobby", "Alice"); // true, and the room is gone
 */
export class SharedMultiMap extends TableView<typeof COLUMNS, "multi-map"> {
  constructor(options: MultiMapOptions = {}) {
    super({ className: "SharedMultiMap", key: "a key", column: "the members of a key" }, "multi-map", COLUMNS, options);
  }

  /** The multi-map of this name, made if there is none yet. */
  static named(name: string, options: Omit<MultiMapOptions, "name"> = {}): SharedMultiMap {
    return new SharedMultiMap({ ...options, name });
  }

  /** Attaches to the multi-map of a handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
  static from(handle: MultiMapHandle): SharedMultiMap {
    return new SharedMultiMap(viewOptions("SharedMultiMap", "multi-map", handle));
  }

  /** Puts a member into the key's set; true for the one caller that did, false if it was there. */
  add(key: string, member: string): boolean {
    const wanted = this.#wanted(member);
    if (this.#holds(key, wanted)) return false;
    let added = false;
    this.table.update(key, (row) => {
      added = row === undefined || !row.members.includes(wanted);
      return added ? { members: withMember(row?.members, wanted) } : row;
    });
    return added;
  }

  /** Takes a member out of the key's set, and the key with the last one; true for the one caller that did. */
  delete(key: string, member: string): boolean {
    const wanted = this.#wanted(member);
    if (!this.#holds(key, wanted)) return false;
    let deleted = false;
    this.table.update(key, (row) => {
      deleted = row?.members.includes(wanted) === true;
      if (row === undefined || !deleted) return row;
      const members = withoutMember(row.members, wanted);
      return members === undefined ? undefined : { members };
    });
    return deleted;
  }

  /** Takes the key out with all its members; false if it was not there. */
  deleteAll(key: string): boolean {
    return this.table.delete(key);
  }

  /** Takes the key out and returns its members, an empty array if it was not there; of several threads one gets them. */
  take(key: string): string[] {
    const row = this.table.take(key);
    return row === undefined ? [] : membersOf(row.members);
  }

  /** Whether the key has any members or, if one is given, this one. */
  has(key: string, member?: string): boolean {
    return member === undefined ? this.table.has(key) : this.#holds(key, this.#wanted(member));
  }

  /** The members of the key, in the order in which they came: a copy, empty if there are none. */
  get(key: string): string[] {
    const row = this.table.get(key);
    return row === undefined ? [] : membersOf(row.members);
  }

  /** The keys; each that is there throughout comes exactly once. The multi-map may be used, changed even, in the loop. */
  keys(): IterableIterator<string> {
    return this.table.keys();
  }

  /** The keys with their members, as {@link keys}; each set is whole, but they are not of one moment. */
  *entries(): IterableIterator<[string, string[]]> {
    for (const [key, row] of this.table.entries()) yield [key, membersOf(row.members)];
  }

  [Symbol.iterator](): IterableIterator<[string, string[]]> {
    return this.entries();
  }

  /** All keys and their sets as they were at one moment. */
  snapshot(): Map<string, Set<string>> {
    const map = new Map<string, Set<string>>();
    for (const [key, { members }] of this.table.snapshot()) map.set(key, new Set(membersOf(members)));
    return map;
  }

  #holds(key: string, wanted: string): boolean {
    return this.table.get(key)?.members.includes(wanted) === true;
  }

  #wanted(member: string): string {
    assertText(member, `${this.core.label}: a member`);
    return between(member);
  }
}
