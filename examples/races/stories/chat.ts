// H42-H50: the chat's rooms and marks (system 5, seed 004), and a thread that dies in any of the systems.
import { Mutex } from "../../../src/locks/mutex.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedMultiMap } from "../../../src/tables/multi-map.ts";
import { SharedSet } from "../../../src/tables/set.ts";
import { SharedTable } from "../../../src/tables/shared-table.ts";
import { delItem, eachKey, getItem, thrown } from "../dict.ts";
import { RawLock } from "../raw.ts";
import { type Context, type Story, story } from "../story.ts";

type Numbers = SharedTable<string, { n: number }>;

function numbers(rows: Readonly<Record<string, number>>): Numbers {
  const table: Numbers = new SharedTable({ key: "string", columns: { n: "u32" } });
  for (const [key, n] of Object.entries(rows)) table.set(key, { n });
  return table;
}

const h42 = story<{ readonly clients: Numbers }>({
  id: "H42",
  title: "a client disconnects while it authenticates",
  kind: "forced",
  threads: ["chat_authenticate", "disconnect"],
  script: ["0: is it connected? yes", "1: forget the client", "0: note its user id"],
  claim: "connected_clients is accessed by several handlers at once: race conditions and corruption.",
  fact: "The KeyError is real in CPython, corruption of the dictionary is not.",
  fix: "update: the check and the change are one operation",
  setUp: () => ({ clients: numbers({ c1: 0 }) }),
  unsafe: ({ clients }, { index, step }) => {
    if (index === 1) return step("forget the client", () => clients.delete("c1"));
    if (!step("is it connected? yes", () => clients.has("c1"))) return undefined;
    return step("note its user id", () => {
      getItem(clients, "c1");
      clients.set("c1", { n: 5 });
    });
  },
  safe: ({ clients }, { index, step }) => {
    if (index === 1) return step("forget the client", () => clients.delete("c1"));
    step("is it connected? yes", () => undefined);
    return step("note its user id", () => clients.update("c1", (row) => row && { n: 5 }));
  },
  check: ({ clients }, values) => thrown(values) ?? (clients.has("c1") ? "a gone client is connected" : undefined),
});

const h43 = story<{ readonly raw: SharedMap; readonly rooms: SharedMultiMap }>({
  id: "H43",
  title: "the last leaver deletes the room while a joiner enters",
  kind: "forced",
  threads: ["leaves", "joins"],
  script: ["0: take me out of the room", "0: is it empty? yes", "1: join the room", "0: delete the room"],
  claim: "discard, then: if not ticket_rooms[ticket_id]: del ticket_rooms[ticket_id].",
  fact: "Real in CPython without the lock: the joiner is in a set that nobody reaches any more.",
  fix: "a multi-map, whose emptied key goes in the same operation",
  setUp: () => ({ raw: new SharedMap().set("7", "leaver "), rooms: filled("leaver") }),
  unsafe: ({ raw, rooms }, { index, step }) => {
    rooms.delete("7", "leaver");
    if (index === 1) return step("join the room", () => raw.update("7", (members = "") => `${members}joiner `));
    step("take me out of the room", () => raw.update("7", (members = "") => members.replace("leaver ", "")));
    if (step("is it empty? yes", () => raw.get("7") === "")) step("delete the room", () => raw.delete("7"));
    return undefined;
  },
  safe: ({ rooms }, { index, step }) => {
    if (index === 1) return step("join the room", () => rooms.add("7", "joiner"));
    step("take me out of the room", () => rooms.delete("7", "leaver"));
    step("is it empty? yes", () => undefined);
    step("delete the room", () => undefined);
    return undefined;
  },
  check: ({ raw, rooms }) => {
    const joined = rooms.has("7", "joiner") || raw.get("7")?.includes("joiner");
    return joined ? undefined : "the joiner is in no room";
  },
});

function filled(member: string): SharedMultiMap {
  const map = new SharedMultiMap();
  map.add("7", member);
  return map;
}

interface Presence {
  readonly clients: SharedSet;
  readonly rooms: SharedMultiMap;
  readonly mutex: Mutex;
}

const present = (): Presence => {
  const clients = new SharedSet();
  clients.add("c1");
  return { clients, rooms: filled("c1"), mutex: new Mutex() };
};

