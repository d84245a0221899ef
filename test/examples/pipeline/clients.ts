// Clients of the pipeline's server as they come: over Server-Sent Events or a WebSocket, some leaving and coming back.

import { get } from "node:http";
import { WebSocket } from "ws";

export interface Seen {
  readonly generation: number;
  readonly positions: number[];
  readonly events: { type: string; message: string; status?: string }[];
  readonly ended: number;
}

interface Visit {
  readonly port: number;
  readonly id: string;
  /** Leaves after so many events. */
  readonly most: number;
}

type Take = (generation: number, position: number, event: unknown, end: boolean) => void;

function visitEvents({ port, id, most }: Visit, last: string | undefined, take: Take): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = last === undefined ? {} : { "last-event-id": last };
    const request = get({ port, path: `/api/plans/${id}/events`, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${id} after ${last}: status ${response.statusCode}`));
      let rest = "";
      let count = 0;
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        const blocks = (rest + text).split("\n\n");
        rest = blocks.pop() as string;
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
          // What came in one piece with the last wanted event was not seen.
          if (fields.id === undefined || count >= most) continue;
          const [generation, position] = fields.id.split(":").map(Number);
          take(generation, position, JSON.parse(fields.data), fields.event === "end");
          if (++count >= most) response.destroy();
        }
      });
      response.once("close", resolve);
    });
    request.once("error", reject);
  });
}

function visitSocket({ port, id, most }: Visit, last: string | undefined, take: Take): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?plan=${id}${last === undefined ? "" : `&after=${last}`}`);
    let count = 0;
    socket.on("message", (data) => {
      if (count >= most) return;
      const { generation, position, event, end } = JSON.parse(String(data));
      take(generation, position, event, end === true);
      if (++count >= most) socket.terminate();
    });
    socket.once("close", () => resolve());
    socket.once("error", reject);
  });
}

/** Follows a plan to its end. It comes back as often as it leaves: after `leaveAfter()` events each time. */
export async function follow(
  kind: "events" | "socket",
  port: number,
  id: string,
  leaveAfter: () => number = () => Number.POSITIVE_INFINITY,
): Promise<Seen> {
  const seen = { generation: 0, positions: [] as number[], events: [] as Seen["events"], ended: 0 };
  let last: string | undefined;
  while (seen.ended === 0) {
    const visit = kind === "events" ? visitEvents : visitSocket;
    await visit({ port, id, most: leaveAfter() }, last, (generation, position, event, end) => {
      if (seen.generation !== 0 && generation !== seen.generation) throw new Error(`${id}: another generation`);
      seen.generation = generation;
      last = `${generation}:${position}`;
      if (end) seen.ended++;
      else {
        seen.positions.push(position);
        seen.events.push(event as Seen["events"][number]);
      }
    });
  }
  return seen;
}

/** Sends a request and gives the status and the JSON that came. */
export async function call<T>(port: number, method: string, path: string, body?: unknown): Promise<[number, T]> {
  const init =
    body === undefined ? { method } : { method, body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const text = await response.text();
  return [response.status, text === "" ? undefined : JSON.parse(text)];
}

/** Polls until it is so; throws, naming what did not come, after 30 s. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let beats = 0; !isSo(); beats++) {
    if (beats > 1500) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
