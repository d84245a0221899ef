// watchdog: 300s
// The server against clients that do not behave: each is refused with an error, and others notice nothing.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { type Chat, startChat } from "../../../examples/chat/server.ts";
import { createSigner } from "../../../examples/chat/tokens.ts";
import { suite } from "../../support/suite.ts";
import { Client, onlyLeft } from "./client.ts";

const test = suite("examples/chat/server");

async function withChat(work: (chat: Chat) => Promise<void>): Promise<void> {
  const chat = await startChat({ workers: 2, tickets: { 7: "ann", 8: "eve" } });
  try {
    await work(chat);
  } finally {
    await chat.close();
  }
}

async function enter(chat: Chat, userId: string, isAdmin = false): Promise<Client> {
  return new Client(chat.address).login(await chat.sign({ userId, isAdmin }));
}

test("a conversation: presence, typing, delivery, read marks", () =>
  withChat(async (chat) => {
    const ann = await enter(chat, "ann");
    const bob = await enter(chat, "bob", true);
    assert.is((await ann.join("7")).data.participants_count, 1);
    assert.is((await bob.ask("join_ticket_chat", { ticket_id: 7 }, "ticket_chat_joined")).data.participants_count, 2);
    bob.send("typing_start", { ticket_id: "7" });
    const typing = await ann.until("typing", () =>
      ann.received.find(({ event, data }) => event === "user_typing" && (data.users as unknown[]).length === 1),
    );
    assert.is((typing.data.users as { user_id: string }[])[0].user_id, "bob");
    ann.send("send_message", { ticket_id: "7", text: "<b>hello</b>" });
    const { data } = await bob.next("new_message");
    assert.equal([data.text, data.user_id], ["<b>hello</b>", "ann"]);
    bob.send("mark_messages_read", { ticket_id: "7", message_ids: [data.message_id] });
    await ann.until("read mark", () => ann.received.find(({ data }) => data.status === "read"));
    const reader = await ann.until("reader", () => ann.received.find(({ event }) => event === "messages_read"));
    assert.is(reader.data.user_id, "bob");
    await bob.end();
    const left = await ann.until("presence", () => {
      const last = ann.received.findLast(({ event }) => event === "presence");
      return last?.data.participants_count === 1 ? last : undefined;
    });
    assert.equal(left.data.participants, [{ user_id: "ann", user_name: "ann" }]);
  }));

test("forged, expired, foreign and unsigned tokens are refused alike", () =>
  withChat(async (chat) => {
    const stranger = await createSigner();
    const good = await chat.sign({ userId: "ann" });
    const [head, body, signature] = good.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object;
    const pack = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const client = new Client(chat.address);
    await client.next("chat_connected");
    const bad = {
      "another's key": await stranger.sign({ userId: "ann" }),
      "changed claims": `${head}.${pack({ ...claims, role: "admin" })}.${signature}`,
      "no signature": `${pack({ alg: "none" })}.${body}.`,
      expired: await chat.sign({ userId: "ann", seconds: -1 }),
      "another issuer": await chat.sign({ userId: "ann", issuer: "else" }),
      "for others": await chat.sign({ userId: "ann", audience: "else" }),
      "no token": "x",
    };
    for (const [what, token] of Object.entries(bad)) {
      const { data } = await client.ask("chat_authenticate", { token }, "chat_authenticated");
      const wanted = { code: "bad_token", message: "the token is not valid here, or no longer" };
      assert.equal(data, wanted, what);
    }
    assert.is((await client.join("7")).data.code, "not_authenticated");
    await client.login(good);
  }));

test("the client's own claims count for nothing: not is_admin, not user_id", () =>
  withChat(async (chat) => {
    const client = new Client(chat.address);
    await client.next("chat_connected");
    const claims = { token: await chat.sign({ userId: "ann" }), is_admin: true, user_id: "eve" };
    const { data } = await client.ask("chat_authenticate", claims, "chat_authenticated");
    assert.equal([data.is_admin, data.user_id], [false, "ann"]);
    assert.is((await client.join("8")).data.code, "forbidden");
    assert.equal(chat.state.rooms.members("admins"), []);
    const own = { is_admin: true };
    assert.is(
      (await client.ask("join_ticket_chat", { ticket_id: 8, ...own }, "ticket_chat_joined")).data.code,
      "forbidden",
    );
  }));

test("who is not in a ticket can neither write, type nor mark there, and hears nothing of it", () =>
  withChat(async (chat) => {
    const eve = await enter(chat, "eve");
    const ann = await enter(chat, "ann");
    await ann.join("7");
    for (const [event, more] of [
      ["send_message", { text: "x" }],
      ["typing_start", {}],
      ["mark_messages_read", { message_ids: ["m1"] }],
    ] as const) {
      assert.is((await eve.ask(event, { ticket_id: "7", ...more })).data.code, "not_in_ticket", event);
    }
    ann.send("send_message", { ticket_id: "7", text: "secret" });
    await ann.next("new_message");
    await chat.idle();
    assert.not(JSON.stringify(eve.received).includes("secret"));
  }));

