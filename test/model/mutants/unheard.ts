// Broken versions of how the shipped locks learn of deaths that nobody tells them: each forgets to ask somebody.
import type { Mutant } from "../model.ts";

const FOR_EVER: Mutant["expect"] = ["lost-wakeup", "deadlock", "livelock", "endless"];

export const unheardMutants: readonly Mutant[] = [
  {
    name: "unheard: who stands before a waiter of the fair mutex is not asked",
    file: "region/fair-lock.js",
    find: "if (ask && waiter !== me && probe(words, waiter)) {",
    replace: "if (false) {",
    model: "unheard: fair, 2 threads × 2, a death, no preemption, no wait for ever",
    expect: FOR_EVER,
  },
  {
    name: "unheard: the owner of a mutex is not asked",
    file: "region/word-lock.js",
    find: "return !isAlive(words, owner) || (ask && probe(words, owner));",
    replace: "return !isAlive(words, owner);",
    model: "unheard: 2 threads × 2, a death",
    expect: FOR_EVER,
  },
  {
    name: "unheard: the readers that a writer waits for are not asked",
    file: "locks/rw-waiting.js",
    find: "if (owner !== 0 && owner !== me && (!isAlive(words, owner) || (ask && probe(words, owner)))) {",
    replace: "if (owner !== 0 && !isAlive(words, owner)) {",
    model: "unheard: rw: 1 reader, 1 writer, a death",
    expect: FOR_EVER,
  },
  {
    name: "unheard: whoever is asked seems to live",
    file: "region/threads.js",
    find: "    bury(words, at, tenancy);\n    return true;",
    replace: "    return false;",
    model: "unheard: 2 threads × 2, a death",
    expect: FOR_EVER,
  },
];
