// The live page over plain HTTP: who gets in, what is sent, how it ends. In a browser: watch-page.test.ts.

import { createServer, get, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { PageData } from "../../src/profile/render/page-data.ts";
import type { WaitNow } from "../../src/profile/wait-graph.ts";
import { startWatch, type Watch, type WatchSource } from "../../src/profile/watch.ts";
import { hostileProfile, hotProfile } from "../support/profiles.ts";

const test = suite("profile: watch");
const WAITS: WaitNow[] = [
  { thread: 2, name: "worker 2", lock: 'Mutex "a"', wants: "to lock", heldBy: [{ thread: 1, name: "main" }] },
];

const source: WatchSource = { snapshot: hotProfile, waitGraph: () => WAITS };

async function watching<T>(act: (watch: Watch) => Promise<T>, from: WatchSource = source): Promise<T> {
  const watch = await startWatch({ source: from, intervalMs: 100, keepAlive: true });
  try {
    return await act(watch);
  } finally {
    await watch.close();
  }
}

/** Asks as no browser would: with any path, method and Host. */
function ask(
  watch: Watch,
  path: string,
  options: { method?: string; host?: string } = {},
): Promise<{ status: number; text: string; headers: IncomingMessage["headers"] }> {
  const { method = "GET", host = `127.0.0.1:${watch.port}` } = options;
  return new Promise((done, fail) => {
    const asked = request(
      { port: watch.port, host: "127.0.0.1", path, method, headers: { host }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response
          .on("end", () => done({ status: response.statusCode ?? 0, text, headers: response.headers }))
          .on("error", fail);
      },
    );
    asked.on("error", fail).end();
  });
}

const tokenPath = (watch: Watch): string => new URL(watch.address).pathname;

/** Listens to the events until so many have come or the connection ends. */
function events(watch: Watch, wanted: number, onEvent = (): void => {}): Promise<{ name: string; data: string }[]> {
  return new Promise((done, fail) => {
    const found: { name: string; data: string }[] = [];
    let rest = "";
    const asked = get(`${watch.address}events`, { agent: false }, (response) => {
      response.setEncoding("utf8").on("data", (chunk) => {
        rest += chunk;
        for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
          const event = /^event: (.*)\ndata: (.*)$/.exec(rest.slice(0, end));
          rest = rest.slice(end + 2);
          if (event === null) continue;
          found.push({ name: event[1], data: event[2] });
          onEvent();
          if (found.length === wanted) asked.destroy();
        }
      });
      response.on("close", () => done(found));
    });
    asked.on("error", (error: NodeJS.ErrnoException) => (found.length >= wanted ? done(found) : fail(error)));
  });
}

test("the address is on loopback and has a token, another one for each server", () =>
  watching((first) =>
    watching(async (second) => {
      const form = /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/$/;
      assert.match(first.address, form);
      assert.match(second.address, form);
      assert.is.not(tokenPath(first), tokenPath(second));
    }),
  ));

test("the page has the profile in it, may not be stored or framed, and speaks to its own server only", () =>
  watching(async (watch) => {
    const { status, text, headers } = await ask(watch, tokenPath(watch));
    assert.is(status, 200);
    assert.match(text, 'Mutex \\"counter\\"');
    assert.match(text, "connect-src 'self'");
    assert.is(headers["content-type"], "text/html; charset=utf-8");
    assert.is(headers["cache-control"], "no-store");
    assert.is(headers["x-frame-options"], "DENY");
  }));

test("without the token, or with a wrong one, nothing is told, and the answer says why", () =>
  watching(async (watch) => {
    const token = tokenPath(watch).slice(1, -1);
    const wrong = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
    for (const path of [
      "/",
      "/events",
      "/waits",
      `/${wrong}/`,
      `/${wrong}/waits`,
      `/${token}x/`,
      `/${token.slice(1)}/`,
      "/%00/",
      `/?${token}`,
    ]) {
      const { status, text } = await ask(watch, path);
      assert.is(status, 403, path);
      assert.is(text, "Wrong or missing token: open the address as it was printed.");
    }
  }));

test("another name for this machine is refused: a foreign page can't reach it by DNS", () =>
  watching(async (watch) => {
    for (const host of ["evil.example", `evil.example:${watch.port}`, "127.0.0.1.evil.example", "0.0.0.0"]) {
      assert.is((await ask(watch, tokenPath(watch), { host })).status, 403, host);
    }
    assert.is((await ask(watch, tokenPath(watch), { host: `localhost:${watch.port}` })).status, 200);
  }));

