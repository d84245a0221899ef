// The server: the main thread accepts sockets and hands each event to a thread of the pool; all state is in shared tables.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { Region } from "../../src/region/region.ts";
import { monotonicClock } from "../../src/systems/clock.ts";
import { serve } from "./page-files.ts";
import { Pool } from "./pool.ts";
import type { ChatService } from "./service.ts";
import { LIMITS, type Limits, Sockets } from "./sockets.ts";
import { type ChatState, createState, shareState } from "./state.ts";
import { Teller } from "./teller.ts";
import { createSigner, type TokenRequest } from "./tokens.ts";

/** The most bytes of a frame; a longer one ends its connection (close code 1009). */
export const MAX_FRAME = 16_384;
const HEARTBEAT = 30_000;
const SWEEP = 10_000;

export interface ChatOptions {
  readonly port?: number;
  /** Threads that handle events. Default 4. */
  readonly workers?: number;
  /** Ticket → the user whose it is. */
  readonly tickets?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  /** Gives tokens for these users to anyone who asks: for the demonstration page alone. */
  readonly demo?: Readonly<Record<string, TokenRequest>>;
}

export interface Chat {
  readonly address: string;
  readonly state: ChatState;
  /** The same methods as in the handlers, for the application around: they tell the clients at once. */
  readonly service: ChatService;
  sign(request: TokenRequest): Promise<string>;
  /** Resolves when no event is under way. */
  idle(): Promise<void>;
  /** Kills the thread of this number, as a crash would. */
  killWorker(number: number): Promise<void>;
  readonly deaths: number;
  close(): Promise<void>;
}

export async function startChat(options: ChatOptions = {}): Promise<Chat> {
  const signer = await createSigner();
  const state = createState(Region.create(), monotonicClock);
  for (const [ticket, owner] of Object.entries(options.tickets ?? {})) state.tickets.set(ticket, { owner });
  const sockets = new Sockets({ ...LIMITS, ...options.limits }, monotonicClock);
  const data = { state: shareState(state), publicKey: signer.publicKey };
  const teller: Teller = new Teller(state, sockets, (slot, task) => pool.post(slot, task));
  const pool: Pool = new Pool(options.workers ?? 4, data, teller);
  const http = createServer((request, response) => serve(request, response, options.demo, signer.sign));
  const server = new WebSocketServer({
    server: http,
    path: "/chat",
    maxPayload: MAX_FRAME,
    perMessageDeflate: false,
    verifyClient: ({ origin, req }: { origin?: string; req: IncomingMessage }) => isOwnOrigin(origin, req),
  });
  acceptInto(server, pool, sockets, state);
  try {
    await listen(http, options.port ?? 0);
  } catch (error) {
    await pool.close();
    throw error;
  }
  const heartbeat = setInterval(() => sockets.ping(), HEARTBEAT);
  const sweep = setInterval(() => pool.post(0, { kind: "sweep", client: "" }), SWEEP);

  async function close(): Promise<void> {
    clearInterval(heartbeat);
    clearInterval(sweep);
    sockets.closeAll();
    await new Promise((resolve) => server.close(resolve));
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await pool.close();
  }

  return {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    state,
    service: teller.service,
    sign: signer.sign,
    idle: () => pool.idle(),
    killWorker: (number) => pool.kill(number),
    get deaths() {
      return pool.deaths;
    },
    close,
  };
}

function listen(http: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, "127.0.0.1", resolve);
  });
}

/** Gives each connection a name and a thread, and hands its events there. */
function acceptInto(server: WebSocketServer, pool: Pool, sockets: Sockets, state: ChatState): void {
  let lastClient = 0;
  server.on("connection", (socket: WebSocket) => {
    const client = `c${++lastClient}`;
    const slot = lastClient % pool.size;
    sockets.add(client, socket, slot);
    pool.post(slot, { kind: "connect", client });
    socket.on("message", (frame: RawData, binary: boolean) => {
      if (!sockets.admit(client)) return;
      if (binary) return sockets.refuse(client, "bad_frame", "a frame must be text");
      pool.post(slot, { kind: "frame", client, text: frame.toString() });
    });
    // Only what the client itself answers counts as a sign of life.
    socket.on("pong", () => state.seen.update(client, (row) => row && { at: monotonicClock() }));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(client);
      pool.post(slot, { kind: "disconnect", client });
    });
  });
}

/** A page of another site must not speak for its visitor. Programs send no origin. */
function isOwnOrigin(origin: string | undefined, request: IncomingMessage): boolean {
  return origin === undefined || origin === `http://${request.headers.host}`;
}