const h44: Story = story<Presence>({
  id: "H44",
  title: "a client is in a room but not connected",
  kind: "forced",
  threads: ["disconnects", "lists the room"],
  script: ["0: forget the client", "1: who is in the room?", "1: who is connected?", "0: leave the room"],
  claim: "Each table is protected.",
  fact: "Real in CPython: each table is sound, together they tell of a moment that must not be seen.",
  fix: "one critical section over the tables, for who changes and for who asks",
  setUp: present,
  unsafe: ({ clients, rooms }, { index, step }) => {
    if (index === 0) {
      step("forget the client", () => clients.delete("c1"));
      return step("leave the room", () => rooms.delete("7", "c1"));
    }
    const inRoom = step("who is in the room?", () => rooms.has("7", "c1"));
    return { inRoom, connected: step("who is connected?", () => clients.has("c1")) };
  },
  safe: (state, context) => state.mutex.withLock(() => h44.unsafe(state, context)),
  check: (_state, [, seen]) => {
    const { inRoom, connected } = seen as { inRoom: boolean; connected: boolean };
    return inRoom && !connected ? "c1 is in the room and not connected" : undefined;
  },
});

const h45 = story<{ readonly typing: Numbers }>({
  id: "H45",
  title: "typing_users changes while it is listed",
  kind: "forced",
  threads: ["get_typing_users", "typing_start"],
  script: ["0: list Ann", "1: Cid types", "0: list Bob"],
  claim: "get_typing_users is thread-safe: it holds the lock.",
  fact: "Real in CPython without the lock; and the code deletes stale entries in its own loop, which throws with one thread and the lock held.",
  fix: "a snapshot; what is stale is deleted afterwards",
  setUp: () => ({ typing: numbers({ Ann: 1, Bob: 2 }) }),
  unsafe: ({ typing }, { index, step }) => {
    if (index === 1) return step("Cid types", () => void typing.set("Cid", { n: 3 }));
    const users: string[] = [];
    for (const user of eachKey(typing)) users.push(step(`list ${user}`, () => user));
    return users.join(" ");
  },
  safe: ({ typing }, { index, step }) => {
    if (index === 1) return step("Cid types", () => void typing.set("Cid", { n: 3 }));
    const rows = step("list Ann", () => typing.snapshot());
    return step("list Bob", () => [...rows.keys()].sort().join(" "));
  },
  check: (_state, values) =>
    thrown(values) ?? (String(values[0]).startsWith("Ann Bob") ? undefined : `listed: ${values[0]}`),
});

const STATUS = ["", "sent", "delivered", "read"];

const h46 = story<{ readonly status: Numbers }>({
  id: "H46",
  title: "a late 'sent' overwrites 'read'",
  kind: "forced",
  threads: ["broadcasts", "marks as read"],
  script: ["0: the message goes out", "1: status = read", "0: status = sent"],
  claim: "message_status is set under the lock.",
  fact: "Real in CPython, and with the lock too: each write is safe, their order is not.",
  fix: "a maximum: a status only goes forward",
  setUp: () => ({ status: numbers({}) }),
  unsafe: ({ status }, { index, step }) => {
    if (index === 1) return step("status = read", () => void status.set("m1", { n: 3 }));
    step("the message goes out", () => undefined);
    return step("status = sent", () => void status.set("m1", { n: 1 }));
  },
  safe: ({ status }, { index, step }) => {
    if (index === 1) return step("status = read", () => status.max("m1", "n", 3));
    step("the message goes out", () => undefined);
    return step("status = sent", () => status.max("m1", "n", 1));
  },
  check: ({ status }) => {
    const n = status.get("m1")?.n ?? 0;
    return n === 3 ? undefined : `a read message is "${STATUS[n]}"`;
  },
});

const h47 = story<{ readonly raw: SharedSet; readonly admins: SharedMultiMap }>({
  id: "H47",
  title: "one admin's leaving removes the room for all",
  kind: "forced",
  threads: ["admin 1", "admin 2"],
  script: ["0: enter", "1: enter", "1: leave", "0: does a ticket reach me?"],
  claim: "admin_rooms is a set of room names.",
  fact: "Real in CPython and with one thread: a set of names does not know how many are inside.",
  fix: "the room's members are kept; the room is there while there is one",
  setUp: () => ({ raw: new SharedSet(), admins: new SharedMultiMap() }),
  unsafe: ({ raw }, { index, step }) => {
    step("enter", () => raw.add("admin_support"));
    if (index === 1) return step("leave", () => raw.delete("admin_support"));
    return step("does a ticket reach me?", () => raw.has("admin_support"));
  },
  safe: ({ admins }, { index, step }) => {
    step("enter", () => admins.add("admin_support", `admin ${index}`));
    if (index === 1) return step("leave", () => admins.delete("admin_support", "admin 1"));
    return step("does a ticket reach me?", () => admins.has("admin_support"));
  },
  check: (_state, [reached]) => (reached === true ? undefined : "the admin who stays gets nothing"),
});