test("other paths, other methods and a missing slash are answered as such", () =>
  watching(async (watch) => {
    assert.is((await ask(watch, `${tokenPath(watch)}else`)).status, 404);
    assert.is((await ask(watch, `${tokenPath(watch)}waits/more`)).status, 404);
    const posted = await ask(watch, tokenPath(watch), { method: "POST" });
    assert.equal([posted.status, posted.headers.allow], [405, "GET"]);
    const moved = await ask(watch, tokenPath(watch).slice(0, -1));
    assert.equal([moved.status, moved.headers.location], [308, tokenPath(watch)]);
  }));

test("events bring the profile again and again, whole", () =>
  watching(async (watch) => {
    const found = await events(watch, 3);
    assert.equal(
      found.map(({ name }) => name),
      ["profile", "profile", "profile"],
    );
    const { locks } = JSON.parse(found[2].data) as PageData;
    assert.is(locks[0].title, 'Mutex "counter"');
  }));

test("names with line breaks don't break an event", () =>
  watching(
    async (watch) => {
      const [event] = await events(watch, 1);
      assert.is((JSON.parse(event.data) as PageData).locks.length, hostileProfile().locks.length);
    },
    { ...source, snapshot: hostileProfile },
  ));

test("who waits for whom now is asked for anew each time", async () => {
  let asked = 0;
  await watching(
    async (watch) => {
      assert.equal(JSON.parse((await ask(watch, `${tokenPath(watch)}waits`)).text), WAITS);
      await ask(watch, `${tokenPath(watch)}waits`);
    },
    { ...source, waitGraph: async () => (asked++, WAITS) },
  );
  assert.is(asked, 2);
});

test("a source that fails is said, on the page and in the events, and the server lives on", async () => {
  let broken = true;
  const snapshot = () => {
    if (broken) throw new Error("no region is recorded");
    return hotProfile();
  };
  await watching(
    async (watch) => {
      const { status, text } = await ask(watch, tokenPath(watch));
      assert.equal([status, text], [500, "The profile could not be read: no region is recorded"]);
      const [event] = await events(watch, 1);
      assert.equal(event, { name: "trouble", data: '"The profile could not be read: no region is recorded"' });
      broken = false;
      assert.is((await ask(watch, tokenPath(watch))).status, 200);
    },
    { ...source, snapshot },
  );
});

test("no snapshot is taken while nobody looks", async () => {
  let asked = 0;
  const snapshot = () => (asked++, hotProfile());
  await watching(
    async (watch) => {
      await ask(watch, `${tokenPath(watch)}waits`);
      assert.is(asked, 0);
      await events(watch, 1);
      assert.ok(asked >= 1);
    },
    { ...source, snapshot },
  );
});

test("closing tells the open pages, and may be done twice", async () => {
  const watch = await startWatch({ source, intervalMs: 100, keepAlive: true });
  let all: ReturnType<typeof events> | undefined;
  await new Promise<void>((open) => {
    all = events(watch, Number.POSITIVE_INFINITY, open);
  });
  await Promise.all([watch.close(), watch.close()]);
  assert.equal((await all)?.at(-1), { name: "end", data: "{}" });
});

async function refused(options: Partial<Parameters<typeof startWatch>[0]>): Promise<Error & { code?: string }> {
  try {
    const watch = await startWatch({ source, ...options });
    await watch.close();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was started");
}

test("a port in use is said, with the system's code", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const error = await refused({ port });
  assert.is(error.code, "EADDRINUSE");
  assert.is(error.message, `port ${port} of 127.0.0.1 is in use; choose another one, or 0 for any free one`);
  await new Promise((done) => other.close(done));
});

test("it listens on loopback only, and checks its options", async () => {
  for (const host of ["0.0.0.0", "::", "192.168.0.1", "example.org"]) {
    assert.match((await refused({ host })).message, `host must be a loopback address such as 127.0.0.1, got "${host}"`);
  }
  assert.match((await refused({ port: 65_536 })).message, "port must be 0 to 65535");
  assert.match((await refused({ port: 1.5 })).message, "port must be 0 to 65535");
  assert.match((await refused({ intervalMs: 1 })).message, "intervalMs must be at least 100");
});

test.run();
