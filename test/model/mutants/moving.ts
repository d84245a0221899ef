// Broken versions of the move of chosen waiters to the lock's sleepers.
import type { Mutant } from "../model.ts";

const QUEUE = "region/wait-queue.js";
const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock", "final", "exception"];

export const movingMutants: readonly Mutant[] = [
  {
    name: "who was moved takes the lock without S",
    file: QUEUE,
    find: "moved ? lockStep(words, lock, me, 1, 0) === ACQUIRED : tryLock(words, lock, me) !== 0",
    replace: "tryLock(words, lock, me) !== 0",
    model: "moved: 2 takers, and a giver that wakes all, at most 1 preemption",
    expect: LOST,
  },
  {
    name: "the lock is not said to be slept on by those who are moved",
    file: "protocols/mutex.js",
    find: "if (cas(words, index, word, word | SYNC_WAITERS) === word)\n            return;",
    replace: "return;",
    model: "moved: 2 takers, and a giver that wakes all, at most 1 preemption",
    expect: LOST,
  },
  {
    name: "the slot of who is moved still names the node",
    file: QUEUE,
    find: "if (!announceMove(words, owner, node, lock))\n        return false;",
    replace: "",
    model: "moved: 2 takers, and a giver that wakes all, at most 1 preemption",
    expect: LOST,
  },
  {
    name: "a sleeper that was moved does not notice",
    file: QUEUE,
    find: "moved = load(words, seatAt + T_WAIT_CELL) !== node;",
    replace: "",
    model: "moved: 2 takers, and a giver that wakes all, at most 1 preemption",
    expect: LOST,
  },
];
