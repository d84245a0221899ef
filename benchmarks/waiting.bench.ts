// Read-write locks, semaphores, conditions, barriers and handing over, under contention; queues and logs, their throughput
// and the way there and back.

import { type Case, contest } from "./contest.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { PAIRS } from "./rivals/channels.ts";
import { entry, own } from "./rivals/entries.ts";
import { TEXTBOOK } from "./rivals/monitors.ts";

interface Plan {
  readonly name: string;
  readonly yardstick: string;
  readonly subjects: readonly string[];
  readonly cases: readonly Case[];
  readonly workers: number;
}

function suiteOf({ name, yardstick, subjects, cases, workers }: Plan): Suite {
  const run = (effort: Effort): Promise<Run[]> => {
    const few = effort.quick ? cases.slice(0, 1) : cases;
    return contest(name, few, [...own(), ...subjects.map(entry)], workers, effort);
  };
  return { name, yardstick, run };
}

const PEERS = [TEXTBOOK, "multithreading"];

/** A plan for each number of workers, which its name tells. */
function over(counts: readonly number[], plan: Omit<Plan, "workers">): Suite[] {
  return counts.map((workers) => suiteOf({ ...plan, name: `${plan.name}, ${workers} workers`, workers }));
}

const MIXES = [100, 95, 50].flatMap((percent) =>
  [0, 50, 200].map((steps): Case => {
    return { name: `${percent}:${100 - percent}, ${steps} steps`, task: "rw", params: { percent, steps, roles: 0 } };
  }),
);
const ROLES: Case = {
  name: "1 writes, others read, 50 steps",
  task: "rw",
  params: { percent: 0, steps: 50, roles: 1 },
};

const PERMITS = [1, 2, 4].flatMap((permits) =>
  [0, 200].map(
    (steps): Case => ({ name: `${permits} permits, ${steps} steps`, task: "semaphore", params: { permits, steps } }),
  ),
);

const one = (name: string, task: string): Case[] => [{ name, task, params: {} }];
const sized = (task: string): Case[] =>
  [20, 1000, 10_000].map((size) => ({ name: `${size} characters`, task, params: { size } }));

export const suites: Suite[] = [
  ...over([1, 2, 4, 8, 16], {
    name: "rw lock contended",
    yardstick: TEXTBOOK,
    subjects: PEERS,
    cases: [...MIXES, ROLES],
  }),
  ...over([1, 2, 4, 16], { name: "semaphore contended", yardstick: TEXTBOOK, subjects: PEERS, cases: PERMITS }),
  ...over([2], {
    name: "handoff",
    yardstick: "floor-js",
    subjects: ["floor-js", ...PEERS, "postMessage"],
    cases: one("semaphore, there and back", "handoff"),
  }),
  ...over([2], {
    name: "condition ping-pong",
    yardstick: TEXTBOOK,
    subjects: PEERS,
    cases: one("there and back", "turns"),
  }),
  ...over([2, 4, 16], {
    name: "condition notifyAll",
    yardstick: TEXTBOOK,
    subjects: PEERS,
    cases: one("wake all, and wait for them", "wake all"),
  }),
  ...over([2, 4, 16], {
    name: "bounded buffer",
    yardstick: TEXTBOOK,
    subjects: PEERS,
    cases: one("an item through 16 places", "buffer"),
  }),
  ...over([2, 4, 16], { name: "barrier", yardstick: TEXTBOOK, subjects: PEERS, cases: one("all meet", "barrier") }),
  ...[2, 4, 16].flatMap((workers) =>
    over([workers], {
      name: "queue throughput",
      yardstick: "hand-written ring",
      subjects: ["hand-written ring", "multithreading", workers === 2 ? "postMessage" : PAIRS],
      cases: sized("throughput"),
    }),
  ),
  ...over([2], {
    name: "queue latency",
    yardstick: "hand-written ring",
    subjects: ["hand-written ring", "multithreading", "postMessage"],
    cases: one("there and back", "round trip"),
  }),
  ...over([2, 4, 16], {
    name: "log",
    yardstick: "BroadcastChannel",
    subjects: ["BroadcastChannel"],
    cases: sized("broadcast"),
  }),
  ...over([2], {
    name: "log latency",
    yardstick: "BroadcastChannel",
    subjects: ["BroadcastChannel"],
    cases: one("there and back over two logs", "broadcast trip"),
  }),
];
