// watchdog: 300s
// Many clients over four threads, joining, leaving, writing and going at random while threads are killed: who is there is
// who should be, and no message's status goes back. HOLDFAST_CHAT_CLIENTS=200 for the whole of it, HOLDFAST_CHAT_STEPS
// for a longer one.
import * as assert from "uvu/assert";
import { type Chat, startChat } from "../../../examples/chat/server.ts";
import { suite } from "../../support/suite.ts";
import { Client, onlyLeft } from "./client.ts";

const CLIENTS = Number(process.env.HOLDFAST_CHAT_CLIENTS ?? 40);
const STEPS = Number(process.env.HOLDFAST_CHAT_STEPS ?? 12);
const TICKETS = 10;
const LEVELS = ["sent", "delivered", "read"];
const test = suite("examples/chat/storm");

/** What one client has been told, and what is to be so in the end: the oracle. */
interface Actor {
  readonly client: Client;
  readonly tickets: Set<string>;
}

function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function act(chat: Chat, number: number): Promise<Actor> {
  const random = randomOf(number * 7919 + 1);
  const userId = `u${number % (CLIENTS / 2)}`;
  const token = await chat.sign({ userId, isAdmin: true });
  let actor: Actor = { client: await new Client(chat.address).login(token), tickets: new Set() };
  for (let step = 0; step < STEPS; step++) {
    const { client, tickets } = actor;
    const ticket = String(random(TICKETS));
    const what = random(10);
    if (what < 4) {
      assert.is((await client.join(ticket)).event, "ticket_chat_joined");
      tickets.add(ticket);
    } else if (what < 6) {
      assert.is(
        (await client.ask("leave_ticket_chat", { ticket_id: ticket }, "ticket_chat_left")).event,
        "ticket_chat_left",
      );
      tickets.delete(ticket);
    } else if (what < 9) {
      const mine = [...tickets];
      if (mine.length === 0) continue;
      const to = mine[random(mine.length)];
      client.send("typing_start", { ticket_id: to });
      client.send("send_message", { ticket_id: to, text: `${number}.${step}` });
      const unread = client.received.filter(({ event, data }) => event === "new_message" && data.ticket_id === to);
      const message_ids = unread.slice(-5).map(({ data }) => data.message_id);
      if (message_ids.length > 0) client.send("mark_messages_read", { ticket_id: to, message_ids });
    } else {
      // Gone without waiting for anything under way, and another in its place.
      checkStatuses(client);
      client.socket.terminate();
      actor = { client: await new Client(chat.address).login(token), tickets: new Set() };
    }
  }
  return actor;
}

/** What a client was told of a message's status, as the frames came, never goes back. */
function checkStatuses(client: Client): void {
  const levels = new Map<unknown, number>();
  for (const { event, data } of client.received) {
    if (event !== "new_message" && event !== "message_status_update") continue;
    const level = LEVELS.indexOf(String(data.status));
    const before = levels.get(data.message_id) ?? 0;
    assert.ok(level >= before, `${data.message_id} went from ${LEVELS[before]} to ${data.status}`);
    levels.set(data.message_id, level);
  }
}

/** Each member is in its rooms and each room's members are connected, at this moment. */
function checkRooms(chat: Chat): void {
  const { members, rooms } = chat.state.rooms.snapshot();
  for (const [room, inside] of rooms) {
    for (const client of inside) assert.ok(members.get(client)?.rooms.includes(room), `phantom ${client} in ${room}`);
  }
  for (const [client, { rooms: own }] of members) {
    for (const room of own) assert.ok(rooms.get(room)?.includes(client), `${client} is missing in ${room}`);
  }
}

test(`${CLIENTS} clients over 4 threads that are killed: presence equals the oracle, status never goes back`, async () => {
  const tickets = Object.fromEntries(Array.from({ length: TICKETS }, (_, i) => [String(i), "u0"]));
  const chat = await startChat({ workers: 4, tickets, limits: { framesPerSecond: 1e6, burst: 1e6 } });
  try {
    let running = true;
    const killer = (async () => {
      const random = randomOf(42);
      for (let kills = 0; running && kills < 40; kills++) {
        await chat.killWorker(random(4));
        checkRooms(chat);
        // How often a thread is killed; nothing is waited for, and no outcome depends on it.
        await new Promise((resolve) => setTimeout(resolve, 100 + random(200)));
      }
    })();
    const actors = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => act(chat, number)));
    running = false;
    await killer;
    await onlyLeft(chat, CLIENTS);
    assert.ok(chat.deaths > 0);
    checkRooms(chat);
    for (let ticket = 0; ticket < TICKETS; ticket++) {
      const wanted = actors.filter((actor) => actor.tickets.has(String(ticket))).length;
      assert.is(chat.service.getParticipants(String(ticket)).participants_count, wanted, `ticket ${ticket}`);
    }
    assert.is(chat.state.rooms.snapshot().members.size, CLIENTS);
    // Everyone was told last how many are there in truth.
    for (const { client, tickets } of actors) {
      for (const ticket of tickets) {
        const { participants_count } = chat.service.getParticipants(ticket);
        await client.until(`presence of ${ticket}`, () => {
          const told = client.received.findLast(({ event, data }) => event === "presence" && data.ticket_id === ticket);
          return told?.data.participants_count === participants_count ? true : undefined;
        });
      }
      checkStatuses(client);
    }
    await Promise.all(actors.map(({ client }) => client.end()));
    await onlyLeft(chat, 0);
    const { members, rooms } = chat.state.rooms.snapshot();
    assert.equal([members.size, rooms.size, chat.state.seen.size], [0, 0, 0], "nothing leaks");
  } finally {
    await chat.close();
  }
});

test.run();
