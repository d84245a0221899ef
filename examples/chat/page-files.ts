// The demonstration page over HTTP, and tokens for the people on it.
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { TokenRequest } from "./tokens.ts";

const PAGE = fileURLToPath(new URL("../../../examples/chat/page.html", import.meta.url));
const SCRIPT = fileURLToPath(new URL("./page.client.js", import.meta.url));

/** Answers a request; `demo` are the users for whom anyone may ask for a token. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  demo: Readonly<Record<string, TokenRequest>> = {},
  sign: (request: TokenRequest) => Promise<string>,
): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const answer = (status: number, type: string, body: string): void => {
    response.writeHead(status, {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'",
    });
    response.end(body);
  };
  const user = url.searchParams.get("user") ?? "";
  if (url.pathname === "/") answer(200, "text/html", readFileSync(PAGE, "utf8"));
  else if (url.pathname === "/page.client.js") answer(200, "text/javascript", readFileSync(SCRIPT, "utf8"));
  else if (url.pathname === "/demo-token" && Object.hasOwn(demo, user)) {
    sign(demo[user]).then(
      (token) => answer(200, "text/plain", token),
      () => answer(500, "text/plain", "no token"),
    );
  } else answer(404, "text/plain", "not found");
}
