// Broken versions of the reentrant mutex: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const PROTOCOL = "protocols/reentrant-mutex.js";
const LEAVES: Mutant["expect"] = ["race", "exception"];

export const reentrantMutants: readonly Mutant[] = [
  {
    name: "reentrant: the levels of a dead owner stay",
    file: PROTOCOL,
    find: "poke(words, index + COUNT, byTask !== 0 ? BY_TASK : 0);",
    replace: "if (byTask !== 0) poke(words, index + COUNT, BY_TASK);",
    model: "reentrant: 2 threads × 1, a death",
    expect: ["exception"],
  },
  {
    name: "reentrant: the first unlock frees the lock",
    file: PROTOCOL,
    find: "if ((count & LEVELS) !== 0) {",
    replace: "if (false) {",
    model: "reentrant: 2 threads × 2",
    expect: LEAVES,
  },
  {
    name: "reentrant: the fast release looks at no level",
    file: PROTOCOL,
    find: "peek(words, index + COUNT) === 0 && ",
    replace: "",
    model: "reentrant: 2 threads × 2",
    expect: LEAVES,
  },
  {
    name: "reentrant: a level more is not counted",
    file: PROTOCOL,
    find: "poke(words, index + COUNT, count + 1);",
    replace: "",
    model: "reentrant: 2 threads × 2",
    expect: LEAVES,
  },
  {
    name: "reentrant: a thread enters the hold of its task",
    file: PROTOCOL,
    find: "if (withGuard === 0 && (count & BY_TASK) !== 0)",
    replace: "if (false)",
    model: "reentrant: a thread beside a task's hold",
    expect: ["exception"],
  },
];
