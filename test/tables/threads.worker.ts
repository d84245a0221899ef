// One of many threads that use a table at once; what it does is told by its workerData.

import { parentPort } from "node:worker_threads";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import { data, finish, step } from "../support/watchdog.ts";
import { type Change, changeAt, columns, perform, textOf } from "./threads.ts";

interface Input {
  readonly task: string;
  readonly table: TableHandle<string, { text: string; n: number; total: bigint }>;
  readonly other: TableHandle;
  readonly keys: number;
  readonly rounds: number;
  /** Word 2 × index: operations begun; the next one: operations done. */
  readonly progress: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
}

const { task, table: handle, other, keys, rounds, progress, stop, index } = data<Input>();
const table = SharedTable.from(handle, { key: "string", columns });

function random(): (below: number) => number {
  let state = (index + 1) * 7919;
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x12345;
    return (state >>> 4) % below;
  };
}

/** get and add on shared keys: the sums must be exact. */
function count(): number {
  let seen = 0;
  for (let round = 0; round < rounds; round++) {
    step(`round ${round}`);
    for (let i = 0; i < keys; i++) {
      const key = `key ${(i * 7 + index * 131) % keys}`;
      if (table.get(key) !== undefined) seen++;
      table.add(key, "n", 1);
      table.add(key, "total", 1n);
    }
  }
  return seen;
}

/** Rows of its own, in every kind of change, against a Map. */
function disjoint(): number {
  const model = new Map<string, string>();
  const next = random();
  for (let i = 0; i < rounds; i++) {
    step(`operation ${i}`);
    const key = `${index}/${next(keys)}`;
    const before = model.get(key);
    const read = table.get(key)?.text;
    if (read !== before) throw new Error(`${key}: read ${read?.length} characters, wrote ${before?.length}`);
    if (next(3) === 0) {
      if (table.delete(key) !== model.delete(key)) throw new Error(`${key}: deletion`);
    } else {
      const text = textOf(key, next(300));
      table.set(key, { text, n: i, total: 0n });
      model.set(key, text);
    }
  }
  for (const [key, text] of model) if (table.get(key)?.text !== text) throw new Error(`${key}: lost`);
  return model.size;
}

/** Rows that agree with themselves only if they are whole. */
function write(): number {
  const next = random();
  for (let i = 0; i < rounds; i++) {
    step(`write ${i}`);
    const key = `key ${next(keys)}`;
    const n = next(2000);
    if (next(5) === 0) table.delete(key);
    else table.set(key, { text: textOf(key, n), n, total: BigInt(n) * 1_000_000_007n });
  }
  return rounds;
}

function read(): number {
  const next = random();
  let seen = 0;
  for (let i = 0; i < rounds; i++) {
    step(`read ${i}`);
    const key = `key ${next(keys)}`;
    const row = table.get(key);
    if (row === undefined) continue;
    seen++;
    if (row.text !== textOf(key, row.n) || row.total !== BigInt(row.n) * 1_000_000_007n) {
      throw new Error(`${key}: half a row: ${JSON.stringify({ ...row, total: String(row.total) })}`);
    }
  }
  return seen;
}

/** Counts in one row, then in a second one, then in another table: at every moment the first is ahead. */
function follow(): number {
  const next = random();
  const cell = new Int32Array(stop);
  const follower = SharedTable.from(other, { key: "i32", columns: { n: "u32" } });
  let followed = 0;
  while (Atomics.load(cell, 0) === 0) {
    step("following");
    const pair = next(keys);
    table.add(`first ${pair}`, "n", 1);
    table.add(`second ${pair}`, "n", 1);
    follower.add(pair, "n", 1);
    followed++;
  }
  return followed;
}

/** Adds to both halves of a 64-bit number at once, or looks that they agree. */
function halves(): number {
  let seen = 0;
  for (let i = 0; i < rounds; i++) {
    step(`halves ${i}`);
    const key = `half ${i % 2}`;
    if (index % 2 === 0) table.add(key, "total", 0x1_0000_0001n);
    const total = table.get(key)?.total ?? 0n;
    if (total >> 32n !== (total & 0xffff_ffffn)) throw new Error(`half a number: ${total.toString(16)}`);
    if (total !== 0n) seen++;
  }
  return seen;
}

/** The first row of each key wins, and everybody gets it. */
function agree(): string[] {
  const won: string[] = [];
  for (let i = 0; i < keys; i++) {
    step(`key ${i}`);
    won.push(table.getOrInsert(`key ${i}`, { text: `from ${index}`, n: index, total: 0n }).text);
  }
  return won;
}

/** Versions let each row be taken by exactly one thread, whichever way it takes it. */
function claim(): number {
  let claimed = 0;
  for (let i = 0; i < keys; i++) {
    step(`claim ${i}`);
    const key = `key ${(i * 7 + index * 13) % keys}`;
    if (index % 2 === 0) {
      if (table.take(key) !== undefined) claimed++;
      continue;
    }
    const found = table.getWithVersion(key);
    if (found !== undefined && table.compareAndDelete(key, found.version)) claimed++;
  }
  return claimed;
}

/** Moves money from one row to another, in one transaction, while half of the threads read the pairs and snapshots. */
function transfer(): number {
  const next = random();
  let moved = 0;
  for (let i = 0; i < rounds; i++) {
    step(`transfer ${i}`);
    const from = `account ${next(keys)}`;
    const to = `account ${next(keys)}`;
    if (index % 2 === 0) {
      table.transaction([from, to], (tx) => {
        const [payer, payee] = [tx.get(from), tx.get(to)];
        if (payer === undefined || payee === undefined || from === to) return;
        tx.set(from, { ...payer, n: payer.n - 5 }).set(to, { ...payee, n: payee.n + 5 });
        moved++;
      });
      continue;
    }
    if (i % 10 !== 0) {
      // What is read first is not newer than what is read then: a transaction shows everywhere at once.
      const log = [table.get("log a")?.n ?? 0, table.get("log b")?.n ?? 0];
      if (log[0] > log[1]) throw new Error(`half of a transaction: ${log.join(", ")}`);
      table.transaction(["log a", "log b"], (tx) => {
        const row = tx.get("log a") ?? { text: "", n: 0, total: 0n };
        if (row.n !== (tx.get("log b")?.n ?? 0)) throw new Error("half of a transaction");
        for (const key of ["log a", "log b"]) tx.set(key, { ...row, n: row.n + 1 });
      });
      continue;
    }
    let sum = 0;
    for (const [key, row] of table.snapshot()) if (key.startsWith("account")) sum += row.n;
    if (sum !== keys * 1000) throw new Error(`${sum} in all accounts`);
  }
  return moved;
}

/** Reads and writes until the table is freed; the code of the error that tells. */
function untilClosed(): string {
  try {
    for (let i = 0; ; i++) {
      step(`operation ${i}`);
      table.add(`key ${i % keys}`, "n", 1);
      table.get(`key ${(i * 7) % keys}`);
      if (i === 100) parentPort?.postMessage("ready");
    }
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** A deterministic run of changes on rows of its own, until it is killed. */
function die(): never {
  const cell = new Int32Array(progress);
  parentPort?.postMessage("ready");
  for (let number = 0; ; number++) {
    const change: Change = changeAt(index, number, keys);
    Atomics.store(cell, 2 * index, number + 1);
    perform(table, change);
    Atomics.store(cell, 2 * index + 1, number + 1);
  }
}

const tasks: Record<string, () => unknown> = {
  transfer,
  untilClosed,
  halves,
  agree,
  claim,
  count,
  disjoint,
  write,
  read,
  follow,
  die,
};
finish(tasks[task]());
