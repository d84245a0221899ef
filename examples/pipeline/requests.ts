// What comes from outside, checked before anything is done with it.
// Invariant: a plan's id and its arguments that leave this file fit their patterns; everything else is a RequestError.

import type { IncomingMessage } from "node:http";
import type { PlanRequest } from "./pipeline.ts";

const ID = /^[\w-]{1,64}$/;
const MAX_BODY = 16 * 1024;
const LOCAL = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** A request that can't be served, with the HTTP status that says why. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Refuses other sites' pages, also those whose name was made to point here. */
export function checkOrigin({ headers }: IncomingMessage): void {
  const host = headers.host ?? "";
  if (!LOCAL.has(host.replace(/:\d+$/, ""))) throw new RequestError(403, "this server answers on loopback only");
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    throw new RequestError(403, "this server answers its own page only");
  }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new RequestError(413, `a body has at most ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function checkId(id: unknown): string {
  if (typeof id === "string" && ID.test(id)) return id;
  throw new RequestError(400, "a plan's id has 1 to 64 letters, digits, _ and -");
}

function wholeNumber(body: Record<string, unknown>, name: string, fallback: number, most: number): number {
  const value = body[name] ?? fallback;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw new RequestError(400, `${name} is a whole number from 0 to ${most}`);
}

/** The plan that the body of a POST asks for: `{id, steps?, delay?, fail?}`. */
export function parsePlan(text: string): PlanRequest {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new RequestError(400, "the body must be JSON");
  }
  if (typeof body !== "object" || body === null) throw new RequestError(400, "the body must be an object");
  const steps = wholeNumber(body, "steps", 10, 10_000);
  const delay = wholeNumber(body, "delay", 300, 60_000);
  const fail = wholeNumber(body, "fail", 0, 255);
  return { id: checkId(body.id), arguments: [`--steps=${steps}`, `--delay=${delay}`, `--fail=${fail}`] };
}

/** What a client has seen already: `generation:position`, as in Last-Event-ID; position -1: nothing of this generation. */
export function parseEventId(text: string | null): { generation: number; position: number } | undefined {
  if (text === null || text === "") return undefined;
  const match = /^(\d{1,9}):(-1|\d{1,10})$/.exec(text);
  if (match === null) throw new RequestError(400, "an event's id is generation:position");
  return { generation: Number(match[1]), position: Number(match[2]) };
}
