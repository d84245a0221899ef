// Broken versions of the shipped fair mutex: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const PROTOCOL = "protocols/mutex.js";
const LOCK = "region/fair-lock.js";
const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock"];

export const fairMutants: readonly Mutant[] = [
  {
    name: "a release wakes nobody",
    file: LOCK,
    find: "    if (first !== 0)\n        wakeNode(words, first);",
    replace: "",
    model: "fair, 1 thread × 2 beside 1 × 1",
    expect: LOST,
  },
  {
    name: "the sequence is not bumped",
    file: LOCK,
    find: "    bump(words, node);\n",
    replace: "",
    model: "fair, 1 thread × 2 beside 1 × 1",
    expect: LOST,
  },
  {
    name: "the sequence is read after the step",
    file: LOCK,
    find: "const ended = sleepOn(locker, node + NODE_SEQ, sequence,",
    replace: "const ended = sleepOn(locker, node + NODE_SEQ, load(words, node + NODE_SEQ),",
    model: "fair, 1 thread × 2 beside 1 × 1",
    expect: [...LOST, "exception"],
  },
  {
    name: "a waiter sleeps without seeing to S",
    file: LOCK,
    find: "if (word >= 0 && cas(words, index + LOCK, word, word | SYNC_WAITERS) !== word)\n            continue;",
    replace: "",
    model: "fair, 1 thread × 2 beside 1 × 1",
    expect: LOST,
  },
  {
    name: "the lock is taken without S",
    file: PROTOCOL,
    find: "if (cas(words, index, seen, seen | SYNC_WAITERS | me) !== seen)",
    replace: "if (cas(words, index, seen, me) !== seen)",
    model: "fair, 3 threads × 1",
    expect: LOST,
  },
  {
    name: "the lock is taken by a store",
    file: PROTOCOL,
    find: "if (cas(words, index, seen, seen | SYNC_WAITERS | me) !== seen)",
    replace: "if (cas(words, index, load(words, index), seen | SYNC_WAITERS | me) === 1.5)",
    model: "fair, 1 thread × 2 beside 1 × 1",
    expect: ["race", "exception"],
  },
  {
    name: "whoever is dead stands before the living",
    file: LOCK,
    find: 'import { isAlive, probe } from "./threads.js";',
    replace: "const isAlive = () => true, probe = () => false;",
    model: "fair, 3 threads × 1, a death, at most 1 preemption",
    expect: [...LOST, "livelock", "endless"],
  },
  {
    name: "whoever leaves wakes nobody",
    file: LOCK,
    find: "if (result === MUST_WAIT)\n        wakeNext(words, place.index, place.line);",
    replace: "if (result === MUST_WAIT)\n        ;",
    model: "fair, 3 threads × 1, a time-out",
    expect: LOST,
  },
  {
    name: "a dead owner counts as alive",
    file: LOCK,
    find: "const dead = owner !== me && ownerIsDead(words, word, ask);",
    replace: "const dead = false;",
    model: "fair, 2 threads × 1, a death",
    expect: [...LOST, "livelock", "endless"],
  },
];
