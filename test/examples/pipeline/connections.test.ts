// Connections: heartbeats on an injected clock, broadcasts over clients that are gone, removal while sending.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Connection, Connections } from "../../../examples/pipeline/connections.ts";

const test = suite("connections");

interface Fake extends Connection {
  readonly log: string[];
}

function fake(log: string[] = [], send: (text: string) => void = (text) => void log.push(text)): Fake {
  return { log, send, ping: () => void log.push("ping"), close: (reason) => void log.push(`closed: ${reason}`) };
}

test("pings every 30 s, drops after 60 s, and only the client's answer counts", () => {
  let now = 0;
  const connections = new Connections({ now: () => now });
  const [silent, alive] = [fake(), fake()];
  connections.add("plan", silent);
  connections.add("plan", alive);
  now = 29_999;
  connections.heartbeat();
  assert.equal([silent.log, alive.log], [[], []]);
  now = 30_000;
  connections.heartbeat();
  assert.equal([silent.log, alive.log], [["ping"], ["ping"]]);
  connections.answered(alive);
  now = 59_999;
  connections.broadcast("plan", "news");
  assert.is(connections.heartbeat(), 0);
  now = 60_000;
  assert.is(connections.heartbeat(), 1, "what was sent to it made it no younger");
  assert.equal(silent.log, ["ping", "news", "closed: no answer"]);
  assert.equal(alive.log, ["ping", "news", "ping"]);
  connections.answered(silent);
  now = 89_999;
  assert.is(connections.heartbeat(), 0);
  now = 90_000;
  assert.is(connections.heartbeat(), 1);
  assert.equal(connections.stats(), { topics: 0, connections: 0, added: 2, removed: 2, timedOut: 2, pruned: 0 });
});

test("a broadcast reaches its topic, prunes who is gone, and returns how many it was sent to", () => {
  const connections = new Connections();
  const well = fake();
  const gone = fake([], () => {
    throw new Error("gone");
  });
  const elsewhere = fake();
  connections.add("a", gone);
  connections.add("a", well);
  connections.add("b", elsewhere);
  assert.is(connections.broadcast("a", "one"), 1);
  assert.is(connections.broadcast("a", "two"), 1);
  assert.is(connections.broadcast("none", "three"), 0);
  assert.equal([well.log, gone.log, elsewhere.log], [["one", "two"], ["closed: send failed"], []]);
  assert.is(connections.stats().pruned, 1);
});

test("a connection that leaves, or comes, while others are sent to", () => {
  const connections = new Connections();
  const second = fake();
  const third = fake();
  const first = fake([], () => {
    connections.remove(second);
    connections.add("a", third);
  });
  connections.add("a", first);
  connections.add("a", second);
  assert.is(connections.broadcast("a", "news"), 1);
  assert.equal([second.log, third.log], [[], []]);
  assert.is(connections.stats().connections, 2);
});

test("clean-up takes a topic once; shutdown takes the rest", () => {
  const connections = new Connections();
  const all = [fake(), fake(), fake()];
  for (const [index, connection] of all.entries()) connections.add(index < 2 ? "a" : "b", connection);
  connections.add("b", all[0]);
  assert.is(connections.cleanup("a", "over"), 2);
  assert.is(connections.cleanup("a", "over"), 0);
  assert.is(connections.shutdown("stop"), 1);
  assert.equal(
    all.map(({ log }) => log),
    [["closed: over"], ["closed: over"], ["closed: stop"]],
  );
  assert.not(connections.remove(all[0]));
});

test.run();