test("malformed frames are refused with an error, and the client goes on", () =>
  withChat(async (chat) => {
    const client = await enter(chat, "ann");
    const bad = [
      "",
      "{",
      "null",
      "[]",
      "5",
      '{"event":"__proto__"}',
      '{"event":"disconnect"}',
      '{"event":"join_ticket_chat"}',
      '{"event":"join_ticket_chat","data":[]}',
      '{"event":"join_ticket_chat","data":{"ticket_id":{"a":1}}}',
      '{"event":"join_ticket_chat","data":{"ticket_id":"../7"}}',
      '{"event":"mark_messages_read","data":{"ticket_id":7,"message_ids":"m1"}}',
      `{"event":"send_message","data":{"ticket_id":7,"text":"${"x".repeat(4001)}"}}`,
      "[".repeat(10_000),
    ];
    for (const text of bad) {
      const before = client.received.length;
      client.socket.send(text);
      const answer = await client.until("answer", () => client.received[before]);
      assert.equal([answer.event, answer.data.code], ["error", "bad_frame"], text.slice(0, 60));
    }
    client.socket.send(Buffer.from([1, 2, 3]), { binary: true });
    await client.until(
      "answer",
      () => client.received[client.received.length - 1].data.message === "a frame must be text" || undefined,
    );
    assert.is((await client.join("7")).event, "ticket_chat_joined");
  }));

test("an oversized frame ends its connection and no other", () =>
  withChat(async (chat) => {
    const big = await enter(chat, "ann");
    const other = await enter(chat, "eve");
    await big.join("7");
    big.send("send_message", { ticket_id: "7", text: "x".repeat(20_000) });
    assert.is(await big.until("end", () => big.closed), 1009);
    assert.is((await other.join("8")).event, "ticket_chat_joined");
    await onlyLeft(chat, 1);
    assert.equal(chat.state.rooms.members("ticket 7"), []);
  }));

test("a flood is refused with an error and ends the connection; another client's events go through", () =>
  withChat(async (chat) => {
    const flood = await enter(chat, "ann");
    const other = await enter(chat, "eve");
    for (let i = 0; i < 2000; i++) flood.send("join_ticket_chat", { ticket_id: 7 });
    assert.is((await other.join("8")).event, "ticket_chat_joined");
    assert.is(await flood.until("end", () => flood.closed), 1008);
    assert.ok(flood.received.some(({ data }) => data.code === "rate_limited"));
    await onlyLeft(chat, 1);
    assert.is(chat.service.getConnectedUsers().get("ann"), undefined);
  }));

test("forty clients that do everything wrong, and go: one who behaves notices nothing, and nothing of them is left", () =>
  withChat(async (chat) => {
    const eve = await enter(chat, "eve");
    await eve.join("8");
    const stranger = await createSigner();
    const forged = await stranger.sign({ userId: "eve", isAdmin: true });
    const good = await chat.sign({ userId: "ann" });
    const misbehave = async (number: number): Promise<void> => {
      const client = new Client(chat.address);
      client.send = (event, data = {}) => client.socket.send(JSON.stringify({ event, data, is_admin: true }));
      await client.next("chat_connected");
      if (number % 2 === 0) client.send("chat_authenticate", { token: good, user_id: "eve", is_admin: true });
      client.send("chat_authenticate", { token: forged });
      client.send("join_ticket_chat", { ticket_id: "8" });
      client.send("typing_start", { ticket_id: "8" });
      client.send("send_message", { ticket_id: "8", text: "I should not be here" });
      client.socket.send("{".repeat(1000));
      if (number % 4 === 0) client.socket.send("x".repeat(20_000));
      if (number % 4 === 1) for (let i = 0; i < 500; i++) client.send("leave_ticket_chat", { ticket_id: "8" });
      if (number % 4 === 2) client.socket.terminate();
      if (number % 4 === 3) client.socket.close();
      await client.until("end", () => client.closed);
    };
    await Promise.all(Array.from({ length: 40 }, (_, number) => misbehave(number)));
    eve.send("send_message", { ticket_id: "8", text: "still here" });
    assert.is((await eve.next("new_message")).data.text, "still here");
    await onlyLeft(chat, 1);
    const said = JSON.stringify(eve.received);
    assert.not(said.includes("should not"));
    assert.not(said.includes("ann"));
    assert.ok(eve.received.every(({ event, data }) => event !== "presence" || data.participants_count === 1));
    const { members, rooms } = chat.state.rooms.snapshot();
    assert.equal([members.size, chat.state.seen.size], [1, 1]);
    assert.equal([...rooms.keys()].sort(), ["ticket 8", "user eve"]);
    assert.equal(chat.service.getTypingUsers("8"), []);
    assert.is(chat.deaths, 0);
  }));

test("a page of another site gets no connection, other paths neither, and the port is bound to loopback", () =>
  withChat(async (chat) => {
    const foreign = new Client(chat.address, { origin: "https://example.org" });
    assert.is(await foreign.until("end", () => foreign.closed), 1006);
    assert.match(chat.address, /^http:\/\/127\.0\.0\.1:/);
    assert.is(
      (await fetch(`${chat.address}/demo-token?user=ann`)).status,
      404,
      "tokens for all are for the demo alone",
    );
    assert.is((await fetch(`${chat.address}/../server.ts`)).status, 404);
  }));

test("the command prints its address, serves, and stops by a signal", async () => {
  const main = fileURLToPath(new URL("../../../examples/chat/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "--port", "0", "--workers", "1"]);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const watchdog = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (text) => {
      const found = /http:\S+/.exec(String(text))?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error("it ended")));
  });
  assert.match(await (await fetch(address)).text(), "seen by two people");
  const token = await (await fetch(`${address}/demo-token?user=ann`)).text();
  assert.is((await (await new Client(address).login(token)).join("7")).event, "ticket_chat_joined");
  child.kill("SIGTERM");
  assert.is(await ended, 0);
  clearTimeout(watchdog);
});

test.run();
