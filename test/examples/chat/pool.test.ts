// watchdog: 120s
// The pool when an event kills every thread that begins it: it is refused in the end, and nobody else's is lost.
import * as assert from "uvu/assert";
import type { Notice } from "../../../examples/chat/chat.worker.ts";
import { Pool } from "../../../examples/chat/pool.ts";
import type { ChatStateHandle } from "../../../examples/chat/state.ts";
import { suite } from "../../support/suite.ts";

const test = suite("examples/chat/pool");
const program = new URL("./poison.worker.js", import.meta.url);

interface Told {
  readonly client: string;
  readonly what: unknown;
}

async function play(
  count: number,
  frames: readonly (readonly [slot: number, client: string, text: string])[],
): Promise<{ told: Told[]; deaths: number }> {
  const told: Told[] = [];
  const teller = {
    onNotice: (notice: Exclude<Notice, { kind: "begun" | "done" }>): void => {
      if (notice.kind !== "send") throw new Error(`an unexpected ${notice.kind}`);
      const { event, data } = notice;
      told.push({ client: notice.clients[0], what: event === "error" ? data : (data as { text: string }).text });
    },
    onDeath: (): void => {},
  };
  // The state goes to the worker, and this one looks at none.
  const pool = new Pool(count, { state: {} as ChatStateHandle, publicKey: {} }, teller, program);
  for (const [slot, client, text] of frames) pool.post(slot, { kind: "frame", client, text });
  await pool.idle();
  const { deaths } = pool;
  await pool.close();
  return { told, deaths };
}

const REFUSED = { code: "internal", message: "try again" };

test("an event that kills every thread that begins it is refused after three more tries; what came after it is handled", async () => {
  const { told, deaths } = await play(1, [
    [0, "a", "first"],
    [0, "b", "deadly"],
    [0, "c", "behind it"],
    [0, "a", "last"],
  ]);
  assert.is(deaths, 4);
  assert.equal(
    told.filter(({ client }) => client === "b"),
    [{ client: "b", what: REFUSED }],
    "its client is told, once",
  );
  for (const wanted of ["first", "behind it", "last"]) {
    assert.ok(
      told.some(({ what }) => what === wanted),
      wanted,
    );
  }
  const order = told.filter(({ client }) => client === "a").map(({ what }) => what);
  assert.is(order.at(-1), "last", "a client's events stay in their order");
});

test("an event that killed its thread once is handled by the next, and to wait behind a deadly one is no try", async () => {
  const frames = Array.from({ length: 6 }, (_, i) => [0, `client ${i}`, "deadly once"] as const);
  const { told, deaths } = await play(1, [...frames, [0, "z", "deadly"], [0, "y", "patient"]]);
  // The six died of their first try together with the queue behind them: each is begun again, and lives.
  assert.equal(
    told.filter(({ what }) => what === "deadly once").map(({ client }) => client),
    frames.map(([, client]) => client),
  );
  assert.equal(
    told.filter(({ client }) => client === "z"),
    [{ client: "z", what: REFUSED }],
  );
  assert.ok(told.some(({ what }) => what === "patient"));
  assert.ok(deaths >= 4);
});

test("a deadly event of one thread touches no other thread", async () => {
  const { told, deaths } = await play(2, [
    [0, "a", "deadly"],
    ...Array.from({ length: 50 }, (_, i) => [1, "b", `number ${i}`] as const),
  ]);
  assert.is(deaths, 4);
  assert.equal(
    told.filter(({ client }) => client === "b").map(({ what }) => what),
    Array.from({ length: 50 }, (_, i) => `number ${i}`),
  );
});

test.run();
