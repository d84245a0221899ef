// Broken versions of the log: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock"];

export const logMutants: readonly Mutant[] = [
  {
    name: "log: a reader that waits does not say so",
    file: "tables/log.js",
    find: "words[this.index + WAITING] = 1;",
    replace: ";",
    model: "log: 1 writer × 2, 1 reader × 2, at most 2 preemptions",
    expect: LOST,
  },
  {
    name: "log: the cell of the news does not move",
    file: "tables/log.js",
    find: "add(words, this.index + NEWS, 1);",
    replace: "add(words, this.index + NEWS, 0);",
    model: "log: 1 writer × 2, 1 reader × 2, at most 2 preemptions",
    expect: LOST,
  },
  {
    name: "log: one reader is woken, not all",
    file: "tables/log.js",
    find: "if (someone)\n            wakeAll(this.region.memory.words, this.index + NEWS);",
    replace: "if (someone)\n            Atomics.notify(this.region.memory.words, this.index + NEWS, 1);",
    model: "log: 1 writer, 2 readers",
    expect: LOST,
  },
  {
    name: "log: an entry counts before its slot is written",
    file: "tables/ring.js",
    find: "words[slot + START] = start;",
    replace: "words[slot + START] = start; store(words, storage + TAIL, (tail + 1) | 0);",
    model: "log: a writer dies",
    expect: ["exception", "final"],
  },
];
