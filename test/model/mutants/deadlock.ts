// Broken versions of the look for deadlocks: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const WALK = "region/deadlock.js";

export const deadlockMutants: readonly Mutant[] = [
  {
    name: "believed after one walk",
    file: WALK,
    find: "if (second === undefined || signature(first) !== signature(second))",
    replace: "if (false)",
    model: "deadlock: the other lets go before it waits",
    expect: ["final", "exception"],
  },
  {
    name: "whoever finds the circle gives up",
    file: WALK,
    find: "if (victim !== second.get(mine)) {",
    replace: "if (false) {",
    model: "deadlock: two threads in a circle",
    expect: ["final"],
  },
  {
    name: "the first thread of the circle is told, not the last",
    file: WALK,
    find: "later(sleeper, most)",
    replace: "later(most, sleeper)",
    model: "deadlock: two threads in a circle",
    expect: ["final"],
  },
  {
    name: "a thread that seems to wait in another region is taken for any one there",
    file: "region/wait-circle.js",
    find: "load(words, at + T_CLAIM) !== claim",
    replace: "false",
    model: "deadlock: two regions, one order for two beside a third thread",
    expect: ["final", "exception"],
  },
  {
    name: "of two regions whoever finds the circle gives up",
    file: WALK,
    find: "if (victim !== second.get(mine)) {",
    replace: "if (false) {",
    model: "deadlock: two regions, a circle",
    expect: ["final"],
  },
];
