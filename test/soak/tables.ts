// The kill storm over tables: threads that do nothing but change a table are killed at any moment, hundreds of them, one
// after another and several at once, beside one that lives. After each death the rows of the dead are compared with an
// oracle; at the end the memory must be as it was at the start.
//
//   node dist/test/soak/tables.js [--kills 1000] [--json]

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { KIND_SCRATCH } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { columns, type Row } from "../tables/threads.ts";
import { ACCOUNTS, accountKey, expected, keysOf, MONEY, moneyIn, type Rows } from "./tables-plan.ts";

export interface StormOptions {
  /** Victims to kill in mid-operation. */
  readonly kills: number;
  /** Victims at a time. */
  readonly threads?: number;
  /** Milliseconds without progress of the survivor after which it counts as blocked. */
  readonly patienceMs?: number;
}

export interface StormResult {
  readonly kills: number;
  readonly operations: number;
  /** 1 if the survivor made no progress for too long. */
  readonly survivorsBlocked: number;
  /** What was not as the oracle has it, or what check() found: one sentence each. */
  readonly mismatches: readonly string[];
  /** Bytes of the region in use after everything was deleted, beyond those before the first thread. */
  readonly leakedBytes: number;
  readonly seconds: number;
}

const file = new URL("./tables.worker.js", import.meta.url);

class Storm {
  readonly #table: Rows;
  readonly #progress: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #options: Required<StormOptions>;
  readonly #mismatches: string[] = [];
  #started = 0;
  #kills = 0;
  #operations = 0;

  constructor(options: StormOptions) {
    this.#options = { threads: 3, patienceMs: 20_000, ...options };
    this.#table = new SharedTable({ region: Region.create(), key: "string", columns, capacity: 8 });
    // A thread that is killed between two operations does not count, so there may be more victims than kills.
    this.#progress = new SharedArrayBuffer(8 * (3 * this.#options.kills + 200));
    this.#cells = new Int32Array(this.#progress);
  }

  async run(): Promise<StormResult> {
    const begun = performance.now();
    const table = this.#table;
    const { bytesUsed } = table.region.stats();
    for (let i = 0; i < ACCOUNTS; i++) table.set(accountKey(i), { text: "", n: MONEY, total: 0n });
    const survivor = this.#startSurvivor();
    const watch = this.#watchSurvivor();
    await Promise.all(Array.from({ length: this.#options.threads }, () => this.#killOn()));
    Atomics.store(this.#cells, 1, 1);
    const blocked = await Promise.race([survivor.then(() => 0), watch.blocked.then(() => 1)]);
    watch.end();
    this.#operations += this.#cells[0];
    this.#checkEnd();
    table.clear();
    const scratch = table.region.taggedBlocks(KIND_SCRATCH, 0).length;
    if (scratch > this.#options.threads + 2) this.#mismatches.push(`${scratch} scratch areas`);
    return {
      kills: this.#kills,
      operations: this.#operations,
      survivorsBlocked: blocked,
      mismatches: this.#mismatches,
      leakedBytes: table.region.stats().bytesUsed - bytesUsed - (scratch - 1) * this.#scratchBytes(),
      seconds: (performance.now() - begun) / 1000,
    };
  }

  /** Kills one victim after another. */
  async #killOn(): Promise<void> {
    const limit = this.#cells.length / 2 - 2;
    while (this.#kills < this.#options.kills && this.#started < limit) await this.#killOne(this.#started++);
  }

  async #killOne(victim: number): Promise<void> {
    const worker = this.#start(victim);
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.once("error", (error) => this.#mismatches.push(`victim ${victim}: ${error.message}`));
    worker.once("message", () => setTimeout(() => void worker.terminate(), (victim * 13) % 17));
    await ended;
    this.#checkVictim(victim);
  }

  #start(victim: number): Worker {
    return new Worker(file, { workerData: { table: this.#table.share(), victim, progress: this.#progress } });
  }

  #checkVictim(victim: number): void {
    const [begun, done] = this.#cells.subarray(2 * (victim + 1), 2 * (victim + 2));
    this.#operations += done;
    if (begun > done) this.#kills++;
    const before = expected(victim, done);
    const after = expected(victim, begun);
    const found = new Map<string, Row>();
    for (const key of keysOf(victim)) {
      const row = this.#table.get(key);
      if (row !== undefined) found.set(key, row);
    }
    if (!same(found, before) && !same(found, after)) {
      this.#mismatches.push(`victim ${victim}: its rows are not those after ${done} or ${begun} operations`);
    }
    for (const key of keysOf(victim)) this.#table.delete(key);
    if (victim % 50 === 49) this.#mismatches.push(...this.#table.check().problems);
  }

  #checkEnd(): void {
    this.#mismatches.push(...this.#table.check().problems);
    const rows = this.#table.snapshot();
    if (rows.size !== ACCOUNTS) this.#mismatches.push(`${rows.size} rows are left, not ${ACCOUNTS}`);
    if (moneyIn(rows) !== ACCOUNTS * MONEY) this.#mismatches.push(`${moneyIn(rows)} in all accounts`);
  }

  #startSurvivor(): Promise<void> {
    const worker = this.#start(-1);
    return new Promise((resolve) => {
      worker.once("error", (error) => this.#mismatches.push(error.message));
      worker.once("exit", () => resolve());
    });
  }

  /** Notices when the survivor makes no progress. */
  #watchSurvivor(): { blocked: Promise<void>; end: () => void } {
    let seen = -1;
    let timer: NodeJS.Timeout | undefined;
    const blocked = new Promise<void>((resolve) => {
      timer = setInterval(() => {
        const now = Atomics.load(this.#cells, 0);
        if (now === seen) resolve();
        seen = now;
      }, this.#options.patienceMs);
    });
    return { blocked, end: () => clearInterval(timer) };
  }

  #scratchBytes(): number {
    const region = Region.create();
    const { bytesUsed } = region.stats();
    new SharedTable({ region, key: "i32", columns: {} }).free();
    return region.stats().bytesUsed - bytesUsed;
  }
}

function same(a: Map<string, Row>, b: Map<string, Row>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, row] of a) {
    const other = b.get(key);
    if (other === undefined || other.text !== row.text || other.n !== row.n || other.total !== row.total) return false;
  }
  return true;
}

/** Kills `kills` threads in the middle of changes of a table. */
export async function killStorm(options: StormOptions): Promise<StormResult> {
  return await new Storm(options).run();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { kills: { type: "string", default: "1000" }, json: { type: "boolean", default: false } },
  });
  const result = await killStorm({ kills: Number(values.kills) });
  console.log(values.json ? JSON.stringify(result) : result);
  const failed = result.mismatches.length > 0 || result.survivorsBlocked > 0 || result.leakedBytes !== 0;
  process.exit(failed ? 1 : 0);
}
