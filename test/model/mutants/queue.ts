// Broken versions of the queue's waiting: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const file = "tables/queue-wakes.js";
const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock"];
const CONSUMERS = "queue: 1 producer × 2, 2 consumers";

export const queueMutants: readonly Mutant[] = [
  {
    name: "queue: a woken consumer does not pass the wake on",
    file,
    find: "if (left)\n        return owe(words, index, 0, waiter);",
    replace: "if (left)\n        return 0;",
    model: CONSUMERS,
    expect: LOST,
  },
  {
    name: "queue: a woken consumer does not announce the others again",
    file,
    find: "announce(words, index, waiter);\n    return 0;",
    replace: "return 0;",
    model: CONSUMERS,
    expect: LOST,
  },
  {
    name: "queue: the cell does not move",
    file,
    find: "add(words, index + FIRST_CELL + cell, 1);",
    replace: "add(words, index + FIRST_CELL + cell, 0);",
    model: "queue: 1 producer × 2, 1 consumer × 2, room for one",
    expect: LOST,
  },
  {
    name: "queue: nobody is announced",
    file,
    find: "words[index + FLAGS] |= waiter;",
    replace: "",
    model: "queue: 1 producer × 2, 1 consumer × 2, room for one",
    expect: LOST,
  },
  {
    name: "queue: a pop forgets those who wait for bytes",
    file,
    find: "FOR_ROOM = ROOM | SPACE | ROOM_TASKS",
    replace: "FOR_ROOM = ROOM | ROOM_TASKS",
    model: "queue: a large and a small value wait for bytes",
    expect: LOST,
  },
  {
    name: "queue: a push forgets the tasks",
    file,
    find: "FOR_ITEM = ITEM | ITEM_TASKS",
    replace: "FOR_ITEM = ITEM",
    model: "queue: a task and a thread that consume",
    expect: LOST,
  },
  {
    name: "queue: one that moves on to wait for bytes keeps the wake",
    file,
    find: "return slept === waiter ? owe(words, index, 0, waiter) : 0;",
    replace: "return 0;",
    model: "queue: a large and a small value, a full queue",
    expect: LOST,
  },
];
