// Many rows at once: copied out under the locks, decoded after they are released, so that no lock is held while text is
// decoded or a caller's code runs.

import type { i32 } from "../cells/atomics.ts";
import type { TableCore } from "./core.ts";
import { Image } from "./image.ts";
import { decodeKey, decodeRow, rowWords } from "./row.ts";
import type { AnyRow, TableKey } from "./types.ts";
import { eachIndex, eachSlot } from "./walk.ts";

/** Private copies of rows of one table. */
export class RowCopies {
  readonly #core: TableCore;
  readonly #image: Image = new Image(1024);
  readonly #rows: i32[] = [];
  #end: i32 = 0;

  constructor(core: TableCore) {
    this.#core = core;
  }

  /** Copies all rows of a shard, whose lock the caller holds. */
  addShard(shard: i32): void {
    const { region, schema } = this.#core;
    const words = region.memory.words;
    eachIndex(words, shard, (index) => {
      eachSlot(words, index, (slot) => {
        const row = words[slot];
        const length = rowWords(schema, words, row);
        this.#image.copyIn(words, row, length, this.#end);
        this.#rows.push(this.#end);
        // Rows begin at 8 bytes, for the columns of 8 bytes.
        this.#end += (length + 1) & ~1;
      });
    });
  }

  get length(): number {
    return this.#rows.length;
  }

  key(number: number): TableKey {
    return decodeKey(this.#core.schema, this.#image, this.#rows[number]);
  }

  row(number: number): AnyRow {
    return decodeRow(this.#core.schema, this.#image, this.#rows[number]);
  }
}

/** The rows of one shard, copied under its lock. */
export function copyShard(core: TableCore, number: number): RowCopies {
  const copies = new RowCopies(core);
  const shard = core.shardAt(number);
  core.lock(shard);
  try {
    copies.addShard(shard);
  } finally {
    core.unlock(shard);
  }
  return copies;
}

/** All rows of several tables as they were at one moment, in the order of `cores`. Holds all their locks meanwhile. */
export function snapshotTables(cores: readonly TableCore[]): Map<TableKey, AnyRow>[] {
  // One order for everybody, or two snapshots could wait for each other; a table given twice is locked once.
  const distinct = [...new Map(cores.map((core) => [`${core.region.id}:${core.offset}`, core])).values()];
  distinct.sort((a, b) => (a.region.id === b.region.id ? a.offset - b.offset : a.region.id < b.region.id ? -1 : 1));
  const copies = new Map(cores.map((core) => [core, new RowCopies(core)]));
  let locked = 0;
  try {
    for (; locked < distinct.length; locked++) distinct[locked].lockAll();
    for (const [core, copy] of copies) {
      for (let number = 0; number < core.shardCount; number++) copy.addShard(core.shardAt(number));
    }
  } finally {
    while (locked > 0) distinct[--locked].unlockAll();
  }
  return cores.map((core) => toMap(copies.get(core) as RowCopies));
}

function toMap(copies: RowCopies): Map<TableKey, AnyRow> {
  const map = new Map<TableKey, AnyRow>();
  for (let number = 0; number < copies.length; number++) map.set(copies.key(number), copies.row(number));
  return map;
}
