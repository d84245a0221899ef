// The chat's handlers over shared tables, without sockets: rights, typing at its boundaries, status, silent clients.
import * as assert from "uvu/assert";
import { ChatError } from "../../../examples/chat/events.ts";
import { ChatService, type Outbox } from "../../../examples/chat/service.ts";
import { attachState, createState, shareState } from "../../../examples/chat/state.ts";
import { Region } from "../../../src/region/region.ts";
import { suite } from "../../support/suite.ts";
import { thrown } from "../../support/thrown.ts";

const test = suite("examples/chat/service");
const FOREVER = Number.MAX_SAFE_INTEGER / 1e6;

function make() {
  const clock = { time: 1000 };
  const now = (): number => clock.time;
  const state = createState(Region.create(), now);
  state.tickets.set("7", { owner: "ann" });
  state.tickets.set("8", { owner: "eve" });
  const sent: [string, readonly string[], object][] = [];
  const closed: string[] = [];
  const out: Outbox = {
    send: (clients, event, data) => sent.push([event, clients, data]),
    changed: () => undefined,
    status: () => undefined,
    deliver: (clients, message) => sent.push(["new_message", clients, message]),
    close: (client) => closed.push(client),
  };
  const enter = (client: string, userId: string, isAdmin = false): void => {
    service.connect(client);
    service.authenticate(client, { userId, name: userId, isAdmin, expiresAt: FOREVER });
  };
  const service = new ChatService(state, out);
  // Another thread's view of the same state.
  const other = new ChatService(attachState(shareState(state), now), out);
  return { clock, state, service, other, sent, closed, enter };
}

function refusal(work: () => unknown): string {
  const error = thrown(work);
  return error instanceof ChatError ? error.reason : String(error);
}

test("a ticket is joined by its owner and by administrators, and unknown ones look like foreign ones", () => {
  const { service, enter } = make();
  service.connect("nobody");
  enter("a", "ann");
  enter("b", "bob", true);
  assert.is(
    refusal(() => service.joinTicket("nobody", "7")),
    "not_authenticated",
  );
  service.joinTicket("a", "7");
  service.joinTicket("b", "7");
  const foreign = thrown(() => service.joinTicket("a", "8"));
  const unknown = thrown(() => service.joinTicket("a", "9"));
  assert.equal([foreign.message, refusal(() => service.joinTicket("a", "8"))], [unknown.message, "forbidden"]);
  assert.is(service.getParticipants("7").participants_count, 2);
});

test("an administrator's leaving leaves the others their room", () => {
  const { service, state, enter } = make();
  enter("b", "bob", true);
  enter("c", "cem", true);
  service.disconnect("b");
  assert.equal(state.rooms.members("admins"), ["c"]);
});

test("who authenticates as another leaves the rooms of whom it was", () => {
  const { service, state, enter } = make();
  enter("x", "ann");
  service.joinTicket("x", "7");
  service.authenticate("x", { userId: "eve", name: "Eve", isAdmin: false, expiresAt: FOREVER });
  assert.equal(state.rooms.get("x")?.rooms, ["user eve"]);
});

test("an expired token's client is refused from then on", () => {
  const { service } = make();
  service.connect("x");
  service.authenticate("x", { userId: "ann", name: "Ann", isAdmin: false, expiresAt: 1 });
  assert.is(
    refusal(() => service.joinTicket("x", "7")),
    "not_authenticated",
  );
});

test("typing is shown for 10 s and kept for 30 s, to the millisecond", () => {
  const { clock, service, other, state, enter } = make();
  enter("a", "ann");
  service.joinTicket("a", "7");
  service.startTyping("a", "7");
  clock.time += 10_000;
  assert.equal(other.getTypingUsers("7"), [{ user_id: "ann", user_name: "ann", age: 10_000 }]);
  clock.time += 1;
  assert.equal(other.getTypingUsers("7"), []);
  clock.time += 19_999;
  assert.is(other.cleanupStaleConnections().typing, 0);
  clock.time += 1;
  assert.is(other.cleanupStaleConnections().typing, 1);
  assert.is(state.typing.groups, 0);
});

