// The pipeline end to end: real processes, threads, database and clients. `--plans 50` for the full load.
// watchdog: 300s

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import type { HistoryRow } from "../../../examples/pipeline/recorder.worker.ts";
import { PipelineServer, type ServerOptions } from "../../../examples/pipeline/server.ts";
import { call, follow, type Seen, until } from "./clients.ts";

const test = suite("pipeline");
const at = process.argv.indexOf("--plans");
const plans = at < 0 ? 6 : Number(process.argv[at + 1]);
const linux = process.platform === "linux";

const descriptors = (): number => (linux ? readdirSync("/proc/self/fd").length : 0);
const children = (): string =>
  linux
    ? readdirSync("/proc/self/task")
        .map((task) => readFileSync(`/proc/self/task/${task}/children`, "utf8"))
        .join("")
    : "";

/** Nothing of the server is left. The threads of Node's own pool may have opened descriptors of their own by now. */
async function checkGone(server: PipelineServer, before: number): Promise<void> {
  assert.is(server.connections.stats().connections, 0);
  await until("no process is left", () => children() === "");
  await until("no descriptor is left", () => descriptors() <= before);
  await until("no thread is left", () => server.pipeline.region.threads <= 1);
}

async function withServer(options: ServerOptions, work: (server: PipelineServer) => Promise<void>): Promise<void> {
  const before = descriptors();
  const server = await PipelineServer.start(options);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
  await checkGone(server, before);
}

function checkSeen({ positions, events, ended }: Seen, steps: number, status: string): void {
  assert.equal(positions, [...positions.keys()]);
  assert.is(ended, 1);
  const logs = events.filter(({ type }) => type === "log").map(({ message }) => message);
  assert.equal(
    logs,
    Array.from({ length: steps }, (_, step) => `step ${step + 1} of ${steps}`),
  );
  assert.is(events.filter(({ type }) => type === "error").length, Math.floor(steps / 4));
  const statuses = events.filter(({ type }) => type === "status").map((event) => event.status);
  assert.equal(statuses, ["queued", "started", "stdout_closed", status]);
  assert.is(events.at(-1)?.status, status);
}

// The first server opens what Node keeps open: its event loops' /dev/null.
test.before(async () => void (await (await PipelineServer.start()).stop()));

test("a server that did nothing leaves nothing", () => withServer({}, async () => {}));

test(`${plans} plans, 5 clients each, who leave and come back: each sees all, once, in order, and the end`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "pipeline-test-"));
  const database = join(folder, "plans.db");
  await withServer({ database, graceMs: 600_000 }, async (server) => {
    const { port, pipeline } = server;
    const steps = 30;
    const followers = Array.from({ length: plans }, async (_, number) => {
      const fail = number % 3 === 2 ? 7 : 0;
      const id = `plan-${number}`;
      const [status] = await call(port, "POST", "/api/plans", { id, steps, delay: 10, fail });
      assert.is(status, 202);
      let state = number + 1;
      const leave = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return 1 + Math.floor((state / 2 ** 32) * 15);
      };
      const all = await Promise.all([
        follow("events", port, id),
        follow("socket", port, id),
        follow("events", port, id, leave),
        follow("socket", port, id, leave),
        follow("events", port, id, leave),
      ]);
      // One that comes when all is over.
      all.push(await follow("socket", port, id, leave));
      for (const seen of all) {
        checkSeen(seen, steps, fail === 0 ? "completed" : "failed");
        assert.equal(seen.events, all[0].events);
      }
      return all[0].events.length;
    });
    const counts = await Promise.all(followers);
    await pipeline.idle();
    assert.equal(pipeline.recorders.failures, []);
    const [, history] = await call<HistoryRow[]>(port, "GET", "/api/history");
    assert.is(history.length, Math.min(plans, 100));
    for (const { id, events } of history) assert.is(events, counts[Number(id.slice(5))]);
    assert.is(pipeline.processes.size, 0);
    await until("no client holds a stream", () => pipeline.registry.list().every(({ holds }) => holds === 0));
    assert.is(pipeline.counts.refusedEvents + pipeline.counts.terminatedReaders + pipeline.counts.lateReaders, 0);
  });
  const session = new sqlite.Database(database, { readOnly: true });
  const rows = session.all("SELECT generation, count(*) AS n, max(position) AS last FROM events GROUP BY generation");
  assert.is(rows.length, plans);
  for (const { n, last } of rows as { n: number; last: number }[]) assert.is(last, n - 1);
  session.close();
  rmSync(folder, { recursive: true });
});

