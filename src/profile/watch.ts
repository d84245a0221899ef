// The live page: a server on loopback that shows the profile of a running program and updates it by Server-Sent Events.
//
// GET /TOKEN/        the page, the same as the report
// GET /TOKEN/events  "profile" with new data every so often, "trouble" with a sentence, "end" when it closes
// GET /TOKEN/waits   who waits for whom now, as JSON
//
// Invariant: nothing is told to who does not know the token: it is drawn anew for each server and compared in constant
// time. Only loopback addresses are listened on and answered to, so neither another machine nor a page that has another
// name for this one gets in. A browser that reads slowly is skipped, not queued for.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { htmlPage } from "./render/html.ts";
import { LIVE_LIMITS, type PageData, pageDataOf } from "./render/page-data.ts";
import { terminalTable } from "./render/terminal.ts";
import type { Profile } from "./types.ts";
import type { WaitNow } from "./wait-graph.ts";

/** Where the live page gets what it shows: the profiler of this process is one. */
export interface WatchSource {
  /** The profile so far. */
  snapshot(): Profile | Promise<Profile>;
  /** Who waits for whom now. */
  waitGraph(): readonly WaitNow[] | Promise<readonly WaitNow[]>;
}

/** Options of {@link startWatch}. */
export interface WatchOptions {
  readonly source: WatchSource;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** A loopback address; default "127.0.0.1". */
  readonly host?: string | undefined;
  /** Milliseconds between updates; default 1,000, at least 100. */
  readonly intervalMs?: number | undefined;
  /** Whether the server keeps the process from ending; default false. */
  readonly keepAlive?: boolean | undefined;
}

/** A live page that is being served. */
export interface Watch {
  /** What to open, token included: whoever has it can read the profile. */
  readonly address: string;
  readonly port: number;
  /** Tells the open pages that it is over and stops listening. Resolves when the port is free; may be called again. */
  close(): Promise<void>;
}

const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

const isLoopback = (host: string): boolean => /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?|localhost)$/.test(host);

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** One server: its token, its open pages and what it does every so often. */
class LivePage {
  readonly token = randomBytes(16).toString("base64url");
  readonly #source: WatchSource;
  readonly #keepAlive: boolean;
  readonly #server: Server;
  readonly #pages = new Set<ServerResponse>();
  readonly #timer: NodeJS.Timeout;
  #asking = false;
  #closed: Promise<void> | undefined;

