// Broken versions of the event, the latch and the once: each is one patch of the compiled code, and how it must fail.
import type { Mutant } from "../model.ts";

const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock"];

export const eventMutants: readonly Mutant[] = [
  {
    name: "event: a set wakes nobody",
    file: "protocols/event.js",
    find: "return word < 0 ? 1 : 0;",
    replace: "return 0;",
    model: "event: 2 waiters, 1 setter",
    expect: LOST,
  },
  {
    name: "event: a set wakes one only",
    file: "locks/event.js",
    find: "wakeAll(words, this.index);",
    replace: "Atomics.notify(words, this.index, 1);",
    model: "event: 2 waiters, 1 setter",
    expect: LOST,
  },
  {
    name: "event: check, then act: a set by a store overwrites the announcement",
    file: "protocols/event.js",
    find: "if (cas(words, index, word, next) === word)",
    replace: "if (Atomics.store(words, index, next) === next)",
    model: "event: 2 waiters, 1 setter",
    expect: LOST,
  },
  {
    name: "event: the generation is not looked at",
    file: "protocols/event.js",
    find: " || (word & GENERATION) !== generation",
    replace: "",
    model: "event: set and cleared beside a sleeper",
    expect: LOST,
  },
];

export const latchMutants: readonly Mutant[] = [
  {
    name: "latch: the last count wakes nobody",
    file: "protocols/latch.js",
    find: "return last && word < 0 ? 1 : 0;",
    replace: "return 0;",
    model: "latch: 2 count down, 1 waits",
    expect: LOST,
  },
  {
    name: "latch: a count drops the announcement",
    file: "protocols/latch.js",
    find: "last ? 0 : word - n;",
    replace: "last ? 0 : (word - n) & LATCH_MAX;",
    model: "latch: 2 count down, 1 waits",
    expect: LOST,
  },
  {
    name: "latch: check, then act: a count by a store",
    file: "protocols/latch.js",
    find: "if (cas(words, index, word, next) === word)",
    replace: "if (Atomics.store(words, index, next) === next)",
    model: "latch: 2 count down, 1 waits",
    expect: LOST,
  },
  {
    name: "latch: open while one is left to count",
    file: "protocols/latch.js",
    find: "if ((word & LATCH_MAX) === 0)",
    replace: "if ((word & LATCH_MAX) <= 1)",
    model: "latch: 2 count down, 1 waits",
    expect: ["exception", "race"],
  },
];

export const onceMutants: readonly Mutant[] = [
  {
    name: "once: the runner wakes nobody",
    file: "protocols/once.js",
    find: "return word < 0 ? 1 : 0;",
    replace: "return 0;",
    model: "once: 2 threads × 2",
    expect: LOST,
  },
  {
    name: "once: check, then act: the runner is stored",
    file: "protocols/once.js",
    find: "if (cas(words, index, word, word | me) === word)",
    replace: "if (Atomics.store(words, index, word | me) !== 0)",
    model: "once: 2 threads × 2",
    expect: ["race", "exception"],
  },
  {
    name: "once: two take over from the same dead runner",
    file: "protocols/once.js",
    find: "return cas(words, index, seen, (seen & ~RUNNER) | me) === seen;",
    replace: "return Atomics.store(words, index, (seen & ~RUNNER) | me) !== 0;",
    model: "once: 3 threads × 1, a death",
    expect: ["race", "exception"],
  },
  {
    name: "once: what threw counts as done",
    file: "protocols/once.js",
    find: "done !== 0 ? DONE : 0",
    replace: "DONE",
    model: "once: one throws, the next one runs",
    expect: ["exception"],
  },
  {
    name: "once: a dead runner counts as alive",
    file: "locks/once.js",
    find: "return !isAlive(words, runner) ||",
    replace: "return false &&",
    model: "once: 2 threads × 2, a death",
    expect: ["livelock", "lost-wakeup", "deadlock", "endless"],
  },
];