const h48 = story<{ readonly typing: Numbers }>({
  id: "H48",
  title: "the cleanup of stale entries removes a fresh one",
  kind: "forced",
  threads: ["cleans up", "typing_start"],
  script: ["0: Ann's entry is 40 s old", "1: Ann types again", "0: remove Ann's entry"],
  claim: "cleanup_stale_connections removes typing entries older than 30 s.",
  fact: "Real in CPython without the lock; and it cleans no connections at all.",
  fix: "compare and delete: only the very entry that was looked at",
  setUp: () => ({ typing: numbers({ Ann: 0 }) }),
  unsafe: ({ typing }, { index, step }) => {
    if (index === 1) return step("Ann types again", () => void typing.set("Ann", { n: 40 }));
    if (step("Ann's entry is 40 s old", () => getItem(typing, "Ann").n) > 10) return undefined;
    return step("remove Ann's entry", () => delItem(typing, "Ann"));
  },
  safe: ({ typing }, { index, step }) => {
    if (index === 1) return step("Ann types again", () => void typing.set("Ann", { n: 40 }));
    const seen = step("Ann's entry is 40 s old", () => typing.getWithVersion("Ann"));
    if (seen === undefined || seen.row.n > 10) return undefined;
    return step("remove Ann's entry", () => typing.compareAndDelete("Ann", seen.version));
  },
  check: ({ typing }, values) => thrown(values) ?? (typing.has("Ann") ? undefined : "Ann types, and nobody sees it"),
});

function joinOrLeave({ clients, rooms }: Presence, { index, step }: Context, checkInside: boolean): void {
  if (index === 1) {
    step("disconnect", () => {
      clients.delete("c2");
      rooms.delete("7", "c2");
    });
    return;
  }
  const seen = step("is c2 connected? yes", () => clients.has("c2"));
  step("join the room", () => (checkInside ? clients.has("c2") : seen) && rooms.add("7", "c2"));
}

const h49 = story<Presence>({
  id: "H49",
  title: "join after disconnect: a phantom participant",
  kind: "forced",
  threads: ["join_ticket_chat", "disconnect"],
  script: ["0: is c2 connected? yes", "1: disconnect", "0: join the room"],
  claim: "The validation is done before the lock is taken.",
  fact: "Real in CPython, with the lock as documented: what was checked outside is old inside.",
  fix: "the check inside the lock",
  setUp: () => {
    const state = present();
    state.clients.add("c2");
    return state;
  },
  unsafe: (state, context) => {
    const locked: Context = { ...context, step: (name, take) => context.step(name, () => state.mutex.withLock(take)) };
    joinOrLeave(state, locked, false);
  },
  safe: (state, context) => {
    const locked: Context = { ...context, step: (name, take) => context.step(name, () => state.mutex.withLock(take)) };
    joinOrLeave(state, locked, true);
  },
  check: ({ rooms }) => (rooms.has("7", "c2") ? "a client that is gone is in the room" : undefined),
});

const h50 = story<{ readonly raw: RawLock; readonly mutex: Mutex; readonly record: Int32Array }>({
  id: "H50",
  title: "a worker is terminated with the lock held, half-way through a record",
  kind: "forced",
  threads: ["writes, and dies", "reads"],
  script: ["0: lock, write the first half", "0: is terminated", "1: lock and read"],
  claim: "The documents don't ask: their threads can't be killed.",
  fact: "True in CPython: a thread can't be terminated (_stop() does nothing). A worker can, between any two instructions, and its lock stays held.",
  fix: "the next owner is told, repairs the record, and goes on",
  setUp: () => ({ raw: new RawLock(), mutex: new Mutex(), record: new Int32Array(new SharedArrayBuffer(8)) }),
  unsafe: ({ raw, record }, { index, step, die }) => {
    if (index === 0) {
      step("lock, write the first half", () => raw.lock() && Atomics.store(record, 0, 1));
      return die();
    }
    const locked = step("lock and read", () => raw.lock());
    return `${locked ? "has the lock" : "waits for ever"}, reads ${record.join(" ")}`;
  },
  safe: ({ mutex, record }, { index, step, die }) => {
    if (index === 0) {
      step("lock, write the first half", () => {
        mutex.lock();
        Atomics.store(record, 0, 1);
      });
      return die();
    }
    const repair = (): void => void Atomics.store(record, 1, Atomics.load(record, 0));
    return step("lock and read", () =>
      mutex.withLock(() => `has the lock, reads ${record.join(" ")}`, { recover: repair, timeout: 30_000 }),
    );
  },
  // The record as it was before the writer came is as good as the repaired one; half of it is not.
  check: (_state, [, told]) => (/^has the lock, reads (1 1|0 0)$/.test(String(told)) ? undefined : String(told)),
});

export const chatStories: readonly Story[] = [h42, h43, h44, h45, h46, h47, h48, h49, h50];