test("typing needs the room, and ends with it", () => {
  const { service, state, enter } = make();
  enter("a", "ann");
  assert.is(
    refusal(() => service.startTyping("a", "7")),
    "not_in_ticket",
  );
  service.joinTicket("a", "7");
  service.startTyping("a", "7");
  service.disconnect("a");
  assert.equal([service.getTypingUsers("7"), state.typing.groups], [[], 0]);
});

test("status only moves forward", () => {
  const { service, other, enter } = make();
  enter("a", "ann");
  enter("b", "bob", true);
  service.joinTicket("a", "7");
  service.joinTicket("b", "7");
  service.sendMessage("a", "7", "m1", "hello");
  assert.is(service.statusOf("m1"), "sent");
  service.markRead("a", "7", ["m1"]);
  assert.is(service.statusOf("m1"), "sent", "the sender's own reading does not count");
  other.markRead("b", "7", ["m1"]);
  assert.equal([service.broadcastMessageStatus("7", "m1", "delivered"), service.statusOf("m1")], [false, "read"]);
  service.sendMessage("a", "7", "m1", "hello");
  assert.is(service.statusOf("m1"), "read", "handled a second time, after its thread was killed");
  assert.is(
    refusal(() => service.markRead("b", "7", ["m2"])),
    "no_such_message",
  );
  assert.not(service.broadcastMessageStatus("8", "m1", "read"), "it is another ticket's");
});

test("a client silent for 60 s is gone, with everything of it; one that answers stays", () => {
  const { clock, service, other, state, closed, enter } = make();
  enter("a", "ann");
  enter("b", "bob", true);
  service.joinTicket("a", "7");
  service.joinTicket("b", "7");
  clock.time += 60_000;
  state.seen.set("b", { at: clock.time });
  assert.equal(other.cleanupStaleConnections().clients, []);
  clock.time += 1;
  assert.equal(other.cleanupStaleConnections(), { typing: 0, clients: ["a"], failures: [] });
  assert.equal(
    [closed, state.rooms.members("ticket 7"), [...service.getConnectedUsers()]],
    [["a"], ["b"], [["bob", 1]]],
  );
});

test("a sweep that fails for one client goes on with the others, and says so", () => {
  const { clock, state, enter } = make();
  const failing: Outbox = {
    send: () => undefined,
    changed: () => undefined,
    status: () => undefined,
    deliver: () => undefined,
    close: (client) => {
      if (client === "a") throw new Error("its socket is broken");
    },
  };
  for (const client of ["a", "b", "c"]) enter(client, client);
  clock.time += 60_001;
  const { clients, failures } = new ChatService(state, failing).cleanupStaleConnections();
  assert.equal(clients.sort(), ["a", "b", "c"]);
  assert.equal(failures.map(String), ["Error: its socket is broken"]);
  assert.equal([state.rooms.snapshot().members.size, state.seen.size], [0, 0]);
});

test("join after disconnect changes nothing: no phantom participant", () => {
  const { service, state, enter } = make();
  enter("a", "ann");
  service.disconnect("a");
  service.joinTicket("a", "7");
  service.disconnect("a");
  assert.equal([state.rooms.snapshot().rooms.size, state.rooms.snapshot().members.size, state.seen.size], [0, 0, 0]);
});

test("a ticket's update reaches its room and its owner, once each", () => {
  const { service, sent, enter } = make();
  enter("a", "ann");
  enter("b", "bob", true);
  service.joinTicket("b", "7");
  service.joinTicket("a", "7");
  service.broadcastTicketUpdate("7", { state: "solved" });
  const updates = sent.filter(([event]) => event === "ticket_update");
  assert.is(updates.length, 1);
  assert.equal([...updates[0][1]].sort(), ["a", "b"]);
});

test.run();
