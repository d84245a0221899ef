// H30-H34: event streams of the pipeline and their clients (system 3, seed 002).
import { ClosedError, TimeoutError } from "../../../src/cells/errors.ts";
import { SharedLog } from "../../../src/tables/log.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedQueue } from "../../../src/tables/queue.ts";
import { SharedTable } from "../../../src/tables/shared-table.ts";
import { delItem, getItem, thrown } from "../dict.ts";
import { type Story, story } from "../story.ts";

const END = "END";

type Streams = SharedTable<string, { generation: number; clients: number }>;

const makeStreams = (): Streams => {
  const table: Streams = new SharedTable({ key: "string", columns: { generation: "u32", clients: "u32" } });
  return table.set("A", { generation: 1, clients: 1 });
};

const h30 = story<{ readonly streams: Streams }>({
  id: "H30",
  title: "a late cleanup removes the new queue of the same id (ABA)",
  kind: "forced",
  threads: ["late cleanup", "creates again"],
  script: ["0: plan A is there: clean it up", "1: replace plan A by a new one", "0: delete plan A"],
  claim: "Plan B's queue is deleted during plan A's cleanup.",
  fact: "With different ids it can't happen, in CPython or elsewhere. With one id that is used again it does: the key is the same, the queue is not.",
  fix: "compare and delete by generation",
  setUp: () => ({ streams: makeStreams() }),
  unsafe: ({ streams }, { index, step }) => {
    if (index === 1) {
      step("replace plan A by a new one", () => streams.set("A", { generation: 2, clients: 1 }));
      return;
    }
    if (step("plan A is there: clean it up", () => streams.has("A")))
      step("delete plan A", () => delItem(streams, "A"));
  },
  safe: ({ streams }, { index, step }) => {
    if (index === 1) {
      step("replace plan A by a new one", () => streams.set("A", { generation: 2, clients: 1 }));
      return;
    }
    const seen = step("plan A is there: clean it up", () => streams.getWithVersion("A"));
    // Its plan is the one of generation 1, however late it comes.
    if (seen?.row.generation !== 1) return;
    step("delete plan A", () => streams.compareAndDelete("A", seen.version));
  },
  check: ({ streams }, values) =>
    thrown(values) ?? (streams.get("A")?.generation === 2 ? undefined : "the new plan's queue is gone"),
});

const h31 = story<{ readonly queue: SharedQueue; readonly log: SharedLog }>({
  id: "H31",
  title: "two clients of one queue split the messages, one waits for ever",
  kind: "forced",
  threads: ["client 1", "client 2"],
  script: ["0: next message", "1: next message", "0: next message", "1: next message"],
  claim: "Each SSE client reads the plan's queue until the end marker.",
  fact: "Real in CPython: a queue shares work, it does not copy. The end marker reaches one of them.",
  fix: "fan-out: a log with a cursor for each client",
  setUp: () => {
    const queue = new SharedQueue({ capacity: 8 });
    const log = new SharedLog({ capacity: 8 });
    for (const message of ["one", "two", END]) {
      queue.push(message);
      log.append(message);
    }
    return { queue, log };
  },
  unsafe: ({ queue }, { step }) => {
    const got: unknown[] = [];
    while (!got.includes(END) && !got.includes("waits for ever")) {
      got.push(
        step("next message", () => {
          try {
            return queue.pop({ timeout: 10 });
          } catch (error) {
            if (error instanceof TimeoutError) return "waits for ever";
            throw error;
          }
        }),
      );
    }
    return got.join(" ");
  },
  safe: ({ log }, { step }) => {
    const reader = log.reader();
    const got: unknown[] = [];
    while (!got.includes(END)) got.push(step("next message", () => reader.read({ timeout: 30_000 })));
    return got.join(" ");
  },
  check: (_state, values) =>
    thrown(values) ?? (values.every((got) => got === `one two ${END}`) ? undefined : `they got: ${values.join(" | ")}`),
});

