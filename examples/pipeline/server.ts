// The server: HTTP with Server-Sent Events, and WebSockets, over one pipeline, on loopback.
//
//   GET  /                            the page            POST   /api/plans              start {id, steps, delay, fail}
//   GET  /api/plans                   streams, numbers    DELETE /api/plans/ID           end a plan's process
//   GET  /api/plans/ID/events?after=  its events          GET    /api/history            what the database holds
//   WS   /ws?plan=ID&after=GEN:POS    its events          WS     /ws                     the list of plans, live
//
// Invariant: nothing a client sends, or fails to read, reaches another client; stop() leaves no connection, process,
// thread, timer or file behind.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Stream, Subscription } from "../../src/systems/streams.ts";
import { connectSocket, serveEvents, serveSocket } from "./clients.ts";
import { Connections, type ConnectionsOptions } from "./connections.ts";
import { page } from "./page.ts";
import { Pipeline, type PipelineOptions } from "./pipeline.ts";
import { within } from "./reader.ts";
import { checkId, checkOrigin, parseEventId, parsePlan, RequestError, readBody } from "./requests.ts";

/** The topic of those who watch the list of plans; no plan's id has a space. */
const LIST = "all plans";

export interface ServerOptions extends PipelineOptions, ConnectionsOptions {
  readonly port?: number | undefined;
}

export class PipelineServer {
  readonly pipeline: Pipeline;
  readonly connections: Connections;
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024, perMessageDeflate: false });
  readonly #pumps = new Set<Promise<void>>();
  readonly #heart: NodeJS.Timeout;
  #announcing: NodeJS.Immediate | undefined;

  private constructor(options: ServerOptions) {
    this.pipeline = new Pipeline({ ...options, changed: () => this.#announce() });
    this.connections = new Connections(options);
    this.#http = createServer((request, response) => void this.#serve(request, response));
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#heart = setInterval(() => this.connections.heartbeat(), 1000).unref();
  }

  static async start(options: ServerOptions = {}): Promise<PipelineServer> {
    const server = new PipelineServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  /** Plans end first, so that their clients still get the end; then whoever is left is told to go. True if all was in time. */
  async stop(ms = 5000): Promise<boolean> {
    const inTime = await this.pipeline.stop();
    const delivered = await within(Promise.all(this.#pumps), ms);
    clearInterval(this.#heart);
    clearImmediate(this.#announcing);
    this.connections.shutdown("the server stops");
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    if (!(await within(closed, 200))) {
      for (const socket of this.#sockets.clients) socket.terminate();
      this.#http.closeAllConnections();
    }
    await closed;
    await within(Promise.all(this.#pumps), ms);
    await this.pipeline.free();
    return inTime && delivered;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkOrigin(request);
      await this.#route(request, response);
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 500;
      const message = error instanceof RequestError ? error.message : "the server failed";
      if (!response.headersSent) json(response, status, { error: message });
      else response.destroy();
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const [, api, what, id, events, ...more] = pathname.split("/");
    const route = `${request.method} ${[api, what, id && "ID", events, ...more].filter(Boolean).join("/")}`;
    if (route === "GET ") return html(response);
    if (route === "GET api/plans") return json(response, 200, this.#overview());
    if (route === "GET api/history") return json(response, 200, await this.pipeline.recorders.history());
    if (route === "POST api/plans") return this.#startPlan(await readBody(request), response);
    if (route === "DELETE api/plans/ID") {
      const ended = this.pipeline.cancel(checkId(id));
      return json(response, ended ? 202 : 404, ended ? { id } : { error: "no process of this plan runs" });
    }
    if (route === "GET api/plans/ID/events") return this.#serveStream(checkId(id), request, response);
    throw new RequestError(404, "there is nothing here");
  }

  #startPlan(body: string, response: ServerResponse): void {
    const plan = parsePlan(body);
    if (this.pipeline.stopping) throw new RequestError(503, "the server stops");
    const stream = this.pipeline.execute(plan);
    if (stream === undefined) throw new RequestError(409, `the plan ${plan.id} runs already`);
    json(response, 202, { id: plan.id, generation: stream.generation });
    this.#announce();
  }

  #serveStream(id: string, request: IncomingMessage, response: ServerResponse): void {
    const last = request.headers["last-event-id"] as string | undefined;
    const found = this.#subscribe(
      id,
      last ?? new URL(request.url ?? "/", "http://localhost").searchParams.get("after"),
    );
    if (found === "seen") {
      // The one answer that keeps an EventSource from coming back.
      response.writeHead(204).end();
      return;
    }
    this.#track(serveEvents(found.stream, found.subscription, response, this.connections));
  }

  /** The stream from where the client was; "seen" if it had the end already. */
  #subscribe(id: string, last: string | null): { stream: Stream; subscription: Subscription } | "seen" {
    const seen = parseEventId(last);
    const { registry } = this.pipeline;
    const stream = seen === undefined ? registry.find(id) : registry.attach(seen.generation);
    if (stream === undefined || stream.key !== id) throw new RequestError(404, `there is no plan ${id} (any more)`);
    const from = seen === undefined ? 0 : seen.position + 1;
    if (from > stream.position) throw new RequestError(400, `the plan has no event at ${from - 1}`);
    if (stream.ended && from === stream.position) return "seen";
    const subscription = stream.subscribe({ from });
    if (subscription === undefined) throw new RequestError(404, `there is no plan ${id} (any more)`);
    return { stream, subscription };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      checkOrigin(request);
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      if (pathname !== "/ws") throw new RequestError(404, "there is nothing here");
      const id = searchParams.get("plan");
      const found = id === null ? undefined : this.#subscribe(checkId(id), searchParams.get("after"));
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        // Clients only listen: whatever they say is dropped, and counts as no sign of life.
        if (found === undefined) this.#watchList(client);
        else if (found === "seen") client.close(1000, "end");
        else this.#track(serveSocket(found.stream, found.subscription, client, this.connections));
      });
      // Where the handshake failed nobody serves the subscription.
      if (typeof found === "object" && socket.destroyed) found.subscription.close();
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 500;
      socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    }
  }

  #watchList(client: WebSocket): void {
    connectSocket(client, LIST, this.connections).send(JSON.stringify(this.#overview()));
  }

  /** Tells the list of plans to all who watch it, once a turn of the event loop. */
  #announce(): void {
    this.#announcing ??= setImmediate(() => {
      this.#announcing = undefined;
      this.connections.broadcast(LIST, JSON.stringify(this.#overview()));
    });
  }

  #overview(): object {
    const { registry, processes, counts } = this.pipeline;
    const running = processes.snapshot();
    const plans = registry.list().map(({ key, generation, ended, holds }) => {
      const process = running.get(key);
      const pid = process?.generation === generation ? process.pid : undefined;
      return { id: key, generation, state: ended ? "ended" : pid === undefined ? "waiting" : "running", pid, holds };
    });
    const unrecorded = this.pipeline.recorders.failures.length;
    return { type: "plans", plans, counts: { ...counts, unrecorded }, connections: this.connections.stats() };
  }

  #track(pump: Promise<void>): void {
    const tracked = pump.catch((error: unknown) => console.error("a client's stream failed:", error));
    this.#pumps.add(tracked);
    void tracked.finally(() => this.#pumps.delete(tracked));
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function html(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
  });
  response.end(page);
}