test("a plan that can't start ends as one that failed, with the end marker; its id can be used again", async () => {
  await withServer({}, async ({ port, pipeline }) => {
    pipeline.execute({ id: "bad", command: ["/nowhere/to/be/found"] });
    const { events, ended } = await follow("events", port, "bad");
    assert.is(ended, 1);
    assert.is(events.at(-1)?.status, "failed");
    assert.match(events.at(-1)?.message ?? "", /ENOENT/);
    await pipeline.idle();
    assert.ok(pipeline.execute({ id: "bad", arguments: ["--steps=1", "--delay=0"] }));
    checkSeen(await follow("socket", port, "bad"), 1, "completed");
  });
});

test("a process that is killed ends as one that failed", async () => {
  await withServer({}, async ({ port, pipeline }) => {
    pipeline.execute({ id: "victim", arguments: ["--steps=1000000", "--delay=20"] });
    const seen = follow("events", port, "victim");
    await until("its process", () => pipeline.processes.has("victim"));
    process.kill(pipeline.processes.get("victim")?.pid as number, "SIGKILL");
    const { events, ended } = await seen;
    assert.is(ended, 1);
    assert.is(events.at(-1)?.message, "killed by SIGKILL");
    pipeline.execute({ id: "other", arguments: ["--steps=1000000", "--delay=20"] });
    await until("its process", () => pipeline.processes.has("other"));
    assert.is((await call(port, "POST", "/api/plans", { id: "other" }))[0], 409, "one of a name at a time");
    assert.is((await call(port, "DELETE", "/api/plans/other"))[0], 202);
    assert.is((await follow("socket", port, "other")).events.at(-1)?.message, "killed by SIGTERM");
    assert.is((await call(port, "DELETE", "/api/plans/other"))[0], 404);
  });
});

test("a reader that is late after the join's time-out finds the stream closed, and writes to no freed slot", async () => {
  await withServer({ joinMs: 1000, graceMs: 0 }, async ({ port, pipeline }) => {
    const { registry } = pipeline;
    pipeline.execute({ id: "late", arguments: ["--steps=1", "--delay=0", "--linger=600000"] });
    const { events, ended } = await follow("events", port, "late");
    assert.is(ended, 1);
    assert.is(events.at(-1)?.status, "completed");
    // With the stream gone its memory goes to this one.
    await until("the stream is removed", () => pipeline.sweep() > 0 || registry.list().length === 0);
    const next = registry.open("late");
    next?.publish("only this");
    await pipeline.idle();
    assert.is(pipeline.counts.lateReaders, 1);
    assert.ok(pipeline.counts.refusedEvents > 0);
    assert.is(pipeline.counts.terminatedReaders, 0);
    next?.end();
    const subscription = next?.subscribe();
    assert.is(subscription?.tryNext()?.text, "only this");
    assert.is(subscription?.tryNext(), undefined);
    assert.ok(subscription?.ended);
    subscription?.close();
  });
});

test("a client that reads nothing holds up nobody, and goes on where it stood", async () => {
  await withServer({}, async ({ port, pipeline, connections }) => {
    const [line, count] = ["x".repeat(8000), 2000];
    const flood = `for (let i = 0; i < ${count}; i++) console.log(i + " ${line}")`;
    pipeline.execute({ id: "flood", command: [process.execPath, "-e", flood] });
    const slow = connect(port, "127.0.0.1");
    slow.write("GET /api/plans/flood/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await until("it is connected", () => connections.stats().connections === 1);
    slow.pause();
    const { positions, events } = await follow("socket", port, "flood");
    assert.equal(positions, [...positions.keys()]);
    assert.is(events.filter(({ type }) => type === "log").length, count);
    await until("only the slow one is there", () => connections.stats().connections === 1);
    let text = "";
    slow.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
    });
    slow.resume();
    await until("the slow one has the end", () => text.includes("event: end"));
    assert.equal(
      text.match(/^id: \d+:\d+$/gm)?.map((id) => Number(id.split(":")[2])),
      [...positions, positions.length],
    );
    slow.destroy();
  });
});

