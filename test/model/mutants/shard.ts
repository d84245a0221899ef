// Broken versions of a table's shard: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const file = "tables/shard.js";
const WRONG: Mutant["expect"] = ["exception", "final"];

export const shardMutants: readonly Mutant[] = [
  {
    name: "shard: a change in place leaves the version as it is",
    file,
    find: "export function beginInPlace(words, shard, row) {\n    beginChange(words, shard);",
    replace: "export function beginInPlace(words, shard, row) {\n    add(words, shard + S_VERSION, -1);",
    model: "shard: a number changes in place beside a cached row",
    expect: WRONG,
  },
  {
    name: "shard: a deletion leaves the version as it is",
    file,
    find: "    words[shard + S_COUNT] -= 1;\n    markGone(words, row);\n    endChange(words, shard);",
    replace: "    words[shard + S_COUNT] -= 1;\n    add(words, shard + S_VERSION, -1);",
    model: "shard: a row is deleted and its memory used at once",
    expect: WRONG,
  },
  {
    name: "shard: a row leaves the old index before it is in the new one",
    file,
    find: "placeRow(words, index, hash, row);\n        // A",
    replace: "clearSlot(words, old, slot); placeRow(words, index, hash, row); continue;\n        // A",
    model: "shard: rows move to a larger index",
    expect: WRONG,
  },
  {
    name: "shard: a row moves and the version stays",
    file,
    find: "add(words, shard + S_VERSION, 2);\n        clearSlot",
    replace: "clearSlot",
    model: "shard: rows move to a larger index",
    expect: WRONG,
  },
  {
    name: "shard: a row is replaced after the version says that it was",
    file,
    find: "store(words, slot, row);\n    markGone(words, before);\n    endChange(words, shard);",
    replace: "endChange(words, shard);\n    store(words, slot, row);",
    model: "shard: a row is replaced beside a cached one",
    expect: WRONG,
  },
  {
    name: "shard: a row that was replaced is not marked",
    file,
    find: "store(words, slot, row);\n    markGone(words, before);",
    replace: "store(words, slot, row);",
    model: "shard: a row is replaced beside a cached one",
    expect: WRONG,
  },
  {
    name: "shard: a row that was replaced is marked after the version says that it was",
    file,
    find: "markGone(words, before);\n    endChange(words, shard);",
    replace: "endChange(words, shard);\n    markGone(words, before);",
    model: "shard: a row is replaced beside a reader and a cached one",
    expect: WRONG,
  },
  {
    name: "shard: a repair leaves the epoch",
    file: "tables/recover.js",
    find: "nextEpoch(memory.words, shard);",
    replace: "",
    model: "shard: a writer dies beside a cached row",
    expect: WRONG,
  },
  {
    name: "shard: a repaired shard stays closed to readers",
    file: "tables/recover.js",
    find: "giveBackUnlinked(region, shard);\n    add(words, shard + S_VERSION, 1);",
    replace: "giveBackUnlinked(region, shard);",
    model: "shard: a writer dies",
    expect: WRONG,
  },
  {
    name: "shard: a reader does not validate",
    file: "protocols/table-read.js",
    find: "if (cas(words, shard + S_VERSION, version, version) !== version)",
    replace: "if (load(words, shard + S_VERSION) === 0)",
    model: "shard: a row is deleted and its memory used at once",
    expect: WRONG,
  },
];