const h32 = story<{ readonly slots: SharedMap; readonly a: SharedQueue; readonly b: SharedQueue }>({
  id: "H32",
  title: "a slow reader writes to a deleted queue",
  kind: "forced",
  threads: ["cleans up A, starts B", "reads A's stdout"],
  script: ["1: the queue of plan A is slot 0", "0: delete it; slot 0 is plan B's", "1: write A's line to slot 0"],
  claim: "stdout_thread writes to a deleted queue: crash or silent failure.",
  fact: "No crash in CPython: a reference keeps the queue alive, the line goes nowhere. In shared memory the freed slot has a new owner, and the line appears in another plan's stream.",
  fix: "a closed queue stays closed: the late write is an error, what was in it is drained",
  setUp: () => ({
    slots: new SharedMap(),
    a: new SharedQueue({ capacity: 4 }),
    b: new SharedQueue({ capacity: 4 }),
  }),
  unsafe: ({ slots }, { index, step }) => {
    if (index === 0) {
      step("delete it; slot 0 is plan B's", () => slots.set("0", "B"));
      return;
    }
    const slot = step("the queue of plan A is slot 0", () => "0");
    step("write A's line to slot 0", () => slots.update(slot, (lines = "") => `${lines} A's line`));
  },
  safe: ({ slots, a, b }, { index, step }) => {
    if (index === 0) {
      step("delete it; slot 0 is plan B's", () => {
        a.close();
        a.drain();
        b.push("B");
      });
    } else {
      step("the queue of plan A is slot 0", () => undefined);
      step("write A's line to slot 0", () => {
        try {
          a.push("A's line");
        } catch (error) {
          if (!(error instanceof ClosedError)) throw error;
        }
      });
    }
    slots.set("0", "B");
  },
  check: ({ slots, b }, values) => {
    const stream = [slots.get("0"), ...b.drain().map(String)].join(" ");
    return thrown(values) ?? (stream.includes("A's") ? `plan B's stream reads: ${stream}` : undefined);
  },
});

const h33 = story<{ readonly streams: Streams }>({
  id: "H33",
  title: "queues leak on early returns",
  kind: "probabilistic",
  threads: ["executes plans", "executes plans"],
  script: ["0: publish a queue", "0: the process does not start: return", "1: publish a queue", "1: return"],
  claim: "Leaked queues accumulate: memory grows without bound.",
  fact: "Real in CPython, and no race: each early return leaves its entry behind, with one thread too.",
  fix: "whoever publishes an entry removes it, on every path",
  setUp: () => ({ streams: new SharedTable({ key: "string", columns: { generation: "u32", clients: "u32" } }) }),
  unsafe: ({ streams }, { index }) => {
    for (let i = 0; i < 200; i++) {
      streams.set(`${index} ${i}`, { generation: 1, clients: 0 });
      if (i % 10 === 0) continue;
      streams.delete(`${index} ${i}`);
    }
  },
  safe: ({ streams }, { index }) => {
    for (let i = 0; i < 200; i++) {
      streams.set(`${index} ${i}`, { generation: 1, clients: 0 });
      try {
        if (i % 10 === 0) continue;
      } finally {
        streams.delete(`${index} ${i}`);
      }
    }
  },
  check: ({ streams }) => (streams.size === 0 ? undefined : `${streams.size} queues of ended plans are left`),
});

const h34 = story<{ readonly streams: Streams }>({
  id: "H34",
  title: "reconnecting triggers the cleanup, and the stream is gone",
  kind: "forced",
  threads: ["old connection ends", "reconnects"],
  script: ["1: connect again", "0: clean up", "1: read"],
  claim: "A client's leaving cleans the plan's stream up.",
  fact: "Real in CPython: the browser reconnects before the server has noticed that the old connection ended.",
  fix: "a count of clients; at zero a grace period begins, and a replay bridges the gap",
  setUp: () => ({ streams: makeStreams() }),
  unsafe: ({ streams }, { index, step }) => {
    if (index === 0) {
      step("clean up", () => streams.delete("A"));
      return;
    }
    step("connect again", () => getItem(streams, "A"));
    step("read", () => getItem(streams, "A"));
  },
  safe: ({ streams }, { index, step }) => {
    const count = (by: number) => () => void streams.update("A", (row) => row && { ...row, clients: row.clients + by });
    if (index === 0) {
      // At 0 the entry stays, for the sweeper to take after the grace period.
      step("clean up", count(-1));
      return;
    }
    step("connect again", count(1));
    step("read", () => getItem(streams, "A"));
  },
  check: (_state, values) => thrown(values),
});

export const streamStories: readonly Story[] = [h30, h31, h32, h33, h34];
