// A thread of the kill storm: a victim, which works until it is killed, or the survivor, which works on and checks what
// it sees until it is told to stop.

import { parentPort, workerData } from "node:worker_threads";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import { columns, type Row, textOf } from "../tables/threads.ts";
import { ACCOUNTS, accountKey, MONEY, moneyIn, operate, transfer } from "./tables-plan.ts";

interface Input {
  readonly table: TableHandle<string, Row>;
  /** Its number, or -1 for the survivor. */
  readonly victim: number;
  /** Two words a victim, operations begun and done; the first two are the survivor's: its operations, and stop. */
  readonly progress: SharedArrayBuffer;
}

const { table: handle, victim, progress } = workerData as Input;
const table = SharedTable.from(handle, { key: "string", columns });
const cells = new Int32Array(progress);

function beVictim(): never {
  const at = 2 * (victim + 1);
  parentPort?.postMessage("ready");
  for (let number = 0; ; number++) {
    Atomics.store(cells, at, number + 1);
    operate(table, victim, number);
    Atomics.store(cells, at + 1, number + 1);
  }
}

function fail(what: string): never {
  throw new Error(`the survivor found ${what}`);
}

function survive(): void {
  const model = new Map<string, string>();
  parentPort?.postMessage("ready");
  for (let i = 0; Atomics.load(cells, 1) === 0; i++) {
    Atomics.store(cells, 0, i + 1);
    const key = `survivor ${i % 100}`;
    if (table.get(key)?.text !== model.get(key)) fail(`another row than it wrote at ${key}`);
    if (i % 5 === 0) {
      table.delete(key);
      model.delete(key);
    } else {
      const text = textOf(key, (i * 31) % 600);
      table.set(key, { text, n: i, total: 0n });
      model.set(key, text);
    }
    transfer(table, "survivor", i % ACCOUNTS, (i * 3) % ACCOUNTS);
    if (table.get(accountKey(i % ACCOUNTS)) === undefined) fail("no account");
    if (i % 50 === 0 && moneyIn(table.snapshot()) !== ACCOUNTS * MONEY) fail("half of a transaction");
  }
  for (let i = 0; i < 100; i++) table.delete(`survivor ${i}`);
  table.delete("survivor");
}

if (victim >= 0) beVictim();
else survive();
