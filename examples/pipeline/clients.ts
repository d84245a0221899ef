// A plan's events on their way to one client, over Server-Sent Events or a WebSocket.
//
// Invariant: a client gets the events from its position on, each once and in order, then the end; no more is taken from
// the stream than the client's socket takes (a slow client holds back nobody, and costs no memory: it reads on from the
// shared log when it can). Its hold on the stream is given back when it leaves, in whatever way.

import type { ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import type { Stream, Subscription } from "../../src/systems/streams.ts";
import type { Connection, Connections } from "./connections.ts";

/** Bytes that may wait for a client's socket. */
const MOST_WAITING = 256 * 1024;

interface Sink {
  /** Sends, and waits while the client takes nothing. */
  send(position: number, text: string): Promise<void> | undefined;
  end(position: number): void;
}

/** Sends the stream to the sink until its end, or until the signal. */
async function pump(subscription: Subscription, sink: Sink, signal: AbortSignal): Promise<void> {
  let lost = 0;
  try {
    while (!signal.aborted) {
      const event = await subscription.next({ signal });
      if (event === undefined) break;
      if (subscription.lost > lost) {
        const count = subscription.lost - lost;
        lost = subscription.lost;
        await sink.send(event.position - 1, JSON.stringify({ type: "lost", count, timestamp: Date.now() }));
      }
      await sink.send(event.position, event.text);
    }
    // The marker stands at a position of its own. A stream that was freed under its reader ends for it, too.
    if (!signal.aborted) sink.end(subscription.position - (subscription.ended ? 1 : 0));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    subscription.close();
  }
}

/** Resolves when the client's socket took what was written, or the client left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** Serves the subscription as Server-Sent Events; an event's id is `generation:position`. */
export function serveEvents(
  stream: Stream,
  subscription: Subscription,
  response: ServerResponse,
  connections: Connections,
): Promise<void> {
  const gone = new AbortController();
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.write(": hello\n\n");
  const write = (text: string, flushed?: () => void): boolean => response.write(text, flushed);
  const connection: Connection = {
    send: (text) => void write(text),
    // A client of this protocol can't answer: that its socket took the comment is the sign of life.
    ping: () => void write(": heartbeat\n\n", () => connections.answered(connection)),
    close: () => response.destroy(),
  };
  connections.add(stream.key, connection);
  response.once("close", () => {
    connections.remove(connection);
    gone.abort(new Error("the client left"));
  });
  const { generation } = stream;
  const sink: Sink = {
    send: (position, text) =>
      write(`id: ${generation}:${position}\ndata: ${text}\n\n`) ? undefined : drained(response),
    end: (position) => {
      response.end(`id: ${generation}:${position}\nevent: end\ndata: {"type":"end"}\n\n`);
    },
  };
  return pump(subscription, sink, gone.signal);
}

/** A WebSocket as a connection; its pongs are its answers. */
export function connectSocket(socket: WebSocket, topic: string, connections: Connections): Connection {
  const connection: Connection = {
    send: (text) => {
      if (socket.readyState !== socket.OPEN) throw new Error("the socket is closed");
      if (socket.bufferedAmount > MOST_WAITING) throw new Error("the client takes nothing");
      socket.send(text);
    },
    ping: () => socket.ping(),
    close: (reason) => {
      socket.close(1001, reason);
      // A peer that does not answer the close frame gets no second chance.
      setTimeout(() => socket.terminate(), 1000).unref();
    },
  };
  connections.add(topic, connection);
  socket.on("pong", () => connections.answered(connection));
  socket.on("close", () => connections.remove(connection));
  socket.on("error", () => socket.terminate());
  return connection;
}

/** Serves the subscription over a WebSocket: `{generation, position, event}`, at last `{generation, position, end: true}`. */
export function serveSocket(
  stream: Stream,
  subscription: Subscription,
  socket: WebSocket,
  connections: Connections,
): Promise<void> {
  const gone = new AbortController();
  connectSocket(socket, stream.key, connections);
  socket.once("close", () => gone.abort(new Error("the client left")));
  const { generation } = stream;
  const sink: Sink = {
    send: (position, text) => {
      const message = `{"generation":${generation},"position":${position},"event":${text}}`;
      if (socket.bufferedAmount < MOST_WAITING) return void socket.send(message);
      return new Promise((resolve) => socket.send(message, () => resolve()));
    },
    end: (position) => {
      socket.send(JSON.stringify({ generation, position, end: true }));
      socket.close(1000, "end");
    },
  };
  return pump(subscription, sink, gone.signal);
}
