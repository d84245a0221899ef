// Broken versions of clear(): each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const file = "tables/clear.js";
const WRONG: Mutant["expect"] = ["exception", "final"];

export const clearMutants: readonly Mutant[] = [
  {
    name: "clear: the shards forget their rows one by one",
    file,
    find: "store(words, shard + S_HOME, -intent);",
    replace: "store(words, shard + S_HOME, 0);",
    model: "clear: dies beside a reader",
    expect: WRONG,
  },
  {
    name: "clear: readers see the shards empty one after the other",
    file,
    find: "for (const shard of shards)\n        beginChange(words, shard);",
    replace:
      "beginChange(words, shards[0]);\n    add(words, shards[1] + S_VERSION, 1);\n    endChange(words, shards[1]);\n    for (const shard of shards.slice(1))\n        beginChange(words, shard);",
    model: "clear: beside a reader",
    expect: WRONG,
  },
  {
    name: "clear: it counts as made before all shards name it",
    file,
    find: "store(words, intent, IDLE);\n    for (const shard of shards)\n        store(words, shard + S_HOME",
    replace: "store(words, intent, COMMITTED);\n    for (const shard of shards)\n        store(words, shard + S_HOME",
    model: "clear: dies beside a reader",
    expect: WRONG,
  },
  {
    name: "clear: the intention of one that was cut off stays",
    file,
    find: "store(words, intent, IDLE);\n    for (const shard of shards)\n        store(words, shard + S_HOME",
    replace: "for (const shard of shards)\n        store(words, shard + S_HOME",
    model: "clear: dies, after one that died with its intention left",
    expect: WRONG,
  },
  {
    name: "clear: a shard no longer names it before it has forgotten its rows",
    file,
    find: "forgetRows(words, shard);\n        store(words, shard + S_HOME, 0);",
    replace: "store(words, shard + S_HOME, 0);\n        forgetRows(words, shard);",
    model: "clear: dies beside one that takes the locks",
    expect: WRONG,
  },
  {
    name: "clear: it is over while a shard names it",
    file,
    find: "for (const shard of shards) {\n        forgetRows",
    replace: "store(words, intent, IDLE);\n    for (const shard of shards) {\n        forgetRows",
    model: "clear: dies beside a reader",
    expect: WRONG,
  },
  {
    name: "clear: a repair lets the rows stand",
    file: "tables/recover.js",
    find: "=== COMMITTED)\n        forgetRows(words, shard);",
    replace: "=== COMMITTED)\n        return;",
    model: "clear: dies beside a reader",
    expect: WRONG,
  },
];