  constructor(source: WatchSource, intervalMs: number, keepAlive: boolean) {
    this.#source = source;
    this.#keepAlive = keepAlive;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => fail(response, error));
    });
    this.#timer = setInterval(() => void this.#update(), intervalMs);
    if (!keepAlive) {
      this.#timer.unref();
      this.#server.unref();
      this.#server.on("connection", (socket) => socket.unref());
    }
  }

  listen(port: number, host: string): Promise<Watch> {
    return new Promise((done, refuse) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        clearInterval(this.#timer);
        refuse(explained(error, port, host));
      });
      this.#server.listen(port, host, () => {
        // What fails from now on is one connection's trouble.
        this.#server.removeAllListeners("error").on("error", () => {});
        if (!this.#keepAlive) this.#server.unref();
        const bound = this.#server.address() as AddressInfo;
        const name = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
        const address = `http://${name}:${bound.port}/${this.token}/`;
        done({ address, port: bound.port, close: () => this.#close() });
      });
    });
  }

  #close(): Promise<void> {
    this.#closed ??= new Promise((done) => {
      clearInterval(this.#timer);
      this.#server.close(() => done());
      for (const page of this.#pages) page.end("event: end\ndata: {}\n\n");
      this.#server.closeIdleConnections();
      // A page that does not take its end in time is left.
      setTimeout(() => this.#server.closeAllConnections(), 1000).unref();
    });
    return this.#closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "/", headers } = request;
    const [, token, path, ...rest] = url.replace(/\?.*$/, "").split("/");
    if (!isLoopback((headers.host ?? "").replace(/:\d+$/, "")))
      return say(response, 403, "Only loopback addresses are answered.");
    if (token === undefined || !same(token, this.token)) {
      return say(response, 403, "Wrong or missing token: open the address as it was printed.");
    }
    if (method !== "GET") return say(response, 405, "Only GET is answered.", { allow: "GET" });
    if (path === undefined) return say(response, 308, "", { location: `/${this.token}/` });
    if (rest.length === 0 && path === "") return this.#page(response);
    if (rest.length === 0 && path === "events") return this.#open(response);
    if (rest.length === 0 && path === "waits") {
      const waits = await this.#source.waitGraph();
      return say(response, 200, JSON.stringify(waits), { "content-type": "application/json" });
    }
    return say(response, 404, "There is no such page.");
  }

  async #page(response: ServerResponse): Promise<void> {
    const profile = await this.#source.snapshot();
    const html = htmlPage(pageDataOf(profile, LIVE_LIMITS), true, terminalTable(profile));
    say(response, 200, html, { "content-type": "text/html; charset=utf-8" });
  }

  async #open(response: ServerResponse): Promise<void> {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
    if (this.#closed !== undefined) {
      response.end("event: end\ndata: {}\n\n");
      return;
    }
    response.write(": a profile follows\n\n");
    this.#pages.add(response);
    response.once("close", () => this.#pages.delete(response));
    response.on("error", () => this.#pages.delete(response));
    await this.#update();
  }

  /** Sends what is so now to all open pages; nothing is asked for where none is open. */
  async #update(): Promise<void> {
    if (this.#asking || this.#pages.size === 0) return;
    this.#asking = true;
    const event = await this.#event();
    this.#asking = false;
    for (const page of this.#pages) if (!page.writableNeedDrain && !page.writableEnded) page.write(event);
  }

  async #event(): Promise<string> {
    try {
      const data: PageData = pageDataOf(await this.#source.snapshot(), LIVE_LIMITS);
      return `event: profile\ndata: ${JSON.stringify(data)}\n\n`;
    } catch (error) {
      return `event: trouble\ndata: ${JSON.stringify(`The profile could not be read: ${(error as Error).message}`)}\n\n`;
    }
  }
}

function say(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8", ...headers }).end(text);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else say(response, 500, `The profile could not be read: ${(error as Error).message}`);
}

function explained(error: NodeJS.ErrnoException, port: number, host: string): Error {
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: "is in use; choose another one, or 0 for any free one",
    EACCES: "may not be used by this user; choose one from 1024 on, or 0 for any free one",
    EADDRNOTAVAIL: "can't be had: this machine does not have that address",
  };
  const text = why[error.code ?? ""] ?? `can't be listened on: ${error.message}`;
  return Object.assign(new Error(`port ${port} of ${host} ${text}`, { cause: error }), { code: error.code });
}

/**
 * Serves a live page of a profile on loopback, at an address with a random token. Rejects with an Error that has the
 * system's `code` (EADDRINUSE, …) if the port can't be had, with RangeError for a bad port or interval or a host that is
 * not loopback. The page's figures are those of `source.snapshot()`, asked for once per interval while a page is open.
 *
 * @example
 * const watch = await startWatch({ source: profile });
 * console.log(watch.address);
 */
export async function startWatch(options: WatchOptions): Promise<Watch> {
  const { source, port = 0, host = "127.0.0.1", intervalMs = 1000, keepAlive = false } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`port must be 0 to 65535, got ${port}`);
  if (!isLoopback(host)) throw new RangeError(`host must be a loopback address such as 127.0.0.1, got "${host}"`);
  if (!(intervalMs >= 100 && intervalMs <= 0x7fffffff))
    throw new RangeError(`intervalMs must be at least 100, got ${intervalMs}`);
  return new LivePage(source, intervalMs, keepAlive).listen(port, host);
}
