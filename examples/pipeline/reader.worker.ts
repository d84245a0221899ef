// The thread that reads one stream of one plan: it accepts one connection, which is the child's stdout or stderr, and
// publishes each line as an event.
//
// Invariant: it ends when its pipe does, when it is told to stop, or with the first event that the stream refuses: a
// reader that comes too late finds its stream closed and goes, whoever still holds the pipe's other end.

import { createServer } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { parentPort, workerData } from "node:worker_threads";
import { StreamRegistry, type StreamRegistryHandle } from "../../src/systems/streams.ts";
import { lineEvent, statusEvent } from "./events.ts";

export interface ReaderData {
  readonly registry: StreamRegistryHandle;
  readonly generation: number;
  readonly type: "log" | "error";
  /** Where it listens. */
  readonly path: string;
}

export type ReaderMessage = { readonly listening: true } | { readonly published: number; readonly refused: number };

/** A line is cut here, so that a plan that never ends its line takes no memory without bound. */
const MAX_LINE = 16 * 1024;

const { registry, generation, type, path } = workerData as ReaderData;
const stream = StreamRegistry.from(registry).attach(generation);
const decoder = new StringDecoder("utf8");
let rest = "";
let published = 0;
let refused = 0;

function publish(event: string): void {
  if (stream?.publish(event) === undefined) refused++;
  else published++;
}

function take(text: string): void {
  const lines = (rest + text).split("\n");
  rest = lines.pop() as string;
  for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) lines.push(rest.slice(0, MAX_LINE));
  for (const line of lines) if (refused === 0) publish(lineEvent(type, line.slice(0, MAX_LINE)));
}

function finish(): void {
  take(decoder.end());
  if (rest !== "" && refused === 0) publish(lineEvent(type, rest));
  if (type === "log" && refused === 0) publish(statusEvent("stdout_closed"));
  parentPort?.postMessage({ published, refused } satisfies ReaderMessage);
  parentPort?.close();
}

const server = createServer((socket) => {
  server.close();
  parentPort?.on("message", () => socket.destroy());
  socket.on("data", (bytes) => {
    take(decoder.write(bytes));
    if (refused > 0) socket.destroy();
  });
  // A reset ends the pipe as well; "close" follows.
  socket.on("error", () => {});
  socket.once("close", finish);
});
parentPort?.once("message", () => {
  if (!server.listening) return;
  server.close(() => parentPort?.close());
});
server.listen(path, () => parentPort?.postMessage({ listening: true } satisfies ReaderMessage));