test("a WebSocket whose client does not answer is dropped after 60 s, one that answers stays", async () => {
  let now = 0;
  await withServer({ now: () => now }, async ({ port, connections }) => {
    const sockets = [true, false].map((autoPong) => new WebSocket(`ws://127.0.0.1:${port}/ws`, { autoPong }));
    const pinged = sockets.map((socket) => new Promise((resolve) => socket.once("ping", resolve)));
    const closed = new Promise<number>((resolve) => sockets[1].once("close", resolve));
    // What the mute one says otherwise is no answer.
    sockets[1].on("ping", () => sockets[1].send("I am here"));
    await until("both are connected", () => connections.stats().connections === 2);
    now = 30_000;
    connections.heartbeat();
    await Promise.all(pinged);
    // Frames keep their order: with the answer to its own ping, the server has had the client's pong.
    const answered = new Promise((resolve) => sockets[0].once("pong", resolve));
    sockets[0].ping();
    await answered;
    now = 60_000;
    connections.heartbeat();
    assert.is(await closed, 1001);
    assert.is(connections.stats().timedOut, 1);
    assert.is(connections.stats().connections, 1);
    sockets[0].close();
    await until("it left", () => connections.stats().connections === 0);
  });
});

test("stop ends what runs and what waits; all clients get the end", async () => {
  const before = descriptors();
  const server = await PipelineServer.start({ maxRunning: 2 });
  const { port, pipeline } = server;
  const ids = ["a", "b", "c", "d"];
  for (const id of ids) pipeline.execute({ id, arguments: ["--steps=1000000", "--delay=20"] });
  const followers = ids.map((id, number) => follow(number % 2 === 0 ? "events" : "socket", port, id));
  await until("two run", () => pipeline.processes.size === 2);
  await until("all are connected", () => server.connections.stats().connections === 4);
  assert.ok(await server.stop());
  for (const { events, ended } of await Promise.all(followers)) {
    assert.is(ended, 1);
    assert.is(events.at(-1)?.status, "failed");
  }
  assert.is(pipeline.execute({ id: "e" }), undefined);
  await checkGone(server, before);
});

test("what does not fit is refused with a reason, and changes nothing", async () => {
  await withServer({}, async ({ port, pipeline }) => {
    const bodies = ["", "{", "null", { id: "../x" }, { id: "a", steps: -1 }, { id: "a", fail: 1.5 }, { id: 5 }];
    for (const body of bodies) assert.is((await call(port, "POST", "/api/plans", body))[0], 400, JSON.stringify(body));
    assert.is((await call(port, "POST", "/api/plans", { id: "x".repeat(20_000) }))[0], 413);
    assert.is((await call(port, "GET", "/api/plans/none/events"))[0], 404);
    assert.is((await call(port, "GET", "/nothing"))[0], 404);
    const foreign = { method: "POST", headers: { origin: "http://example.com" }, body: '{"id":"a"}' };
    assert.is((await fetch(`http://127.0.0.1:${port}/api/plans`, foreign)).status, 403);
    assert.equal(pipeline.registry.list(), []);
    pipeline.execute({ id: "a", arguments: ["--steps=1", "--delay=0"] });
    const { generation, positions } = await follow("events", port, "a");
    const path = `http://127.0.0.1:${port}/api/plans/a/events`;
    const status = async (last: string): Promise<number> => {
      const response = await fetch(path, { headers: { "last-event-id": last } });
      await response.body?.cancel();
      return response.status;
    };
    assert.is(await status(`${generation}:${positions.length}`), 204, "it has the end");
    assert.is(await status(`${generation}:${positions.length + 1}`), 400);
    assert.is(await status(`${generation + 1}:0`), 404);
    assert.is(await status("nonsense"), 400);
  });
});

test.run();
