// A site that serves the compiled tree, cross-origin isolated, for tests in a browser.
//
// Bare imports of *test* files are turned into addresses under /npm/: the shims for node: modules and uvu, bundles made by
// esbuild for the rest. Files of the library are served as they are.
// Invariant: an import of a Node module, or of any package, from the library's own files fails in the browser.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const SHIMS: Readonly<Record<string, string>> = {
  "node:worker_threads": "/dist/test/browser/shims/worker-threads.js",
  "node:events": "/dist/test/browser/shims/events.js",
  "node:timers/promises": "/dist/test/browser/shims/timers-promises.js",
  uvu: "/dist/test/browser/shims/uvu.js",
};
const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", html: "text/html", svg: "image/svg+xml" };

export interface Site {
  readonly address: string;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Pages and scripts by path, beside the tree. */
  readonly files?: Readonly<Record<string, string>>;
  /** A folder to serve instead of the repository. */
  readonly folder?: string;
  readonly contentSecurityPolicy?: string;
}

const bundled = new Map<string, Promise<string>>();

/** A package as one script for browsers. */
function bundle(name: string): Promise<string> {
  const made =
    bundled.get(name) ??
    build({
      stdin: {
        contents: `export * from "${name}"; import * as all from "${name}"; export default all.default ?? all;`,
        resolveDir: root,
      },
      bundle: true,
      format: "esm",
      write: false,
      logLevel: "error",
    }).then(({ outputFiles }) => outputFiles[0].text);
  bundled.set(name, made);
  return made;
}

/** Bare imports as addresses. */
function withAddresses(script: string): string {
  return script.replace(/(\bfrom |\bimport |\bimport\()"([a-z@][^"]*)"/g, (_, before: string, name: string) => {
    return `${before}"${SHIMS[name] ?? `/npm/${name}`}"`;
  });
}

async function answer(path: string, { files = {}, folder = root }: SiteOptions): Promise<string> {
  if (path in files) return files[path];
  if (path.startsWith("/npm/")) return bundle(path.slice("/npm/".length));
  const text = await readFile(join(folder, normalize(path)), "utf8");
  return path.startsWith("/dist/test/") ? withAddresses(text) : text;
}

async function respond(request: IncomingMessage, response: ServerResponse, options: SiteOptions): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  const policy = options.contentSecurityPolicy;
  if (policy !== undefined) response.setHeader("Content-Security-Policy", policy);
  try {
    const text = await answer(path, options);
    const type = path.startsWith("/npm/") ? "js" : (path.split(".").at(-1) as string);
    response.setHeader("Content-Type", TYPES[type] ?? "text/html");
    response.end(text);
  } catch {
    response.writeHead(404).end();
  }
}

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const server = createServer((request, response) => void respond(request, response, options));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
